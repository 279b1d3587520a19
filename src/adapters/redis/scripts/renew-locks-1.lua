#!lua
--[[ Prolong all locks of a holder, if they are still his.
  KEYS[1] holders (hash)
  ARGV[1] nonce  ARGV[2] time to live in milliseconds  ARGV[3…] world ids
  Returns 1; -9 when one of them expired or has another holder. ]]
--@include numbers
--@include hashes
--@include holders
local holders, time = hashAt(KEYS[1]), now()
for i = 3, #ARGV do want(holders, ARGV[i]) end
loadHashes()
for i = 3, #ARGV do
  local fence, nonce, untilMs = holderOf(holders.values[ARGV[i]])
  if nonce ~= ARGV[1] or untilMs <= time then return -9 end
  set(holders, ARGV[i], titleOf(fence, nonce) .. text(time + tonumber(ARGV[2])))
end
writeHashes()
return 1
