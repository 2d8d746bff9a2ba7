--- `crescent runs`: what a store holds, newest first.
local command = require 'crescent.command'

return function()
  local opt = crescent.options {
    'Lists the runs of a store, newest first.',
    kind = { 'only of this kind', choices = { 'profile', 'bench', 'compare', 'experiment' } },
    limit = { 'at most so many', default = 20, type = 'integer', at_least = 1 },
    name = { 'only of this name' },
    store = { 'the file; else CRESCENT_STORE, else runs.db', nonempty = true },
  }
  print(command.attempt('runs', function()
    local store = crescent.store.open(opt.store)
    local runs = store:runs { kind = opt.kind, limit = opt.limit, name = opt.name }
    store:close()
    return runs
  end))
end
