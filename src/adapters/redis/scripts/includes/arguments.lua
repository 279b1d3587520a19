--[[ Reads ARGV in order. Counted lists only: no text of a user is ever split or parsed. ]]
local position = 0

local function take()
  position = position + 1
  return ARGV[position]
end

local function takeNumber()
  return tonumber(take())
end

local function takeKey()
  return KEYS[tonumber(take())]
end
