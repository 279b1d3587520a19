#!lua
--[[ Commit requests one after the other; each is checked on its own and written whole or not at all. Per request:
  run claim, lease (nonce and fence of every world), expectations, budget; then log entry, head, documents, budget, claim,
  audit, release.
  Nothing is checked after a request's first write: a script has no rollback.
  KEYS[1] meta (hash)  KEYS[2] log (stream)  KEYS[3] run claims (hash)  KEYS[4] world sequences (hash)
  KEYS[5] fences (hash)  KEYS[6] run documents (hash)  KEYS[7] budget totals (hash)  further KEYS, that ARGV points
  at: locks (strings), collections (hash, index by creation and index by id, three adjacent keys), members of a budget
  (hash), audit logs (streams)
  ARGV[1] store id  ARGV[2] "1": leave a trace in the replication stream for replays, so that WAIT covers them
  ARGV[3] number of requests, then for each: number of its arguments that follow, then
    run id ("" = no claim), fingerprint;
    number of worlds in the lease, for each: id, "<fence> <nonce>", lock key; nonce to release ("" = keep);
    number of documents, for each: collection key, id, expected version ("" = any), "put", "delete" or "keep", body;
    budget ("" = none), key of its members, limit of its total, number of members, for each: name, units;
    payload, its digest, number of events, for each: world id; number of audit lines, for each: stream key, body
  Returns one answer per request: {1, revision, hash, sequences}; {-1, run document} replayed;
  {-2, fingerprint, run document} run id reused; {-3, world id} fenced; {-4, number of the document, version} stale;
  {-10, total} over budget;
  or {-5} instead of all: the book is not the one the caller opened. ]]
--@include arguments
--@include numbers
--@include documents
--@include locks
local META, LOG, CLAIMS, SEQUENCES, FENCES, RUNS, BUDGETS = unpack(KEYS, 1, 7)

local head = redis.call("HMGET", META, "store_id", "revision", "hash")
if head[1] ~= take() then return { -5 } end
local revision, hash = tonumber(head[2]), head[3]
local traceReplays = take() == "1"

local function takeWorlds()
  local worlds = {}
  for i = 1, takeNumber() do
    worlds[i] = { id = take(), fence = take(), lock = takeKey() }
  end
  return worlds
end

local function takeDocuments()
  local docs = {}
  for i = 1, takeNumber() do
    local key = takeNumber()
    docs[i] = { key = KEYS[key], byCreation = KEYS[key + 1], byId = KEYS[key + 2],
      id = take(), expected = take(), action = take(), body = take() }
  end
  return docs
end

local function takeBudget()
  local budget = { name = take(), key = takeKey(), limit = takeNumber(), members = {} }
  for i = 1, takeNumber() do
    budget.members[i] = { name = take(), units = takeNumber() }
  end
  return budget
end

local function releaseAll(worlds, nonce)
  if nonce == "" then return end
  for _, world in ipairs(worlds) do
    releaseLock(world.lock, nonce)
  end
end

-- The refusal or replay of a claimed run, nil for a new one.
local function claimAnswer(runId, fingerprint)
  local claimed = runId ~= "" and redis.call("HGET", CLAIMS, runId)
  if not claimed then return nil end
  local run = redis.call("HGET", RUNS, runId)
  if claimed == fingerprint then return { -1, run } end
  return { -2, claimed, run }
end

local function fencedAnswer(worlds)
  for _, world in ipairs(worlds) do
    if redis.call("HGET", FENCES, world.id) ~= world.fence then return { -3, world.id } end
  end
end

-- Also notes when each document was created: no read may follow a write.
local function staleAnswer(docs)
  for i, doc in ipairs(docs) do
    local version, created = versionAndCreated(redis.call("HGET", doc.key, doc.id))
    if doc.expected ~= "" and doc.expected ~= version then return { -4, text(i), version } end
    doc.created = created
  end
end

-- Also notes the new total. Whole numbers up to 2^53 are exact here, and the limit is never above 2^53 - 1.
local function overBudgetAnswer(budget)
  if budget.name == "" then return nil end
  local before = tonumber(redis.call("HGET", BUDGETS, budget.name) or "0")
  local total = before
  for _, member in ipairs(budget.members) do
    total = total + member.units - tonumber(redis.call("HGET", budget.key, member.name) or "0")
  end
  if total > budget.limit and total > before then return { -10, text(total) } end
  budget.total = total
end

-- The next sequence of each event's world, and the last of each world.
local function nextSequences()
  local sequences, last = {}, {}
  for i = 1, takeNumber() do
    local world = take()
    local before = last[world] or tonumber(redis.call("HGET", SEQUENCES, world) or "0")
    last[world] = before + 1
    sequences[i] = text(last[world])
  end
  return sequences, last
end

local function writeDocument(doc, version)
  if doc.action == "put" then
    redis.call("HSET", doc.key, doc.id, pack(version, doc.created or version, doc.body))
    if not doc.created then
      redis.call("ZADD", doc.byCreation, version, doc.id)
      redis.call("ZADD", doc.byId, "0", doc.id)
    end
  elseif doc.action == "delete" and doc.created then
    redis.call("HDEL", doc.key, doc.id)
    redis.call("ZREM", doc.byCreation, doc.id)
    redis.call("ZREM", doc.byId, doc.id)
  end
end

local function writeBudget(budget)
  if budget.name == "" then return end
  redis.call("HSET", BUDGETS, budget.name, text(budget.total))
  for _, member in ipairs(budget.members) do
    redis.call("HSET", budget.key, member.name, text(member.units))
  end
end

local function writeAudit(version)
  for i = 0, takeNumber() - 1 do
    redis.call("XADD", takeKey(), version .. "-" .. i, "b", take())
  end
end

local function write(docs, budget, runId, fingerprint)
  local payload, digest = take(), take()
  local sequences, last = nextSequences()
  local joined = table.concat(sequences, ",")
  local version, previous = text(revision + 1), hash
  local nextHash = redis.sha1hex(previous .. "|" .. version .. "|" .. digest .. "|" .. joined)
  redis.call("XADD", LOG, version .. "-0", "h", nextHash, "p", previous, "s", joined, "e", payload)
  revision, hash = revision + 1, nextHash
  redis.call("HSET", META, "revision", version, "hash", nextHash)
  for _, doc in ipairs(docs) do writeDocument(doc, version) end
  writeBudget(budget)
  for world, sequence in pairs(last) do redis.call("HSET", SEQUENCES, world, text(sequence)) end
  if runId ~= "" then redis.call("HSET", CLAIMS, runId, fingerprint) end
  writeAudit(version)
  return { 1, version, nextHash, joined }
end

local function commit()
  local runId, fingerprint = take(), take()
  local worlds, nonce = takeWorlds(), take()
  local answer = claimAnswer(runId, fingerprint)
  if answer then
    if answer[1] == -1 then
      releaseAll(worlds, nonce)
      if traceReplays then redis.call("HSET", META, "revision", text(revision)) end
    end
    return answer
  end
  local docs, budget = takeDocuments(), takeBudget()
  answer = fencedAnswer(worlds) or staleAnswer(docs) or overBudgetAnswer(budget)
  if answer then return answer end
  answer = write(docs, budget, runId, fingerprint)
  releaseAll(worlds, nonce)
  return answer
end

local answers = {}
for i = 1, takeNumber() do
  local length = takeNumber()
  local behind = position + length
  answers[i] = commit()
  position = behind
end
return answers
