-- Prints what Google Benchmark measured of the inner loops as one table, and keeps it as JSON.
-- `./dev bench kernels` runs the program that measures, and then this.
local support = require 'support'
local units = crescent.units

local opt = support.options('Prints the measurements of the inner loops.', {
  { 'measured', 'a JSON file of kernels_bench', required = true },
})

local file = assert(io.open(opt.measured))
local measured = crescent.json.decode(file:read '*a')
file:close()

local nanoseconds = { ns = 1, us = 1e3, ms = 1e6, s = 1e9 }
local spec = {
  titles = { 'kernel', 'ours', 'limit', 'of the limit' }, align = { 'left' }, rows = {},
}
local rows = {}
for i, row in ipairs(measured.benchmarks) do
  local unit = row['GB/s'] and 'GB/s' or row['GFLOP/s'] and 'GFLOP/s'
  local made = { measure = row.name:gsub('/min_time:[%d.]+', ''):gsub('/real_time', '') }
  local function rate(value) return ('%s %s'):format(units.number(value), unit) end
  if unit then -- its time is that of the limit too, as one follows the other
    made.unit, made.ours, made.limit, made.share = unit, row[unit], row.limit, row.share
  else
    made.unit, made.ours = 'ns', row.real_time * nanoseconds[row.time_unit]
  end
  rows[i] = made
  spec.rows[i] = { made.measure, unit and rate(made.ours) or units.format(made.ours, 'ns'),
    unit and rate(made.limit) or '-', unit and units.number(made.share, 3) or '-' }
end
print(crescent.table.text(spec))
print('Rates and limits are the best of several, each in turn with the other: reading as many '
  .. 'bytes, or multiply-adds in registers.')
support.write(opt, 'kernels', { name = 'kernels', rows = rows, context = measured.context })
