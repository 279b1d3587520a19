#!lua
--[[ Take the locks of one request after the other, each request all or nothing, and read what it wants under them.
  Safe to repeat with the same nonce: a lock of one's own counts as free.
  KEYS[1] meta (hash)  KEYS[2] holders (hash)  further KEYS: the hashes that the queries point at
  ARGV[1] time to live in milliseconds  ARGV[2] packed list of requests {nonce, world ids, query}, the query as
  includes/reading.lua describes it
  Returns {revision, hash, one answer per request}; an answer is {1, fences, answer to the query},
  or {-8, milliseconds until the last of the locks in the way expires}. ]]
--@include numbers
--@include hashes
--@include holders
--@include reading
local time, holders = now(), hashAt(KEYS[2])
local heldUntil = text(time + tonumber(ARGV[1]))

local function blockedFor(worlds, ownNonce)
  local blocked = 0
  for _, world in ipairs(worlds) do
    local _, nonce, untilMs = holderOf(holders.values[world])
    if nonce ~= ownNonce then blocked = math.max(blocked, untilMs - time) end
  end
  return blocked
end

local function acquire(nonce, worlds, query)
  local blocked = blockedFor(worlds, nonce)
  if blocked > 0 then return { -8, blocked } end
  local fences = {}
  for i, world in ipairs(worlds) do
    local fence = holderOf(holders.values[world]) + 1
    fences[i] = text(fence)
    set(holders, world, titleOf(fence, nonce) .. heldUntil)
  end
  return { 1, fences, answerQuery(query) }
end

local requests, answers = cmsgpack.unpack(ARGV[2]), {}
for _, request in ipairs(requests) do
  for _, world in ipairs(request[2]) do want(holders, world) end
  wantQuery(request[3])
end
loadHashes()
for i, request in ipairs(requests) do answers[i] = acquire(request[1], request[2], request[3]) end
-- Taking a lock waits for no disk and no replica: a commit under it writes its fence down. After a crash the lock is
-- gone, and commits of who held it are refused for the nonce; a fence that no commit saw may be given out again.
redis.set_repl(redis.REPL_NONE)
writeHashes()
local head = redis.call("HMGET", KEYS[1], "revision", "hash")
return { head[1], head[2], answers }
