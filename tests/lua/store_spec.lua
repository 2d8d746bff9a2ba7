--- A store as Lua sees it. Its rows are written by SQL here, so that they are known to the digit.
local test = require 'crescent.test'

local day_s = 86400

--- Runs fn with the path of a file that doesn't exist yet and is gone afterwards.
local function with_path(fn)
  local path = os.tmpname()
  os.remove(path)
  local ok, problem = pcall(fn, path)
  for _, suffix in ipairs { '', '-wal', '-shm', '-journal' } do os.remove(path .. suffix) end
  if not ok then error(problem, 0) end
end

--- Adds a run that ended 2.5 s after it began, and returns the store's writer.
local function add_run(store, fields)
  store:query([[INSERT INTO runs (kind, name, version, status, started, started_ns, finished_ns,
      model, model_hash, threads, definition_hash, definition)
    VALUES (:kind, :name, 2, :status, strftime('%Y-%m-%dT%H:%M:%fZ', :s, 'unixepoch'),
      :s * 1000000000, :s * 1000000000 + 2500000000, 'gpt2  12 layers', 'e3b0', 2, 'd41d', '{}')]],
    { kind = fields.kind or 'bench', name = fields.name, status = fields.status or 'done',
      s = fields.started_s or 1772368496 })
end

--- Runs fn with a store of two runs, the first with two trials.
local function with_store(fn)
  with_path(function(path)
    local store = crescent.store.open(path, { write = true })
    add_run(store, { name = 'decode' })
    add_run(store, { name = 'prefill', kind = 'profile', status = 'failed',
      started_s = os.time() - 2 * day_s })
    for number = 1, 2 do
      store:query([[INSERT INTO trials (run, number, candidate, status, tokens, duration_ns,
          samples, windows, spans) VALUES (1, ?, ?, 'done', 3, 12000000, 3, '[]', x'')]],
        { number, 'level ' .. number })
      store:query([[INSERT INTO samples VALUES (?, 'token_ms', 'ms', 3, 4, 1, 3, 5, 0.75,
          '[3,5,4]')]], { number })
    end
    store:query "INSERT INTO options VALUES (1, 'seed', '1'), (1, 'layers', '[1,2]')"
    store:query "INSERT INTO options VALUES (1, 'byhand', 'no JSON')"
    store:query "INSERT INTO environment VALUES (1, 'cpu', 'one')"
    store:query "INSERT INTO warnings VALUES (1, 1, 'the machine is busy')"
    fn(store, path)
    store:close()
  end)
end

