--- Any rows: what was varied first, then the figures, and a line chart if there is something to
--- draw it over.
local ready = require 'crescent.reporting.ready'
local shape = require 'crescent.reporting.shape'

--- What the chart shows: quality before time before anything else.
local function figure_of(made)
  for _, sort in ipairs { 'quality', 'time', 'speed', 'size', 'energy', 'other' } do
    if made.first[sort] then return made.first[sort] end
  end
end

local function chart_of(made, options)
  local x = options.x
  for _, name in ipairs(made.varied) do
    if not x and made.numeric[name] then x = name end
  end
  local y = options.y or figure_of(made)
  if not (x and y) then return nil end
  return { kind = 'line', x = x, y = y, by = shape.group_of(made, x) }
end

local make = ready.layout('summary', { 'x', 'y' }, function(rows, options)
  local made = shape.of(rows)
  local columns = {}
  for i, name in ipairs(made.points) do columns[i] = name end
  for _, column in ipairs(shape.figure_columns(made, rows)) do
    columns[#columns + 1] = column
  end
  return { title = 'Summary of {count} rows', columns = columns,
    charts = { chart_of(made, options) } }
end)

--- A layout for any rows.
---
--- ```lua
--- crescent.report.summary():render(rows, { to = 'summary.html' })
--- ```
---@param options? table   # `x`, `y` fields of the chart; and what crescent.report.layout takes
return function(options) return make(options) end
