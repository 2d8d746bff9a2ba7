--- Documents as JSON: title, texts, notes, tables of records and charts. A missing value is null
--- and stands in `absent` with its reason.
local null = require 'crescent.json.null'
local json_record = require 'crescent.render.json_record'
local records = require 'crescent.render.records'

local is_finite = json_record.is_finite

local function list(made) return setmetatable(made, { __json = 'list' }) end

--- A grid of numbers keeps its holes as null.
local function grid(values, width)
  local made = {}
  for r, row in ipairs(values) do
    made[r] = {}
    for c = 1, width do
      if row[c] == nil or not is_finite(row[c]) then made[r][c] = null else made[r][c] = row[c] end
    end
  end
  return made
end

local function chart_of(chart)
  local values = chart.values
  local made = {}
  for key, value in pairs(chart) do
    if key ~= 'values' then made[key] = json_record.sayable(value) end
  end
  if values then made.values = grid(values, #chart.column_labels) end
  return made
end

local function table_of(made)
  local columns, rows = {}, {}
  for i, column in ipairs(made.block.columns) do
    columns[i] = { name = column.name, title = column.title, better = column.better }
  end
  for r, record in ipairs(made.rows) do rows[r] = json_record.of(made.names, record) end
  return { title = made.title, group = made.group, columns = list(columns), rows = list(rows) }
end

--- Renders a document as JSON.
---@param document table   # as crescent.reporting.document says
---@param options? { indent: integer? }   # default 2
---@return string
return function(document, options)
  local made = { title = document.title, text = list {}, notes = list {}, warnings = list {},
    tables = list {}, charts = list {} }
  for _, block in ipairs(document.blocks) do
    if block.kind == 'text' then table.insert(made.text, block.text) end
    if block.kind == 'note' then
      table.insert(block.warning and made.warnings or made.notes, block.text)
    end
    if block.kind == 'chart' then table.insert(made.charts, chart_of(block.chart)) end
  end
  for _, one in ipairs(records.of(document)) do
    if one.block then table.insert(made.tables, table_of(one)) end
  end
  return crescent.json.encode(made, { indent = options and options.indent or 2 }) .. '\n'
end
