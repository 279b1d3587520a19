--[[ Read queries, {documents, collections, budget, key of the totals, worlds, key of the sequences}: documents are key and
  id in turn, collections are keys, the budget's name is "" for none, worlds are ids or "all". Keys are positions in KEYS.
  An answer is {documents, collections, total, sequences}; a missing document or total is false, a collection is id,
  document, id, document … without order, sequences are world, number, world, number …. Needs includes/hashes.lua. ]]
local function wantQuery(query)
  local docs, totals, worlds, sequences = query[1], hashAt(KEYS[query[4]]), query[5], hashAt(KEYS[query[6]])
  for i = 1, #docs, 2 do want(hashAt(KEYS[docs[i]]), docs[i + 1]) end
  if query[3] ~= "" then want(totals, query[3]) end
  if worlds == "all" then return end
  for i = 1, #worlds do want(sequences, worlds[i]) end
end

local function answerSequences(worlds, key)
  if worlds == "all" then return redis.call("HGETALL", key) end
  local answer, sequences = {}, hashAt(key)
  for i = 1, #worlds do
    answer[2 * i - 1], answer[2 * i] = worlds[i], sequences.values[worlds[i]]
  end
  return answer
end

local function answerQuery(query)
  local docs, collections = {}, {}
  for i = 1, #query[1], 2 do docs[(i + 1) / 2] = hashAt(KEYS[query[1][i]]).values[query[1][i + 1]] end
  for i, key in ipairs(query[2]) do collections[i] = redis.call("HGETALL", KEYS[key]) end
  local total = hashAt(KEYS[query[4]]).values[query[3]] or false
  return { docs, collections, total, answerSequences(query[5], KEYS[query[6]]) }
end
