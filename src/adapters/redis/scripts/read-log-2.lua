#!lua flags=no-writes
--[[ Read log entries behind a revision.
  KEYS[1] meta (hash)  KEYS[2] log (stream)
  ARGV[1] revision  ARGV[2] how many at most
  Returns {1, entries}; {-7, floor} when the revision is below the floor. ]]
local floor = tonumber(redis.call("HGET", KEYS[1], "floor") or "0")
if tonumber(ARGV[1]) < floor then return { -7, string.format("%.0f", floor) } end
return { 1, redis.call("XRANGE", KEYS[2], "(" .. ARGV[1] .. "-0", "+", "COUNT", ARGV[2]) }
