--[[ Compare-and-delete: a lock that another holder took meanwhile stays his. ]]
local function releaseLock(key, nonce)
  if redis.call("GET", key) == nonce then return redis.call("DEL", key) end
  return 0
end
