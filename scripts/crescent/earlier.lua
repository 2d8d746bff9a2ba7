--- Runs of a store against those before them.

--- Compares a stored run with the newest one before it of the same name that measured the same
--- thing: the same work on a model, this one or another.
---
--- ```lua
--- local profile = crescent.profile.run(model, { store = true, name = 'nightly', trials = 11 })
--- print(require 'crescent.earlier'(nil, profile.run))
--- ```
---@param path string?     # the store; default: as crescent.store.open
---@param number integer   # of the run
---@param options? table   # `measure`, `same_within`, `confidence` of crescent.bench.compare
---@return table? comparison   # as crescent.bench.compare { runs = } gives it; or nil and why not
---@return string? reason
return function(path, number, options)
  local store = crescent.store.open(path)
  local run, problem = store:run(number)
  local before
  for _, one in ipairs(run and store:runs { name = run.name, kind = run.kind } or {}) do
    local comparable = one.id < number and one.status == 'done'
    if comparable and store:run(one.id).definition_hash == run.definition_hash then
      before = one.id
      break
    end
  end
  local where = store.path
  store:close()
  if not run then return nil, problem end
  if not before then
    return nil, ("%s has no earlier run '%s' of the same work"):format(where, run.name)
  end
  local asked = { runs = { before, number }, baseline = before, aa = true, store = where }
  for _, key in ipairs { 'measure', 'same_within', 'confidence' } do
    asked[key] = options and options[key]
  end
  return crescent.bench.compare(asked)
end
