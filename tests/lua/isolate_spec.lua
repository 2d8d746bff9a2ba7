--- Cells of experiments in a process of their own: scripts that are run by a crescent of its own.
local test = require 'crescent.test'

local head = [[
local spec = { name = 'isolated', grid = { n = { 1, 2, 3, 4 } }, report = function(rows)
  for _, row in ipairs(rows) do print(row.n, row.doubled or row.failed) end
end }
function spec.run(point, opt, ctx)
]]
local tail = '\n  return { doubled = 2 * point.n }\nend\nreturn crescent.experiment(spec)\n'

--- Runs fn(run) in a folder that is gone afterwards; run(arguments) runs the script isolated.
local function with_script(body, fn)
  local folder = os.tmpname()
  os.remove(folder)
  os.execute('mkdir ' .. folder)
  local file = assert(io.open(folder .. '/sweep.lua', 'w'))
  file:write(head, body, tail)
  file:close()
  local function run(arguments)
    local pipe = io.popen(('cd %s && %s --threads 1 sweep.lua %s 2>&1; echo exit $?'):format(folder,
      crescent.process.executable(), arguments or '--isolate'))
    local said = pipe:read('*a')
    pipe:close()
    return said
  end
  local ok, problem = pcall(fn, run, folder)
  os.execute('rm -rf ' .. folder)
  if not ok then error(problem, 0) end
end

local contains = test.contains

test.group('isolated cells', function()
  test.case('give the rows that cells of this process give', function()
    with_script('', function(run)
      local isolated = run '--isolate --store a.db'
      contains(isolated, '4 cells: 4 done')
      local here = run '--store b.db'
      test.equal(isolated:gsub('a%.db', ''), (here:gsub('b%.db', '')))
    end)
  end)
  test.case('lose one cell to a crash, and its last lines say what it did', function()
    with_script([[
      print('working on', point.n)
      if point.n == 2 then
        local ffi = require 'ffi'
        ffi.cdef 'void abort(void);'
        ffi.C.abort()
      end]], function(run, folder)
      local said = run()
      contains(said, '1\t2\n2\tits process ended: killed by SIGABRT')
      contains(said, '\n3\t6\n4\t8\n')
      contains(said, 'n=2 failed: its process ended: killed by SIGABRT')
      contains(said, '4 cells: 3 done, 1 failed')
      contains(said, 'exit 1')
      local store = crescent.store.open(folder .. '/runs.db')
      local cell = store:run(1).cells[2]
      store:close()
      test.equal(cell.output, 'working on\t1\nworking on\t2')
      test.equal({ cell.status, cell.attempts }, { 'failed', 1 })
    end)
  end)
  test.case('lose one cell to a process that ends by itself', function()
    with_script('if point.n == 3 then os.exit(7) end', function(run)
      local said = run()
      contains(said, 'n=3 failed: its process ended: ')
      contains(said, '4 cells: 3 done, 1 failed')
    end)
  end)
  test.case('keep the message, the traceback and the last lines of an error', function()
    with_script([[
      io.stderr:write('a word of warning\n')
      if point.n == 1 then error('no such luck') end]], function(run, folder)
      contains(run(), 'n=1 failed: sweep.lua:6: no such luck')
      local store = crescent.store.open(folder .. '/runs.db')
      local cell = store:run(1).cells[1]
      store:close()
      test.equal(cell.message, 'sweep.lua:6: no such luck')
      test.ok(cell.traceback:find('sweep.lua:6: in function', 1, true), cell.traceback)
      test.equal(cell.output, 'a word of warning')
    end)
  end)
  test.case('are tried again by --retry, in a process of its own', function()
    with_script([[
      local mark = io.open('tried')
      if point.n == 2 and not mark then
        io.open('tried', 'w'):close()
        os.exit(9)
      end]], function(run)
      contains(run '--isolate --retry 1', '4 cells: 4 done')
    end)
  end)
  test.case('give Samples to the digit, log lines and their options', function()
    with_script([[
      ctx.log('at', point.n)
      if point.n == 1 then
        return { doubled = crescent.statistics.samples({ 1 / 3, 2 / 3 }, { unit = 'ms' }) }
      end]], function(run, folder)
      contains(run(), 'at\t1\n')
      local store = crescent.store.open(folder .. '/runs.db')
      local rows = store:run(1):rows()
      store:close()
      test.equal(rows[1].doubled.values, { 1 / 3, 2 / 3 })
      test.equal(rows[1].doubled.unit, 'ms')
    end)
  end)
  test.case('end with their parent, and the next run goes on', function()
    with_script('if point.n == 3 and not io.open("go") then while true do end end',
      function(run, folder)
        os.execute(('cd %s && { %s --threads 1 sweep.lua --isolate >/dev/null 2>&1 & } && '
          .. 'until [ "$(sqlite3 runs.db "SELECT status FROM cells WHERE position = 3" '
          .. '2>/dev/null)" = running ]; do sleep 0.05; done; kill -9 $!; wait $! 2>/dev/null')
          :format(folder, crescent.process.executable()))
        io.open(folder .. '/go', 'w'):close()
        contains(run '--dry-run', '4 cells: 2 done, 1 stale, 1 pending')
        contains(run(), '4 cells: 4 done')
        local pipe = io.popen(('pgrep -f "%s.*[s]weep.lua --isolate" | xargs -r -I{} '
          .. 'readlink /proc/{}/cwd | grep -c %s'):format(crescent.process.executable(), folder))
        local left = pipe:read('*n')
        pipe:close()
        test.equal(left or 0, 0)
      end)
  end)
  test.case('are refused where no file can be run again', function()
    local pipe = io.popen(('echo "crescent.experiment { name = \'x\', grid = { n = { 1 } }, '
      .. 'arguments = { \'--isolate\' }, run = function() return { a = 1 } end }" | '
      .. '%s --store %s 2>&1'):format(crescent.process.executable(), os.tmpname()))
    local said = pipe:read('*a')
    pipe:close()
    contains(said, 'crescent.experiment: --isolate: a worker runs the script again, so it needs a '
      .. 'file; what is typed can be saved with :save FILE.lua')
  end)
end)
