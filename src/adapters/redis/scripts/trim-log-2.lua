#!lua
--[[ Move the floor of the log up and drop the entries up to it, in one step. Never down, never beyond the head.
  KEYS[1] meta (hash)  KEYS[2] log (stream)
  ARGV[1] revision of the new floor
  Returns {store id, revision, hash, floor, floor hash} as they are afterwards. ]]
local meta = redis.call("HMGET", KEYS[1], "store_id", "revision", "hash", "floor", "floor_hash")
local floor = math.min(tonumber(ARGV[1]), tonumber(meta[2] or "0"))
if floor > tonumber(meta[4] or "0") then
  local id = string.format("%.0f", floor)
  local entry = redis.call("XRANGE", KEYS[2], id .. "-0", id .. "-0")[1]
  meta[4], meta[5] = id, entry[2][2]
  redis.call("XTRIM", KEYS[2], "MINID", "=", string.format("%.0f", floor + 1))
  redis.call("HSET", KEYS[1], "floor", meta[4], "floor_hash", meta[5])
end
return meta
