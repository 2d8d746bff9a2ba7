--- What a store knows of an experiment, for those who only look: no run is begun.
local codec = require 'crescent.experiment.codec'

--- A message without its place in our code and the function's name in front.
local function plain(problem)
  return (tostring(problem):gsub('^[^\n]-crescent%.store%.%a+: ', '', 1))
end

--- JSON in which the order of names and the way of writing numbers are the same.
local function normal(json) return codec.json(crescent.json.decode(json), 'the definition') end

local known = { plain = plain }

--- The newest run of an experiment with these options; nil where there is none, or no store.
---@param path string?   # default: the store of this process
---@param spec { name: string, version: integer }
---@param identity table # the options that make it another experiment
---@return table? run
function known.run(path, spec, identity)
  local ok, store = pcall(crescent.store.open, path)
  if not ok then
    if tostring(store):find('there is no such store', 1, true) then return end
    error(store == 'interrupted' and store or plain(store), 0)
  end
  local wanted = normal(codec.json({ experiment = spec.name, version = spec.version,
    options = identity }, 'crescent.experiment: the options'))
  local found
  for _, run in ipairs(store:query([[SELECT id, definition FROM runs WHERE kind = 'experiment'
      AND name = ? ORDER BY id DESC]], { spec.name })) do
    if normal(run.definition) == wanted then
      found = store:run(run.id)
      break
    end
  end
  store:close()
  return found
end

return known
