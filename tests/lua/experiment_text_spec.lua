--- Cells of other texts, names of other scripts, and shards: which cells may stand beside which.
local test = require 'crescent.test'
local scripts = require 'scripts'

local with_folder, experiment = scripts.with_folder, scripts.experiment
local expect, xs, rows_of = scripts.expect, scripts.points, scripts.squares
local SIGKILL = 9
local all_done = '3 cells: 3 done (run 1 in runs.db)\n'

test.group('another text', function()
  test.case('is one with another number, not one with another comment or report', function()
    with_folder(function(folder)
      local text = experiment 'grid = { x = { 1, 2, 3 } },'
      folder:write('sweep.lua', text)
      folder:run 'sweep.lua'
      folder:ran()
      folder:write('sweep.lua', '-- A word.\n\n' .. text:gsub('rows:json%(%)', '#rows')
        :gsub('point.x %^ 2', 'point.x\n\n ^ 2 --[[ squared ]]'))
      expect(folder:run 'sweep.lua', 0, '3\n', all_done)
      folder:write('sweep.lua', (text:gsub('x %^ 2', 'x ^ 3')))
      local ran = folder:run 'sweep.lua'
      test.equal({ ran.code, ran.out, ran.err:match('^[^\n]*') }, { 1, '',
        'runs.db: 3 cells come from another text of the script; --accept goes on beside them, '
        .. '--fresh begins anew; where cells mean something else now, raise `version`' })
      test.equal(folder:ran(), {})
      test.equal(folder:sql 'SELECT status FROM runs', { { status = 'done' } })
    end)
  end)
  test.case('that was accepted is not asked about again, a third one is', function()
    with_folder(function(folder)
      local grid = 'grid = { x = { 1, 2, 3 } },'
      folder:write_sweep(grid)
      folder:run 'sweep.lua --limit 1'
      folder:write_sweep(grid, 'return { square = -point.x ^ 2 }')
      test.equal(folder:run('sweep.lua').code, 1)
      local warning = 'warning: 1 cell comes from another text of the script, accepted\n'
      expect(folder:run 'sweep.lua --limit 1 --accept --partial', 0,
        '[{"square":1,"x":1},{"square":-4,"x":2}]\n',
        warning .. '3 cells: 2 done, 1 pending (run 1 in runs.db)\n')
      expect(folder:run 'sweep.lua', 0,
        '[{"square":1,"x":1},{"square":-4,"x":2},{"square":-9,"x":3}]\n', warning .. all_done)
      test.equal(folder:run('sweep.lua --dry-run').out, "experiment 'sweep' version 1\n"
        .. '3 cells: 3 done\nnothing is left to run\n')
      test.ok(folder:run('show 1').out:find(
        '\nthe cells come from 2 texts of the script or builds of crescent\n', 1, true))
      folder:write_sweep(grid, 'return { square = 5 }')
      local ran = folder:run 'sweep.lua'
      test.equal({ ran.code, ran.err:match('^[^;]*') },
        { 1, 'runs.db: 3 cells come from another text of the script' })
      -- Another version is another experiment: nobody asks.
      folder:write_sweep(grid .. ' version = 2,', 'return { square = 5 }')
      expect(folder:run 'sweep.lua --limit 1 --partial', 0, '[{"square":5,"x":1}]\n',
        '3 cells: 1 done, 2 pending (run 2 in runs.db)\n')
    end)
  end)
  test.case('is one where a module that the script requires has another number', function()
    with_folder(function(folder)
      folder:write('powers.lua', 'return { two = 2 } -- a comment')
      folder:write('sweep.lua', "local powers = require 'powers'\n"
        .. experiment('grid = { x = { 3 } },', 'return { square = point.x ^ powers.two }'))
      test.equal(folder:run('sweep.lua').out, rows_of(3))
      folder:write('powers.lua', 'return { two = 2 } -- another comment')
      test.equal(folder:run('sweep.lua').out, rows_of(3))
      folder:write('powers.lua', 'return { two = 3 }')
      test.equal(folder:run('sweep.lua').err:match('^[^;]*'),
        'runs.db: 1 cell comes from another text of the script')
    end)
  end)
  test.case('is kept in the store, with the modules', function()
    with_folder(function(folder)
      folder:write('powers.lua', 'return { two = 2 }')
      local text = "local powers = require 'powers'\n" .. experiment('grid = { x = { 3 } },')
        .. '-- ' .. 'the last line'
      folder:write('sweep.lua', text)
      folder:run 'sweep.lua'
      local stored = folder:sql [[SELECT texts.* FROM texts JOIN results ON text = hash]]
      test.equal(crescent.json.decode(stored[1].files),
        { script = text, powers = 'return { two = 2 }' })
    end)
  end)
  test.case('of another build is told too', function()
    with_folder(function(folder)
      folder:write_sweep()
      folder:run 'sweep.lua'
      local store = crescent.store.open(folder:path 'runs.db', { write = true })
      store:query "UPDATE results SET build = 'crescent 0.0.0' WHERE cell < 3"
      store:close()
      test.equal(folder:run('sweep.lua').err:match('^[^;]*'),
        'runs.db: 2 cells come from another build of crescent')
      folder:write_sweep(nil, 'return { square = 0 }')
      test.equal(folder:run('sweep.lua').err:match('^[^;]*'), 'runs.db: 3 cells come from another '
        .. 'text of the script, 2 cells come from another build of crescent')
    end)
  end)
end)

