--- How what a store holds prints: lists of runs, a run with its trials, rows of SQL, a trim.
local tables = require 'crescent.table'
local units = require 'crescent.units'

local store_text = { columns = {}, printers = {}, metamethods = {} }

local function plain(value) return tostring(value) end
local function count(value) return units.grouped(value) end

--- '2026-03-01T12:34:56.789Z' to the minute; stored times are UTC.
local function minute(started)
  return (started:gsub('^(.-)T(%d+:%d+).*$', '%1 %2'))
end

--- How long ago, in one unit: '3 min', '2 h', '5 days'.
local function age(started_s)
  local seconds = math.max(0, os.time() - started_s)
  local steps = { { 86400, 'day' }, { 3600, 'h' }, { 60, 'min' } }
  for _, step in ipairs(steps) do
    local n = math.floor(seconds / step[1])
    if n >= 1 then return step[2] == 'day' and units.counted(n, 'day') or n .. ' ' .. step[2] end
  end
  return ('%d s'):format(seconds)
end

local function milliseconds(value) return units.format(value, 'ms') end

--- Of an experiment, how many of its cells are done.
local function done_of_all(trials, run)
  return run.cells and ('%d/%d'):format(run.cells_done, run.cells) or units.grouped(trials)
end

store_text.columns.runs = {
  { 'id', plain },
  { 'started', minute, 'left', 'started (UTC)' },
  { 'kind', plain, 'left' }, { 'name', plain, 'left' }, { 'model', plain, 'left' },
  { 'trials', done_of_all }, { 'status', plain, 'left' },
  { 'started_s', age, nil, 'age' },
}

--- What every trial has, then its samples, whatever their names, in alphabetical order.
function store_text.columns.trials(rows)
  local list = {
    { 'trial', count }, { 'candidate', plain, 'left' }, { 'status', plain, 'left' },
    { 'tokens', count }, { 'duration_ms', milliseconds, nil, 'time' },
  }
  local known, names = {}, {}
  for _, column in ipairs(list) do known[column[1]] = true end
  for _, row in ipairs(rows) do
    for name in pairs(row) do
      if not known[name] then names[#names + 1] = name end
      known[name] = true
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do list[#list + 1] = { name, plain } end
  return list
end

--- The columns of SQL's rows in the order of the statement, which the rows don't know.
local order = setmetatable({}, { __mode = 'k' })

function store_text.with_columns(rows, names)
  order[rows] = names
  return rows
end

local function readable(value)
  return type(value) == 'number' and units.number(value) or tostring(value)
end

function store_text.columns.query(rows)
  local list = {}
  for i, name in ipairs(order[rows] or {}) do
    local numbers = false
    for _, row in ipairs(rows) do numbers = numbers or type(row[name]) == 'number' end
    list[i] = { name, readable, not numbers and 'left' or nil }
  end
  return list
end

local function sheet(kind, rows)
  local columns = store_text.columns[kind]
  if type(columns) == 'function' then columns = columns(rows) end
  local spec = { titles = {}, align = {}, rows = {} }
  for i, column in ipairs(columns) do
    spec.titles[i], spec.align[i] = column[4] or column[1], column[3]
  end
  for r, row in ipairs(rows) do
    spec.rows[r] = {}
    for i, column in ipairs(columns) do
      local value = row[column[1]]
      spec.rows[r][i] = value == nil and '-' or column[2](value, row)
    end
  end
  return tables.text(spec)
end

function store_text.printers.runs(rows)
  return #rows == 0 and 'no runs' or sheet('runs', rows)
end
function store_text.printers.trials(rows)
  return #rows == 0 and 'no trials' or sheet('trials', rows)
end
function store_text.printers.query(rows)
  local names = order[rows] or {}
  if #names == 0 then return 'done' end -- a statement that gives no rows
  return #rows == 0 and 'no rows' or sheet('query', rows)
end

--- What a run was, in a few lines, then its trials.
function store_text.printers.run(run)
  local title = run.kind
  if run.name ~= '' then title = ("%s '%s'"):format(title, run.name) end
  if run.version then title = ('%s version %d'):format(title, run.version) end
  local took = run.duration_s and ', took ' .. units.format(run.duration_s * 1e3, 'ms') or ''
  local lines = { ('run %d  %s  %s, %s UTC%s'):format(run.id, title, run.status,
    minute(run.started), took) }
  if run.model ~= '' then lines[#lines + 1] = 'model    ' .. run.model end
  if run.threads then lines[#lines + 1] = 'threads  ' .. run.threads end
  local options = {}
  for name, value in pairs(run.options) do
    -- The candidates stand below, with what came of them.
    if not (run.comparison and name == 'candidates') then
      options[#options + 1] = ('%s = %s'):format(name, require('crescent').json.encode(value))
    end
  end
  table.sort(options)
  if #options > 0 then lines[#lines + 1] = 'options  ' .. table.concat(options, ', ') end
  if run.cells then
    lines[#lines + 1] = require('crescent.experiment.text')(run)
    for _, warning in ipairs(run.warnings) do lines[#lines + 1] = 'warning: ' .. warning end
    return table.concat(lines, '\n')
  end
  if run.comparison then -- with the run's warnings
    lines[#lines + 1] = tostring(run.comparison)
    return table.concat(lines, '\n')
  end
  lines[#lines + 1] = store_text.printers.trials(run.trials)
  for _, warning in ipairs(run.warnings) do lines[#lines + 1] = 'warning: ' .. warning end
  return table.concat(lines, '\n')
end

function store_text.printers.trim(trimmed)
  local what = ('%s with %s'):format(units.counted(trimmed.runs, 'run'),
    units.counted(trimmed.trials, 'trial'))
  local text = trimmed.dry_run and '%s would go, about %s' or '%s removed, %s freed'
  local lines = { text:format(what, units.format(trimmed.bytes, 'bytes')) }
  for _, warning in ipairs(trimmed.warnings) do lines[#lines + 1] = 'warning: ' .. warning end
  return table.concat(lines, '\n')
end

function store_text.printers.merge(merged)
  local nothing = merged.runs_added + merged.runs_joined + merged.trials == 0
  local lines = { nothing and 'nothing new' or ('%s added, %s joined: %s with %s came in'):format(
    units.counted(merged.runs_added, 'run'), units.grouped(merged.runs_joined),
    units.counted(merged.cells, 'cell'), units.counted(merged.trials, 'trial')) }
  for _, warning in ipairs(merged.warnings) do lines[#lines + 1] = 'warning: ' .. warning end
  return table.concat(lines, '\n')
end

--- An empty one is a list in JSON too.
for _, kind in ipairs { 'runs', 'trials', 'query' } do
  store_text.metamethods[kind] = { __json = 'list' }
end

return store_text
