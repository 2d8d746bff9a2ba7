--- Reports as folders: the page, what it shows as files that other programs read, its charts alone,
--- timelines, and the command that makes all of it again.
local blame = require 'crescent.blame'
local check_keys = require 'crescent.keys'
local document = require 'crescent.reporting.document'
local quoted = require 'crescent.child'.quoted
local rows_of = require 'crescent.rows'
local units = require 'crescent.units'
local write = require 'crescent.reporting.write'

local place = 'crescent.report.folder'
local keys = { 'book', 'rows', 'profiles', 'charts', 'csv', 'trace', 'command' }

local function named(value)
  local meta = type(value) == 'table' and getmetatable(value)
  return type(meta) == 'table' and rawget(meta, '__name') or type(value)
end

local function check_profiles(list)
  if list == nil then return end
  if type(list) ~= 'table' then
    blame("%s: profiles: expected a list of { 'name', profile }, got %s", place, type(list))
  end
  for i, pair in ipairs(list) do
    if type(pair) ~= 'table' or type(pair[1]) ~= 'string' or named(pair[2]) ~= 'profile' then
      blame("%s: profiles[%d]: expected { 'name', profile }, got %s", place, i,
        type(pair) ~= 'table' and type(pair) or named(pair) == 'profile' and 'a profile alone'
          or 'another table')
    end
  end
end

local function check(path, spec)
  if type(path) ~= 'string' or path == '' then
    blame('%s: expected the path of a folder, got %s', place, path == '' and "''" or type(path))
  end
  if type(spec) ~= 'table' then
    blame('%s: expected { book =, rows =, profiles =, command = }, got %s', place, type(spec))
  end
  check_keys(place, spec, keys, 'option')
  local book = spec.book
  if type(book) ~= 'table' or type(book.render) ~= 'function' or named(book) == 'layout' then
    blame('%s: book: expected what crescent.report.book gives, got %s', place,
      book == nil and 'nothing' or 'a ' .. named(book))
  end
  if spec.rows ~= nil and type(spec.rows) ~= 'table' then
    blame('%s: rows: expected a list of rows, got %s', place, type(spec.rows))
  end
  check_profiles(spec.profiles)
  for _, key in ipairs { 'charts', 'csv', 'trace' } do
    if spec[key] ~= nil and type(spec[key]) ~= 'boolean' then
      blame('%s: %s: expected true or false, got %s', place, key, type(spec[key]))
    end
  end
  if spec.command ~= nil and type(spec.command) ~= 'table' then
    blame('%s: command: expected a list of arguments, got %s', place, type(spec.command))
  end
end

--- What the shell says, and whether the command succeeded.
local function shell(command)
  local pipe = io.popen(('{ %s; } 2>&1; printf "\\n%%d" $?'):format(command))
  local said, code = pipe:read('*a'):match('^(.-)%s*\n(%d+)$')
  pipe:close()
  return said, code == '0'
end

local function make_folder(path)
  local said, ok = shell('mkdir -p -- ' .. quoted(path))
  if not ok then blame("%s: '%s': %s", place, path, said:match '[^:]*$':gsub('^%s+', '')) end
end

--- 'Time by layer' is time-by-layer.
local function slug(text)
  local made = text:lower():gsub('[^%w.]+', '-'):gsub('^-', ''):gsub('-$', '')
  return made ~= '' and made or 'chart'
end

--- Writes texts and documents below the folder and keeps what was written.
local Writer = {}
Writer.__index = Writer

function Writer:path(name) return self.folder .. '/' .. name end

function Writer:wrote(name, what)
  local file = assert(io.open(self:path(name), 'rb'))
  table.insert(self.list, { file = self:path(name), bytes = file:seek 'end', what = what })
  file:close()
end

function Writer:text(name, what, text)
  write.whole(self:path(name), text, place)
  self:wrote(name, what)
end

--- Draws a chart as a picture, where gnuplot is installed; false and the reason where it is not.
local function picture(chart, path)
  local ok, problem = pcall(write.chart, chart, path, 'png', place)
  if ok then return true end
  local reason = tostring(problem):match 'gnuplot is not installed.*'
  if not reason then error(problem, 0) end
  return false, reason
end