test.group('a name', function()
  test.case('of another script is refused, until somebody accepts it', function()
    with_folder(function(folder)
      folder:write_sweep()
      folder:run 'sweep.lua'
      folder:write('other.lua', experiment 'grid = { x = { 1, 2, 3 } },')
      local ran = folder:run 'other.lua'
      test.equal({ ran.code, ran.err:match('^[^\n]*') }, { 1,
        "runs.db: the name 'sweep' is that of an experiment of sweep.lua (run 1); give this one "
        .. 'another name, or another store, or, if the script was renamed, say --accept' })
      test.equal(folder:run('other.lua --accept').out, rows_of(1, 2, 3))
      test.equal(folder:run('other.lua --store other.db').code, 0)
    end)
  end)
end)

test.group('the store', function()
  test.case('knows which cells it has', function()
    with_folder(function(folder)
      local sweep = crescent.store.sweep('sweep', { version = 1, options = '{}', identity = '{}',
        store = folder:path 'runs.db' })
      test.raises(function() sweep:begin(9) end,
        'sweep:begin: there is no cell 9 in this store; was it trimmed?')
      local cells = sweep:declare { { identity = 'a', point = '{}', model = '', model_hash = '' } }
      sweep:begin(cells[1].id)
      test.raises(function()
        sweep:finish(cells[1].id, { round = 1, last = true, row = '{}', text = 't', build = 'b',
          duration_ms = 1, samples = { t_ms = { unit = 'ms', values = { 1, 'two' } } } })
      end, "sweep:finish: option 'samples': expected numbers, got 'two' as value 2 of 't_ms'")
      sweep:close { status = 'killed' }
      test.equal(folder:sql 'SELECT status FROM cells', { { status = 'stale' } })
    end)
  end)
end)

test.group('shards', function()
  local spec = 'grid = { x = { 1, 2, 3, 4, 5 } },'
  local run = [[if point.x == 4 then error('four') end
    return { square = point.x ^ 2, t_ms = crescent.statistics.samples({ point.x, 1 / 3, 0.1 },
      { unit = 'ms' }) }]]
  local function merged(folder, store, from)
    local ran = folder:run('merge ' .. store .. ' ' .. from)
    test.equal(ran.code, 0)
    return folder:run(('sweep.lua --store %s --limit 0'):format(store)).out, ran.out
  end
  test.case('are run apart and merge to what one run gives, in either order', function()
    with_folder(function(folder)
      folder:write_sweep(spec, run)
      local whole = folder:run('sweep.lua --store whole.db').out
      test.ok(whole:find('"failed":"sweep.lua:9: four"', 1, true), whole)
      folder:ran()
      folder:run 'sweep.lua --shard 1/2 --store a.db'
      test.equal(folder:ran(), xs(1, 3, 5))
      folder:run 'sweep.lua --shard 2/2 --store b.db'
      test.equal(folder:ran(), xs(2, 4))
      test.equal(merged(folder, 'ab.db', 'a.db b.db'), whole)
      test.equal(merged(folder, 'ba.db', 'b.db a.db'), whole)
      test.equal(merged(folder, 'a.db', 'b.db'), whole)
      -- Again changes nothing.
      local again, said = merged(folder, 'ab.db', 'b.db a.db whole.db')
      test.equal(again, whole)
      test.equal(said, 'b.db: nothing new\na.db: nothing new\nwhole.db: nothing new\n')
      test.equal(folder:ran(), {})
    end)
  end)
  test.case('that were merged hold what is in every row, and a cell that is done wins', function()
    with_folder(function(folder)
      folder:write_sweep('grid = { x = { 1, 2, 3 } },', scripts.fragile)
      folder:write('broken', '')
      folder:run 'sweep.lua --store a.db'
      os.remove(folder:path 'broken')
      folder:run "sweep.lua --store b.db --where 'x == 2'"
      test.equal(merged(folder, 'a.db', 'b.db'), rows_of(1, 2, 3))
      test.equal(merged(folder, 'b.db', 'a.db'), rows_of(1, 2, 3))
    end)
  end)
  test.case('of another text are told when they are merged', function()
    with_folder(function(folder)
      folder:write_sweep()
      folder:run 'sweep.lua --shard 1/2 --store a.db'
      folder:write_sweep(nil, 'return { square = 0 }')
      folder:run 'sweep.lua --shard 2/2 --store b.db'
      local said = folder:run('merge a.db b.db').out
      test.ok(said:find("warning: the cells of run 1 of 'sweep' come from 2 different texts of the "
        .. 'script or builds of crescent', 1, true), said)
    end)
  end)
  test.case('that somebody works on are left out until they have ended', function()
    with_folder(function(folder)
      folder:write_sweep(nil, scripts.endless)
      local child = folder:start 'sweep.lua --store a.db'
      folder:wait_for 'folder'
      local said = folder:run('merge all.db a.db').out
      scripts.signal(child, SIGKILL)
      scripts.ended(child)
      test.ok(said:find("run 1 of 'sweep' is running there and was left out; merge again when it "
        .. 'has ended', 1, true), said)
    end)
  end)
end)