test.group('a store', function()
  test.case('lists its runs newest first, by name, kind and number', function()
    with_store(function(store)
      local function ids(options)
        local found = {}
        for i, run in ipairs(store:runs(options)) do found[i] = run.id end
        return found
      end
      test.equal(ids(), { 2, 1 })
      test.equal(ids { limit = 1 }, { 2 })
      test.equal(ids { name = 'decode' }, { 1 })
      test.equal(ids { kind = 'profile' }, { 2 })
      test.equal(ids { name = 'decode', kind = 'profile' }, {})
      local run = store:runs()[2]
      test.equal({ run.kind, run.name, run.model, run.trials, run.status, run.started,
        run.started_s, run.duration_s },
        { 'bench', 'decode', 'gpt2  12 layers', 2, 'done', '2026-03-01T12:34:56.000Z', 1772368496,
          2.5 })
    end)
  end)
  test.case('prints its runs as a table with their age', function()
    with_store(function(store)
      local lines = {}
      for line in tostring(store:runs()):gmatch('[^\n]+') do lines[#lines + 1] = line end
      test.equal(#lines, 3)
      test.equal(lines[1]:gsub(' +', ' '), 'id started (UTC) kind name model trials status age')
      test.ok(lines[2]:find('^ 2  %d%d%d%d%-%d%d%-%d%d %d%d:%d%d  profile  prefill'), lines[2])
      test.ok(lines[2]:find(' 0  failed  +2 days$'), lines[2])
      test.ok(lines[3]:find('^ 1  2026%-03%-01 12:34  bench    decode'), lines[3])
      test.equal(tostring(store:runs { name = 'none' }), 'no runs')
      test.equal(store:runs { name = 'none' }:json(), '[]')
    end)
  end)
  test.case('gives a run with its options, environment, warnings and trials', function()
    with_store(function(store)
      local run = store:run(1)
      test.equal(run.options, { seed = 1, layers = { 1, 2 }, byhand = 'no JSON' })
      test.equal(run.environment, { cpu = 'one' })
      test.equal(run.warnings, { 'the machine is busy' })
      test.equal({ run.version, run.threads, run.model_hash }, { 2, 2, 'e3b0' })
      test.equal(#run:rows(), 2)
      local row = run:rows()[2]
      test.equal({ row.trial, row.candidate, row.status, row.tokens, row.duration_ms },
        { 2, 'level 2', 'done', 3, 12 })
      test.equal(row.token_ms.values, { 3, 5, 4 })
      test.equal(tostring(row.token_ms), '4.00 ± 1.48 ms')
      test.equal(tostring(run), table.concat({
        "run 1  bench 'decode' version 2  done, 2026-03-01 12:34 UTC, took 2.5 s",
        'model    gpt2  12 layers',
        'threads  2',
        'options  byhand = "no JSON", layers = [1,2], seed = 1',
        'trial  candidate  status  tokens   time        token_ms',
        '    1  level 1    done         3  12 ms  4.00 ± 1.48 ms',
        '    2  level 2    done         3  12 ms  4.00 ± 1.48 ms',
        'warning: the machine is busy',
      }, '\n'))
      test.equal(run:csv(), 'trial,candidate,status,tokens,duration_ms,token_ms\n'
        .. '1,level 1,done,3,12,4\n2,level 2,done,3,12,4\n')
    end)
  end)
  test.case('gives the last run of a name, or nil and why there is none', function()
    with_store(function(store, path)
      test.equal(store:last().id, 2)
      test.equal(store:last('decode').id, 1)
      test.equal({ store:last 'none' }, { nil, path .. ": there is no run 'none'" })
      test.equal({ store:run(9) }, { nil, path .. ': there is no run 9' })
      store:trim { keep = 0 }
      test.equal({ store:last() }, { nil, path .. ': there are no runs' })
    end)
  end)
  test.case('says what it is and is closed', function()
    with_store(function(store, path)
      test.equal(store.path, path)
      test.equal(tostring(store), 'store ' .. path .. ', open for writing')
      local reader = crescent.store.open(path)
      test.equal(tostring(reader), 'store ' .. path .. ', open for reading')
      reader:close()
      test.equal(tostring(reader), 'closed store')
      test.raises(function() reader:runs() end,
        'store:runs: expected an open store in front of the colon, got a closed one')
    end)
  end)
end)

test.group('store:query', function()
  test.case('gives rows by column and prints them in the order of the statement', function()
    with_store(function(store)
      local rows = store:query('SELECT name, id, 1.5 AS half, NULL AS missing FROM runs '
        .. 'WHERE id <= :most ORDER BY id', { most = 2 })
      test.equal({ rows[1].name, rows[1].id, rows[1].half, rows[1].missing }, { 'decode', 1, 1.5 })
      test.equal(tostring(rows), 'name     id   half  missing\ndecode    1  1.500  -\n'
        .. 'prefill   2  1.500  -')
      test.equal(rows:csv(), 'name,id,half,missing\ndecode,1,1.5,\nprefill,2,1.5,\n')
      test.equal(tostring(store:query 'SELECT 1 AS one WHERE 0'), 'no rows')
      test.equal(tostring(store:query "UPDATE runs SET name = 'x' WHERE id = 2"), 'done')
    end)
  end)
  test.case('takes numbers, strings and truth', function()
    with_store(function(store)
      local row = store:query('SELECT ? AS a, ? AS b, ? AS c, typeof(?) AS d',
        { 1.5, 'x\0y', true, 3 })[1]
      test.equal({ row.a, row.b, row.c, row.d }, { 1.5, 'x\0y', 1, 'integer' })
      test.equal(store:query('SELECT 9007199254740993 AS n')[1].n, '9007199254740993')
      test.raises(function() store:query('SELECT ?', { {} }) end, "store:query: argument 2 "
        .. "'parameters': expected numbers, strings, true or false, got a table for 1")
    end)
  end)
  test.case('names the statement that is wrong', function()
    with_store(function(store, path)
      test.raises(function() store:query 'SELECT nme FROM runs' end, 'store:query: ' .. path
        .. ': no such column: nme\n  in: SELECT nme FROM runs')
      test.raises(function() crescent.store.open(path):query 'DELETE FROM runs' end,
        'store:query: ' .. path .. ': the store is open for reading; to change it, open it with '
        .. 'write = true\n  in: DELETE FROM runs')
    end)
  end)
end)

test.group('store:trim', function()
  test.case('says what would go, then what went', function()
    with_store(function(store, path)
      local planned = crescent.store.open(path):trim { keep = 1, dry_run = true }
      test.equal({ planned.runs, planned.trials, planned.dry_run }, { 1, 2, true })
      test.ok(tostring(planned):find('^1 run with 2 trials would go, about [%d.]+ K?i?B$'),
        tostring(planned))
      test.equal(#store:runs(), 2)
      local done = store:trim { older_than_days = 30 }
      test.ok(tostring(done):find('^1 run with 2 trials removed, [%d.]+ K?i?B freed$'),
        tostring(done))
      test.equal(store:runs()[1].name, 'prefill')
      test.equal(#store:runs(), 1)
    end)
  end)
  test.case('refuses to guess, and to change what is open for reading', function()
    with_store(function(store, path)
      test.raises(function() store:trim() end, 'store:trim: expected keep or older_than_days, to '
        .. 'know which runs may go; got neither')
      test.raises(function() crescent.store.open(path):trim { keep = 1 } end, 'store:trim: ' .. path
        .. ': the store is open for reading; open it with write = true, or look with dry_run = '
        .. 'true')
    end)
  end)
end)

test.group('crescent.store.open', function()
  test.case('makes a store only for writing', function()
    with_path(function(path)
      test.raises(function() crescent.store.open(path) end, 'crescent.store.open: ' .. path
        .. ': there is no such store; the first run that is stored makes it')
      crescent.store.open(path, { write = true }):close()
      test.equal(#crescent.store.open(path):runs(), 0)
    end)
  end)
  test.case('says what a file is if it is no store', function()
    with_path(function(path)
      local file = assert(io.open(path, 'wb'))
      file:write('return 1\n')
      file:close()
      test.raises(function() crescent.store.open(path) end, 'crescent.store.open: ' .. path
        .. ': expected a store, found a file that is no SQLite database')
    end)
  end)
end)
