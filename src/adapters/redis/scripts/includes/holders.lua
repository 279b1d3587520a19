--[[ Who holds a world: "<fence> <nonce> <until>" in one hash, `until` in milliseconds of the server's clock, 0 once given
  back. The entry stays for ever, so that an expired lock never resets its fence. "<fence> <nonce> " is the title of one
  acquisition. ]]
local function now()
  local time = redis.call("TIME")
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- fence (number), nonce, until (number)
local function holderOf(stored)
  if not stored then return 0, "", 0 end
  local fence, nonce, untilMs = string.match(stored, "^(%d+) (%x+) (%d+)$")
  return tonumber(fence), nonce, tonumber(untilMs)
end

local function isTitled(stored, title)
  return stored and string.sub(stored, 1, #title) == title
end

local function titleOf(fence, nonce)
  return text(fence) .. " " .. nonce .. " "
end
