#!lua
--[[ Take the locks of one request after the other, each request all or nothing, and read what it wants under them.
  Safe to repeat with the same nonce: a lock of one's own counts as free.
  KEYS[1] meta (hash)  KEYS[2] fences (hash)  further KEYS: locks (strings) and hashes that ARGV points at
  ARGV[1] number of requests, then for each: nonce, time to live in milliseconds, number of worlds, for each world its
  id and lock key, then the query as includes/reading.lua takes it
  Returns {revision, hash, one answer per request}; an answer is {1, fences, {documents, collections, total}},
  or {-8, milliseconds until the lock that is in the way expires}. ]]
--@include arguments
--@include numbers
--@include reading

-- The longest time to live among foreign locks, or nil when all are free.
local function blockedFor(lockKeys, nonce)
  local blocked
  for _, key in ipairs(lockKeys) do
    local owner = redis.call("GET", key)
    if owner and owner ~= nonce then
      blocked = math.max(blocked or 0, redis.call("PTTL", key))
    end
  end
  return blocked
end

local function lock(worlds, lockKeys, nonce, ttl)
  local fences = {}
  for i, world in ipairs(worlds) do
    -- Fences have no time limit, so that a lock that expires never resets one.
    local last = redis.call("HGET", KEYS[2], world)
    fences[i] = text((last and tonumber(string.match(last, "^%d+")) or 0) + 1)
    redis.call("SET", lockKeys[i], nonce, "PX", ttl)
    redis.call("HSET", KEYS[2], world, fences[i] .. " " .. nonce)
  end
  return fences
end

local function acquire()
  local nonce, ttl, worlds, lockKeys = take(), take(), {}, {}
  for i = 1, takeNumber() do
    worlds[i] = take()
    lockKeys[i] = takeKey()
  end
  local blocked = blockedFor(lockKeys, nonce)
  if blocked then
    readQuery()
    return { -8, blocked }
  end
  local fences = lock(worlds, lockKeys, nonce, ttl)
  return { 1, fences, readQuery() }
end

local answers = {}
for i = 1, takeNumber() do
  answers[i] = acquire()
end
local head = redis.call("HMGET", KEYS[1], "revision", "hash")
return { head[1], head[2], answers }
