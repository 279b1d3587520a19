--[[ Hashes read with one command for a whole batch and written with one: first every field that may matter is wanted,
  then all are loaded, then the batch works on the values, then what it changed is written. ]]
local MOST_ARGUMENTS = 4000 -- of one command: Lua's stack holds no more than 8,000
local hashes, hashList = {}, {}

local function hashAt(key)
  local hash = hashes[key]
  if not hash then
    hash = { key = key, values = {}, wanted = {}, changed = {} }
    hashes[key] = hash
    hashList[#hashList + 1] = hash
  end
  return hash
end

local function want(hash, field)
  if hash.values[field] == nil then
    hash.values[field] = false
    hash.wanted[#hash.wanted + 1] = field
  end
end

local function loadHashes()
  for _, hash in ipairs(hashList) do
    local wanted, values = hash.wanted, hash.values
    for first = 1, #wanted, MOST_ARGUMENTS do
      local last = math.min(first + MOST_ARGUMENTS - 1, #wanted)
      local loaded = redis.call("HMGET", hash.key, unpack(wanted, first, last))
      for i = 1, #loaded do
        values[wanted[first + i - 1]] = loaded[i]
      end
    end
  end
end

-- `value` is text, or false for a field that shall be gone.
local function set(hash, field, value)
  hash.values[field] = value
  hash.changed[field] = true
end

local function callInParts(command, key, arguments)
  for first = 1, #arguments, MOST_ARGUMENTS do
    redis.call(command, key, unpack(arguments, first, math.min(first + MOST_ARGUMENTS - 1, #arguments)))
  end
end

local function writeHashes()
  for _, hash in ipairs(hashList) do
    local puts, gone = {}, {}
    for field in pairs(hash.changed) do
      local value = hash.values[field]
      if value then
        puts[#puts + 1] = field
        puts[#puts + 1] = value
      else
        gone[#gone + 1] = field
      end
    end
    callInParts("HSET", hash.key, puts)
    callInParts("HDEL", hash.key, gone)
  end
end
