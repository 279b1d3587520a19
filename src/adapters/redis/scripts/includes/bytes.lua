--[[ Byte order. Lua's own < follows the server's locale. ]]
local function bytesLess(left, right)
  for i = 1, math.min(#left, #right) do
    local a, b = string.byte(left, i), string.byte(right, i)
    if a ~= b then return a < b end
  end
  return #left < #right
end
