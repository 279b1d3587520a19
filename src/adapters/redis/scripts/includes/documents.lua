--[[ A stored document is "<version> <created> <body>" in the hash of its collection. Two sorted sets beside it hold the
  ids, by creation and by id. Needs includes/hashes.lua. ]]
local collections = {}

-- The collection whose hash is the key at this position; its indexes by creation and by id are the next two keys.
local function collectionAt(position)
  local collection = collections[position]
  if not collection then
    collection = { hash = hashAt(KEYS[position]), byCreation = KEYS[position + 1], byId = KEYS[position + 2],
      created = {} }
    collections[position] = collection
  end
  return collection
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

local function writeIndexes()
  for _, collection in pairs(collections) do
    local byCreation, byId, gone = {}, {}, {}
    for id, created in pairs(collection.created) do
      if created then
        byCreation[#byCreation + 1], byCreation[#byCreation + 2] = created, id
        byId[#byId + 1], byId[#byId + 2] = "0", id
      else
        gone[#gone + 1] = id
      end
    end
    callInParts("ZADD", collection.byCreation, byCreation)
    callInParts("ZADD", collection.byId, byId)
    callInParts("ZREM", collection.byCreation, gone)
    callInParts("ZREM", collection.byId, gone)
  end
end
