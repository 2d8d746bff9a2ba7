--- Folders of reports: what stands in them, the command that makes them again, and mistakes.
local ffi = require 'ffi'
local test = require 'crescent.test'
local rows = require 'crescent.rows'
local xml = require 'xml'

pcall(ffi.cdef, 'int setenv(const char *name, const char *value, int overwrite);')

local samples = crescent.statistics.samples({ 1, 2, 3 }, { unit = 'ms' })
local list = rows.of { { ratio = 0, ppl = 20, token_ms = samples }, { ratio = 0.5, ppl = 30 } }
local layout = crescent.report.layout { title = 'Cuts', columns = { 'ratio', 'ppl' },
  charts = { { kind = 'line', x = 'ratio', y = 'ppl' },
    { kind = 'bar', x = 'ratio', y = 'ppl', title = 'The same: as bars' } } }
local book = crescent.report.book { title = 'A book', parts = { { layout, list } } }

local function output_of(command)
  local pipe = io.popen(('{ %s; } 2>&1 </dev/null'):format(command))
  local said = pipe:read '*a'
  pipe:close()
  return (said:gsub('%s+$', ''))
end

local function read(path)
  local file = io.open(path, 'rb')
  if not file then return nil end
  local text = file:read '*a'
  file:close()
  return text
end

--- Runs fn(path) with the path of a folder that is gone afterwards.
local function with_folder(fn)
  local path = output_of 'mktemp -d'
  local ok, problem = pcall(fn, path)
  os.execute('rm -rf ' .. path)
  if not ok then error(problem, 0) end
end

local contains = test.contains

