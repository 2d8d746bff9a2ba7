--- What some rows are like: which fields were varied and which are figures, and of what sort. Ready
--- layouts choose by it what to show.
local fields = require 'crescent.reporting.fields'
local grid = require 'crescent.reporting.grid'
local quality = require 'crescent.reporting.quality'
local ratio = require 'crescent.reporting.ratio'

local shape = {}

local order = { 'quality', 'time', 'speed', 'size', 'energy', 'other' }

local function sort_of(rows, name)
  if quality.is_quality(name) then return 'quality' end
  if name:find('tokens_per_s', 1, true) then return 'speed' end
  local unit = fields.unit_of_name(name)
  for _, row in ipairs(rows) do
    local value = fields.at(row, name)
    if fields.is_samples(value) then unit = value.unit end
  end
  if ratio.is_time(unit) then return 'time' end
  if unit == 'J' or unit == 'W' then return 'energy' end
  if unit == 'bytes' or name:find('params', 1, true) or name:find('flops', 1, true) then
    return 'size'
  end
  return 'other'
end

--- How many different values a field has, and whether all of them are numbers.
local function values_of(rows, name)
  local seen, count, numeric = {}, 0, true
  for _, row in ipairs(rows) do
    local value = fields.at(row, name)
    value = fields.number(value) or value
    local key = value ~= value and 'nan' or value
    if key ~= nil and not seen[key] then seen[key], count = true, count + 1 end
    if value ~= nil and type(value) ~= 'number' then numeric = false end
  end
  return count, numeric and count > 0
end

--- Looks at the rows.
---@return table   # { points = { names }, varied = { names }, numeric = { [name] = true },
---  figures = { { name, sort }, ... } in the order of a table, first = { [sort] = name } }
function shape.of(rows)
  local names = fields.names(rows)
  local points, is_point = fields.points(rows, names)
  local made = { points = points, varied = {}, numeric = {}, figures = {}, first = {} }
  for _, name in ipairs(points) do
    local count, numeric = values_of(rows, name)
    if count > 1 then made.varied[#made.varied + 1] = name end
    made.numeric[name] = numeric or nil
  end
  local by_sort = {}
  for _, name in ipairs(names) do
    if not is_point[name] then
      local sort = sort_of(rows, name)
      by_sort[sort] = by_sort[sort] or {}
      table.insert(by_sort[sort], name)
    end
  end
  for _, sort in ipairs(order) do
    for _, name in ipairs(by_sort[sort] or {}) do
      made.figures[#made.figures + 1] = { name = name, sort = sort }
      local count, numeric = values_of(rows, name)
      if numeric and count > 0 then made.first[sort] = made.first[sort] or name end
    end
  end
  return made
end

local higher = { 'top1', 'agreement', 'accuracy', 'tokens_per_s' }

local function better_of(figure)
  for _, word in ipairs(higher) do
    if figure.name:find(word, 1, true) then return 'higher' end
  end
  return (figure.sort == 'quality' or figure.sort == 'time') and 'lower' or nil
end

--- Columns of figures, in order.
---@param options? { baseline: boolean?, terse: boolean? }   # `baseline`: times, sizes and energies
---  are held against the layout's; `terse`: without texts and what is the same in all rows
function shape.figure_columns(made, rows, options)
  options = options or {}
  local columns = {}
  for _, figure in ipairs(made.figures) do
    local count, numeric = values_of(rows, figure.name)
    local says_nothing = figure.sort == 'other' and (count == 1 or not numeric)
    local held = figure.sort == 'time' or figure.sort == 'size' or figure.sort == 'energy'
    local made_column = { figure.name, better = numeric and better_of(figure) or nil,
      format = figure.name:find('params', 1, true) and numeric and 'count' or nil,
      baseline = options.baseline and held and numeric or nil }
    if not (options.terse and says_nothing) then columns[#columns + 1] = made_column end
  end
  return columns
end

--- A title that names the models, where rows say which they are of.
function shape.title(text, rows)
  for _, row in ipairs(rows) do
    if type(fields.at(row, 'model')) == 'string' then return text .. ', {model}' end
  end
  return text
end

--- What tells the rows of one x apart: nil, the name of a field, or a function that gives all of
--- them in words.
---@param x string   # the field that is not counted
function shape.group_of(made, x)
  local names = {}
  for _, name in ipairs(made.varied) do
    if name ~= x then names[#names + 1] = name end
  end
  if #names == 0 then return nil end
  if #names == 1 then return names[1] end
  return function(row)
    local parts = {}
    for _, name in ipairs(names) do
      local value = fields.at(row, name)
      value = fields.number(value) or value
      if value ~= nil then parts[#parts + 1] = grid.label(name, value, true) end
    end
    return table.concat(parts, ', ')
  end
end

--- Whether `wanted` picks a row, and at most one of each group.
function shape.has_baseline(rows, group, wanted)
  local seen, any = {}, false
  for _, row in ipairs(rows) do
    local picked = true
    for name, value in pairs(wanted) do
      picked = picked and fields.number(fields.at(row, name)) == value
    end
    if picked then
      local key = type(group) == 'function' and group(row) or group and fields.at(row, group)
      key = key == nil and '' or key
      if seen[key] then return false end
      seen[key], any = true, true
    end
  end
  return any
end

return shape
