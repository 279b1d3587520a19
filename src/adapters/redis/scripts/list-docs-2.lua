#!lua flags=no-writes
--[[ Read one page of a collection along one of its indexes.
  KEYS[1] collection (hash)  KEYS[2] index (sorted set): by id (all scores 0) or by creation (score = created)
  ARGV[1] order, "id" or "newest"  ARGV[2] limit  ARGV[3] "1" when it continues behind a document
  ARGV[4] id of that document  ARGV[5] its created revision
  Returns id, document, id, document … in order. ]]
--@include bytes
local order, limit, continues, afterId, afterCreated = ARGV[1], tonumber(ARGV[2]), ARGV[3] == "1", ARGV[4], ARGV[5]

local function pageById()
  local from = continues and "(" .. afterId or "-"
  return redis.call("ZRANGEBYLEX", KEYS[2], from, "+", "LIMIT", 0, limit)
end

-- How many documents come before the page. The last one seen may be gone by now: then count up to where it stood.
local function ranksBefore()
  local rank = redis.call("ZREVRANK", KEYS[2], afterId)
  if rank and redis.call("ZSCORE", KEYS[2], afterId) == afterCreated then return rank + 1 end
  local before = redis.call("ZCOUNT", KEYS[2], "(" .. afterCreated, "+inf")
  for _, id in ipairs(redis.call("ZRANGEBYSCORE", KEYS[2], afterCreated, afterCreated)) do
    if not bytesLess(id, afterId) then before = before + 1 end
  end
  return before
end

local function pageByCreation()
  local start = continues and ranksBefore() or 0
  return redis.call("ZREVRANGE", KEYS[2], start, start + limit - 1)
end

local page = {}
for _, id in ipairs(order == "id" and pageById() or pageByCreation()) do
  page[#page + 1] = id
  page[#page + 1] = redis.call("HGET", KEYS[1], id)
end
return page
