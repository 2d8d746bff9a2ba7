--- What an experiment is: its grid, what makes a cell the same, what is wrong with a definition.
local test = require 'crescent.test'
local code = require 'crescent.experiment.code'
local context = require 'crescent.experiment.context'
local fixtures = require 'fixtures'
local grid = require 'crescent.experiment.grid'
local plan = require 'crescent.experiment.plan'
local random = require 'crescent.experiment.random'
local samples = crescent.statistics.samples

local function run() return { figure = 1 } end

--- Points as 'a=1 b=x', in order.
local function labels(spec)
  local points, names = grid.points(spec)
  local list = {}
  for i, point in ipairs(points) do list[i] = grid.label(point, names) end
  return list
end

test.group('a grid', function()
  test.case('varies its last name fastest, names in alphabetical order', function()
    test.equal(labels { grid = { b = { 'x', 'y' }, a = { 1, 2 } } },
      { 'a=1 b=x', 'a=1 b=y', 'a=2 b=x', 'a=2 b=y' })
  end)
  test.case('is varied in the order that is asked for, names left out last', function()
    test.equal(labels { grid = { b = { 1 }, c = { 1, 2 }, a = { 1, 2 } }, order = { 'c' } },
      { 'c=1 a=1 b=1', 'c=1 a=2 b=1', 'c=2 a=1 b=1', 'c=2 a=2 b=1' })
  end)
  test.case('leaves out points and adds parameters', function()
    local spec = { grid = { a = { 1, 2, 3 }, b = { 1, 2 } },
      where = function(point) return point.a > point.b end,
      derive = function(point) return { sum = point.a + point.b, a = point.a } end }
    test.equal(labels(spec), { 'a=2 b=1 sum=3', 'a=3 b=1 sum=4', 'a=3 b=2 sum=5' })
    test.equal({ select(2, grid.points(spec)) }, { { 'a', 'b', 'sum' } })
  end)
  test.case('gives where and derive copies', function()
    local function spoil(point)
      point.a = 9
      return true
    end
    test.equal(labels { grid = { a = { 1 } }, where = spoil, derive = function(point)
      spoil(point)
      return {}
    end }, { 'a=1' })
  end)
  test.case('without lists has one point', function()
    test.equal(labels { grid = {} }, { 'the only cell' })
  end)
  test.case('takes numbers that JSON has not, tables, and false', function()
    test.equal(labels { grid = { a = { 1 / 3, math.huge, -math.huge, 0 / 0, false, { 1, 2 },
      { x = 1 } } } }, { 'a=0.3333333333333333', 'a=inf', 'a=-inf', 'a=nan', 'a=false', 'a=[1,2]',
      'a={"x":1}' })
  end)
end)

local function cells(spec, opt, identity)
  spec.name, spec.version = spec.name or 'name', spec.version or 1
  return plan.cells(spec, opt or {}, identity or {}, crescent.load)
end

local function identity_of(...) return cells(...)[1].identity end

