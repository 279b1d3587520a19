#!lua
--[[ Commit requests one after the other; each is checked on its own and written whole or not at all. Per request:
  run claim, lease (nonce and fence of every world), expectations, budget; then log entry, head, documents, budget,
  claim, audit, release. All checks of all requests come before the first write: a script has no rollback.
  KEYS[1] meta (hash)  KEYS[2] log (stream)  KEYS[3] run claims (hash)  KEYS[4] world sequences (hash)
  KEYS[5] holders (hash)  KEYS[6] run documents (hash)  KEYS[7] budget totals (hash)  further KEYS, that the requests
  point at: collections (hashes), indexes of collections (sorted sets), members of a budget (hash), audit logs (streams)
  ARGV[1] store id  ARGV[2] "1": leave a trace in the replication stream for replays, so that WAIT covers them
  ARGV[3] packed: {indexes of collections, as includes/documents.lua describes them, requests}; a request is a list of
    1 run id ("" = no claim)  2 fingerprint
    3 worlds of the lease: id, title ("<fence> <nonce> "), id, title …  4 "1" to give the lease back
    5 documents: collection key, id, expected version ("" = any), "put", "delete" or "keep", body, key, id, …
    6 budget ("" = none)  7 key of its members  8 limit of its total  9 changes: member, units, member, units …
    10 events payload  11 its digest  12 world of each event  13 audit: stream key, body, key, body …
  Keys are positions in KEYS.
  Returns one answer per request: {1, revision, hash, sequences}; {-1, run document} replayed;
  {-2, fingerprint, run document} run id reused; {-3, world id} fenced; {-4, number of the document, version} stale;
  {-10, total} over budget; or {-5} instead of all: the book is not the one the caller opened. ]]
--@include numbers
--@include hashes
--@include holders
--@include documents
local RUN_ID, FINGERPRINT, WORLDS, GIVES_BACK, DOCS = 1, 2, 3, 4, 5
local BUDGET, MEMBERS, LIMIT, CHANGES, PAYLOAD, DIGEST, EVENTS, AUDIT = 6, 7, 8, 9, 10, 11, 12, 13

local META, LOG = KEYS[1], KEYS[2]
local claims, sequences, holders, runs, totals =
  hashAt(KEYS[3]), hashAt(KEYS[4]), hashAt(KEYS[5]), hashAt(KEYS[6]), hashAt(KEYS[7])

local head = redis.call("HMGET", META, "store_id", "revision", "hash")
if head[1] ~= ARGV[1] then return { -5 } end
local revision, hash = tonumber(head[2]), head[3]

local function wantAll(request)
  if request[RUN_ID] ~= "" then
    want(claims, request[RUN_ID])
    want(runs, request[RUN_ID])
  end
  for i = 1, #request[WORLDS], 2 do want(holders, request[WORLDS][i]) end
  local docs, changes, events = request[DOCS], request[CHANGES], request[EVENTS]
  for i = 1, #docs, 5 do want(collectionAt(docs[i]).hash, docs[i + 1]) end
  for i = 1, #events do want(sequences, events[i]) end
  if request[BUDGET] == "" then return end
  want(totals, request[BUDGET])
  for i = 1, #changes, 2 do want(hashAt(KEYS[request[MEMBERS]]), changes[i]) end
end

-- The refusal or replay of a claimed run, nil for a new one.
local function claimAnswer(request)
  local claimed = request[RUN_ID] ~= "" and claims.values[request[RUN_ID]]
  if not claimed then return nil end
  local run = runs.values[request[RUN_ID]]
  if claimed == request[FINGERPRINT] then return { -1, run } end
  return { -2, claimed, run }
end

-- Equality, not order: after a failover numbers may be issued again, a nonce never is.
local function fencedAnswer(worlds)
  for i = 1, #worlds, 2 do
    if not isTitled(holders.values[worlds[i]], worlds[i + 1]) then return { -3, worlds[i] } end
  end
end

local function staleAnswer(docs)
  for i = 1, #docs, 5 do
    local expected = docs[i + 2]
    if expected ~= "" then
      local version = versionAndCreated(collectionAt(docs[i]).hash.values[docs[i + 1]])
      if expected ~= version then return { -4, text((i + 4) / 5), version } end
    end
  end
