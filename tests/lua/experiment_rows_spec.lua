--- What cells give: rows as the store keeps them, what `run` may return, rounds, and what `run`
--- gets in ctx.
local test = require 'crescent.test'
local codec = require 'crescent.experiment.codec'
local rounds = require 'crescent.experiment.rounds'
local scripts = require 'scripts'
local samples = crescent.statistics.samples

--- Runs a script of one experiment in a folder: fn(what came out, the rows as the store has them).
local function after(spec, run, fn, arguments)
  scripts.with_folder(function(folder)
    folder:write('sweep.lua', scripts.experiment(spec, run):gsub('print%(rows:json%(%)%)', ''))
    local ran = folder:run('sweep.lua ' .. (arguments or ''))
    local store = crescent.store.open(folder:path 'runs.db')
    local stored = store:run(1)
    store:close()
    fn(stored:rows { partial = true }, ran, folder, stored)
  end)
end

local one = 'grid = { x = { 1 } },'

test.group('a row', function()
  test.case('comes back to the digit, whatever is in it', function()
    after(one, [[
    return {
      third = 1 / 3, tiny = 5e-324, large = 2 ^ 60 + 2048, negative = -0.1, zero = 0,
      none = 0 / 0, up = math.huge, down = -math.huge, int64 = 7LL,
      yes = true, no = false, text = 'äöü "quoted" \\ \n', empty = '',
      list = { 1, 0.1, { 2, 3 } }, nested = { deep = { a = { b = -math.huge, c = 'c' } } },
      inner = { ms = crescent.statistics.samples({ 3, 1 / 3, 0.1 }, { unit = 'ms' }) },
      t_ms = crescent.statistics.samples({ 2, 1, 4, 1e-9, 7, 8 }, { unit = 'ms' }),
      absent = { energy_j = 'no counter' },
    }]], function(rows, ran)
      test.equal(ran.code, 0)
      test.equal(#rows, 1)
      local row = rows[1]
      test.equal(row.t_ms, samples({ 2, 1, 4, 1e-9, 7, 8 }, { unit = 'ms' }))
      test.equal(tostring(row.t_ms), tostring(samples({ 2, 1, 4, 1e-9, 7, 8 }, { unit = 'ms' })))
      test.equal(getmetatable(row.t_ms).__name, 'Samples')
      test.equal(row.inner.ms.values, { 3, 1 / 3, 0.1 })
      row.t_ms, row.inner = nil, nil
      local expected = {
        x = 1, third = 1 / 3, tiny = 5e-324, large = 2 ^ 60 + 2048, negative = -0.1, zero = 0,
        none = 0 / 0, up = math.huge, down = -math.huge, int64 = 7,
        yes = true, no = false, text = 'äöü "quoted" \\ \n', empty = '',
        list = { 1, 0.1, { 2, 3 } }, nested = { deep = { a = { b = -math.huge, c = 'c' } } },
        absent = { energy_j = 'no counter' },
      }
      for name, value in pairs(expected) do
        test.equal({ [name] = row[name] }, { [name] = value })
        row[name] = nil
      end
      test.equal(next(row), nil)
    end)
  end)
  test.case('has the parameters of its point, tables and infinities too', function()
    after('grid = { x = { math.huge, { 1, { y = 2 } }, "text", false } },',
      'return { same = point.x, x = point.x }', function(rows, ran)
        test.equal({ ran.code, ran.err }, { 0, '4 cells: 4 done (run 1 in runs.db)\n' })
        for i, x in ipairs { math.huge, { 1, { y = 2 } }, 'text', false } do
          test.equal({ rows[i].x, rows[i].same }, { x, x })
        end
      end)
  end)
  test.case('is what crescent.experiment returns and what the store gives later', function()
    scripts.with_folder(function(folder)
      local rows = crescent.experiment {
        name = 'sweep', grid = { x = { 1, 2 }, a = { 'b' } }, rounds = 2, report = function() end,
        run = function(point)
          return { t_ms = samples({ point.x, 2, 3 }, { unit = 'ms' }), n = { point.x } }
        end,
        arguments = { '--store', folder:path 'runs.db' },
      }
      local store = crescent.store.open(folder:path 'runs.db')
      local stored = store:run(1):rows()
      store:close()
      test.equal(stored, rows)
      test.equal(tostring(stored), tostring(rows))
      test.equal({ #stored, rows.title, rows.kind, rows.run, rows.failed, rows.interleaved },
        { 2, 'sweep', 'experiment', 1, 0, true })
      test.equal({ rows.points, stored.points }, { { 'a', 'x' }, { 'a', 'x' } })
    end)
  end)
  test.case('of a cell that failed has the reason and no figures', function()
    after('grid = { x = { 1, 2 } },', [[if point.x == 2 then error('boom\nand more') end
      return { y = 1 }]], function(rows, ran)
      test.equal(ran.code, 1)
      test.equal(rows, { { x = 1, y = 1 }, { x = 2, failed = 'sweep.lua:9: boom' } })
      test.equal({ rows.failed, rows.partial, rows.notes },
        { 1, nil, { '1 cell failed; their figures are missing' } })
    end)
  end)
  test.case('is missing where a cell was not run, and the statistics are refused', function()
    after('grid = { x = { 1, 2, 3 } },', nil, function(rows, _, _, stored)
      test.equal(rows, { { x = 1, square = 1 } })
      test.equal(rows.partial, '1 of 3 cells')
      test.ok(tostring(rows):find('\nwarning: incomplete: 1 of 3 cells', 1, true), tostring(rows))
      test.raises(function() stored:rows() end, "run 1 of 'sweep' is incomplete: 1 of 3 cells; "
        .. 'rows { partial = true } gives what is there, and says so')
    end, '--limit 1')
  end)
end)

test.group('run', function()
  --- What the store says of a cell whose `run` does this.
  local function failure(run, message, spec)
    after(spec or one, run, function(rows, ran)
      test.equal({ rows[1].failed, ran.code }, { message, 1 })
    end)
  end
  local expected = '; expected a table of figures: return { perplexity = 12.3 }'
  test.case('returns a table of figures', function()
    failure('return', 'run returned nothing' .. expected)
    failure('return print', 'run returned a function' .. expected)
    failure('return 5', 'run returned a number' .. expected)
    failure("return crescent.statistics.samples({ 1, 2, 3 }, { unit = 'ms' })",
      'run returned Samples' .. expected)
    failure('return {}', 'run returned an empty table' .. expected)
    failure('return { 1, 2 }', 'run returned a list' .. expected)
  end)
  test.case('returns no names that are taken', function()
    failure('return { x = 2 }', "run returned 'x', which is a parameter of the grid with another "
      .. 'value; choose another name')
    failure('return { x = { 2 } }', "run returned 'x', which is a parameter of the grid with "
      .. 'another value; choose another name', 'grid = { x = { { 1 } } },')
    failure('return { failed = true }', "run returned 'failed', which says why a cell failed; "
      .. 'choose another name, or raise an error')
    failure("return { a = { ['$number'] = 1 } }", "run returned what can't be stored: a.$number: "
      .. "the name is the store's own; choose another")
  end)
  test.case('returns what can be stored', function()
    local stored = "run returned what can't be stored: "
    local plain = ': expected a plain value, a table of them or Samples, got '
    failure('return { f = print }', stored .. 'f' .. plain .. 'a function; give figures of it')
    failure('return { a = { b = { 1, crescent.memory } } }',
      stored .. 'a.b[2]' .. plain .. 'a function; give figures of it')
    failure('return { store = crescent.store.open { write = true } }',
      stored .. 'store' .. plain .. 'a Store; give figures of it')
    failure('return { a = 1, [2] = 3 }',
      stored .. 'the row: expected the keys 1 .. n or names alone, got both or gaps')
    failure('return { a = { 1, x = 3 } }',
      stored .. 'a: expected the keys 1 .. n or names alone, got both or gaps')
    failure('local a = {} a.a = a return a', stored .. ('a.'):rep(16) .. 'a: nests deeper than 16')
    failure("return { t = crescent.statistics.samples({ 1, math.huge }, { unit = 'ms' }) }",
      stored .. 't: expected Samples of finite numbers, got inf at position 2')
    failure("return { a = '\\255' }", stored .. 'a: expected a text in UTF-8, got other bytes')
  end)
  test.case('may change its point and fail with any value', function()
    after(one, 'point.x = 5 return { y = 1 }', function(rows)
      test.equal(rows, { { x = 1, y = 1 } })
    end)
    failure("error(setmetatable({}, { __tostring = function() return 'odd' end }))", 'odd')
  end)
end)

test.group('a list with gaps', function()
  test.case('is not stored as another one', function()
    local list = { 1, 2, 3, 4 }
    list[2] = nil
    test.equal({ codec.encode { a = list } }, { nil, 'a: expected a list, got one with gaps' })
  end)
end)

test.group('rounds', function()
  local spec = 'grid = { x = { 1, 2, 3, 4, 5, 6 } }, rounds = 3,'
  test.case('are each in an order of their own, all cells in each', function()
    after(spec, nil, function(_, _, folder)
      local orders, ran = {}, folder:ran()
      test.equal(#ran, 18)
      for round = 1, 3 do
        local seen, order = {}, {}
        for i = 1, 6 do
          local x, which = ran[(round - 1) * 6 + i]:match('^{"x":(%d)} (%d)$')
          test.equal(tonumber(which), round)
          seen[tonumber(x)], order[i] = true, x
        end
        test.equal(seen, { true, true, true, true, true, true })
        orders[table.concat(order)] = true
      end
      local different = 0
      for _ in pairs(orders) do different = different + 1 end
      test.equal(different, 3)
    end)
  end)
  test.case('pool Samples and make Samples of numbers that differ', function()
    after('grid = { x = { 1 } }, rounds = 3,', [[
    local S, r = crescent.statistics.samples, ctx.round
    return { t_ms = S({ r, r + 0.5 }, { unit = 'ms' }), latency_ms = 10 - r, share = r, same = 7,
      text = 'r' .. r, list = { r, 1 }, tokens_per_s = r,
      nested = { mem_bytes = r, all = 'x' }, late = r > 1 and r,
      rounds = ctx.rounds }]], function(rows)
      local row = rows[1]
      test.equal(row.t_ms, samples({ 1, 1.5, 2, 2.5, 3, 3.5 }, { unit = 'ms' }))
      test.equal(row.latency_ms, samples({ 9, 8, 7 }, { unit = 'ms' }))
      test.equal(row.tokens_per_s, samples({ 1, 2, 3 }, { unit = '' }))
      test.equal(row.share, samples({ 1, 2, 3 }, { unit = '' }))
      test.equal({ row.same, row.rounds }, { 7, 3 })
      test.equal(row.text, { 'r1', 'r2', 'r3' })
      test.equal(row.list, { { 1, 1 }, { 2, 1 }, { 3, 1 } })
      test.equal(row.nested, { mem_bytes = samples({ 1, 2, 3 }, { unit = 'bytes' }), all = 'x' })
      test.equal(row.late, { false, 2, 3 })
    end)
  end)
  test.case('with figures that are no numbers stay apart', function()
    after('grid = { x = { 1 } }, rounds = 2,', [[
    local unit = ctx.round == 1 and 'ms' or 's'
    return { loss = ctx.round == 1 and 0 / 0 or 2, up = ctx.round == 1 and math.huge or 2,
      both = ctx.round == 1 and 5 or crescent.statistics.samples({ 1, 2 }, { unit = 'ms' }),
      units = crescent.statistics.samples({ 1, 2 }, { unit = unit }), nan = 0 / 0,
      found = ctx.round == 2 and 3 or nil,
      absent = { energy_j = 'reason ' .. ctx.round, watts = 'none', found = 'not yet' } }]],
      function(rows, ran)
        test.equal(ran.code, 0)
        local row = rows[1]
        test.equal({ row.loss, row.up }, { { 0 / 0, 2 }, { math.huge, 2 } })
        test.equal(row.units,
          { samples({ 1, 2 }, { unit = 'ms' }), samples({ 1, 2 }, { unit = 's' }) })
        test.equal(row.both, { 5, samples({ 1, 2 }, { unit = 'ms' }) })
        test.ok(row.nan ~= row.nan)
        test.equal(row.found, 3)
        test.equal(row.absent, { energy_j = 'reason 1; reason 2', watts = 'none' })
      end)
  end)
  test.case('go on in the middle', function()
    after(spec, [[
    if ctx.round == 2 and point.x == 3 and not io.open('go') then os.exit(9) end
    return { r = ctx.round }]], function(rows, ran, folder)
      test.equal({ ran.code, rows.partial, #rows }, { 9, '0 of 6 cells', 0 })
      local count = {}
      for _, line in ipairs(folder:ran()) do count[line] = 1 end
      test.equal(count['{"x":3} 2'], 1)
      count['{"x":3} 2'] = 0
      folder:write('go', '')
      ran = folder:run 'sweep.lua'
      test.equal({ ran.code, ran.err }, { 0, '6 cells: 6 done (run 1 in runs.db)\n' })
      for _, line in ipairs(folder:ran()) do count[line] = (count[line] or 0) + 1 end
      for x = 1, 6 do
        for round = 1, 3 do
          local line = ('{"x":%d} %d'):format(x, round)
          test.equal({ [line] = count[line] }, { [line] = 1 })
        end
      end
      test.equal(folder:sql 'SELECT count(*) AS n FROM results', { { n = 18 } })
    end)
  end)
  test.case('may become more later', function()
    after('grid = { x = { 1, 2 } },', 'return { r = ctx.round }', function(_, _, folder)
      folder:write('sweep.lua', (folder:read('sweep.lua'):gsub('grid', 'rounds = 2, grid')))
      local ran = folder:run 'sweep.lua --accept'
      test.equal({ ran.code, #folder:ran() }, { 0, 4 })
      test.equal(folder:sql 'SELECT count(*) AS n FROM results', { { n = 4 } })
    end)
  end)
  test.case('that fail fail the cell, and only what is missing is run again', function()
    after('grid = { x = { 1, 2 } }, rounds = 2,', [[
    if point.x == 2 and ctx.round == 2 and not io.open('go') then error('late') end
    return { r = ctx.round }]], function(rows, ran, folder)
      test.equal({ ran.code, rows[2].failed }, { 1, 'sweep.lua:9: late' })
      folder:ran()
      folder:write('go', '')
      test.equal(folder:run('sweep.lua --only failed').code, 0)
      test.equal(folder:ran(), { '{"x":2} 2' })
    end)
  end)
  test.case('are joined by what the rows have', function()
    test.equal(rounds.join { { a = 1 }, { b = 2 } }, { a = 1, b = 2 })
    test.equal(rounds.join { { a = { b = 1 } }, { a = { b = 1, c = 2 } } },
      { a = { b = 1, c = 2 } })
    test.equal(rounds.join { {}, {} }, {})
  end)
end)

test.group('ctx', function()
  test.case('has a folder that is gone afterwards, after an error too', function()
    after('grid = { x = { 1, 2 } },', [[
    local folder = ctx.folder()
    assert(folder == ctx.folder())
    io.open(folder .. '/file', 'wb'):close()
    local list = io.open('folders', 'ab')
    list:write(folder, '\n')
    list:close()
    if point.x == 2 then error('boom') end
    return { y = 1 }]], function(rows, _, folder)
      test.equal(rows[2].failed, 'sweep.lua:15: boom')
      local count = 0
      for path in folder:read('folders'):gmatch('[^\n]+') do
        count = count + 1
        test.equal(io.open(path .. '/file'), nil)
        test.equal(io.open(path), nil)
      end
      test.equal(count, 2)
    end)
  end)
  test.case('says where no folder can be made', function()
    scripts.with_folder(function(folder)
      folder:write('sweep.lua', scripts.experiment(one, [[
    require('ffi').cdef 'int setenv(const char *, const char *, int);'
    require('ffi').C.setenv('TMPDIR', '/nowhere', 1)
    return { y = ctx.folder() }]]))
      local ran = folder:run 'sweep.lua'
      test.equal(ran.out, '[{"failed":"sweep.lua:11: ctx.folder: can\'t make a folder below '
        .. '/nowhere; set TMPDIR to one that may be written","x":1}]\n')
    end)
  end)
  test.case('keeps the last four models', function()
    after(one, [[
    local first = ctx.load 'tiny'
    local another = ctx.load('tiny', { dtype = 'bfloat16' })
    ctx.load('tiny', { dtype = 'float16' })
    ctx.load('tiny', { dtype = 'float32' })
    local kept = first == ctx.load 'tiny' -- the least recently used one is `another` now
    ctx.load('tiny', { verify = true })
    return { kept = kept, still = first == ctx.load 'tiny', dtype = another.dtype,
      gone = another ~= ctx.load('tiny', { dtype = 'bfloat16' }), params = first.params }]],
      function(rows)
        test.equal(rows, { { x = 1, kept = true, still = true, gone = true, dtype = 'bfloat16',
          params = crescent.load('tiny').params } })
      end)
  end)
  test.case("tells a model that can't be loaded on the script's line", function()
    after(one, "return { y = ctx.load('tiny', { dtpye = 'float16' }).params }", function(rows)
      test.equal(rows[1].failed,
        "sweep.lua:9: ctx.load: unknown option 'dtpye' (did you mean 'dtype'?)")
    end)
  end)
  test.case('has a seed of the point', function()
    after('grid = { x = { 1, 2 } }, rounds = 2,', 'return { seed = ctx.seed }', function(rows)
      local seed = require('crescent.experiment.context').seed
      test.equal({ rows[1].seed, rows[2].seed }, { seed '{"x":1}', seed '{"x":2}' })
    end)
  end)
  test.case('names what is near an unknown field', function()
    after(one, 'return { y = ctx.sede }', function(rows)
      test.equal(rows[1].failed, "sweep.lua:9: ctx has no field 'sede' (did you mean 'seed'?)")
    end)
  end)
  test.case('says a word on standard error, and takes a share of 0 to 1', function()
    after(one, [[
    ctx.log('half', 2, nil, true)
    ctx.progress(0.5, 'a note')
    ctx.progress('words')
    return { y = select(2, pcall(ctx.progress, 2)) }]], function(rows, ran)
      test.equal(ran.err, 'half\t2\tnil\ttrue\n1 cell: 1 done (run 1 in runs.db)\n')
      test.ok(rows[1].y:find('ctx.progress: expected a share of 0 to 1, or words, got 2', 1, true))
    end)
  end)
  test.case('is beside options of which no other one can be read', function()
    after("grid = { x = { 1 } }, options = { speed = { 'x', default = 1 }, { 'text', 'y' } },",
      'return { y = tostring(opt.text), z = opt.sped }', function(rows)
        test.equal(rows[1].failed,
          "sweep.lua:9: no option 'sped' was declared (did you mean 'speed'?)")
      end)
  end)
end)
