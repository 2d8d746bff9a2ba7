--- Layouts: what an author may say, what a table shows of it, and what mistakes get.
local test = require 'crescent.test'
local rows = require 'crescent.rows'

local function table_of(spec, list, options)
  local document = crescent.report.layout(spec):build(list, options)
  for _, block in ipairs(document.blocks) do
    if block.kind == 'table' then return block, document end
  end
end

local function texts(block, place)
  local out = {}
  for r, row in ipairs(block.rows) do out[r] = row[place].text end
  return out
end

local function notes(document)
  local out = {}
  for _, block in ipairs(document.blocks) do
    if block.kind == 'note' then out[#out + 1] = block.text end
  end
  return out
end

local list = {
  { model = 'tiny', level = 0, ratio = 0.25, kl_nats = 0.5, bytes = 2048, quick = true },
  { model = 'gpt2', level = 1, ratio = 0.5, kl_nats = 0.25, bytes = 3072, quick = false },
}

test.group('columns', function()
  test.case('print by format, by name or function, and by a value of one\'s own', function()
    local block = table_of({ columns = {
      { 'ratio', format = 'percent' }, { 'kl_nats', format = '%.1f nats' },
      { 'kl_nats', format = function(value, row) return value .. ' of ' .. row.model end },
      { 'twice', value = function(row) return 2 * row.ratio end }, 'bytes', 'quick',
    } }, list)
    local out = {}
    for i, cell in ipairs(block.rows[1]) do out[i] = cell.text end
    test.equal(out, { '25.0 %', '0.5 nats', '0.5 of tiny', '0.5000', '2.0 KiB', 'yes' })
    test.equal(block.rows[2][4].value, 1)
  end)
  test.case('have titles, and are aligned by what is in them', function()
    local block = table_of({ columns = { { 'model', title = 'Model' }, 'ratio',
      { 'level', align = 'left' } } }, list)
    local out = {}
    for i, column in ipairs(block.columns) do out[i] = column.title .. ' ' .. column.align end
    test.equal(out, { 'Model left', 'ratio right', 'level left' })
  end)
  test.case('reach into nested tables, and format both numbers of Samples', function()
    local samples = crescent.statistics.samples({ 1, 2, 3 }, { unit = 'ms' })
    local block = table_of({ columns = { { 'prefill.latency_ms', format = '%.1f' },
      { 'prefill.latency_ms', format = 'ms' } } }, { { prefill = { latency_ms = samples } } })
    test.equal(texts(block, 1), { '2.0 ± 1.5 ms' })
    test.equal(texts(block, 2), { '2 ms ± 1.5 ms' })
    test.equal({ block.rows[1][1].low, block.rows[1][1].high, block.rows[1][1].unit },
      { 1, 3, 'ms' })
  end)
  test.case('show one sample without a spread', function()
    local one = crescent.statistics.samples({ 2 }, { unit = 'J' })
    test.equal(texts(table_of({ columns = { { 'e', format = '%.1f' } } }, { { e = one } }), 1),
      { '2.0 J' })
  end)
end)

test.group('texts', function()
  test.case('take values that are the same, all different ones, and the count', function()
    local _, document = table_of({ title = '{model} at {{level}} {count}',
      text = { 'levels {level}' }, notes = 'r {ratio}', columns = { 'ratio' } }, list)
    test.equal(document.title, 'tiny, gpt2 at {level} 2')
    test.equal(document.blocks[1].text, 'levels 0, 1')
    test.equal(notes(document), { 'r 0.2500, 0.5000' })
  end)
  test.case('count what would be too long a list', function()
    local many = {}
    for i = 1, 9 do many[i] = { seed = i } end
    local _, document = table_of({ title = '{seed}', columns = { 'seed' } }, many)
    test.equal(document.title, '1, 2, 3, 4, 5, 6, 3 more')
  end)
  test.case('of the caller stand in place of the layout\'s title', function()
    local layout = crescent.report.layout { title = 'x', columns = { 'ratio' } }
    test.equal(layout:render(list, { title = 'of {count}' }):match('^[^\n]+'), 'of 2')
  end)
end)

test.group('rows', function()
  test.case('are sorted and grouped without changing the caller\'s', function()
    local layout = crescent.report.layout { columns = { 'ratio' }, group_by = 'model',
      sort_by = { 'ratio', descending = true } }
    local document = layout:build(list)
    test.equal({ document.blocks[1].text, document.blocks[3].text },
      { 'model: gpt2', 'model: tiny' })
    test.equal(document.blocks[2].group, { name = 'model', value = 'gpt2' })
    test.equal(list[1].model, 'tiny')
    test.equal(getmetatable(list), nil)
  end)
  test.case('that are none make a report that says so', function()
    local layout = crescent.report.layout { title = 'of {model}', columns = { 'ratio' } }
    test.equal(layout:render({}), 'of -\n====\n\nratio\n\nno rows')
  end)
  test.case('that are incomplete are refused, or marked on top', function()
    local some = rows.of({ { ratio = 0.5 } }, { partial = '188 of 200 cells' })
    local layout = crescent.report.layout { columns = { 'ratio' } }
    test.raises(function() layout:render(some) end,
      'crescent.report.layout: the sweep is incomplete: 188 of 200 cells; { partial = true } '
      .. 'renders what is there, and says so')
    local first = layout:build(some, { partial = true }).blocks[1]
    test.equal({ first.kind, first.text, first.warning },
      { 'note', 'incomplete: 188 of 200 cells', true })
  end)
  test.case('bring their notes', function()
    local some = rows.of({ { ratio = 0.5 } }, { notes = { 'of one text' } })
    local _, document = table_of({ columns = { 'ratio' } }, some)
    test.equal(notes(document), { 'of one text' })
  end)
end)

test.group('a layout', function()
  test.case('prints what it shows', function()
    test.equal(tostring(crescent.report.layout { title = 'T', columns = { 'a', 'b' },
      charts = { { kind = 'line', x = 'a', y = 'b' } } }), "layout 'T'  columns a, b  charts 1")
  end)
  test.case('that is not there is named with the nearest one', function()
    test.raises(function() return crescent.report.paretto end,
      "crescent.report has no field 'paretto' (did you mean 'pareto'?)")
  end)
end)

local function refused(spec, message)
  test.raises(function() crescent.report.layout(spec) end, 'crescent.report.layout: ' .. message)
end

test.group('mistakes', function()
  test.case('are told on the line of the author', function()
    local ok, problem = pcall(function()
      crescent.report.layout { columns = { { 'a', tilte = 'A' } } }
    end)
    test.ok(not ok and problem:find('report_spec.lua:%d+: crescent.report.layout: '), problem)
  end)
  test.case('in keys name the nearest', function()
    refused({ colums = {} }, "unknown key 'colums' (did you mean 'columns'?)")
    refused({ columns = { 'a', { 'b', tilte = 'B' } } },
      "columns[2]: unknown key 'tilte' (did you mean 'title'?)")
    refused({ columns = { 'a' }, sort_by = { 'a', decending = true } },
      "sort_by: unknown key 'decending' (did you mean 'descending'?)")
    refused({ columns = { 'a' }, pivot = { rows = 'a', column = 'b', value = 'c' } },
      "pivot: unknown key 'column' (did you mean 'columns'?)")
  end)
  test.case('in kinds of values say what was expected', function()
    refused(nil, 'expected { columns = {...} }, got nothing')
    refused({}, 'expected columns, a pivot or charts')
    refused({ columns = 'a' }, 'columns: expected a list, got string')
    refused({ columns = { a = 1 } }, "columns: expected a list, got the key 'a'")
    refused({ columns = { 1 } }, "columns[1]: expected a name or { 'name', title = ... }, "
      .. 'got number')
    refused({ columns = { { title = 'x' } } },
      "columns[1]: expected a name or { 'name', title = ... }, got nothing in place of the name")
    refused({ columns = { { 'a', title = 1 } } }, 'columns[1]: title: expected a text, got number')
    refused({ columns = { { 'a', value = 'b' } } },
      'columns[1]: value: expected function(row), got string')
    refused({ columns = { { 'a', better = 'less' } } },
      "columns[1]: better: expected 'lower' or 'higher', got 'less'")
    refused({ columns = { { 'a', baseline = 0 } } },
      'columns[1]: baseline: expected true or false, got number')
    refused({ columns = { 'a' }, title = 3 }, 'title: expected a text, got number')
    refused({ columns = { 'a' }, text = { 3 } }, 'text: expected a text or a list of texts')
    refused({ columns = { 'a' }, group_by = 3 },
      "group_by: expected a field's name or function(row), got number")
    refused({ columns = { 'a' }, sort_by = 3 }, "sort_by: expected a field's name, function(row) "
      .. "or { 'name', descending = true }, got number")
    refused({ columns = { 'a' }, confidence = 99 },
      'confidence: expected 0 < confidence < 1, got 99')
    refused({ columns = { 'a' }, pivot = { rows = 'a', columns = 'b' } },
      "pivot: value: expected a field's name or function(row), got nothing")
  end)
  test.case('in formats name the nearest or the text', function()
    refused({ columns = { { 'a', format = 'percents' } } },
      "columns[1]: format: unknown name 'percents' (did you mean 'percent'?)")
    refused({ columns = { { 'a', format = '%.2f %d' } } },
      "columns[1]: format: '%.2f %d' does not format one number")
    refused({ columns = { { 'a', format = 2 } } },
      "columns[1]: format: expected a text such as '%.2f', a function or a name, got number")
  end)
  test.case('in names of fields are found with the rows', function()
    local function wrong(spec, message)
      test.raises(function() crescent.report.layout(spec):build(list) end,
        'crescent.report.layout: ' .. message)
    end
    wrong({ columns = { 'model', 'raito' } },
      "columns[2]: no row has 'raito' (did you mean 'ratio'?)")
    wrong({ columns = { 'ratio' }, group_by = 'modle' },
      "group_by: no row has 'modle' (did you mean 'model'?)")
    wrong({ columns = { 'ratio' }, sort_by = 'rato' },
      "sort_by: no row has 'rato' (did you mean 'ratio'?)")
    wrong({ title = '{mdel}', columns = { 'ratio' } },
      "title: '{mdel}': no row has such a field (did you mean 'model'?)")
    wrong({ text = 'a {', columns = { 'ratio' } },
      "text: expected '{name}' or '{{' for a brace, got '{'")
    wrong({ columns = { { 'model', format = '%.2f' } } },
      "columns[1] 'model': format: '%.2f' formats numbers, row 1 has 'tiny'")
    test.raises(function()
      local samples = crescent.statistics.samples({ 1, 2 }, { unit = 's' })
      crescent.report.layout({ columns = { { 'x', format = 'ms' } } }):build { { x = samples } }
    end, "crescent.report.layout: columns[1] 'x': format: 'ms' of Samples in s")
    wrong({ columns = { { 'ratio', format = function() return nil end } } },
      "columns[1] 'ratio': format: expected a text, got nil")
    wrong({ columns = { { 'x', value = function() error('out of range', 0) end } } },
      "columns[1] 'x': value: row 1: out of range")
    wrong({ columns = { { 'x', value = function() return { a = 1 } end } } },
      "columns[1] 'x': expected a number, a text or Samples, row 1 has a table; "
      .. 'value = function(row) can make one of it')
  end)
  test.case('in rows are told too', function()
    local layout = crescent.report.layout { columns = { 'ratio' } }
    test.raises(function() layout:render(3) end,
      'crescent.report.layout: build: expected a list of rows, got number')
    test.raises(function() layout:render(crescent.machine { measure = false }) end,
      'crescent.report.layout: build: expected a list of rows, got a table that is none; '
      .. 'a result gives its rows by :rows()')
    test.raises(function() layout:render(list, { too = 'x' }) end,
      "crescent.report.layout: render: unknown option 'too' (did you mean 'to'?)")
  end)
end)
