#!lua
--[[ Give a book that was restored from a copy a store id of its own, so that cursors of the lost history are refused.
  KEYS[1] meta (hash)
  ARGV[1] random store id
  Returns {1, ARGV[1]}; {-5} when there is no such book. ]]
if redis.call("EXISTS", KEYS[1]) == 0 then return { -5 } end
redis.call("HSET", KEYS[1], "store_id", ARGV[1])
return { 1, ARGV[1] }
