--- One figure over two fields, as a heat map and a table.
local ready = require 'crescent.reporting.ready'

local make = ready.layout('heat', { 'x', 'y', 'value', 'format', 'better', 'crossed' },
  function(_, options)
    return {
      title = ('Heat map of %s'):format(options.value),
      charts = { { kind = 'heat', x = options.x, y = options.y, value = options.value,
        crossed = options.crossed } },
      pivot = { rows = options.y, columns = options.x, value = options.value,
        format = options.format, better = options.better },
    }
  end,
  function(options)
    for _, key in ipairs { 'x', 'y', 'value' } do ready.expect_name('heat', options, key) end
  end)

--- A layout with a heat map and the same as a pivot.
---
--- ```lua
--- crescent.report.heat { x = 'head', y = 'layer', value = 'kl_nats' }:render(rows, {
---   to = 'heads.html' })
--- ```
---@param options table   # `x` across, `y` down, `value`; `format` and `better` of the table;
---  `crossed` a field or function(row): cells that are crossed out; and what
---  crescent.report.layout takes
return function(options) return make(options) end
