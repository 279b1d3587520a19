#!lua
--[[ Open a book; the first one to do so names its history.
  KEYS[1] meta (hash)
  ARGV[1] newest schema version the caller knows  ARGV[2] random store id, used if the book is new
  Returns {1, store id}; {-6, schema version} when a newer program wrote the book. ]]
local schema = redis.call("HGET", KEYS[1], "schema")
if schema then
  if tonumber(schema) > tonumber(ARGV[1]) then return { -6, schema } end
  -- A write even so: on a replica, or with too few replicas, opening must fail and not the first commit.
  redis.call("HSET", KEYS[1], "schema", ARGV[1])
  return { 1, redis.call("HGET", KEYS[1], "store_id") }
end
redis.call("HSET", KEYS[1], "schema", ARGV[1], "store_id", ARGV[2], "revision", "0", "hash", "", "floor", "0", "floor_hash", "")
return { 1, ARGV[2] }
