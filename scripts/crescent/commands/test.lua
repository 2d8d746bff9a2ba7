--- `crescent test DIR`: runs files of tests, each in a process of its own.
local child = require 'crescent.child'
local command = require 'crescent.command'
local terminal_is = require('crescent.terminal').is
local units = require 'crescent.units'

local standard_error = 2
local signals_above = 128 -- an exit code, as shells say what a signal ended

local function is_folder(path)
  local file, problem = io.open(path)
  if not file then command.refuse('test', problem) end
  local _, unreadable = file:read(1)
  file:close()
  return unreadable ~= nil
end

--- The *_spec.lua below a folder, sorted.
local function specs_below(folder)
  local pipe = io.popen(('find -H %s -name "*_spec.lua" -xtype f -print0'):format(
    child.quoted(folder)))
  local files = {}
  for file in pipe:read('*a'):gmatch('[^%z]+') do files[#files + 1] = file end
  pipe:close()
  table.sort(files)
  return files
end

--- The files that the arguments name, each once.
local function files_of(paths)
  local files, known = {}, {}
  for _, path in ipairs(paths) do
    path = path:match('^(.+)/+$') or path
    local found = is_folder(path) and specs_below(path) or { path }
    if #found == 0 then command.refuse('test', path .. ': there is no *_spec.lua in it') end
    for _, file in ipairs(found) do
      if not known[file] then files[#files + 1] = file end
      known[file] = true
    end
  end
  return files
end

--- The options in front of `test`: they are a file's too.
local function options_in_front()
  local options = {}
  for place = -1, -math.huge, -1 do
    if arg[place - 1] == nil then return options end -- arg[place] is the program
    table.insert(options, 1, arg[place])
  end
end

--- Reads what a file's process wrote of its cases.
local function read_report(path)
  local report = { passed = 0, failed = 0, skipped = {}, listed = {}, finished = false }
  for line in io.lines(path) do
    local event, text = line:match('^(%a+)\t(.*)$')
    if event == 'began' then report.case = text
    elseif event == 'skipped' then table.insert(report.skipped, report.case .. ': ' .. text)
    elseif event == 'listed' then table.insert(report.listed, text)
    elseif event == 'finished' then report.finished = true
    else report[event] = report[event] + 1 end
    if event ~= 'began' then report.case = nil end
  end
  return report
end

--- What is wrong with how a file ended, or nil.
local function problem_of(report, code, opt)
  local all = report.passed + report.failed + #report.skipped + #report.listed
  if not report.finished then
    local how = code > signals_above and ('ended by signal %d'):format(code - signals_above)
      or ('ended early with exit code %d'):format(code)
    return report.case and ("%s in the case '%s'"):format(how, report.case) or how
  end
  if all == 0 and not opt.filter then return 'no case was run' end
end

--- Runs a file, prints what failed, and gives the counts.
local function run_file(file, opt)
  local path = os.tmpname()
  local arguments = options_in_front()
  arguments[#arguments + 1] = file
  local wishes = { report = path, filter = opt.filter, list = opt.list, stop = not opt.keep_going }
  local output, code = child.run(arguments, { CRESCENT_TEST = crescent.json.encode(wishes) })
  local report = read_report(path)
  os.remove(path)
  if not report.finished and code == signals_above + 2 then error('interrupted', 0) end
  local problem = problem_of(report, code, opt)
  if problem and report.case then report.failed = report.failed + 1 end
  report.is_broken = problem and not report.case
  if problem or report.failed > 0 then
    print(('%s: %s'):format(file, problem or ('%d of %d cases passed'):format(report.passed,
      report.passed + report.failed)))
    if output:find('%S') then print((output:gsub('%s+$', ''))) end
  end
  for _, skipped in ipairs(report.skipped) do print(('skipped  %s: %s'):format(file, skipped)) end
  for _, name in ipairs(report.listed) do print(('%s: %s'):format(file, name)) end
  return report
end

--- Says on a terminal which file runs; the line is gone once it has.
local function show_progress(text)
  if terminal_is(standard_error) then io.stderr:write('\r\27[K', text) end
end

local function run_all(files, opt)
  local sum = { passed = 0, failed = 0, skipped = 0, listed = 0, broken = 0, files = 0 }
  for place, file in ipairs(files) do
    show_progress(('%d of %d  %s'):format(place, #files, file))
    local report = run_file(file, opt)
    show_progress('')
    local any = report.passed + report.failed + #report.skipped > 0 or report.is_broken
    sum.files = sum.files + (any and 1 or 0)
    sum.passed, sum.failed = sum.passed + report.passed, sum.failed + report.failed
    sum.skipped, sum.listed = sum.skipped + #report.skipped, sum.listed + #report.listed
    if report.is_broken then sum.broken = sum.broken + 1 end
    sum.stopped = not opt.keep_going and sum.failed + sum.broken > 0
    if sum.stopped then break end
  end
  return sum
end

local function summary(sum)
  local parts = { ('%d of %d cases passed in %s'):format(sum.passed, sum.passed + sum.failed,
    units.counted(sum.files, 'file')) }
  if sum.skipped > 0 then parts[#parts + 1] = ('%d skipped'):format(sum.skipped) end
  if sum.broken > 0 then
    parts[#parts + 1] = ('%s failed outside of cases'):format(units.counted(sum.broken, 'file'))
  end
  if sum.stopped then parts[#parts + 1] = 'stopped at the first failure' end
  return table.concat(parts, ', ')
end

return function()
  local opt = crescent.options {
    'Runs files of tests, each in a process of its own.',
    { 'paths', 'files, or folders with *_spec.lua below them', required = true, many = true,
      nonempty = true },
    filter = { 'only cases with this in their group or name: words or a Lua pattern',
      nonempty = true },
    keep_going = { 'go on after a failure', default = true },
    list = { 'print the names of the cases and run none', default = false },
  }
  local files = files_of(opt.paths)
  if opt.filter and not pcall(string.find, '', opt.filter) then
    command.refuse('test', ("--filter: expected a Lua pattern, got '%s'"):format(opt.filter))
  end
  local sum = run_all(files, opt)
  local bad = sum.failed + sum.broken > 0
  if opt.filter and not bad and sum.passed + sum.skipped + sum.listed == 0 then
    command.refuse('test', ("--filter: no case has '%s' in its name"):format(opt.filter))
  end
  if not opt.list or bad then print(summary(sum)) end
  if bad then os.exit(1) end
end
