--- Lists of rows that sort, filter, print and render: what experiments, inspections and reports
--- share. A row is a plain table; its figures are numbers, texts, booleans and Samples.
local blame = require 'crescent.blame'
local check_keys = require 'crescent.keys'
local column = require 'crescent.reporting.column'
local fields = require 'crescent.reporting.fields'
local units = require 'crescent.units'

local rows = {}
local methods = {}

local keys = { 'kind', 'columns', 'notes', 'partial', 'title', 'points', 'interleaved',
  'run', 'failed', 'about' }

--- What rows.of was told about a list; nil of any other table.
local function spec_of(list)
  local meta = getmetatable(list)
  return type(meta) == 'table' and rawget(meta, 'rows_spec') or nil
end

local function check_options(name, options, known)
  if options ~= nil and type(options) ~= 'table' then
    blame('%s: options: expected a table, got %s', name, type(options))
  end
  check_keys(name, options or {}, known, 'option')
end

local function check_columns(columns)
  if columns == nil then return end
  if type(columns) ~= 'table' then
    blame('crescent.rows.of: columns: expected a list, got %s', type(columns))
  end
  for i, one in ipairs(columns) do
    column.read(one, ('crescent.rows.of: columns[%d]'):format(i))
  end
end

--- Gives a list of plain tables methods and a way to print, without copying it.
---
--- ```lua
--- local rows = require 'crescent.rows'
--- print(rows.of({ { head = 2, kl = 0.1 }, { head = 1, kl = 0.3 } }):sort 'kl')
--- ```
--- A list that is a result of its own kind already is copied first.
---@param list table[]
---@param spec? table   # `kind` a name for the rows; `columns` as of a layout, else found;
---  `notes` texts below; `title`; `partial` what there is ('188 of 200 cells') if it is not all;
---  `about` what is so of all of them, for texts: { model = 'tiny' }; of a sweep `run`, `failed`;
---  `points` names of the fields that were varied; `interleaved` true if timed cells were
---@return table rows   # the list itself
function rows.of(list, spec)
  if type(list) ~= 'table' then
    blame('crescent.rows.of: expected a list of tables, got %s', type(list))
  end
  check_options('crescent.rows.of', spec, keys)
  check_columns(spec and spec.columns)
  for i, row in ipairs(list) do
    if type(row) ~= 'table' then
      blame('crescent.rows.of: expected a list of tables, got %s at position %d', type(row), i)
    end
  end
  if getmetatable(list) ~= nil and not spec_of(list) then
    local copy = {}
    for i, row in ipairs(list) do copy[i] = row end
    list = copy
  end
  local kept = {}
  for key, value in pairs(spec or {}) do kept[key] = value end
  return setmetatable(list, {
    rows_spec = kept,
    __name = kept.kind or 'rows',
    __index = function(_, key)
      if methods[key] ~= nil then return methods[key] end
      return kept[key]
    end,
    __tostring = function(self) return rows.text(self) end,
    -- An empty one is a list in JSON too.
    __json = 'list',
  })
end

--- The same about other rows.
local function like(list, made) return rows.of(made, spec_of(list)) end

local function name_or_function(list, name, given)
  if type(given) == 'function' then return given end
  if type(given) ~= 'string' then
    blame("rows:%s: expected a field's name or function(row), got %s", name, type(given))
  end
  fields.check(list, given, 'rows:' .. name)
  return function(row) return fields.at(row, given) end
end

--- Numbers before texts; false and true by name.
local function comes_before(a, b)
  local x, y = fields.number(a), fields.number(b)
  if x and y then return x < y end
  if x or y then return x ~= nil end
  return tostring(a) < tostring(b)
end

--- Sorts by a field or by what a function gives for a row; rows without a value come last, and
--- equal ones stay in their order.
---@param by string|fun(row: table): any
---@param options? { descending: boolean? }
function methods.sort(list, by, options)
  check_options('rows:sort', options, { 'descending' })
  local value_of = name_or_function(list, 'sort', by)
  local descending = options and options.descending
  local order = {}
  for i, row in ipairs(list) do order[i] = { row = row, place = i, value = value_of(row) } end
  table.sort(order, function(a, b)
    if (a.value == nil) ~= (b.value == nil) then return b.value == nil end
    if a.value ~= nil then
      local first, second = a.value, b.value
      if descending then first, second = second, first end
      if comes_before(first, second) then return true end
      if comes_before(second, first) then return false end
    end
    return a.place < b.place
  end)
  local made = {}
  for i, entry in ipairs(order) do made[i] = entry.row end
  return like(list, made)
