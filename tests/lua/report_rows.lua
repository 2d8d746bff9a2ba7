--- The rows and the layout behind tests/fixtures/reports: every kind of value that a report shows
--- stands in them once, and characters that some format has to escape.
local rows = require 'crescent.rows'

local report_rows = {}

--- Nine values around `median`, so that 0.95 is reached by the interval.
local function samples(median, spread)
  local values = {}
  for i = -4, 4 do values[i + 5] = median + i * spread end
  return crescent.statistics.samples(values, { unit = 'ms' })
end

local no_sensor = 'no RAPL counters: permission denied'

local function row(criterion, ratio, perplexity, ms, params)
  return {
    model = 'tïny <1 & 2>', criterion = criterion, ratio = ratio, perplexity = perplexity,
    decode_ms = samples(ms, 0.005), params = params, seed = 1,
    note = ratio == 0 and 'as loaded, "whole"' or nil,
    prefill = { latency_ms = samples(8 * ms, 0.05) },
    absent = { energy_j = no_sensor },
  }
end

--- Seven rows of eight cells, one of which failed.
function report_rows.rows()
  local entropy = 'entropy | <rows> & "columns", ∂'
  local list = {
    row('taylor', 0, 21.4375, 1.5, 124439808),
    row('taylor', 0.3, 22.0625, 1.25, 99551846),
    row('taylor', 0.5, 30.125, 1.24, 82958000),
    row(entropy, 0, 21.4375, 1.5, 124439808),
    row(entropy, 0.3, 25.9, 1.25, 99551846),
    row(entropy, 0.5, 61.21, 1.0625, 82958000),
    { model = 'tïny <1 & 2>', criterion = 'taylor', ratio = 0.7, seed = 1,
      failed = 'layer 2 has no heads left | "none"' },
  }
  list[6].note = 'best, not good'
  return rows.of(list, {
    kind = 'heads', partial = '7 of 8 cells', points = { 'criterion', 'ratio' },
    notes = { 'the text was cut at 2,048 tokens' },
  })
end

--- What crescent.report.layout takes for them.
function report_rows.layout()
  return {
    title = 'Head pruning, {model}',
    text = { '{count} cells with seed {seed}; {{braces} & <tags> stay.' },
    group_by = 'criterion', sort_by = 'ratio', baseline = { ratio = 0 },
    columns = {
      { 'ratio', title = 'cut', format = 'percent' },
      { 'perplexity', format = '%.2f', better = 'lower' },
      { 'decode_ms', title = 'a token', format = '%.2f', better = 'lower', baseline = true },
      { 'prefill.latency_ms', title = 'prefill' },
      { 'params', format = 'count', baseline = true },
      'energy_j', 'note',
    },
    pivot = { rows = 'ratio', columns = 'criterion', value = 'perplexity', format = '%.1f' },
    charts = {
      { kind = 'line', title = 'Quality <& size>', x = 'ratio', y = 'perplexity',
        by = 'criterion', log = 'y' },
      { kind = 'line', x = 'ratio', y = 'decode_ms', by = 'criterion' },
      { kind = 'bar', x = 'ratio', y = 'params', by = 'criterion' },
      { kind = 'scatter', x = 'decode_ms', y = 'perplexity', by = 'criterion', label = 'ratio',
        front = { x = 'lower', y = 'lower' } },
      { kind = 'heat', x = 'ratio', y = 'criterion', value = 'perplexity' },
    },
    notes = { 'Perplexity over {count} × 1 windows.' },
  }
end

--- The document that renderers are held against.
function report_rows.document()
  return crescent.report.layout(report_rows.layout()):build(report_rows.rows(), { partial = true })
end

return report_rows