test.group('a cell is another one', function()
  local spec = { grid = { a = { 1 } } }
  local first = identity_of(spec)
  test.case('if nothing but the order of names in a point differs, it is the same', function()
    test.equal(identity_of { grid = { a = { 1 } }, rounds = 3, run = run }, first)
    test.equal(identity_of { grid = { a = { { x = 1, y = 2, z = 3 } } } },
      identity_of { grid = { a = { { z = 3, y = 2, x = 1 } } } })
  end)
  test.case('if name, version, point or an option differs', function()
    local seen = { [first] = 'the first' }
    for what, other in pairs {
      name = identity_of { name = 'other', grid = { a = { 1 } } },
      version = identity_of { version = 2, grid = { a = { 1 } } },
      value = identity_of { grid = { a = { 2 } } },
      kind = identity_of { grid = { a = { '1' } } },
      parameter = identity_of { grid = { b = { 1 } } },
      more = identity_of { grid = { a = { 1 }, b = { 1 } } },
      derived = identity_of { grid = { a = { 1 } }, derive = function() return { b = 2 } end },
      option = identity_of(spec, {}, { speed = 1 }),
      value_of_option = identity_of(spec, {}, { speed = 2 }),
      infinity = identity_of { grid = { a = { math.huge } } },
    } do
      test.ok(not seen[other], ('%s and %s give the same'):format(what, seen[other] or ''))
      seen[other] = what
    end
  end)
  test.case('if the model has other weights', function()
    local with, gpt2 = { grid = { a = { 1 } }, options = { model = { 'a model' } } },
      fixtures.model 'gpt2'
    local made = cells(with, { model = 'tiny' })[1]
    test.equal({ made.model, made.model_hash }, { 'tiny', crescent.load('tiny'):hash() })
    test.ok(made.identity ~= cells(with, { model = gpt2 })[1].identity)
    -- The name alone says nothing, and what is no folder of a model may be a preset.
    test.equal(cells(with, { model = 'no model' })[1].identity, first)
    local by_point = cells { grid = { model = { 'tiny', gpt2 } } }
    test.equal({ by_point[1].model_hash, by_point[2].model_hash },
      { crescent.load('tiny'):hash(), crescent.load(gpt2):hash() })
  end)
  test.case('and its seed depends on the point alone', function()
    local a, b = cells { grid = { a = { 1, 2 } } }, cells { name = 'other', version = 9,
      grid = { a = { 2, 1 } } }
    test.equal({ a[1].seed, a[2].seed }, { b[2].seed, b[1].seed })
    test.ok(a[1].seed ~= a[2].seed)
    test.equal(a[1].seed, context.seed '{"a":1}')
    test.ok(a[1].seed >= 0 and a[1].seed < 2 ^ 31 and a[1].seed % 1 == 0)
  end)
end)

test.group('random numbers', function()
  test.case('are those of SplitMix64 and stay in their range', function()
    -- The first of seed 0 is 0xe220a8397b1dcdaf in the authors' own C code.
    test.equal(random(0)(2 ^ 32), 0xe220a839 + 1)
    local next_number, seen = random(7), {}
    for _ = 1, 200 do seen[next_number(3)] = true end
    test.equal(seen, { true, true, true })
  end)
end)

test.group('the tokens of a script', function()
  local function same(a, b) test.equal(code.tokens(a), code.tokens(b)) end
  local function differ(a, b) test.ok(code.tokens(a) ~= code.tokens(b), a) end
  test.case('are not changed by comments, blanks and a first line for the shell', function()
    same('#!/usr/bin/crescent\nlocal a = 1 -- one\n\n--[[ two\n]] return  a',
      'local a=1 return a --[==[ three ]] ]==]')
    same('a = b -- the last line without an end', 'a = b')
  end)
  test.case('are changed by numbers, names, and blanks and comments in texts', function()
    differ('return 1', 'return 2')
    differ('return a', 'return b')
    differ("return 'a b'", "return 'a  b'")
    differ("return '--a'", "return '--b'")
    differ('return [[ --a ]]', 'return [[ --b ]]')
    differ([[return '\' --a']], [[return '\' --b']])
    differ('return ab', 'return a b')
  end)
  test.case('leave out what stands under report, and that alone', function()
    local function with(report, number)
      return ('return crescent.experiment { name = "a", %s run = function() return { b = %s } '
        .. 'end }'):format(report, number or 1)
    end
    same(with '', with 'report = function(rows) if rows then print(1, 2) end end,')
    same(with '', with 'report = { crescent.report.layout { columns = { 1, 2 } }, other };')
    same(with '', with 'report = function() for i = 1, 2 do repeat f() until g() end end,')
    same(with '', with 'report = show,')
    differ(with('report = f,', 1), with('report = f,', 2))
    differ(with('report = function() end,', 1), with('report = function() end,', 2))
    differ(with 'options = { report = { "x", default = 1 } },',
      with 'options = { report = { "x", default = 2 } },')
    differ('report = 1', 'report = 2')
    same('crescent.experiment({ run = f, report = 1 })', 'crescent.experiment({ run = f, })')
  end)
end)

