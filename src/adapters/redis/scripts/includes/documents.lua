--[[ A stored document is "<version> <created> <body>" in the hash of its collection. Where the collection is listed, a
  sorted set beside it holds the ids, by creation or by id. Needs includes/hashes.lua. ]]
local collections = {}

-- The collection whose hash is the key at this position.
local function collectionAt(position)
  local collection = collections[position]
  if not collection then
    collection = { hash = hashAt(KEYS[position]), created = {} }
    collections[position] = collection
  end
  return collection
end

-- `indexes`: of each listed collection, key of its hash, key of its index, order ("id" or "newest").
local function indexCollections(indexes)
  for _, index in ipairs(indexes) do
    local collection = collectionAt(index[1])
    collection.index, collection.order = KEYS[index[2]], index[3]
  end
end

-- version, created; "0" and nil for a document that does not exist
local function versionAndCreated(stored)
  if not stored then return "0", nil end
  return string.match(stored, "^(%d+) (%d+) ")
end

local function applyDocument(collection, id, action, body, version)
  local _, created = versionAndCreated(collection.hash.values[id])
  if action == "put" then
    set(collection.hash, id, version .. " " .. (created or version) .. " " .. body)
    if not created then collection.created[id] = version end
  elseif action == "delete" and created then
    set(collection.hash, id, false)
    collection.created[id] = false
  end
end

local function writeIndex(collection)
  local entries, gone = {}, {}
  for id, created in pairs(collection.created) do
    if created then
      entries[#entries + 1], entries[#entries + 2] = collection.order == "id" and "0" or created, id
    else
      gone[#gone + 1] = id
    end
  end
  callInParts("ZADD", collection.index, entries)
  callInParts("ZREM", collection.index, gone)
end

local function writeIndexes()
  for _, collection in pairs(collections) do
    if collection.index then writeIndex(collection) end
  end
end
