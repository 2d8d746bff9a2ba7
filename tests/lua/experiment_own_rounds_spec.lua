--- What an experiment's script can say and know: rounds that depend on options, and its store.
local test = require 'crescent.test'

local script = [[
return crescent.experiment {
  name = 'own_rounds', grid = { n = { 1, 2 } },
  options = { times = { 'rounds', default = %s } },
  rounds = function(opt) return opt.times end,
  run = function(point, opt, ctx)
    return { value = ctx.round, rounds = ctx.rounds, store = ctx.store }
  end,
  report = function(rows)
    for _, row in ipairs(rows) do
      print(row.n, #row.value.values, row.rounds, row.store, rows.about.store)
    end
  end,
}
]]

local function said(default, flags)
  local folder = os.tmpname()
  os.remove(folder)
  os.execute('mkdir ' .. folder)
  local file = assert(io.open(folder .. '/it.lua', 'w'))
  file:write(script:format(default))
  file:close()
  local pipe = io.popen(("cd %s && '%s' it.lua %s 2>&1"):format(folder,
    crescent.process.executable(), flags or ''))
  local text = pipe:read '*a'
  pipe:close()
  os.execute('rm -rf ' .. folder)
  return text
end

local contains = test.contains

test.group('an experiment', function()
  test.case('is run as often as its options say', function()
    contains(said '2', '1\t2\t2\truns.db\truns.db\n2\t2\t2\truns.db\truns.db\n')
    contains(said('2', '--times 3'), '1\t3\t3\truns.db\truns.db\n')
  end)
  test.case('says where its cells are kept, in a process of its own too', function()
    contains(said('2', '--store here.db'), '1\t2\t2\there.db\there.db\n')
    contains(said('2', '--store here.db --isolate'), '1\t2\t2\there.db\there.db\n')
  end)
  test.case('refuses what is no number of rounds', function()
    contains(said('0'), 'crescent.experiment: rounds: expected a whole number >= 1, got 0')
    contains(said("'x'"), 'crescent.experiment: rounds: expected a whole number >= 1, got x')
  end)
end)
