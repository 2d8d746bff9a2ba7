-- Writes the pages and pictures that ./dev browser looks at: render.lua FOLDER
local here = arg[0]:match '^(.*)/[^/]*$' or '.'
package.path = here .. '/../lua/?.lua;' .. package.path
local charts = require 'charts'
local report_rows = require 'report_rows'

local folder = arg[1]
crescent.report.layout(report_rows.layout()):render(report_rows.rows(),
  { to = folder .. '/report.html', partial = true })
for _, name in ipairs { 'line', 'bar', 'scatter', 'heat' } do
  local file = assert(io.open(('%s/%s.svg'):format(folder, name), 'wb'))
  file:write((require 'crescent.chart.svg'(charts[name])))
  file:close()
end