end

--- Keeps the rows for which a function or a condition such as 'ratio > 0.3 and level == 2' is true.
---@param wanted string|fun(row: table): boolean
function methods.where(list, wanted)
  local keep = wanted
  if type(wanted) == 'string' then
    keep = require 'crescent.predicate'(wanted, 'rows:where')
  elseif type(wanted) ~= 'function' then
    blame("rows:where: expected a condition such as 'ratio > 0.3' or function(row), got %s",
      type(wanted))
  end
  local names, made = fields.names(list), {}
  for _, row in ipairs(list) do
    if keep(row, names) then made[#made + 1] = row end
  end
  return like(list, made)
end

--- Keeps the first n rows.
---@param n integer
function methods.take(list, n)
  if type(n) ~= 'number' or n < 0 or n % 1 ~= 0 then
    blame('rows:take: expected a whole number >= 0, got %s', tostring(n))
  end
  local made = {}
  for i = 1, math.min(n, #list) do made[i] = list[i] end
  return like(list, made)
end

--- Gives the values of a field in the order of the rows, without those that have none.
---@param name string
---@return table values
---@return integer missing   # how many rows have no value
function methods.column(list, name)
  local value_of, values = name_or_function(list, 'column', name), {}
  for _, row in ipairs(list) do values[#values + 1] = value_of(row) end
  return values, #list - #values
end

--- Splits the rows by a field, in the order in which its values come first.
---@param by string|fun(row: table): any
---@return { value: any, rows: table }[]
function methods.group_by(list, by)
  local value_of, groups, places = name_or_function(list, 'group_by', by), {}, {}
  local none = {} -- stands for a missing value
  for _, row in ipairs(list) do
    local value = value_of(row)
    local key = value == nil and none or fields.number(value) or value
    if not places[key] then
      groups[#groups + 1] = { value = value, rows = {} }
      places[key] = groups[#groups]
    end
    table.insert(places[key].rows, row)
  end
  for _, group in ipairs(groups) do group.rows = like(list, group.rows) end
  return groups
end

--- Columns as they were given, or found: points first, then the rest by name.
function rows.columns(list)
  local given = spec_of(list).columns
  if given then return given end
  local names = fields.names(list)
  local points, is_point = fields.points(list, names)
  local found = {}
  for _, name in ipairs(points) do found[#found + 1] = name end
  for _, name in ipairs(names) do
    if not is_point[name] then found[#found + 1] = name end
  end
  return found
end

--- What print(rows) shows.
function rows.text(list)
  local class = require 'crescent.reporting.class'
  if #list > 0 and #rows.columns(list) == 0 then
    return units.counted(#list, 'row') .. ' without fields'
  end
  return require 'crescent.render.text'(class.of_rows(list):build(list, { partial = true }),
    { compact = true })
end

--- Gives the rows as CSV, numbers exactly.
---@return string
function methods.csv(list) return list:render { format = 'csv' } end

--- Gives the rows as JSON, with everything that is in them: all samples too. What is no number or
--- infinite is null.
---@param options? { indent: integer? }
---@return string
function methods.json(list, options)
  local sayable = require('crescent.render.json_record').sayable
  return crescent.json.encode(sayable(list), options or {})
end

--- Gives the rows as a Markdown table.
---@return string
function methods.markdown(list) return list:render { format = 'markdown' } end

--- Writes the rows as a report, or gives its text.
---@param options? table   # `to` a path or a list of them, by suffix; `format`; `layout`, default a
---  table of all columns; `title`; `partial` true to render what is incomplete
---@return string|string[] text   # or the paths that were written
function methods.render(list, options)
  check_options('rows:render', options, { 'to', 'format', 'layout', 'title', 'partial' })
  local passed = {}
  for key, value in pairs(options or {}) do passed[key] = value end
  local layout = passed.layout
  passed.layout = nil
  if layout ~= nil and (type(layout) ~= 'table' or type(layout.render) ~= 'function') then
    blame('rows:render: layout: expected what crescent.report.layout gives, got %s', type(layout))
  end
  return (layout or require('crescent.reporting.class').of_rows(list)):render(list, passed)
end

return rows
