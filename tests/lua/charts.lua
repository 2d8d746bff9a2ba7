--- The charts that drawings are held against: tests/fixtures/reports has them as SVG and as text.
local charts = {}

--- Three criteria over ratios: one with intervals, one with a gap, one with text that has to be
--- escaped.
charts.line = {
  kind = 'line', title = 'What pruning costs, at "level 1" & up',
  x = { name = 'ratio', title = 'heads removed' },
  y = { name = 'perplexity', unit = '' },
  series = {
    { name = 'taylor', points = {
      { x = 0, y = 45.1, low = 44.2, high = 46 }, { x = 0.1, y = 45.9, low = 44.8, high = 47.1 },
      { x = 0.3, y = 47, low = 45.6, high = 48.3, label = 'chosen' },
      { x = 0.5, y = 53.2, low = 50.9, high = 55.6 }, { x = 0.7, y = 66.4, low = 61, high = 71.9 },
    } },
    { name = 'magnitude', points = {
      { x = 0, y = 45.1 }, { x = 0.1, y = 46.8 }, { x = 0.3, y = 0 / 0 }, { x = 0.5, y = 61.7 },
      { x = 0.7, y = 84 },
    } },
    { name = '<random> & "others"', points = {
      { x = 0, y = 45.1 }, { x = 0.1, y = 46.2 }, { x = 0.3, y = 48.6 },
      { x = 0.5, y = 63.9, low = 58, high = 70 }, { x = 0.7, y = 79.5 },
    } },
  },
  reference = { y = 47.4, label = 'no more than 5 % above the unpruned model' },
}

--- Levels by work, with errors and one value missing.
charts.bar = {
  kind = 'bar', title = 'Time a token',
  x = { name = 'work' }, y = { name = 'latency_ms', title = 'latency', unit = 'ms' },
  series = {
    { name = 'level 0', points = {
      { x = 'decode', y = 25.8, low = 24.9, high = 26.6 },
      { x = 'prefill, 128 tokens', y = 20.7, low = 20.3, high = 21.2 },
      { x = 'training step', y = 38.4, low = 36, high = 41.5 },
    } },
    { name = 'level 1', points = {
      { x = 'decode', y = 17.5, low = 17.1, high = 18.2 },
      { x = 'prefill, 128 tokens', y = 11.1, low = 10.9, high = 11.4 },
      { x = 'training step' },
    } },
  },
}

--- Quality against speed with a Pareto front over both series.
charts.scatter = {
  kind = 'scatter', title = 'Quality and speed',
  x = { name = 'latency_ms', title = 'latency', unit = 'ms' }, y = { name = 'perplexity' },
  series = {
    { name = 'heads', points = {
      { x = 17.5, y = 47, low = 46.2, high = 47.7, front = true, label = '30 %' },
      { x = 15.2, y = 53.2, low = 52, high = 54.9, front = true, label = '50 %' },
      { x = 19.8, y = 49.9, label = '20 %, magnitude' }, { x = 16.9, y = 61.7 },
    } },
    { name = 'neurons', points = {
      { x = 22.4, y = 45.1, front = true, label = 'unpruned' },
      { x = 13.1, y = 66.4, low = 63.8, high = 69, front = true, label = '70 %' },
      { x = 14.6, y = 71.5 }, { x = 18.3, y = 52.6 },
    } },
  },
}

--- Layers by parts, with a cell missing and two crossed.
charts.heat = {
  kind = 'heat', title = 'Where the time goes', row_name = 'layer', column_name = 'part',
  name = 'time', unit = 'us',
  row_labels = { '1', '2', '3', '4' },
  column_labels = { 'norm', 'qkv', 'attention', 'output', 'ffn.up', 'ffn.down' },
  values = {
    { 2.1, 17.6, 21.3, 6.2, 11.4, 12.5 },
    { 2.2, 18, 22.8, 6.3, 11.2, 12.7 },
    { 2, 17.9, nil, 6.1, 11.9, 12.4 },
    { 2.3, 18.4, 25.9, 6.6, 12.8, 13 },
  },
  crossed = { {}, { false, false, true }, {}, { false, false, true } },
}

return charts
