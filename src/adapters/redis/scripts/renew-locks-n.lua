#!lua
--[[ Prolong all locks of a holder, if he still has all of them.
  KEYS the locks (strings)
  ARGV[1] nonce  ARGV[2] time to live in milliseconds
  Returns 1; -9 when one of them expired or belongs to another. ]]
for _, key in ipairs(KEYS) do
  if redis.call("GET", key) ~= ARGV[1] then return -9 end
end
for _, key in ipairs(KEYS) do
  redis.call("PEXPIRE", key, ARGV[2])
end
return 1