--- Draws each chart of the report into a file of its own.
function Writer:charts(made)
  local charts = document.each(made, 'chart')
  if #charts == 0 then return end
  make_folder(self:path 'charts')
  local drawn, reason = true, nil
  for i, block in ipairs(charts) do
    local path = self:path(('charts/%02d-%s'):format(i, slug(block.chart.title or '')))
    write.chart(block.chart, path .. '.svg', 'svg', place)
    if drawn then drawn, reason = picture(block.chart, path .. '.png') end
  end
  if not drawn then table.insert(self.notes, 'no .png of the charts: ' .. reason) end
  table.insert(self.list, { file = self:path 'charts/', files = #charts * (drawn and 2 or 1),
    what = ('%s as .svg%s'):format(units.counted(#charts, 'chart'), drawn and ' and .png' or '') })
end

function Writer:profiles(spec)
  for _, pair in ipairs(spec.profiles or {}) do
    local name, profile = slug(pair[1]), pair[2]
    if spec.csv ~= false then
      self:text(('profile-%s.csv'):format(name), 'where the time goes', profile:csv())
    end
    if spec.trace then
      local file = ('trace-%s.json'):format(name)
      crescent.profile.trace(profile, self:path(file))
      self:wrote(file, 'a timeline, for Perfetto')
    end
  end
end

--- The words that start this process's script again, with more arguments behind; nil at the prompt.
local function words_again(more)
  local words = { '--threads', tostring(crescent.threads()) }
  if arg[-1] ~= '-e' and not (arg[0] and arg[0]:match '%.lua$') then return end
  if arg[-1] == '-e' then words[#words + 1] = '-e' end
  words[#words + 1] = arg[0]
  for _, argument in ipairs(more) do words[#words + 1] = argument end
  -- What was said later counts; to measure anew is the reader's to say.
  for _, argument in ipairs(arg) do
    if argument ~= '--fresh' then words[#words + 1] = argument end
  end
  for i, word in ipairs(words) do
    words[i] = word:find '^[%w_./=,-]+$' and word or quoted(word)
  end
  return words
end

local function command_text(more)
  local words = words_again(more)
  if not words then return end
  local lines = {
    '#!/bin/sh',
    '# Makes this report again. What is in the store is not measured again; with --fresh it is.',
    ('# crescent %s, %s'):format(crescent.versions().crescent, os.date '%Y-%m-%d %H:%M'),
    ('cd %s || exit 1'):format(quoted((shell 'pwd'))),
  }
  for _, name in ipairs { 'CRESCENT_LUA_PATH', 'CRESCENT_MODELS' } do
    local value = os.getenv(name)
    if value then lines[#lines + 1] = ('export %s=%s'):format(name, quoted(value)) end
  end
  lines[#lines + 1] = ('exec "${CRESCENT:-%s}" %s "$@"\n'):format(
    crescent.process.executable(), table.concat(words, ' '))
  return table.concat(lines, '\n')
end

function Writer:command(more)
  local text = command_text(more)
  if not text then
    table.insert(self.notes, 'no reproduce.sh: what is typed at the prompt is in no file')
    return
  end
  self:text('reproduce.sh', 'the command that makes all of it again', text)
  shell('chmod +x -- ' .. quoted(self:path 'reproduce.sh'))
end

--- Writes a report and all that belongs to it into a folder, which is made if there is none.
---
--- ```lua
--- print(crescent.report.folder('profiles/tiny', {
---   book = crescent.report.book { title = 'tiny', parts = { { layout, rows } } },
---   rows = rows,                                -- rows.csv, and rows.json with every sample
---   profiles = { { 'level 1', profile } },      -- profile-level-1.csv
---   trace = true,                               -- trace-level-1.json too
---   command = { '--store', rows.about.store },  -- reproduce.sh: this command line with these
--- }))
--- ```
--- The report is report.html and report.md; each chart is in charts/ as .svg and, where gnuplot is
--- installed, as .png. reproduce.sh runs as it is: in the same folder, with the same crescent.
---@param path string
---@param spec table   # `book`; `rows`; `profiles` a list of { 'name', profile }; `charts`, `csv`
---  (default true) and `trace` (default false) which files are wanted; `command` arguments that
---  stand in front of this process's own
---@return table rows   # one a file: `file` its path, `bytes`, `what` it is; charts/ is one row
return function(path, spec)
  check(path, spec)
  path = #path > 1 and path:gsub('/+$', '') or path
  make_folder(path)
  local out = setmetatable({ folder = path, list = {}, notes = {} }, Writer)
  local made = spec.book:build { partial = true }
  out:text('report.html', 'the report, with its charts', write.text(made, 'html'))
  out:text('report.md', 'the same as text', write.text(made, 'md'))
  if spec.rows then
    local list = spec.rows.csv and spec.rows or rows_of.of(spec.rows)
    if spec.csv ~= false then
      out:text('rows.csv', 'what was measured, a row a line', list:render { format = 'csv',
        partial = true })
    end
    out:text('rows.json', 'the same with every sample', list:json { indent = 1 })
  end
  if spec.charts ~= false then out:charts(made) end
  out:profiles(spec)
  if spec.command then out:command(spec.command) end
  return rows_of.of(out.list, { kind = 'files', notes = out.notes,
    columns = { 'file', 'what' } })
end