end

local function totalAfter(request)
  local total = tonumber(totals.values[request[BUDGET]] or "0")
  local changes, members = request[CHANGES], hashAt(KEYS[request[MEMBERS]])
  for i = 1, #changes, 2 do
    total = total + tonumber(changes[i + 1]) - tonumber(members.values[changes[i]] or "0")
  end
  return total
end

-- Whole numbers up to 2^53 are exact here, and the limit is never above 2^53 - 1.
local function overBudgetAnswer(request)
  if request[BUDGET] == "" then return nil end
  local total = totalAfter(request)
  if total > tonumber(request[LIMIT]) then return { -10, text(total) } end
end

local function applyBudget(request)
  if request[BUDGET] == "" then return end
  set(totals, request[BUDGET], text(totalAfter(request)))
  local changes, members = request[CHANGES], hashAt(KEYS[request[MEMBERS]])
  for i = 1, #changes, 2 do set(members, changes[i], changes[i + 1]) end
end

local function release(request)
  if request[GIVES_BACK] ~= "1" then return end
  local worlds = request[WORLDS]
  for i = 1, #worlds, 2 do
    if isTitled(holders.values[worlds[i]], worlds[i + 1]) then set(holders, worlds[i], worlds[i + 1] .. "0") end
  end
end

-- From here on whoever comes later, after a crash too, has a higher fence.
local function keepFences(request)
  local worlds = request[WORLDS]
  for i = 1, #worlds, 2 do set(holders, worlds[i], holders.values[worlds[i]]) end
end

local function nextSequences(events)
  local numbers = {}
  for i = 1, #events do
    numbers[i] = text(tonumber(sequences.values[events[i]] or "0") + 1)
    set(sequences, events[i], numbers[i])
  end
  return table.concat(numbers, ",")
end

local commits = {}

local function apply(request)
  local joined = nextSequences(request[EVENTS])
  local previous = hash
  revision = revision + 1
  local version = text(revision)
  hash = redis.sha1hex(previous .. "|" .. version .. "|" .. request[DIGEST] .. "|" .. joined)
  local docs = request[DOCS]
  for i = 1, #docs, 5 do applyDocument(collectionAt(docs[i]), docs[i + 1], docs[i + 3], docs[i + 4], version) end
  applyBudget(request)
  if request[RUN_ID] ~= "" then set(claims, request[RUN_ID], request[FINGERPRINT]) end
  keepFences(request)
  release(request)
  commits[#commits + 1] = { version = version, previous = previous, hash = hash, joined = joined, request = request }
  return { 1, version, hash, joined }
end

local replayed = false

local function decide(request)
  local answer = claimAnswer(request)
  if not answer then
    return fencedAnswer(request[WORLDS]) or staleAnswer(request[DOCS]) or overBudgetAnswer(request) or apply(request)
  end
  if answer[1] == -1 then
    release(request)
    replayed = true
  end
  return answer
end

-- The log first: it is the only write that could be refused.
local function write()
  for _, commit in ipairs(commits) do
    redis.call("XADD", LOG, commit.version .. "-0", "h", commit.hash, "p", commit.previous, "s", commit.joined,
      "e", commit.request[PAYLOAD])
  end
  if #commits > 0 or (replayed and ARGV[2] == "1") then
    redis.call("HSET", META, "revision", text(revision), "hash", hash)
  end
  writeHashes()
  writeIndexes()
  for _, commit in ipairs(commits) do
    local audit = commit.request[AUDIT]
    for i = 1, #audit, 2 do
      redis.call("XADD", KEYS[audit[i]], commit.version .. "-" .. (i - 1) / 2, "b", audit[i + 1])
    end
  end
end

local packed, answers = cmsgpack.unpack(ARGV[3]), {}
local requests = packed[2]
indexCollections(packed[1])
for i = 1, #requests do wantAll(requests[i]) end
loadHashes()
for i = 1, #requests do answers[i] = decide(requests[i]) end
write()
return answers
