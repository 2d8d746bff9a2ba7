--- Comparisons: a table of ratios with their intervals and verdicts, drawn against the baseline.
local blame = require 'crescent.blame'
local class = require 'crescent.reporting.class'
local document = require 'crescent.reporting.document'
local ready = require 'crescent.reporting.ready'
local units = require 'crescent.units'

local kinds = { compare = true, compare_runs = true }

local function kind_of(made)
  local meta = type(made) == 'table' and getmetatable(made)
  local name = type(meta) == 'table' and rawget(meta, '__name')
  if kinds[name] then return name end
  blame('crescent.report.compare: expected what crescent.bench.compare gives, got %s', type(made))
end

--- Rows with the interval as two fields of its own.
local function rows_of(made, kind)
  local list = {}
  for i, row in ipairs(made.rows) do
    local copy = { name = kind == 'compare_runs' and ('run %d'):format(row.run) or row.name,
      ratio = row.ratio, verdict = row.verdict, drift = row.drift, absent = row.absent,
      time = row.latency_ms or row.value }
    if not row.baseline then copy.low, copy.high = row.interval.low, row.interval.high end
    list[i] = copy
  end
  return list
end

local function columns_of(made, kind)
  local columns = {
    { 'name', title = kind == 'compare' and 'candidate' or 'run' },
    { 'time', title = kind == 'compare' and 'latency_ms' or made.measure },
    { 'ratio', format = '%.4g' },
    { 'interval', value = function(row)
      if not row.low then return '' end
      return ('%s .. %s'):format(units.number(row.low), units.number(row.high))
    end, align = 'right' },
    { 'verdict', value = function(row)
      if row.verdict ~= 'no difference' then return row.verdict end
      return 'no difference within ' .. units.percent(made.same_within)
    end },
  }
  if kind == 'compare' then table.insert(columns, 5, { 'drift', format = '%.3g' }) end
  return columns
end

--- The ratios with their intervals, which rows can't say by themselves.
local function ratio_chart(list)
  local points = {}
  for i, row in ipairs(list) do
    points[i] = { x = row.name, y = row.ratio, low = row.low, high = row.high,
      label = row.verdict }
  end
  return { kind = 'bar', title = 'Ratio to the baseline', x = { name = 'name', title = '' },
    y = { name = 'ratio', title = 'ratio' }, series = { { name = 'ratio', points = points } },
    reference = { y = 1, label = 'baseline' } }
end

local function build(made, title)
  local kind = kind_of(made)
  local list = rows_of(made, kind)
  local report = document.new(title or ('Comparison of %s'):format(made.measure))
  document.text(report, made:sentence())
  ready.add(report, { rows = list, spec = { columns = columns_of(made, kind),
    no_quality = kind == 'compare_runs' and 'stored runs of one measure have none' or nil } })
  document.chart(report, ratio_chart(list))
  for _, note in ipairs(made.notes or {}) do document.note(report, 'differs in ' .. note) end
  for _, warning in ipairs(made.warnings or {}) do document.warning(report, warning) end
  return report
end

--- A layout for a comparison, of live candidates or of stored runs.
---
--- ```lua
--- crescent.report.compare():render(comparison, { to = 'compare.html' })
--- ```
---@param options? { title: string? }
return function(options)
  options = ready.options('compare', { 'title' }, options)
  return class.new('layout compare', function(made, render)
    return build(made, render.title or options.title)
  end)
end
