#!lua flags=no-writes
--[[ Answer read queries, all of them as of one moment.
  KEYS[1] meta (hash)  further KEYS: the hashes that the queries point at
  ARGV[1] packed list of queries, as includes/reading.lua describes them
  Returns {revision, hash, one answer per query}. ]]
--@include hashes
--@include reading
local queries, answers = cmsgpack.unpack(ARGV[1]), {}
for i = 1, #queries do wantQuery(queries[i]) end
loadHashes()
for i = 1, #queries do answers[i] = answerQuery(queries[i]) end
local head = redis.call("HMGET", KEYS[1], "revision", "hash")
return { head[1], head[2], answers }
