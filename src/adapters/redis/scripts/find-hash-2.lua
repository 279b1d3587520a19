#!lua flags=no-writes
--[[ Find the chain hash of a commit.
  KEYS[1] meta (hash)  KEYS[2] log (stream)
  ARGV[1] revision
  Returns the hash; false when the revision is neither the floor nor in the log. ]]
local floor = redis.call("HMGET", KEYS[1], "floor", "floor_hash")
if floor[1] == ARGV[1] then return floor[2] end
local entries = redis.call("XRANGE", KEYS[2], ARGV[1] .. "-0", ARGV[1] .. "-0")
if not entries[1] then return false end
-- The first field of an entry is its hash.
return entries[1][2][2]
