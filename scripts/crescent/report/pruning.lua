--- Pruning sweeps: what each cut costs and gains, by criterion, against what was not cut.
local fields = require 'crescent.reporting.fields'
local ready = require 'crescent.reporting.ready'
local shape = require 'crescent.reporting.shape'

local make = ready.layout('pruning', {}, function(rows)
  fields.check(rows, 'ratio', 'crescent.report.pruning')
  local made = shape.of(rows)
  local group = shape.group_of(made, 'ratio')
  local base = shape.has_baseline(rows, group, { ratio = 0 })
  local columns = shape.figure_columns(made, rows, { baseline = base, terse = true })
  table.insert(columns, 1, { 'ratio', format = 'percent' })
  local spec = { title = shape.title('Pruning', rows), columns = columns,
    group_by = group, sort_by = 'ratio',
    baseline = base and { ratio = 0 } or nil, charts = {} }
  for _, sort in ipairs { 'quality', 'time', 'size' } do
    local name = made.first[sort]
    if name then
      table.insert(spec.charts, { kind = 'line', x = 'ratio', y = name, by = group })
    end
  end
  local quality = made.first.quality
  if quality and made.first.time then
    table.insert(spec.charts, { kind = 'scatter', x = made.first.time, y = quality, by = group,
      front = { x = 'lower', y = quality:find 'top1' and 'higher' or 'lower' } })
  end
  return spec
end)

--- A layout for rows with a field `ratio` and perhaps `criterion`. It shows the figures that are
--- there, against ratio 0 if that was measured, and lines of quality, time and size over the ratio.
---
--- ```lua
--- crescent.report.pruning():render(rows, { to = 'pruning.html' })
--- ```
---@param options? table   # what crescent.report.layout takes
return function(options) return make(options) end
