--- Sweeps as the command line runs them: resume, flags, mistakes, Ctrl-C. Each run is a process of
--- its own.
local test = require 'crescent.test'
local scripts = require 'scripts'

local with_folder, experiment = scripts.with_folder, scripts.experiment
local expect, xs, rows_of = scripts.expect, scripts.points, scripts.squares
local SIGINT, SIGKILL = 2, 9
local all_done = '3 cells: 3 done (run 1 in runs.db)\n'

test.group('a sweep', function()
  test.case('runs every cell once, in the order of the grid, and reports', function()
    with_folder(function(folder)
      folder:write_sweep()
      expect(folder:run 'sweep.lua', 0, rows_of(1, 2, 3), all_done)
      test.equal(folder:ran(), xs(1, 2, 3))
      expect(folder:run 'sweep.lua', 0, rows_of(1, 2, 3), all_done)
      test.equal(folder:ran(), {})
    end)
  end)
  test.case('goes on after a cell that fails, and says how to run it again', function()
    with_folder(function(folder)
      folder:write_sweep(nil, scripts.fragile)
      folder:write('broken', '')
      local failed = '[{"square":1,"x":1},{"failed":"sweep.lua:9: boom","x":2},'
        .. '{"square":9,"x":3}]\n'
      local ending = '3 cells: 2 done, 1 failed (run 1 in runs.db)\n'
        .. '1 failed, the first: x=2: sweep.lua:9: boom\n'
        .. 'to run it again: --only failed; all of it: crescent show 1\n'
      expect(folder:run 'sweep.lua', 1, failed, 'x=2 failed: sweep.lua:9: boom\n' .. ending)
      test.equal(folder:ran(), xs(1, 2, 3))
      -- A plain start leaves it.
      expect(folder:run 'sweep.lua', 1, failed, ending)
      test.equal(folder:ran(), {})
      os.remove(folder:path 'broken')
      expect(folder:run 'sweep.lua --only failed', 0, rows_of(1, 2, 3), all_done)
      test.equal(folder:ran(), xs(2))
    end)
  end)
  test.case('keeps what a failed cell said, for crescent show', function()
    with_folder(function(folder)
      folder:write_sweep(nil, scripts.fragile)
      folder:write('broken', '')
      folder:run 'sweep.lua'
      local cell = folder:sql
        "SELECT message, traceback, attempts FROM cells WHERE status = 'failed'"
      test.equal(cell, { { message = 'sweep.lua:9: boom', attempts = 1,
        traceback = "stack traceback:\n\t[C]: in function 'error'\n\tsweep.lua:9: in function "
          .. '<sweep.lua:4>' } })
      local shown = folder:run 'show 1'
      test.ok(shown.out:find('failed: {"x":2}, attempt 1\n  sweep.lua:9: boom\n'
        .. '  stack traceback:\n', 1, true), shown.out)
      test.ok(shown.out:find('1 cell failed; their figures are missing\n', 1, true), shown.out)
    end)
  end)
  test.case('tries again as often as --retry says', function()
    with_folder(function(folder)
      folder:write_sweep(nil, [[local tries = #(io.open('ran'):read('*a'):gsub('[^2]', ''))
    if point.x == 2 and tries < 3 then error('boom') end
    return { tries = tries }]])
      local ran = folder:run 'sweep.lua --retry 1'
      test.equal({ ran.code, folder:ran() }, { 1, xs(1, 2, 2, 3) })
      ran = folder:run 'sweep.lua --only failed --retry 2'
      test.equal({ ran.code, folder:ran() }, { 0, xs(2, 2, 2) })
      test.equal(folder:sql 'SELECT attempts FROM cells ORDER BY position',
        { { attempts = 1 }, { attempts = 5 }, { attempts = 1 } })
    end)
  end)
  test.case('stops at a failure where --on-error or the script says so', function()
    with_folder(function(folder)
      folder:write('broken', '')
      folder:write_sweep(nil, scripts.fragile)
      local ran = folder:run 'sweep.lua --on-error stop'
      expect(ran, 1, '', 'x=2 failed: sweep.lua:9: boom\n'
        .. '3 cells: 1 done, 1 failed, 1 pending (run 1 in runs.db)\n'
        .. '1 failed, the first: x=2: sweep.lua:9: boom\n'
        .. 'to run it again: --only failed; all of it: crescent show 1\n'
        .. 'no report yet: 2 of 3 cells were run; running it again adds the rest, '
        .. '--partial shows what there is\n')
      test.equal(folder:ran(), xs(1, 2))
      folder:write_sweep("grid = { x = { 1, 2, 3 } }, on_error = 'stop',", scripts.fragile)
      folder:run 'sweep.lua --fresh'
      test.equal(folder:ran(), xs(1, 2))
      folder:run 'sweep.lua --fresh --on-error continue'
      test.equal(folder:ran(), xs(1, 2, 3))
    end)
  end)
  test.case('runs what comes new when the grid grows, and shows what is in it', function()
    with_folder(function(folder)
      folder:write_sweep()
      folder:run 'sweep.lua'
      folder:ran()
      folder:write_sweep('grid = { x = { 4, 2 } },')
      local ran = folder:run 'sweep.lua --accept'
      test.equal({ ran.out, folder:ran() }, { rows_of(4, 2), xs(4) })
      folder:write_sweep()
      test.equal(folder:run('sweep.lua --accept').out, rows_of(1, 2, 3))
      test.equal(folder:ran(), {})
    end)
  end)
end)

