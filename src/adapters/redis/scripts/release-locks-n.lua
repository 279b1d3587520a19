#!lua
--[[ Give back the locks that are still the holder's. Safe to repeat.
  KEYS the locks (strings)
  ARGV[1] nonce
  Returns how many were given back. ]]
--@include locks
local released = 0
for _, key in ipairs(KEYS) do
  released = released + releaseLock(key, ARGV[1])
end
return released
