--- Charts of layouts: points, intervals, series, fronts and heat maps, and what has no place.
local test = require 'crescent.test'
local rows = require 'crescent.rows'

local function charts_of(chart, list, spec)
  spec = spec or {}
  spec.charts = { chart }
  local document = crescent.report.layout(spec):build(list)
  local out, notes = {}, {}
  for _, block in ipairs(document.blocks) do
    if block.kind == 'chart' then out[#out + 1] = block.chart end
    if block.kind == 'note' then notes[#notes + 1] = block.text end
  end
  return out[1], notes
end

local function points(series)
  local out = {}
  for i, point in ipairs(series.points) do out[i] = { point.x, point.y } end
  return out
end

local ms = crescent.statistics.samples({ 1, 2, 3 }, { unit = 'ms' })

local list = {
  { ratio = 0.5, criterion = 'b', ppl = 30, decode_ms = ms },
  { ratio = 0, criterion = 'b', ppl = 20, decode_ms = 4 },
  { ratio = 0, criterion = 'a', ppl = 21, decode_ms = 3 },
}

test.group('a line chart', function()
  test.case('sorts the points of each series by x', function()
    local chart = charts_of({ kind = 'line', x = 'ratio', y = 'ppl', by = 'criterion', log = 'y' },
      list)
    test.equal({ chart.title, chart.x.name, chart.x.log, chart.y.log },
      { 'ppl by ratio', 'ratio', false, true })
    local b, a = chart.series[1], chart.series[2]
    test.equal({ b.name, points(b) }, { 'b', { { 0, 20 }, { 0.5, 30 } } })
    test.equal({ a.name, points(a) }, { 'a', { { 0, 21 } } })
  end)
  test.case('has the interval and unit of Samples, and a reference', function()
    local reference = { y = 3, label = 'before' }
    local chart = charts_of({ kind = 'line', x = 'ratio', y = 'decode_ms', title = 'T',
      y_title = 'a token', reference = reference }, list)
    local point = chart.series[1].points[3]
    test.equal({ point.y, point.low, point.high }, { 2, 1, 3 })
    test.equal({ chart.y.unit, chart.y.title, chart.title, chart.reference },
      { 'ms', 'a token', 'T', reference })
  end)
  test.case('takes functions, and labels points by what was varied or by a field', function()
    local twice = { kind = 'line', x = function(row) return 2 * row.ratio end, y = 'ppl' }
    local chart = charts_of(twice, list)
    test.equal(points(chart.series[1]), { { 0, 20 }, { 0, 21 }, { 1, 30 } })
    test.equal({ chart.series[1].name, chart.series[1].points[3].label },
      { 'ppl', 'b, ratio 0.5' })
    twice.label = 'criterion'
    test.equal(charts_of(twice, list).series[1].points[3].label, 'b')
  end)
  test.case('names a series of numbers with its field', function()
    local chart = charts_of({ kind = 'bar', x = 'criterion', y = 'ppl', by = 'ratio' }, list)
    test.equal({ chart.series[1].name, chart.series[2].name }, { 'ratio 0.5', 'ratio 0' })
  end)
  test.case('says what has no place and why, once for all charts', function()
    local some = rows.of { { ratio = 0.5, ppl = 3 }, { ratio = 0.25, failed = 'out of memory' },
      { ratio = 0.125, absent = { ppl = 'no text' } } }
    local chart, notes = charts_of({ kind = 'line', x = 'ratio', y = 'ppl' }, some)
    test.equal({ #chart.series[1].points, notes }, { 1, {
      'no place in the charts: 1 row without ppl (out of memory)',
      'no place in the charts: 1 row without ppl (no text)' } })
  end)
  test.case('of nothing is a note', function()
    local none = { { ratio = 1, absent = { ppl = 'no text' } } }
    local chart, notes = charts_of({ kind = 'line', x = 'ratio', y = 'ppl' }, none)
    test.equal({ chart, notes[1] }, { nil, 'no chart of ppl: no row has both values' })
  end)
end)

test.group('a scatter chart', function()
  test.case('marks the points that no other beats in both', function()
    local some = { { x = 1, y = 5 }, { x = 2, y = 3 }, { x = 3, y = 3 }, { x = 4, y = 1 },
      { x = 2, y = 3 } }
    local chart = charts_of({ kind = 'scatter', x = 'x', y = 'y',
      front = { x = 'lower', y = 'lower' } }, some)
    local front = {}
    for i, point in ipairs(chart.series[1].points) do front[i] = point.front or false end
    test.equal(front, { true, true, false, true, true })
    chart = charts_of({ kind = 'scatter', x = 'x', y = 'y',
      front = { x = 'lower', y = 'higher' } }, some)
    for i, point in ipairs(chart.series[1].points) do front[i] = point.front or false end
    test.equal(front, { true, false, false, false, false })
  end)
end)

test.group('a heat map', function()
  test.case('lays out values with holes, labels and crosses', function()
    local chart = charts_of({ kind = 'heat', x = 'head', y = 'layer', value = 'kl_nats',
      crossed = function(row) return row.kl_nats > 1 end },
      { { layer = 2, head = 1, kl_nats = 0.5 }, { layer = 1, head = 1, kl_nats = 2 },
        { layer = 1, head = 2, kl_nats = 0.25 } })
    test.equal({ chart.values[1][1], chart.values[1][2], chart.values[2][1], chart.values[2][2] },
      { 2, 0.25, 0.5, nil })
    test.equal({ chart.row_labels, chart.column_labels, chart.row_name, chart.column_name },
      { { '1', '2' }, { '1', '2' }, 'layer', 'head' })
    test.equal({ chart.crossed, chart.unit, chart.title },
      { { { true, false }, { false, false } }, 'nats', 'kl_nats by layer and head' })
  end)
  test.case('with two rows in a cell is an error that names both', function()
    test.raises(function()
      charts_of({ kind = 'heat', x = 'a', y = 'b', value = 'v' }, { { a = 1, b = 1, v = 1 },
        { a = 1, b = 1, v = 2 } })
    end, 'crescent.report.layout: charts[1]: rows 1 and 2 both have b 1 and a 1 (they differ in v: '
      .. '1 and 2)')
  end)
end)

test.group('mistakes in charts', function()
  local function refused(chart, message)
    test.raises(function() crescent.report.layout { charts = { chart } } end,
      'crescent.report.layout: charts[1]: ' .. message)
  end
  test.case('are told when the layout is made', function()
    refused('line', "expected { kind = 'line', x = 'NAME', y = 'NAME' }, got string")
    refused({ kind = 'lines', x = 'a', y = 'b' },
      "kind: expected 'line', 'bar', 'scatter' or 'heat', got 'lines' (did you mean 'line'?)")
    refused({ kind = 'line', x = 'a', titel = 'b' },
      "unknown key 'titel' (did you mean 'title'?)")
    refused({ kind = 'line', x = 'a' },
      "y: expected a field's name or function(row), got nothing")
    refused({ kind = 'heat', x = 'a', y = 'b' },
      "value: expected a field's name or function(row), got nothing")
    refused({ kind = 'line', x = 'a', y = 'b', log = 'z' },
      "log: expected 'x', 'y' or 'xy', got 'z'")
    refused({ kind = 'line', x = 'a', y = 'b', front = { x = 'lower', y = 'lower' } },
      "'front' means nothing to a line chart")
    refused({ kind = 'scatter', x = 'a', y = 'b', front = { x = 'lower' } },
      "front: y: expected 'lower' or 'higher', got nothing")
    refused({ kind = 'line', x = 'a', y = 'b', reference = { label = 'x' } },
      'reference: y: expected a number, got nothing')
  end)
  test.case('are told when the rows come', function()
    test.raises(function() charts_of({ kind = 'line', x = 'raito', y = 'ppl' }, list) end,
      "crescent.report.layout: charts[1]: x: no row has 'raito' (did you mean 'ratio'?)")
    test.raises(function()
      charts_of({ kind = 'scatter', x = 'criterion', y = 'ppl',
        front = { x = 'lower', y = 'lower' } }, list)
    end, 'crescent.report.layout: charts[1]: x: expected numbers, criterion has texts')
  end)
end)
