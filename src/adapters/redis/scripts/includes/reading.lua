--[[ Reads what ARGV asks for at its current position: the documents (count, then key and id of each), then the
  collections (count, then the key of each), then a budget (its name, "" = none, and the key of the totals). Returns
  {documents, collections, total}; a missing document or total is false, a collection is id, document, id, document …
  without order. ]]
local function readQuery()
  local docs = {}
  for i = 1, takeNumber() do
    local key = takeKey()
    docs[i] = redis.call("HGET", key, take())
  end
  local collections = {}
  for i = 1, takeNumber() do
    collections[i] = redis.call("HGETALL", takeKey())
  end
  local budget, totals = take(), takeKey()
  return { docs, collections, budget ~= "" and redis.call("HGET", totals, budget) }
end
