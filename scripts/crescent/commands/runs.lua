--- `crescent runs`: what a store holds, newest first.

return function()
  local opt = crescent.options {
    'Lists the runs of a store, newest first.',
    kind = { 'only of this kind', choices = { 'profile', 'bench', 'compare', 'experiment' } },
    limit = { 'at most so many', default = 20, type = 'integer', at_least = 1 },
    name = { 'only of this name' },
    store = { 'the file; else CRESCENT_STORE, else runs.db', nonempty = true },
  }
  local ok, result = pcall(function()
    local store = crescent.store.open(opt.store)
    local runs = store:runs { kind = opt.kind, limit = opt.limit, name = opt.name }
    store:close()
    return runs
  end)
  if not ok then
    if result == 'interrupted' then error(result, 0) end
    local message = tostring(result):gsub('^[^\n:]+:%d+: ', '', 1):gsub('^crescent[%w_.]+: ', '', 1)
    io.stderr:write('crescent runs: ', message, '\n')
    os.exit(1)
  end
  print(result)
end
