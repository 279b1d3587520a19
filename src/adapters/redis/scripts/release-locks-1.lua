#!lua
--[[ Give back the locks that are still the holder's. Safe to repeat.
  KEYS[1] holders (hash)
  ARGV[1] nonce  ARGV[2…] world ids
  Returns 1. ]]
--@include numbers
--@include hashes
--@include holders
local holders = hashAt(KEYS[1])
for i = 2, #ARGV do want(holders, ARGV[i]) end
loadHashes()
for i = 2, #ARGV do
  local fence, nonce = holderOf(holders.values[ARGV[i]])
  if nonce == ARGV[1] then set(holders, ARGV[i], titleOf(fence, nonce) .. "0") end
end
writeHashes()
return 1
