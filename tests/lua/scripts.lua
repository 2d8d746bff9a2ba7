--- Scripts that run in a process of their own, in a folder of their own.
local quoted = require 'crescent.child'.quoted
local test = require 'crescent.test'
local ffi = require 'ffi'

ffi.cdef [[ char *mkdtemp(char *pattern); int kill(int pid, int signal);
  int usleep(unsigned microseconds); ]]

local scripts = {}

local Folder = {}
Folder.__index = Folder

function Folder:path(name) return self.folder .. '/' .. name end

function Folder:write(name, text)
  local file = assert(io.open(self:path(name), 'wb'))
  file:write(text)
  file:close()
end

--- The text of a file in the folder, or nil.
function Folder:read(name)
  local file = io.open(self:path(name), 'rb')
  if not file then return end
  local text = file:read('*a')
  file:close()
  return text
end

function Folder:command(arguments)
  return ('cd %s && unset CRESCENT_STORE && exec %s --threads 1 %s'):format(quoted(self.folder),
    quoted(crescent.process.executable()), arguments)
end

--- Runs `crescent ARGUMENTS` in the folder, as a shell reads them: { out, err, code }.
function Folder:run(arguments)
  local code = os.execute(('( %s ) >%s 2>%s </dev/null'):format(self:command(arguments),
    quoted(self:path '.out'), quoted(self:path '.err')))
  return { out = self:read '.out', err = self:read '.err',
    code = code % 256 == 0 and code / 256 or 128 + code % 128 }
end

--- Starts `crescent ARGUMENTS` and gives its process id; `ended` waits for it.
function Folder:start(arguments)
  local pipe = io.popen(('{ { %s; } >%s 2>%s </dev/null & echo $!; wait $! 2>/dev/null; '
    .. 'echo $?; } 2>/dev/null'):format(self:command(arguments),
    quoted(self:path '.out'), quoted(self:path '.err')))
  return { pid = pipe:read('*n'), pipe = pipe, folder = self }
end

function scripts.signal(child, signal) ffi.C.kill(child.pid, signal) end

--- How a started process ended.
function scripts.ended(child)
  local code = child.pipe:read('*n')
  child.pipe:close()
  return { out = child.folder:read '.out', err = child.folder:read '.err', code = code }
end

--- Waits until a file of the folder is there, at most a minute.
function Folder:wait_for(name)
  for _ = 1, 6000 do
    if self:read(name) then return end
    ffi.C.usleep(10000)
  end
  error(name .. ' did not come: ' .. (self:read '.err' or ''))
end

--- What SQL says about the folder's store, a line a row.
function Folder:sql(select, store)
  local opened = crescent.store.open(self:path(store or 'runs.db'))
  local rows = opened:query(select)
  opened:close()
  return rows
end

--- Runs fn with a folder that is gone afterwards.
function scripts.with_folder(fn)
  local pattern = (os.getenv('TMPDIR') or '/tmp') .. '/crescent-spec-XXXXXX'
  local buffer = ffi.new('char[?]', #pattern + 1, pattern)
  assert(ffi.C.mkdtemp(buffer) ~= nil, 'no temporary folder')
  local folder = setmetatable({ folder = ffi.string(buffer) }, Folder)
  local ok, problem = pcall(fn, folder)
  os.execute('rm -rf ' .. quoted(folder.folder))
  if not ok then error(problem, 0) end
end

--- The text of a script with an experiment: `spec` are fields that it has beside those here, which
--- append each point that is run to the file 'ran'.
function scripts.experiment(spec, run)
  return ([[
return crescent.experiment {
  name = 'sweep', %s
  report = function(rows) print(rows:json()) end,
  run = function(point, opt, ctx)
    local file = io.open('ran', 'ab')
    local text = require('crescent.experiment.codec').json(point, '')
    file:write(text, ctx.rounds > 1 and ' ' .. ctx.round or '', '\n')
    file:close()
    %s
  end,
}
]]):format(spec, run or 'return { square = point.x ^ 2 }')
end

--- A run of a cell that fails at x = 2 where the file 'broken' is there.
scripts.fragile = [[if point.x == 2 and io.open('broken') then error('boom') end
    return { square = point.x ^ 2 }]]

--- A run of a cell that says that it runs and never ends, unless the file 'go' is there.
scripts.endless = [[
    if point.x == 2 and not io.open('go') then
      ctx.folder()
      local file = io.open('folder', 'wb')
      file:write(ctx.folder())
      file:close()
      while true do end
    end
    return { square = point.x ^ 2 }]]

--- Writes sweep.lua: by default an experiment of three cells.
function Folder:write_sweep(spec, run)
  self:write('sweep.lua', scripts.experiment(spec or 'grid = { x = { 1, 2, 3 } },', run))
end

--- Points as the file 'ran' has them.
function scripts.points(...)
  local list = {}
  for i, x in ipairs { ... } do list[i] = ('{"x":%d}'):format(x) end
  return list
end

--- What a sweep of squares prints.
function scripts.squares(...)
  local list = {}
  for i, x in ipairs { ... } do list[i] = ('{"square":%d,"x":%d}'):format(x * x, x) end
  return '[' .. table.concat(list, ',') .. ']\n'
end

--- Expects a run's exit code, standard output and standard error.
function scripts.expect(ran, code, out, err)
  test.equal({ code = ran.code, out = ran.out, err = ran.err },
    { code = code, out = out, err = err })
end

--- The points that were run since this was asked last, in order: '{"x":1}' and so on, as texts.
function Folder:ran()
  local text = self:read 'ran' or ''
  os.remove(self:path 'ran')
  local list = {}
  for line in text:gmatch('[^\n]+') do list[#list + 1] = line end
  return list
end

return scripts
