#!lua flags=no-writes
--[[ Find a claimed run.
  KEYS[1] run claims (hash)  KEYS[2] run documents (hash)
  ARGV[1] run id
  Returns {fingerprint or false, document or false}. ]]
return { redis.call("HGET", KEYS[1], ARGV[1]), redis.call("HGET", KEYS[2], ARGV[1]) }