test.group('a folder', function()
  test.case('holds the report, its rows with every sample, and its charts', function()
    with_folder(function(path)
      crescent.report.folder(path .. '/a/b', { book = book, rows = list })
      test.equal(read(path .. '/a/b/report.html'), book:render { format = 'html' })
      test.equal(read(path .. '/a/b/report.md'), book:render { format = 'md' })
      test.equal(read(path .. '/a/b/rows.csv'), list:csv())
      local stored = crescent.json.decode(read(path .. '/a/b/rows.json'))
      test.equal({ #stored, stored[1].token_ms.values }, { 2, { 1, 2, 3 } })
      local drawn = output_of(('cd %s/a/b/charts && ls *.svg'):format(path))
      test.equal(drawn, '01-ppl-by-ratio.svg\n02-the-same-as-bars.svg')
      test.ok(#xml.elements(read(path .. '/a/b/charts/01-ppl-by-ratio.svg')) > 5)
    end)
  end)
  test.case('says what is in it', function()
    with_folder(function(path)
      local made = crescent.report.folder(path, { book = book, rows = list, charts = false })
      local said = {}
      for i, row in ipairs(made) do said[i] = row.file:sub(#path + 2) .. ': ' .. row.what end
      test.equal(said, { 'report.html: the report, with its charts', 'report.md: the same as text',
        'rows.csv: what was measured, a row a line', 'rows.json: the same with every sample' })
      contains(tostring(made), path .. '/report.html  the report, with its charts\n')
      test.equal(made[1].bytes, #read(path .. '/report.html'))
    end)
  end)
  test.case('leaves out what is not wanted, and is written again over itself', function()
    with_folder(function(path)
      crescent.report.folder(path .. '/', { book = book, rows = list, csv = false, charts = false })
      test.equal(output_of('ls ' .. path), 'report.html\nreport.md\nrows.json')
      crescent.report.folder(path, { book = book, charts = false })
      test.equal(output_of('ls ' .. path), 'report.html\nreport.md\nrows.json')
    end)
  end)
  test.case('has profiles as CSV, and their timelines where these are wanted', function()
    local profile = crescent.profile.run(crescent.load 'tiny', { prompt = { 1, 2, 3 }, tokens = 3,
      cost_s = 0, idle_s = 0 })
    with_folder(function(path)
      local spec = { book = book, charts = false, profiles = { { 'level 1, all', profile } } }
      crescent.report.folder(path, spec)
      test.equal(read(path .. '/profile-level-1-all.csv'), profile:csv() .. '')
      test.equal(read(path .. '/trace-level-1-all.json'), nil)
      spec.trace = true
      crescent.report.folder(path, spec)
      local trace = crescent.json.decode(read(path .. '/trace-level-1-all.json'))
      test.ok(#trace.traceEvents > 20)
    end)
  end)
  test.case('says why there are no .png where gnuplot is not installed', function()
    with_folder(function(path)
      os.execute(('mkdir %s/bin && for tool in sh mkdir; do ln -s "$(command -v $tool)" %s/bin; '
        .. 'done'):format(path, path))
      local before = os.getenv 'PATH'
      ffi.C.setenv('PATH', path .. '/bin', 1)
      local ok, made = pcall(crescent.report.folder, path .. '/out', { book = book })
      ffi.C.setenv('PATH', before, 1)
      test.ok(ok, made)
      contains(tostring(made), '2 charts as .svg\nno .png of the charts: gnuplot is not installed; '
        .. 'on Debian: apt-get install gnuplot-nox')
    end)
  end)
end)

test.group('the command of a folder', function()
  --- Runs a script that writes the folder `out` below it; says what its reproduce.sh says.
  local function again(path, flags)
    local file = assert(io.open(path .. '/it.lua', 'w'))
    file:write [[
      local book = crescent.report.book { title = 'T', parts = { 'text' } }
      crescent.report.folder('out', { book = book, command = { '--first', "it's" } })
      print(#arg, table.concat(arg, '|'))
    ]]
    file:close()
    output_of(("cd %s && '%s' it.lua %s"):format(path, crescent.process.executable(), flags))
    return output_of(('cd / && %s/out/reproduce.sh --more'):format(path))
  end
  test.case('runs the same script in the same place, with what was given behind', function()
    with_folder(function(path)
      test.equal(again(path, "--page 'a  b' --store x.db"),
        "7\t--first|it's|--page|a  b|--store|x.db|--more")
    end)
  end)
  test.case('measures nothing anew that was measured anew', function()
    with_folder(function(path)
      test.equal(again(path, '--fresh --quick'), "4\t--first|it's|--quick|--more")
    end)
  end)
  test.case('is missing at the prompt, and says so', function()
    with_folder(function(path)
      local file = assert(io.open(path .. '/typed', 'w'))
      file:write("book = crescent.report.book { title = 'T', parts = {} }\n"
        .. "print(crescent.report.folder('out', { book = book, command = {} }))\n")
      file:close()
      local said = output_of(("cd %s && cat typed | '%s'"):format(path,
        crescent.process.executable()))
      contains(said, 'out/report.html')
      contains(said, 'no reproduce.sh: what is typed at the prompt is in no file')
    end)
  end)
end)

--- The message without where it was raised.
local function message_of(path, spec)
  local ok, problem = pcall(crescent.report.folder, path, spec)
  test.ok(not ok, 'it was taken')
  return (problem:gsub('^[^:]*:%d+: ', ''))
end

test.group('a mistake with a folder', function()
  local cases = {
    { nil, {}, 'expected the path of a folder, got nil' },
    { '', {}, "expected the path of a folder, got ''" },
    { 'x', 'y', 'expected { book =, rows =, profiles =, command = }, got string' },
    { 'x', { book = book, row = list }, "unknown option 'row' (did you mean 'rows'?)" },
    { 'x', { rows = list }, 'book: expected what crescent.report.book gives, got nothing' },
    { 'x', { book = layout }, 'book: expected what crescent.report.book gives, got a layout' },
    { 'x', { book = book, rows = 3 }, 'rows: expected a list of rows, got number' },
    { 'x', { book = book, charts = 'no' }, 'charts: expected true or false, got string' },
    { 'x', { book = book, command = 'ls' }, 'command: expected a list of arguments, got string' },
    { 'x', { book = book, profiles = 'p' },
      "profiles: expected a list of { 'name', profile }, got string" },
    { 'x', { book = book, profiles = { { 'a', 'b' } } },
      "profiles[1]: expected { 'name', profile }, got another table" },
    { '/proc/none/such', { book = book }, "'/proc/none/such': No such file or directory" },
  }
  for _, case in ipairs(cases) do
    test.case('is told: ' .. case[3], function()
      test.equal(message_of(case[1], case[2]), 'crescent.report.folder: ' .. case[3])
    end)
  end
end)
