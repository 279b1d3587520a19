#!lua flags=no-writes
--[[ Answer read queries, all of them as of one moment.
  KEYS[1] meta (hash)  further KEYS: the hashes that ARGV points at
  ARGV: number of queries, then each query as includes/reading.lua takes it
  Returns {revision, hash, one {documents, collections, total} per query}. ]]
--@include arguments
--@include reading
local head = redis.call("HMGET", KEYS[1], "revision", "hash")
local answers = {}
for i = 1, takeNumber() do
  answers[i] = readQuery()
end
return { head[1], head[2], answers }