--- The message that a definition gets; the rest of it is in order.
local function refused(spec, message)
  for key, value in pairs { name = 'sweep', run = run, grid = { a = { 1 } },
    arguments = { '--store', '/nowhere/runs.db' } } do
    if spec[key] == nil then spec[key] = value end
  end
  for key, value in pairs(spec) do
    if value == 'nothing' then spec[key] = nil end
  end
  test.raises(function() crescent.experiment(spec) end, 'crescent.experiment: ' .. message)
end

test.group('a definition', function()
  test.case('is a table with known keys of the right kinds', function()
    test.raises(function() crescent.experiment() end,
      'crescent.experiment: expected a table { name =, grid =, run = }, got nil')
    refused({ gird = {} }, "unknown key 'gird' (did you mean 'grid'?)")
    refused({ 5 }, "unknown key '1'")
    refused({ run = 5 }, 'run: expected a function, got number')
    refused({ where = 'a > 1' }, 'where: expected a function, got string')
    refused({ name = 'nothing' }, 'name: expected a string, got nothing')
    refused({ grid = 'nothing' }, 'grid: expected a table or function, got nothing')
    refused({ run = 'nothing' }, 'run: expected a function, got nothing')
  end)
  test.case('has a name, a whole version and whole rounds', function()
    refused({ name = ' ' }, 'name: expected a name, got blanks')
    refused({ version = 1.5 }, 'version: expected a whole number >= 0, got 1.5')
    refused({ version = -1 }, 'version: expected a whole number >= 0, got -1')
    refused({ rounds = 0 }, 'rounds: expected a whole number >= 1, got 0')
  end)
  test.case('says what is to happen after a failure in known words', function()
    refused({ on_error = 'halt' }, "on_error: expected 'continue' or 'stop', got 'halt'")
  end)
  test.case('has a report that can be called or rendered', function()
    local message = 'report: expected a function(rows, opt), what crescent.report.layout gives, '
      .. 'or a list of these; got '
    refused({ report = 'html' }, message .. 'string')
    refused({ report = {} }, message .. 'another table')
    refused({ report = { print, 'html' } }, message .. 'another table')
  end)
  test.case('has options of its own with other names', function()
    refused({ options = { store = { 'where', default = 'x' } } },
      "options: 'store' is an option of every experiment; choose another name")
    refused({ options = { { 'where', 'a place' } } },
      "options: 'where' is an option of every experiment; choose another name")
  end)
  test.case('takes only options that can be stored', function()
    refused({ options = { text = { 'a text' } }, arguments = { '--text', '\255' } },
      'the options.text: expected a text in UTF-8, got other bytes')
  end)
  test.case('has its mistakes told on the line of the script', function()
    local _, problem = pcall(crescent.experiment, { nmae = 'x' })
    test.ok(not tostring(problem):find('experiment.lua', 1, true), problem)
    local line = debug.getinfo(1, 'l').currentline + 2
    local ok, told = pcall(function()
      crescent.experiment { name = 'x', grid = { 1 }, run = run } -- this line
    end)
    test.equal({ ok, (tostring(told):match(':(%d+): ')) }, { false, tostring(line) })
    local at = debug.getinfo(1, 'l').currentline + 2
    ok, told = pcall(function()
      crescent.experiment { name = 'x', grid = {}, run = run, options = { n = { defualt = 1 } } }
    end)
    test.equal({ ok, (tostring(told):match(':(%d+: .*)$')) }, { false,
      at .. ": crescent.options: n: unknown key 'defualt' (did you mean 'default'?)" })
  end)
end)