test.group('flags', function()
  test.case('--limit and --where run a part, and the rest comes later', function()
    with_folder(function(folder)
      folder:write_sweep()
      expect(folder:run 'sweep.lua --limit 1', 0, '',
        '3 cells: 1 done, 2 pending (run 1 in runs.db)\n'
        .. 'no report yet: 1 of 3 cells were run; running it again adds the rest, '
        .. '--partial shows what there is\n')
      test.equal(folder:ran(), xs(1))
      local ran = folder:run "sweep.lua --where 'x ~= 2 and x > 0' --partial"
      test.equal({ ran.code, ran.out, folder:ran() }, { 0, rows_of(1, 3), xs(3) })
      test.equal(folder:run('sweep.lua').out, rows_of(1, 2, 3))
      test.equal(folder:ran(), xs(2))
    end)
  end)
  test.case('--only pending leaves stale and failed cells', function()
    with_folder(function(folder)
      folder:write_sweep()
      folder:run 'sweep.lua --limit 1'
      local store = crescent.store.open(folder:path 'runs.db', { write = true })
      store:query "UPDATE cells SET status = 'stale' WHERE point = '{\"x\":3}'"
      store:close()
      folder:ran()
      folder:run 'sweep.lua --only pending'
      test.equal(folder:ran(), xs(2))
      folder:run 'sweep.lua --only stale'
      test.equal(folder:ran(), xs(3))
    end)
  end)
  test.case('--shuffle gives each seed its order', function()
    with_folder(function(folder)
      folder:write_sweep('grid = { x = { 1, 2, 3, 4, 5, 6, 7, 8 } },')
      local function order(seed)
        local ran = folder:run('sweep.lua --fresh --shuffle ' .. seed)
        return table.concat(folder:ran(), ' '), ran.out
      end
      local first, rows = order(1)
      local second = order(2)
      test.equal(order(1), first)
      test.ok(first ~= second, first)
      test.ok(first ~= table.concat(xs(1, 2, 3, 4, 5, 6, 7, 8), ' '), first)
      test.equal(rows, rows_of(1, 2, 3, 4, 5, 6, 7, 8))
    end)
  end)
  test.case('--dry-run says what is due and how long it takes, and leaves no trace', function()
    with_folder(function(folder)
      folder:write_sweep()
      expect(folder:run 'sweep.lua --dry-run', 0, "experiment 'sweep' version 1\n"
        .. '3 cells: 3 pending\nto run now: 3 cells, nothing is known of how long that takes\n'
        .. '  x=1\n  x=2\n  x=3\n', '')
      test.equal(folder:read 'runs.db', nil)
      folder:run 'sweep.lua --limit 2'
      -- As long as the two took: 3 min each.
      local store = crescent.store.open(folder:path 'runs.db', { write = true })
      store:query "UPDATE cells SET duration_ns = 180000000000 WHERE status = 'done'"
      store:close()
      expect(folder:run 'sweep.lua --dry-run', 0, "experiment 'sweep' version 1\n"
        .. '3 cells: 2 done, 1 pending\nto run now: 1 cell, about 3 min\n  x=3\n', '')
      test.ok(folder:run('sweep.lua --dry-run --fresh').out:find('3 cells: 3 pending', 1, true))
      test.equal(folder:sql 'SELECT count(*) AS runs FROM runs', { { runs = 1 } })
      folder:run 'sweep.lua'
      expect(folder:run 'sweep.lua --dry-run', 0, "experiment 'sweep' version 1\n"
        .. '3 cells: 3 done\nnothing is left to run\n', '')
      folder:write_sweep(nil, 'return { square = point.x ^ 3 }')
      expect(folder:run 'sweep.lua --dry-run', 0, "experiment 'sweep' version 1\n"
        .. '3 cells: 3 done\nnothing is left to run\n'
        .. '3 cells come from another text of the script; the sweep will ask for --accept or '
        .. '--fresh\n', '')
      test.equal(#folder:ran(), 3)
    end)
  end)
  test.case('--dry-run lists ten cells and counts the rest', function()
    with_folder(function(folder)
      folder:write_sweep('grid = { x = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } }, rounds = 2,')
      local out = folder:run('sweep.lua --dry-run').out
      test.ok(out:find('to run now: 12 cells in 24 steps, nothing', 1, true), out)
      test.ok(out:find('  x=10\n  ... 2 more\n', 1, true), out)
    end)
  end)
  test.case('--fresh begins a run and leaves the other one', function()
    with_folder(function(folder)
      folder:write_sweep()
      folder:run 'sweep.lua'
      expect(folder:run 'sweep.lua --fresh --limit 1 --partial', 0, rows_of(1),
        '3 cells: 1 done, 2 pending (run 2 in runs.db)\n')
      test.equal(folder:sql
        "SELECT run, count(*) AS cells FROM cells WHERE status = 'done' GROUP BY run",
        { { run = 1, cells = 3 }, { run = 2, cells = 1 } })
      folder:ran()
      folder:run 'sweep.lua' -- goes on with the newest
      test.equal(folder:ran(), xs(2, 3))
    end)
  end)
  test.case('of the script are part of what a cell is, but for identity = false', function()
    with_folder(function(folder)
      folder:write_sweep([[grid = { x = { 2 } }, options = { power = { 'exponent', default = 2 },
        note = { 'what is said', default = 'a', identity = false } },]],
        'return { figure = point.x ^ opt.power }')
      test.equal(folder:run('sweep.lua').out, '[{"figure":4,"x":2}]\n')
      test.equal(folder:run('sweep.lua --note b').out, '[{"figure":4,"x":2}]\n')
      test.equal(#folder:ran(), 1)
      test.equal(folder:run('sweep.lua --power 3').out, '[{"figure":8,"x":2}]\n')
      test.equal(#folder:ran(), 1)
      folder:run 'sweep.lua' -- the first one is there still
      test.equal(#folder:ran(), 0)
      test.equal(#folder:sql 'SELECT id FROM runs', 2)
    end)
  end)
  test.case('that are wrong are refused with the nearest, and nothing is run', function()
    with_folder(function(folder)
      folder:write_sweep("grid = { x = { 1 } }, options = { power = { 'exponent', default = 2 } },")
      local function refused(arguments, message)
        expect(folder:run('sweep.lua ' .. arguments), 2, '',
          'crescent sweep.lua: ' .. message .. '\nTry `crescent sweep.lua --help`.\n')
      end
      refused('--only faild', "--only: expected 'pending' or 'stale' or 'failed', got 'faild'")
      refused('--powr 3', "unknown option '--powr' (did you mean '--power'?)")
      refused('--dryrun', "unknown option '--dryrun' (did you mean '--dry-run'?)")
      refused('--retry -1', "--retry: expected an integer >= 0, got '-1'")
      refused('--limit 1.5', "--limit: expected an integer >= 0, got '1.5'")
      refused('--on-error halt', "--on-error: expected 'continue' or 'stop', got 'halt'")
      for _, shard in ipairs { '3/2', '0/2', '1', '1/0', 'a/b' } do
        refused('--shard ' .. shard, "--shard: expected a part of several such as '1/2', got '"
          .. shard .. "'")
      end
      refused("--where ''", "--where: expected a text of at least one character, got ''")
      test.equal({ folder:read 'runs.db', folder:read 'ran' }, {})
    end)
  end)
  test.case('--where takes derived parameters that only some points have', function()
    with_folder(function(folder)
      folder:write_sweep([[grid = { x = { 1, 2, 3 } },
        derive = function(point) return { half = point.x == 2 and 1 or nil } end,]])
      folder:run "sweep.lua --where 'half == 1'"
      test.equal(folder:ran(), { '{"half":1,"x":2}' })
    end)
  end)
  test.case('--where that is wrong names the nearest parameter', function()
    with_folder(function(folder)
      folder:write_sweep('grid = { ratio = { 1 } },', 'return { a = 1 }')
      local function told(where)
        local ran = folder:run("sweep.lua --where '" .. where .. "'")
        test.equal({ ran.code, ran.out }, { 1, '' })
        return ran.err:match('^[^\n]*')
      end
      test.equal(told 'raito > 1',
        "sweep.lua: --where: 'raito > 1': unknown name 'raito' (did you mean 'ratio'?)")
      test.equal(told 'ratio = 1',
        "sweep.lua: --where: 'ratio = 1': '<eof>' expected near '=' (equal is '==')")
      test.equal(told 'ratio',
        "sweep.lua: --where: 'ratio': expected true or false of it, got 1")
    end)
  end)
  test.case('are read by a script that names its arguments itself', function()
    with_folder(function(folder)
      folder:write_sweep("grid = { x = { 1, 2 } }, arguments = { '--limit', '1', '--partial' },")
      test.equal(folder:run('sweep.lua --nonsense').out, rows_of(1))
    end)
  end)
end)

test.group('a mistake', function()
  test.case('in a script that returns its experiment names the script', function()
    with_folder(function(folder)
      folder:write('sweep.lua', 'return crescent.experiment { nmae = 1 }')
      local ran = folder:run 'sweep.lua'
      test.equal({ ran.code, ran.err:match('^[^\n]*') }, { 1,
        "sweep.lua: crescent.experiment: unknown key 'nmae' (did you mean 'name'?)" })
      folder:write('sweep.lua', '-- one\nlocal rows = crescent.experiment { nmae = 1 }')
      test.equal(folder:run('sweep.lua').err:match('^[^\n]*'),
        "sweep.lua:2: crescent.experiment: unknown key 'nmae' (did you mean 'name'?)")
    end)
  end)
  test.case('in --store is told in the words of the store', function()
    with_folder(function(folder)
      folder:write_sweep()
      local function told(arguments, message)
        local ran = folder:run('sweep.lua ' .. arguments)
        test.equal({ ran.code, ran.err:match('^[^\n]*') }, { 1, message })
      end
      local missing = ('nix/a.db: there is no folder %s; make it first'):format(folder:path 'nix')
      local other = 'sweep.lua: expected a store, found a file that is no SQLite database'
      told('--store nix/a.db', missing)
      told('--store nix/a.db --dry-run', missing)
      told('--store sweep.lua', other)
      told('--store sweep.lua --dry-run', other)
    end)
  end)
end)

test.group('progress', function()
  test.case('is a bar on a terminal, with words of the cell, and lines above it', function()
    with_folder(function(folder)
      folder:write('bar.lua', [[
        local bar = require('crescent.experiment.progress').new(4, { terminal = true })
        bar:begin('x=1')
        bar:finish_step()
        bar:begin('x=2')
        bar.note = 'epoch 3'
        bar:log('a word')
        bar:wipe()]])
      local err = folder:run('bar.lua').err
      local before, line, after = err:match('^(.*)\r(█[^\r]*)(\r.*)$')
      test.equal({ before, after }, { '\r\27[Ka word\n', '\r\27[K' })
      test.equal(line:gsub('%d+%.?%d* %a+ left', 'TIME left'), ('█'):rep(6) .. ('░'):rep(18)
        .. ' 1/4  x=2  epoch 3  TIME left\27[K')
    end)
  end)
end)

test.group('several experiments in a script', function()
  test.case('are run one after the other, and one that fails makes the exit code 1', function()
    with_folder(function(folder)
      local function named(name, body)
        return experiment('grid = { x = { 1 } },', body):gsub('return crescent', 'crescent')
          :gsub("'sweep'", "'" .. name .. "'")
      end
      folder:write('two.lua', named('a', "error('boom')") .. named('b'))
      local ran = folder:run 'two.lua'
      test.equal({ ran.code, ran.out },
        { 1, '[{"failed":"two.lua:9: boom","x":1}]\n' .. rows_of(1) })
      test.equal(folder:sql 'SELECT name, status FROM runs ORDER BY id',
        { { name = 'a', status = 'failed' }, { name = 'b', status = 'done' } })
    end)
  end)
end)

test.group('a sweep that is', function()
  test.case('interrupted marks its cell, ends with 130 and goes on next time', function()
    with_folder(function(folder)
      folder:write_sweep(nil, scripts.endless)
      local child = folder:start 'sweep.lua'
      folder:wait_for 'folder'
      scripts.signal(child, SIGINT)
      local ended = scripts.ended(child)
      test.equal({ ended.code, ended.out, ended.err:match('^[^\n]*\n[^\n]*') }, { 130, '',
        'stopped: 3 cells: 1 done, 1 stale, 1 pending; run it again to go on\ninterrupted' })
      test.equal(folder:sql 'SELECT status FROM cells ORDER BY position',
        { { status = 'done' }, { status = 'stale' }, { status = 'pending' } })
      test.equal(folder:sql 'SELECT status FROM runs', { { status = 'killed' } })
      test.equal(io.open(folder:read 'folder'), nil)
      folder:ran()
      folder:write('go', '')
      expect(folder:run 'sweep.lua', 0, rows_of(1, 2, 3), all_done)
      test.equal(folder:ran(), xs(2, 3))
    end)
  end)
  test.case('at work lets no other one in, and may be looked at', function()
    with_folder(function(folder)
      folder:write_sweep(nil, scripts.endless)
      local child = folder:start 'sweep.lua'
      folder:wait_for 'folder'
      local pid = folder:sql('SELECT owner_pid FROM runs')[1].owner_pid
      local second = folder:run 'sweep.lua'
      test.equal({ second.code, second.err:match('^[^\n]*') }, { 1, ('runs.db: process %d works on '
        .. "run 1 of 'sweep' at this moment; wait for it, or give each a part and a store of its "
        .. 'own: --shard 1/2 --store PATH. If it surely is gone: --take-over'):format(pid) })
      local looked = folder:run 'sweep.lua --dry-run'
      test.equal({ looked.code, looked.out:match('[^\n]*\n([^\n]*)') },
        { 0, '3 cells: 1 done, 1 running, 1 pending' })
      scripts.signal(child, SIGKILL)
      test.equal(scripts.ended(child).code, 128 + SIGKILL)
    end)
  end)
  test.case('at work loses its run to one that is told to take over', function()
    with_folder(function(folder)
      folder:write_sweep(nil, scripts.endless)
      local child = folder:start 'sweep.lua'
      folder:wait_for 'folder'
      folder:ran()
      folder:write('go', '')
      expect(folder:run 'sweep.lua --take-over', 0, rows_of(1, 2, 3), all_done)
      test.equal(folder:ran(), xs(2, 3))
      scripts.signal(child, SIGKILL)
      scripts.ended(child)
      test.equal(folder:run('sweep.lua').out, rows_of(1, 2, 3))
      test.equal(folder:ran(), {})
    end)
  end)
  test.case('killed is stale, and goes on next time', function()
    with_folder(function(folder)
      folder:write_sweep(nil, scripts.endless)
      local child = folder:start 'sweep.lua'
      folder:wait_for 'folder'
      scripts.signal(child, SIGKILL)
      scripts.ended(child)
      test.equal(folder:run('sweep.lua --dry-run').out:match('[^\n]*\n([^\n]*)'),
        '3 cells: 1 done, 1 stale, 1 pending')
      local store = crescent.store.open(folder:path 'runs.db')
      test.equal(store:run(1).cells[2].status, 'stale')
      store:close()
      test.equal(folder:sql 'SELECT status FROM cells WHERE position = 2',
        { { status = 'running' } }) -- who only looks changes nothing
      folder:ran()
      folder:write('go', '')
      test.equal(folder:run('sweep.lua').out, rows_of(1, 2, 3))
      test.equal(folder:ran(), xs(2, 3))
    end)
  end)
end)
