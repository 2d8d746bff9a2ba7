--- Charts as SVG and as text: what they draw, what they leave out, and what they refuse.
local test = require 'crescent.test'
local charts = require 'charts'
local golden = require 'golden'
local scale = require 'crescent.chart.scale'
local svg = require 'crescent.chart.svg'
local text = require 'crescent.chart.text'
local xml = require 'xml'

--- A chart of one series of points.
local function chart_of(kind, points, more)
  local chart = { kind = kind, x = { name = 'x' }, y = { name = 'y' },
    series = { { name = 's', points = points } } }
  for key, value in pairs(more or {}) do chart[key] = value end
  return chart
end

--- Every number in an attribute of position or size.
local function coordinates(elements)
  local list = {}
  for _, element in ipairs(elements) do
    for _, name in ipairs { 'x', 'y', 'x1', 'x2', 'y1', 'y2', 'cx', 'cy', 'r', 'width', 'height',
      'points' } do
      for number in (element.attributes[name] or ''):gmatch '[-%w.]+' do
        list[#list + 1] = { name, number:match '^%a?(-?%d+%.?%d*)%a?$', number }
      end
    end
  end
  return list
end

--- Expects SVG that a browser reads, with all coordinates numbers inside the picture.
local function check(chart)
  local made = svg(chart)
  local elements = xml.elements((made:gsub('<style>.-</style>', '')))
  local picture = elements[1].attributes
  for _, found in ipairs(coordinates(elements)) do
    local number = tonumber(found[2])
    test.ok(number, ('%s is %s'):format(found[1], found[3]))
    local limit = math.max(tonumber(picture.width), tonumber(picture.height)) + 60
    test.ok(number and number >= -60 and number <= limit, ('%s is %s'):format(found[1], found[3]))
  end
  local shown = text(chart)
  test.ok(not shown:find '%f[%w]nan%f[%W]' and not shown:find '%f[%w]inf%f[%W]', shown)
  return made, elements, shown
end

local function texts(elements, class)
  local list = {}
  for i, element in ipairs(xml.find(elements, 'text', class)) do list[i] = element.text end
  return list
end

test.group('the charts of a report', function()
  for _, name in ipairs { 'line', 'bar', 'scatter', 'heat' } do
    test.case(name .. '.svg is drawn as it is stored, byte for byte', function()
      golden(name .. '.svg', (check(charts[name])))
    end)
  end
  test.case('are drawn on a terminal as they are stored', function()
    local all = {}
    for i, name in ipairs { 'line', 'bar', 'scatter', 'heat' } do all[i] = text(charts[name]) end
    golden('charts.txt', table.concat(all, '\n\n') .. '\n')
  end)
  test.case('fit the columns of a narrow and of a wide terminal', function()
    for _, width in ipairs { 60, 100 } do
      for _, name in ipairs { 'line', 'bar', 'scatter' } do
        for line in text(charts[name], { width = width }):gmatch '[^\n]+' do
          local _, more = line:gsub('[\128-\191]', '')
          test.ok(#line - more <= width, line)
        end
      end
    end
  end)
  test.case('stay as they were', function()
    local before = crescent.json.encode(charts.line.series[1])
    svg(charts.line)
    text(charts.line)
    test.equal(crescent.json.encode(charts.line.series[1]), before)
  end)
end)

test.group('a picture', function()
  test.case('has its own colours, light and dark; inside a page it takes the page\'s', function()
    local alone, inline = svg(charts.bar), svg(charts.bar, { inline = true })
    test.ok(alone:find('@media (prefers-color-scheme:dark)', 1, true))
    test.ok(alone:find('--chart-1:#0072B2', 1, true) and alone:find('var(--chart-1)', 1, true))
    test.ok(not inline:find('<style>', 1, true) and not inline:find('#0072B2', 1, true))
  end)
  test.case('has a title, and every text in it is escaped', function()
    local hostile = '<script>"&\'</script>\0\27[0m\255'
    local _, elements = check { kind = 'bar', title = hostile, x = { name = hostile },
      y = { name = hostile, unit = hostile }, reference = { y = 1, label = hostile },
      series = { { name = hostile, points = { { x = hostile, y = 1, label = hostile } } },
        { name = hostile .. 2, points = {} } } }
    local escaped = '&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;'
    test.ok(xml.find(elements, 'title')[1].text:find(escaped, 1, true))
    test.equal(#xml.find(elements, 'script'), 0)
  end)
  test.case('shows exact values on hovering, over at least 8 pixels', function()
    local _, elements = check(chart_of('scatter', { { x = 0.1, y = 1 / 3, low = 0.25, high = 0.5,
      label = 'seed 1' } }))
    local point = xml.find(elements, 'title')[2]
    test.equal(point.text, 's\nx: 0.1\ny: 0.3333333333333333\ninterval: 0.25 .. 0.5\nseed 1')
    test.equal(xml.find(elements, 'circle', 'hit')[1].attributes.r, '8.0')
    local _, bars = check(chart_of('bar', { { x = 'a', y = 0 }, { x = 'b', y = 5 } }))
    for _, hit in ipairs(xml.find(bars, 'rect', 'hit')) do
      test.ok(tonumber(hit.attributes.width) >= 8 and tonumber(hit.attributes.height) >= 8)
    end
  end)
  test.case('tells nine series apart by colour or shape', function()
    local series, seen = {}, {}
    for i = 1, 9 do series[i] = { name = 's' .. i, points = { { x = i, y = i } } } end
    local made = svg { kind = 'scatter', series = series }
    for colour, body in made:gmatch '<g class="(s%d)">%s*<g class="point">(.-)</g>' do
      local mark = body:match '<circle class="mark' and 'circle'
        or select(2, body:match('points="([^"]*)"'):gsub(' ', '')) .. ' corners'
      test.ok(not seen[colour .. mark], colour .. ' ' .. mark)
      seen[colour .. mark] = true
    end
  end)
  test.case('has a legend for several series only', function()
    local _, one = check(chart_of('line', { { x = 1, y = 1 }, { x = 2, y = 2 } }))
    local _, three = check(charts.line)
    test.equal(#xml.find(one, 'circle', 'mark'), 2)
    test.equal(#xml.find(three, 'circle', 'mark'), 5 + 1)
    test.ok(not table.concat(texts(one)):find 's')
  end)
end)

test.group('a line', function()
  local function lines(points)
    local _, elements = check(chart_of('line', points))
    return xml.find(elements, 'polyline', 'line'), elements
  end
  test.case('has a gap where a value is missing or not finite, and says so', function()
    local found, elements = lines { { x = 1, y = 1 }, { x = 2, y = 2 }, { x = 3 }, { x = 4, y = 1 },
      { x = 5, y = 2 }, { x = 6, y = math.huge }, { x = 7, y = 0 / 0 }, { x = 8, y = 3 } }
    test.equal(#found, 2)
    test.equal(texts(elements, 'note'), { '3 points without a value are left out' })
  end)
  test.case('goes from left to right, in whatever order the points come', function()
    local found = lines { { x = 3, y = 1 }, { x = 1, y = 2 }, { x = 2, y = 3 } }
    local last = -1
    for x in found[1].attributes.points:gmatch '([%d.]+),' do
      test.ok(tonumber(x) > last)
      last = tonumber(x)
    end
  end)
  test.case('has a band between low and high, and a whisker where there is no neighbour', function()
    local _, elements = lines { { x = 1, y = 1, low = 0, high = 2 },
      { x = 2, y = 1, low = 0, high = 2 }, { x = 3, y = 1 }, { x = 4, y = 1, low = 0, high = 2 } }
    test.equal(#xml.find(elements, 'polygon', 'band'), 1)
    test.equal(#xml.find(elements, 'line', 'whisker'), 3)
  end)
  test.case('of a thousand points shows its marks on hovering alone', function()
    local points = {}
    for i = 1, 1000 do points[i] = { x = i, y = i % 7 } end
    local _, elements = lines(points)
    test.equal(#xml.find(elements, 'circle', 'unseen'), 1000)
  end)
end)

test.group('a bar chart', function()
  test.case('starts at zero, and goes down for negative values', function()
    local _, elements = check(chart_of('bar', { { x = 'a', y = 50 }, { x = 'b', y = -100 } }))
    local bars = xml.find(elements, 'rect', 'bar')
    local up, down = bars[1].attributes, bars[2].attributes
    test.near(up.y + up.height, tonumber(down.y), 0.2)
    test.near(down.height / up.height, 2, 0.01)
  end)
  test.case('shows two values of one series in one place side by side', function()
    local _, elements = check(chart_of('bar', { { x = 'a', y = 5 }, { x = 'a', y = 3 } }))
    local bars = xml.find(elements, 'rect', 'bar')
    test.ok(bars[1].attributes.x + bars[1].attributes.width <= bars[2].attributes.x + 0.01)
  end)
  test.case('has numbers in order of size as categories', function()
    local _, elements = check(chart_of('bar', { { x = 10, y = 5 }, { x = 0.3, y = 3 } }))
    local ticks = texts(elements, 'tick')
    test.equal({ ticks[#ticks - 1], ticks[#ticks] }, { '0.3', '10' })
  end)
  test.case('has values on a terminal, and a dash for a missing one', function()
    local _, _, shown = check(chart_of('bar', { { x = 'a', y = -3 }, { x = 'b', y = 6 },
      { x = 'c' } }))
    test.equal(shown, 'y by x\n'
      .. 'a  -3         ██████████████████████\n'
      .. 'b   6                               ███████████████████████████████████████████▊\n'
      .. 'c   -\n1 point without a value is left out')
  end)
end)

test.group('a Pareto front', function()
  local function front(chart)
    local _, elements = check(chart)
    return xml.find(elements, 'polyline', 'front'), elements
  end
  local down = { { x = 1, y = 3, front = true }, { x = 2, y = 1, front = true }, { x = 3, y = 3 } }
  test.case('is one step line over all series', function()
    local found, elements = front(charts.scatter)
    test.equal(#found, 1)
    test.equal(#xml.find(elements, 'circle', 'best') + #xml.find(elements, 'polygon', 'best'), 4)
    local _, corners = found[1].attributes.points:gsub('%S+', '')
    test.equal(corners, 4 + 3)
  end)
  test.case('goes across first, and up first where more of x is better', function()
    local across = front(chart_of('scatter', down))[1].attributes.points
    local up = front(chart_of('scatter', down, { x = { name = 'x', better = 'higher' } }))[1]
      .attributes.points
    local function corner(points)
      local x1, y1, x2, y2 = points:match '^(%S+),(%S+) (%S+),(%S+)'
      return x1 == x2, y1 == y2
    end
    test.equal({ corner(across) }, { false, true })
    test.equal({ corner(up) }, { true, false })
  end)
  test.case('is one a series where these are no front together', function()
    local found = front { kind = 'scatter', series = {
      { name = 'a', points = { { x = 1, y = 9, front = true }, { x = 3, y = 7, front = true } } },
      { name = 'b', points = { { x = 2, y = 3, front = true }, { x = 4, y = 1, front = true },
        { x = 2.5, y = 8 } } },
      { name = 'c', points = { { x = 2.2, y = 20, front = true },
        { x = 4, y = 18, front = true } } },
    } }
    test.equal(#found, 3)
  end)
end)

test.group('a heat map', function()
  test.case('has a cell for every column of every row, also where rows have holes', function()
    local made, elements = check { kind = 'heat', values = { { 1, nil, 3 }, {}, { nil, 5 } },
      column_labels = { 'a', 'b', 'c' }, row_name = 'layer', column_name = 'part', unit = 'ms' }
    test.equal(#xml.find(elements, 'rect', 'cell'), 9)
    test.ok(made:find('<title>layer 1, part c: 3 ms</title>', 1, true))
    test.ok(made:find('<title>layer 2, part a: no value</title>', 1, true))
  end)
  test.case('takes several columns to a cell before cells get smaller than 8 pixels', function()
    local wide = { {} }
    for c = 1, 1000 do wide[1][c] = c end
    local made, elements = check { kind = 'heat', values = wide }
    test.equal(#xml.find(elements, 'rect', 'cell'), 100)
    test.ok(tonumber(xml.find(elements, 'rect', 'cell')[1].attributes.width) >= 8)
    test.ok(made:find('<title>row 1, column 1 .. 10: 5.5 in the mean</title>', 1, true))
    test.ok(made:find('a cell is the mean of 10 columns', 1, true))
  end)
  test.case('of nothing, of one value and of crosses alone is a picture too', function()
    local empty = check { kind = 'heat', values = {} }
    test.ok(empty:find('no values', 1, true))
    check { kind = 'heat', values = { { 7 } } }
    check { kind = 'heat', values = { { 0 / 0, math.huge } } }
    check { kind = 'heat', values = { { -1e308, 1e308, 5e-324 } } }
    local _, elements = check { kind = 'heat', crossed = { { true, false } } }
    test.equal(#xml.find(elements, 'path', 'cross'), 1)
  end)
end)

test.group('whatever the values', function()
  local ranges = {
    ['no series'] = {}, ['no points'] = { {} }, ['one point'] = { { { x = 1, y = 2 } } },
    ['one point at zero'] = { { { x = 0, y = 0 } } },
    ['nothing but gaps'] = { { { x = 1 }, { x = 2, y = 0 / 0 }, { y = 3 }, { x = 0 / 0, y = 1 } } },
    ['equal values'] = { { { x = 1, y = 5 }, { x = 2, y = 5 } }, { { x = 1, y = 5 } } },
    ['nearly equal values'] = { { { x = 1, y = 1 }, { x = 2, y = 1 + 1e-15 } } },
    ['negative values'] = { { { x = -3, y = -5, low = -6, high = -4 }, { x = -1, y = -1e-3 } } },
    ['the largest doubles'] = { { { x = -1.7e308, y = 1.7e308 }, { x = 1.7e308, y = -1.7e308 } } },
    ['the smallest doubles'] = { { { x = 5e-324, y = 5e-324 }, { x = 1e-323, y = 2e-323 } } },
    ['many decades'] = { { { x = 1e-300, y = 1e-300 }, { x = 1e300, y = 1e300 } } },
    ['an interval that is infinite'] = { { { x = 1, y = 2, low = -math.huge, high = 3 },
      { x = 2, y = 2, low = 1, high = 0 / 0 }, { x = 3, y = 2, low = 3, high = 1 } } },
    ['texts as x'] = { { { x = 'b', y = 1 }, { x = 'a', y = 2 }, { x = '', y = 3 } } },
    ['texts and numbers as x'] = { { { x = 'b', y = 1 }, { x = 2, y = 2 } } },
  }
  for name, series in pairs(ranges) do
    test.case(name .. ' make a picture, linear and logarithmic', function()
      for _, kind in ipairs { 'line', 'bar', 'scatter' } do
        for _, log in ipairs { false, true } do
          local chart = { kind = kind, title = name, x = { name = 'x', log = log },
            y = { name = 'y', unit = 'ms', log = log }, series = {}, reference = { y = 4 } }
          for i, points in ipairs(series) do
            chart.series[i] = { name = 's' .. i, points = points }
          end
          check(chart)
        end
      end
    end)
  end
  test.case('what a logarithmic axis has no place for is left out, and counted', function()
    local _, elements, shown = check(chart_of('line', { { x = 1, y = 0 }, { x = 2, y = -3 },
      { x = 3, y = 10 }, { x = 0, y = 5 } }, { x = { log = true }, y = { log = true } }))
    local says = '3 points at or below 0 have no place on a logarithmic axis'
    test.equal(texts(elements, 'note'), { says })
    test.ok(shown:find(says, 1, true))
    test.equal(#xml.find(elements, 'circle', 'mark'), 1)
  end)
end)

test.group('axes', function()
  local function ticks(values, options, kind)
    local made, list = scale[kind or 'linear'](values, options or {}), {}
    for i, tick in ipairs(made.ticks) do list[i] = tick.text end
    return table.concat(list, ' '), made
  end
  test.case('have round ticks in steps of 1, 2 or 5', function()
    test.equal(ticks { 0, 4.6 }, '0 1 2 3 4 5')
    test.equal(ticks { 45.1, 84 }, '40 50 60 70 80 90')
    test.equal(ticks { -0.031, 0.012 }, '-0.04 -0.03 -0.02 -0.01 0.00 0.01 0.02')
    test.equal(ticks { 0, 1, 2 }, '0 1 2')
    test.equal(ticks({ 3, 17 }, { zero = true }), '0 5 10 15 20')
  end)
  test.case('write large and small values in a unit that reads well', function()
    local shown, made = ticks({ 0, 474.7 * 1024 ^ 2 }, { unit = 'bytes' })
    test.equal({ shown, made.unit }, { '0 100 200 300 400 500', 'MiB' })
    shown, made = ticks({ 0, 124439808 }, { unit = 'params' })
    test.equal({ shown, made.unit }, { '0 20 40 60 80 100 120 140', '10⁶ params' })
    shown, made = ticks({ 0, 0.0004 }, { unit = 'ms' })
    test.equal({ shown, made.unit }, { '0 100 200 300 400', 'ns' })
    test.near(made.place(0.0002), 0.5, 1e-9)
  end)
  test.case('have powers of ten where they are logarithmic, with 2 and 5 in few decades', function()
    test.equal(ticks({ 20, 300 }, nil, 'log'), '20 50 100 200 500')
    test.equal(ticks({ 1, 1e4 }, nil, 'log'), '1 10 100 1000 10000')
    test.equal(ticks({ 1e-6, 1e9 }, nil, 'log'), '10⁻⁶ 10⁻⁴ 0.01 1 100 10000 10⁶ 10⁸')
    test.equal(ticks({ 101, 130 }, nil, 'log'), '100 105 110 115 120 125 130')
  end)
  test.case('name their unit once', function()
    local made = { unit = 'ms' }
    test.equal(scale.title({ name = 'latency_ms_p95', unit = 'ms' }, made), 'latency_p95 (ms)')
    test.equal(scale.title({ name = 'x', title = 'a token (ms)', unit = 'ms' }, made),
      'a token (ms)')
    test.equal(scale.title({ name = 'x', title = 'a token', unit = 'ms' },
      { unit = 'us', log = true }), 'a token (us, log scale)')
  end)
end)

test.group('a mistake is told with its place:', function()
  local function refuses(chart, says)
    test.raises(function() svg(chart) end, 'crescent.chart: ' .. says)
    test.raises(function() text(chart) end, 'crescent.chart: ' .. says)
  end
  test.case('no chart, no kind, no series', function()
    refuses(7, 'argument 1: expected a chart, got number')
    refuses({ kind = 'lime', series = {} }, "kind: expected 'bar', 'heat', 'line' or 'scatter', "
      .. "got 'lime' (did you mean 'line'?)")
    refuses({ series = {} }, "kind: expected 'bar', 'heat', 'line' or 'scatter', got nil")
    refuses({ kind = 'line' }, 'series: expected a list of series, got nil')
    refuses({ kind = 'heat' }, 'values: expected a list of rows, got nil')
    refuses({ kind = 'line', series = { {} } }, 'series[1].points: expected a list of points, '
      .. 'got nil')
  end)
  test.case('a value of the wrong kind', function()
    refuses(chart_of('line', { { x = 1, y = '2' } }), "series[1].points[1].y: expected a number, "
      .. "got '2'")
    refuses(chart_of('line', { { x = {}, y = 2 } }), 'series[1].points[1].x: expected a number or '
      .. 'a text, got table')
    refuses(chart_of('line', {}, { y = { unit = 5 } }), 'y.unit: expected a text, got number')
    refuses(chart_of('line', {}, { x = 'ratio' }), "x: expected { name =, title =, unit =, log = "
      .. "}, got 'ratio'")
  end)
  test.case('on the line of the script', function()
    local problem = test.raises(function() svg { kind = 'line' } end,
      'crescent.chart: series: expected a list of series, got nil')
    test.ok(problem:find('chart_spec.lua', 1, true), problem)
  end)
end)
