--[[ Whole numbers as text, to 2^53: Lua's own conversion writes 1e+14 from fifteen digits on. ]]
local function text(number)
  return string.format("%.0f", number)
end
