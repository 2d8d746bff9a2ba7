--- Two figures against each other: which rows no other beats in both.
local charts = require 'crescent.reporting.charts'
local fields = require 'crescent.reporting.fields'
local ready = require 'crescent.reporting.ready'
local shape = require 'crescent.reporting.shape'

--- The rows on the front, as a set.
local function front_rows(rows, options, front)
  local points = {}
  for _, row in ipairs(rows) do
    local x, y = fields.number(fields.at(row, options.x)), fields.number(fields.at(row, options.y))
    if x and y then points[#points + 1] = { x = x, y = y, row = row } end
  end
  charts.mark_front(points, front)
  local set = {}
  for _, point in ipairs(points) do set[point.row] = point.front end
  return set
end

local function columns_of(rows, options, front)
  local made = shape.of(rows)
  local columns, seen = {}, { [options.x] = true, [options.y] = true }
  for _, name in ipairs(made.points) do
    if not seen[name] then columns[#columns + 1], seen[name] = name, true end
  end
  columns[#columns + 1] = { options.x, better = front.x }
  columns[#columns + 1] = { options.y, better = front.y }
  local on_front = front_rows(rows, options, front)
  columns[#columns + 1] = { 'front', align = 'left', value = function(row)
    if fields.at(row, options.x) == nil or fields.at(row, options.y) == nil then return nil end
    return on_front[row] and 'yes' or ''
  end }
  return columns
end

local make = ready.layout('pareto', { 'x', 'y', 'x_better', 'y_better', 'by' },
  function(rows, options)
    local front = { x = options.x_better or 'lower', y = options.y_better or 'lower' }
    fields.check(rows, options.x, 'crescent.report.pareto: x')
    fields.check(rows, options.y, 'crescent.report.pareto: y')
    return {
      title = ('%s against %s'):format(options.y, options.x),
      columns = columns_of(rows, options, front), sort_by = options.x,
      charts = { { kind = 'scatter', x = options.x, y = options.y, by = options.by,
        front = front } },
      notes = { ('On the front are rows that no other beats in both %s and %s; Samples count as '
        .. 'their median.'):format(options.x, options.y) },
    }
  end,
  function(options)
    ready.expect_name('pareto', options, 'x')
    ready.expect_name('pareto', options, 'y')
  end)

--- A layout with a scatter chart of two figures and its Pareto front, by medians.
---
--- ```lua
--- local layout = crescent.report.pareto { x = 'decode_ms', y = 'perplexity' }
--- layout:render(rows, { to = 'pareto.html' })
--- ```
---@param options table   # `x`, `y` figures; `x_better`, `y_better` 'lower' (default) or 'higher';
---  `by` a field for the series; and what crescent.report.layout takes
return function(options) return make(options) end