test.group('a grid that is wrong', function()
  test.case('has no names, or odd ones', function()
    refused({ grid = { { 1, 2 } } }, 'grid: expected lists by name, got one at position 1')
    refused({ grid = { ['a b'] = { 1 } } }, "grid: expected names such as 'ratio', got 'a b'")
    refused({ grid = { ['2a'] = { 1 } } }, "grid: expected names such as 'ratio', got '2a'")
    refused({ grid = { [''] = { 1 } } }, "grid: expected names such as 'ratio', got ''")
    refused({ grid = { failed = { 1 } } },
      "grid: 'failed' is a field of every experiment's rows; choose another name")
  end)
  test.case('has something else than lists', function()
    refused({ grid = { a = 3 } }, 'grid.a: expected a list, got number')
    refused({ grid = { a = { b = 1 } } },
      'grid.a: expected a list, got a table with names or gaps')
    refused({ grid = { a = { 1, b = 1 } } },
      'grid.a: expected a list, got a table with names or gaps')
    refused({ grid = { a = { 1, [3] = 1 } } },
      'grid.a: expected a list, got a table with names or gaps')
    refused({ grid = { a = {} } }, 'grid.a: expected at least one value, got an empty list')
  end)
  test.case('has a value twice', function()
    refused({ grid = { a = { 1, 2, 1.0 } } }, 'grid.a: 1 is in it twice, at 1 and 3')
    refused({ grid = { a = { { x = 1 }, { x = 1 } } } },
      'grid.a: {"x":1} is in it twice, at 1 and 2')
  end)
  test.case('has values that cannot be stored', function()
    local place = 'grid.a[2]: '
    local function value(what, message)
      refused({ grid = { a = { 1, what } } }, place .. message)
    end
    value(print, 'expected a plain value or a table of them, got a function')
    value(samples({ 1, 2, 3 }, { unit = 'ms' }),
      'expected a plain value or a table of them, got Samples')
    value('\255', 'expected a text in UTF-8, got other bytes')
    value({ 1, x = 2 }, 'expected the keys 1 .. n or names alone, got both or gaps')
    refused({ grid = { a = { { b = { c = print } } } } },
      'grid.a[1].b.c: expected a plain value or a table of them, got a function')
    local loop = {}
    loop[1] = loop
    refused({ grid = { a = { loop } } },
      'grid.a[1]' .. ('[1]'):rep(17) .. ': nests deeper than 16')
  end)
  test.case('is ordered by names that it has not', function()
    refused({ grid = { ratio = { 1 } }, order = { 'raito' } },
      "order: 'raito' is not in the grid (did you mean 'ratio'?)")
  end)
  test.case('has more points than can be kept', function()
    local many = {}
    for i = 1, 1001 do many[i] = i end
    refused({ grid = { a = many, b = many } },
      'the grid has 1,002,001 points; at most 1,000,000 can be kept apart')
  end)
end)

test.group('where and derive', function()
  test.case('say true or false, a table', function()
    refused({ where = function() end }, 'where: expected true or false, got nil')
    refused({ derive = function() return 5 end },
      'derive: expected a table of parameters to add, got number')
  end)
  test.case('leave something to do', function()
    refused({ grid = { a = { 1, 2 } }, where = function() return false end },
      'where: expected true for a point at least, got false for all 2')
  end)
  test.case('add names, and change nothing', function()
    refused({ derive = function() return { a = 2 } end },
      "derive: 'a' is in the grid; choose another name")
    refused({ derive = function() return { 4 } end },
      "derive: expected names such as 'ratio', got '1'")
    refused({ derive = function() return { absent = 4 } end },
      "derive: 'absent' is a field of every experiment's rows; choose another name")
    refused({ derive = function() return { b = print } end },
      'derive: b: expected a plain value or a table of them, got a function')
  end)
  test.case('have their errors told with the point', function()
    refused({ where = function(point) error('no ' .. point.a, 0) end }, 'where of {"a":1}: no 1')
    refused({ derive = function(point) error('no ' .. point.a, 0) end }, 'derive of {"a":1}: no 1')
  end)
end)
