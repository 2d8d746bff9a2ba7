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

local spec = {
  titles = { 'kernel', 'time', 'rate', 'limit', 'of the limit' },
  align = { 'left' }, rows = {},
}
local rows = {}
for i, row in ipairs(measured.benchmarks) do
  local unit = row['GB/s'] and 'GB/s' or row['GFLOP/s'] and 'GFLOP/s'
  local rate = unit and row[unit]
  rows[i] = { measure = row.name, time = row.real_time, time_unit = row.time_unit, rate = rate,
    unit = unit, limit = row.limit, share = row.share }
  spec.rows[i] = {
    (row.name:gsub('/min_time:[%d.]+', ''):gsub('/real_time', '')),
    ('%s %s'):format(units.number(row.real_time), row.time_unit),
    rate and ('%s %s'):format(units.number(rate), unit) or '-',
    row.limit and ('%s %s'):format(units.number(row.limit), unit) or '-',
    row.share and units.number(row.share, 3) or '-',
  }
end
print(crescent.table.text(spec))
print('Rates and limits are the best of several, each in turn with the other: reading as many '
  .. 'bytes, or multiply-adds in registers.')
support.write(opt, 'kernels', { name = 'kernels', rows = rows, context = measured.context })
