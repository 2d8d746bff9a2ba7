--- Ready layouts: each chooses what to show by what the rows have.
local test = require 'crescent.test'
local rows = require 'crescent.rows'
local report_rows = require 'report_rows'

local function blocks(document, kind)
  local out = {}
  for _, block in ipairs(document.blocks) do
    if block.kind == kind then out[#out + 1] = block end
  end
  return out
end

local function names(block)
  local out = {}
  for i, column in ipairs(block.columns) do out[i] = column.name end
  return table.concat(out, ' ')
end

local function notes(document)
  local out = {}
  for i, block in ipairs(blocks(document, 'note')) do out[i] = block.text end
  return out
end

local partial = { partial = true }

test.group('summary', function()
  test.case('shows points first, then quality, times and the rest, and a line', function()
    local document = crescent.report.summary():build(report_rows.rows(), partial)
    test.equal(names(blocks(document, 'table')[1]), 'criterion ratio perplexity decode_ms '
      .. 'prefill.latency_ms params energy_j model note seed')
    local chart = blocks(document, 'chart')[1].chart
    test.equal({ chart.kind, chart.x.name, chart.y.name, #chart.series },
      { 'line', 'ratio', 'perplexity', 2 })
  end)
  test.case('shows no chart where nothing was varied in numbers', function()
    local document = crescent.report.summary():build { { name = 'a', kl = 1 },
      { name = 'b', kl = 2 } }
    test.equal(#blocks(document, 'chart'), 0)
  end)
  test.case('takes its chart and title from the author', function()
    local document = crescent.report.summary { title = 'Mine', y = 'params' }
      :build(report_rows.rows(), partial)
    test.equal({ document.title, blocks(document, 'chart')[1].chart.y.name }, { 'Mine', 'params' })
  end)
end)

test.group('pareto', function()
  test.case('marks the front in the table and in the chart', function()
    local document = crescent.report.pareto { x = 'decode_ms', y = 'perplexity' }
      :build(report_rows.rows(), partial)
    local block, on_front = blocks(document, 'table')[1], {}
    test.equal(names(block), 'criterion ratio decode_ms perplexity front')
    for r, row in ipairs(block.rows) do on_front[r] = row[5].value or 'missing' end
    test.equal(on_front, { 'yes', 'yes', 'yes', '', 'yes', 'yes', 'missing' })
    local count = 0
    for _, point in ipairs(blocks(document, 'chart')[1].chart.series[1].points) do
      count = count + (point.front and 1 or 0)
    end
    test.equal(count, 5)
  end)
  test.case('needs both figures', function()
    test.raises(function() crescent.report.pareto { x = 'decode_ms' } end,
      "crescent.report.pareto: y: expected a field's name, got nothing")
    test.raises(function()
      crescent.report.pareto { x = 'decode_m', y = 'perplexity' }:build(report_rows.rows(), partial)
    end, "crescent.report.pareto: x: no row has 'decode_m' (did you mean 'decode_ms'?)")
  end)
end)

test.group('heat', function()
  test.case('is a map and the same as a table', function()
    local document = crescent.report.heat { x = 'ratio', y = 'criterion', value = 'perplexity',
      format = '%.1f' }:build(report_rows.rows(), partial)
    local chart, block = blocks(document, 'chart')[1].chart, blocks(document, 'table')[1]
    test.equal({ chart.kind, chart.values[1][2], block.rows[1][3].text },
      { 'heat', 22.0625, '22.1' })
  end)
end)

local function samples(median)
  local values = {}
  for i = -4, 4 do values[i + 5] = median + i * 0.001 end
  return crescent.statistics.samples(values, { unit = 'ms' })
end

test.group('levels', function()
  local list = rows.of { { model = 'tiny', level = 0, decode_ms = samples(4), kl_nats = 0 },
    { model = 'tiny', level = 1, decode_ms = samples(2), kl_nats = 0.001 } }
  test.case('holds times against level 0, and draws time and quality', function()
    local document = crescent.report.levels():build(list)
    test.equal({ document.title, names(blocks(document, 'table')[1]) },
      { 'Levels, tiny', 'level kl_nats decode_ms' })
    local cell = blocks(document, 'table')[1].rows[2][3]
    test.equal(cell.text, '2.000 ± 0.003 ms (0.500 x, faster)')
    local drawn = {}
    for i, block in ipairs(blocks(document, 'chart')) do
      drawn[i] = block.chart.kind .. ' ' .. block.chart.y.name
    end
    test.equal(drawn, { 'bar decode_ms', 'bar kl_nats' })
  end)
  test.case('works without level 0, and groups what else was varied', function()
    local more = { { model = 'a', level = 1, kl_nats = 1 },
      { model = 'b', level = 1, kl_nats = 2 } }
    local document = crescent.report.levels():build(more)
    test.equal(blocks(document, 'heading')[2].text, 'model: b')
  end)
  test.case('needs a level', function()
    test.raises(function() crescent.report.levels():build { { kl_nats = 1 } } end,
      "crescent.report.levels: no row has 'level'")
  end)
end)

test.group('pruning', function()
  test.case('groups by criterion against ratio 0, and draws each figure over the ratio', function()
    local document = crescent.report.pruning():build(report_rows.rows(), partial)
    local tables = blocks(document, 'table')
    test.equal({ document.title, #tables, names(tables[1]) }, { 'Pruning, tïny <1 & 2>', 2,
      'ratio perplexity decode_ms prefill.latency_ms params energy_j' })
    test.equal(tables[1].rows[2][3].verdict, 'faster')
    local drawn = {}
    for i, block in ipairs(blocks(document, 'chart')) do
      drawn[i] = ('%s %s %d'):format(block.chart.kind, block.chart.y.name, #block.chart.series)
    end
    test.equal(drawn, { 'line perplexity 2', 'line decode_ms 2', 'line params 2',
      'scatter perplexity 2' })
  end)
  test.case('names all that was varied beside the ratio', function()
    local list = {}
    for i, level in ipairs { 0, 1 } do
      for _, criterion in ipairs { 'a', 'b' } do
        list[#list + 1] = { ratio = 0.5, level = level, criterion = criterion, kl = i }
      end
    end
    local document = crescent.report.pruning():build(list)
    test.equal(blocks(document, 'heading')[1].text, 'group: a, level 0')
  end)
end)

test.group('every ready layout of rows', function()
  test.case('says that there are none', function()
    for _, name in ipairs { 'summary', 'levels', 'pruning' } do
      test.equal(notes(crescent.report[name]():build {}), { 'no rows' })
    end
  end)
  test.case('refuses unknown options, and incomplete rows', function()
    test.raises(function() crescent.report.summary { tilte = 'x' } end,
      "crescent.report.summary: unknown option 'tilte' (did you mean 'title'?)")
    test.raises(function() crescent.report.levels(3) end,
      'crescent.report.levels: expected a table of options, got number')
    test.raises(function() crescent.report.pruning():build(report_rows.rows()) end,
      'crescent.report.layout: the sweep is incomplete: 7 of 8 cells; { partial = true } renders '
      .. 'what is there, and says so')
  end)
  test.case('is named by report.ready()', function()
    test.equal(crescent.report.ready(), { 'book', 'compare', 'folder', 'heat', 'levels',
      'pareto', 'profile', 'pruning', 'recommend', 'summary' })
    for _, name in ipairs(crescent.report.ready()) do
      test.equal(type(crescent.report[name]), 'function')
    end
  end)
end)

test.group('profile', function()
  local model = crescent.load 'tiny'
  test.case('shows time by section, component and layer, tokens and memory', function()
    local profile = crescent.profile.run(model, { prompt = 'In the beginning', tokens = 4,
      trials = 2 })
    local document = crescent.report.profile():build(profile)
    local headings, charts = {}, {}
    for i, block in ipairs(blocks(document, 'heading')) do headings[i] = block.text end
    for i, block in ipairs(blocks(document, 'chart')) do
      charts[i] = ('%s %s'):format(block.chart.kind, block.chart.title)
    end
    test.equal(headings, { 'Time by section', 'Time by component', 'Time by layer',
      'Latency over tokens', 'Memory' })
    test.equal(charts, { 'bar Time by section', 'bar Time by component', 'bar Time by layer',
      'heat Time by layer and component', 'line Latency over tokens', 'line Memory over time' })
    local layers, latency = blocks(document, 'table')[3], blocks(document, 'chart')[5].chart
    test.equal(#layers.rows, #model.layers)
    test.equal({ #latency.series, #latency.series[1].points }, { 2, 3 })
    -- All components and what is between them make the whole.
    local sum = 0
    for _, row in ipairs(blocks(document, 'table')[2].rows) do sum = sum + row[2].value end
    local outside = 0
    for _, node in ipairs(profile.tree.children) do
      if node.kind == 'section' and #node.children == 0 then outside = outside + node.time_ms end
    end
    test.near(sum + outside, profile.tree.time_ms, 1e-6 * profile.tree.time_ms)
  end)
  test.case('says what a mode does not record', function()
    local profile = crescent.profile.run(model, { mode = 'minimal', prompt = 'In', tokens = 1 })
    local said = table.concat(notes(crescent.report.profile():build(profile)), '\n')
    test.ok(said:find('no times of components: mode minimal does not record them', 1, true), said)
    test.ok(said:find('no latency over tokens: needs at least two new tokens', 1, true), said)
  end)
  test.case('takes profiles alone', function()
    test.raises(function() crescent.report.profile():build {} end,
      'crescent.report.profile: expected a profile as crescent.profile.run or store:profile gives '
      .. 'it, got table')
  end)
end)

test.group('compare', function()
  test.case('shows ratios with intervals, drift and verdicts, read aloud', function()
    local model = crescent.load 'tiny'
    local made = crescent.bench.compare { measure = 'decode', baseline = 'a', aa = true,
      candidates = { { 'a', model }, { 'b', model } }, with = { tokens = 2 }, time_s_max = 0.3 }
    local document = crescent.report.compare { title = 'Twice' }:build(made)
    test.equal(document.title, 'Twice')
    test.equal(document.blocks[1].text, made:sentence())
    local block = blocks(document, 'table')[1]
    test.equal(names(block), 'name time ratio interval drift verdict')
    test.equal({ block.rows[1][1].value, block.rows[1][6].value, block.rows[2][5].value },
      { 'a', 'baseline', 0 })
    local chart = blocks(document, 'chart')[1].chart
    test.equal({ chart.reference.y, #chart.series[1].points }, { 1, 2 })
    test.equal(chart.series[1].points[2].low, made.rows[2].interval.low)
    test.ok(crescent.report.compare():render(made):find '^Comparison of decode\n')
  end)
  test.case('shows stored runs and what differs between them', function()
    local path = os.tmpname()
    os.remove(path)
    local model = crescent.load 'tiny'
    for _, level in ipairs { 0, 1 } do
      crescent.bench.decode(model:optimize { level = level }, { prompt = 2, tokens = 2,
        samples_min = 2, time_s_max = 0.05, store = path })
    end
    local made = crescent.bench.compare { runs = { 1, 2 }, store = path }
    local document = crescent.report.compare():build(made)
    for _, suffix in ipairs { '', '-wal', '-shm' } do os.remove(path .. suffix) end
    local block = blocks(document, 'table')[1]
    test.equal(names(block), 'name time ratio interval verdict')
    test.equal({ block.rows[1][1].value, block.rows[1][5].value, block.rows[2][5].value },
      { 'run 1', 'baseline', 'cannot tell' })
    local said = table.concat(notes(document), '\n')
    test.ok(said:find('no quality beside the times: stored runs of one measure have none', 1, true)
      and said:find('the runs were not interleaved', 1, true), said)
  end)
  test.case('takes comparisons alone', function()
    test.raises(function() crescent.report.compare():build { { ratio = 1 } } end,
      'crescent.report.compare: expected what crescent.bench.compare gives, got table')
  end)
end)
