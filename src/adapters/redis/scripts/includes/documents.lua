--[[ A stored document is "<version> <created> <body>" in one field of its collection's hash. ]]
local function versionAndCreated(stored)
  if not stored then return "0", nil end
  return string.match(stored, "^(%d+) (%d+) ")
end

local function pack(version, created, body)
  return version .. " " .. created .. " " .. body
end
