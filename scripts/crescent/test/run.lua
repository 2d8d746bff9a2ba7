--- Runs the cases of one file of tests, counts them, and tells what failed. `crescent test` says by
--- a variable of the environment which cases it wants, and where to write what became of them.
local ffi = require 'ffi'

ffi.cdef [[ int unsetenv(const char *name); ]]

local run = {}

local variable = 'CRESCENT_TEST'

--- { report = file, filter = pattern, list = true, stop = true }, each of which may be missing.
--- Processes that a test starts are nobody's to report.
local function read_wishes()
  local text = os.getenv(variable)
  ffi.C.unsetenv(variable)
  return text and crescent.json.decode(text) or {}
end

local wishes = read_wishes()
local report = wishes.report and assert(io.open(wishes.report, 'w'))
local passed, failed, skipped = 0, 0, 0
local in_case = false

--- The groups around what comes next, outermost first: { name, before = {...}, after = {...} }.
local groups = { { before = {}, after = {} } }

--- What ends a case without a traceback.
local Failure = { __tostring = function(failure) return failure.message end }
local Skip = { __tostring = function(skip) return skip.message end }

--- Gives the error of an expectation that doesn't hold.
---@param message string
function run.failure(message) return setmetatable({ message = message }, Failure) end

--- Gives the error that ends a case as skipped.
---@param reason string
function run.skipping(reason) return setmetatable({ message = reason }, Skip) end

---@return boolean
function run.in_case() return in_case end

--- Writes an event for `crescent test`, whatever happens next.
local function tell(event, text)
  if not report then return end
  report:write(event, '\t', (text or ''):gsub('[\n\t]', ' '), '\n')
  report:flush()
end

---@param name string
---@param fn fun()
function run.group(name, fn)
  groups[#groups + 1] = { name = name, before = {}, after = {} }
  fn()
  groups[#groups] = nil
end

---@param when 'before'|'after'
---@param fn fun()
function run.hook(when, fn) table.insert(groups[#groups][when], fn) end

local function full_name(name)
  local names = {}
  for place = 2, #groups do names[#names + 1] = groups[place].name end
  names[#names + 1] = name
  return table.concat(names, ': ')
end

--- A filter is words or a Lua pattern.
local function is_wanted(full)
  return not wishes.filter or full:find(wishes.filter, 1, true) or full:find(wishes.filter)
end

--- What runs the cases, and code that is known by its address, as tracebacks have it.
local own_frames = {
  "[^\n]*crescent/test[/%w]*%.lua:%d+:[^\n]*", "%[C%]: in function 'xpcall'", '%[C%]: at 0x%x+',
}

local function traceback(problem)
  local text = debug.traceback(tostring(problem), 3)
  for _, frame in ipairs(own_frames) do text = text:gsub('\n\t' .. frame, '') end
  return (text:gsub('\nstack traceback:', '\n  stack traceback:'):gsub('\n\t', '\n    '))
end

local function told(problem)
  local meta = getmetatable(problem)
  if meta == Failure or meta == Skip or problem == 'interrupted' then return problem end
  return run.failure(traceback(problem))
end

--- Gives what ended the function early, or nil.
local function problem_of(fn)
  local ok, problem = xpcall(fn, told)
  if ok then return end
  if problem == 'interrupted' then error(problem, 0) end
  return problem
end

--- The hooks around a case: outer groups come first before it and last after it.
local function run_with_hooks(fn)
  local problem
  for _, group in ipairs(groups) do
    for _, hook in ipairs(group.before) do problem = problem or problem_of(hook) end
  end
  problem = problem or problem_of(fn)
  for place = #groups, 1, -1 do
    for _, hook in ipairs(groups[place].after) do
      local later = problem_of(hook)
      problem = problem or later
    end
  end
  return problem
end

---@param name string
---@param fn fun()
function run.case(name, fn)
  local full = full_name(name)
  if not is_wanted(full) or wishes.stop and failed > 0 then return end
  if wishes.list then return tell('listed', full) end
  tell('began', full)
  in_case = true
  local problem = run_with_hooks(fn)
  in_case = false
  if not problem then
    passed = passed + 1
    tell('passed')
  elseif getmetatable(problem) == Skip then
    skipped = skipped + 1
    tell('skipped', problem.message)
    if not report then print(('skipped  %s: %s'):format(full, problem.message)) end
  else
    failed = failed + 1
    tell('failed')
    print(('not ok  %s\n  %s'):format(full, problem.message))
    io.stdout:flush() -- the next case may end the process
  end
end

--- Prints the summary, unless `crescent test` does.
---@return boolean passed
function run.finish()
  tell('finished')
  local all = passed + failed
  if report then return failed == 0 end
  if all + skipped == 0 then
    print('no case was run')
    return false
  end
  print(('%d of %d cases passed%s'):format(passed, all,
    skipped > 0 and (', %d skipped'):format(skipped) or ''))
  return failed == 0
end

return run
