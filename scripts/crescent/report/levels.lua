--- Levels beside each other: what each costs in quality, time and memory, against level 0.
local fields = require 'crescent.reporting.fields'
local ready = require 'crescent.reporting.ready'
local shape = require 'crescent.reporting.shape'

local make = ready.layout('levels', {}, function(rows)
  fields.check(rows, 'level', 'crescent.report.levels')
  local made = shape.of(rows)
  local group = shape.group_of(made, 'level')
  local base = shape.has_baseline(rows, group, { level = 0 })
  local columns = shape.figure_columns(made, rows, { baseline = base, terse = true })
  table.insert(columns, 1, 'level')
  local spec = { title = shape.title('Levels', rows), columns = columns,
    group_by = group, sort_by = 'level',
    baseline = base and { level = 0 } or nil, charts = {} }
  for _, sort in ipairs { 'time', 'speed', 'quality', 'size' } do
    local name = made.first[sort]
    if name and not (sort == 'speed' and made.first.time) then
      table.insert(spec.charts, { kind = 'bar', x = 'level', y = name, by = group })
    end
  end
  return spec
end)

--- A layout for rows with a field `level`. It shows the figures that are there, against level 0 if
--- that was measured, and the first time and the first figure of quality as bars.
---
--- ```lua
--- crescent.report.levels():render(rows, { to = 'levels.html' })
--- ```
---@param options? table   # what crescent.report.layout takes
return function(options) return make(options) end
