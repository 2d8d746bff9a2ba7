--- Reports as files: the format by suffix, whole files or none, and charts alone as pictures.
local test = require 'crescent.test'
local rows = require 'crescent.rows'

local list = rows.of { { ratio = 0, ppl = 20 }, { ratio = 0.5, ppl = 30 } }
local chart = { kind = 'line', x = 'ratio', y = 'ppl' }
local layout = crescent.report.layout { title = 'T', columns = { 'ratio', 'ppl' } }
local with_chart = crescent.report.layout { title = 'T', charts = { chart } }

local function read(path)
  local file = io.open(path, 'rb')
  if not file then return nil end
  local text = file:read '*a'
  file:close()
  return text
end

--- Runs fn with the beginning of paths that nobody else uses; the files are gone afterwards.
local function with_stem(fn)
  local stem = os.tmpname()
  local ok, problem = pcall(fn, stem)
  for _, suffix in ipairs { '', '.txt', '.md', '.csv', '.json', '.jsonl', '.svg', '-1.svg',
    '-2.svg', '.part.txt', '.part.csv', '.part.svg', '.report' } do
    os.remove(stem .. suffix)
  end
  if not ok then error(problem, 0) end
end

test.group('a report', function()
  test.case('goes to a file in the format of its suffix, and leaves nothing beside it', function()
    with_stem(function(stem)
      test.equal(layout:render(list, { to = stem .. '.csv' }), { stem .. '.csv' })
      test.equal(read(stem .. '.csv'), 'ratio,ppl\n0,20\n0.5,30\n')
      test.equal(read(stem .. '.part.csv'), nil)
    end)
  end)
  test.case('goes to several files at once', function()
    with_stem(function(stem)
      local paths = layout:render(list, { to = { stem .. '.md', stem .. '.txt', stem .. '.json',
        stem .. '.jsonl' } })
      test.equal(#paths, 4)
      test.equal(read(stem .. '.md'):match '^[^\n]+', '# T')
      test.equal(read(stem .. '.txt'), 'T\n=\n\nratio  ppl\n    0   20\n  0.5   30\n')
      test.equal(crescent.json.decode(read(stem .. '.json')).tables[1].rows[2].ppl, 30)
      test.equal(read(stem .. '.jsonl'), '{"ppl":20,"ratio":0}\n{"ppl":30,"ratio":0.5}\n')
    end)
  end)
  test.case('goes to a file of any name in a format that is named', function()
    with_stem(function(stem)
      layout:render(list, { to = stem .. '.report', format = 'csv' })
      test.equal(read(stem .. '.report'), 'ratio,ppl\n0,20\n0.5,30\n')
    end)
  end)
  test.case('replaces a file of that name', function()
    with_stem(function(stem)
      layout:render(list, { to = stem .. '.csv' })
      layout:render(list:take(1), { to = stem .. '.csv' })
      test.equal(read(stem .. '.csv'), 'ratio,ppl\n0,20\n')
    end)
  end)
  test.case('of rows without a layout has all their columns', function()
    with_stem(function(stem)
      test.equal(list:csv(), 'ratio,ppl\n0,20\n0.5,30\n')
      test.equal(list:markdown(), '| ratio | ppl |\n| ----: | --: |\n|     0 |  20 |\n'
        .. '|   0.5 |  30 |\n')
      list:render { to = stem .. '.csv' }
      test.equal(read(stem .. '.csv'), list:csv())
      test.equal(list:render { layout = layout, format = 'text' }, layout:render(list))
    end)
  end)
end)

test.group('charts alone', function()
  test.case('are one picture', function()
    with_stem(function(stem)
      test.equal(with_chart:render(list, { to = stem .. '.svg' }), { stem .. '.svg' })
      test.ok(read(stem .. '.svg'):find '<svg')
    end)
  end)
  test.case('are numbered pictures if there are several', function()
    with_stem(function(stem)
      local two = crescent.report.layout { charts = { chart, chart } }
      test.equal(two:render(list, { to = stem .. '.svg' }), { stem .. '-1.svg', stem .. '-2.svg' })
      test.ok(read(stem .. '-2.svg'):find '<svg')
    end)
  end)
  test.case('are points in CSV where the report has no table', function()
    test.equal(with_chart:render(list, { format = 'csv' }),
      'series,x,y,low,high\nppl,0,20,,\nppl,0.5,30,,\n')
    local heat = crescent.report.layout { charts = { { kind = 'heat', x = 'ratio', y = 'ppl',
      value = 'ppl' } } }
    test.equal(heat:render(list, { format = 'csv' }),
      'x,y,value\n0,20,20\n0.5,20,\n0,30,\n0.5,30,30\n')
    test.equal(crescent.json.decode(heat:render(list, { format = 'json' })).charts[1].values[1][1],
      20)
  end)
end)

test.group('what machines read', function()
  test.case('has no number that JSON has not', function()
    local text = layout:render({ { ratio = 0 / 0, ppl = 1 / 0 } }, { format = 'jsonl' })
    test.equal(text, '{"absent":{"ppl":"infinite","ratio":"not a number"},"ppl":null,'
      .. '"ratio":null}\n')
  end)
  test.case('names a column twice by a number', function()
    local twice = crescent.report.layout { columns = { 'ratio', { 'ratio', format = 'percent' } } }
    test.equal(twice:render(list, { format = 'csv' }), 'ratio,ratio_2\n0,0\n0.5,0.5\n')
  end)
  test.case('is empty but for the header where there are no rows', function()
    test.equal(layout:render({}, { format = 'jsonl' }), '')
    test.equal(layout:render({}, { format = 'csv' }), 'ratio,ppl\n')
  end)
end)

test.group('Markdown', function()
  test.case('takes nothing of a value for markup', function()
    local text = crescent.report.layout { columns = { { 'a', title = 'x|y' } },
      notes = '*not bold* <b> [x](y) `c` &lt;' }:render({ { a = '*a* | <i>\nb' } },
      { format = 'md' })
    test.equal(text, '| x\\|y            |\n| --------------- |\n'
      .. '| \\*a\\* \\| \\<i> b |\n\n'
      .. '- \\*not bold\\* \\<b> \\[x\\](y) \\`c\\` \\&lt;\n')
  end)
end)

test.group('mistakes', function()
  local function refused(options, message)
    test.raises(function() layout:render(list, options) end,
      'crescent.report.layout: render: ' .. message)
  end
  test.case('are told before anything is written', function()
    refused({ to = 'no-such-folder/x.md' },
      "to: 'no-such-folder/x.md': there is no folder 'no-such-folder'")
    refused({ to = 'x.docx' }, 'to: expected a path that ends in .txt, .md, .csv, .json, .jsonl, '
      .. ".html, .png, .svg or .pdf, got 'x.docx'")
    refused({ to = {} }, 'to: expected a path or a list of paths, got an empty list')
    refused({ to = 3 }, 'to: expected a path or a list of paths, got number')
    refused({ to = { 3 } }, 'to: expected paths, got number at position 1')
    refused({ format = 'mdx' }, "format: expected 'text', 'md', 'csv', 'json', 'jsonl' or 'html', "
      .. "got 'mdx' (did you mean 'md'?)")
    refused({ title = 3 }, 'title: expected a text, got number')
    refused({ to = 'x.svg' }, "to: 'x.svg': the report has no chart")
    with_stem(function(stem)
      local ok = pcall(layout.render, layout, list, { to = { stem .. '.txt', stem .. '.docx' } })
      test.equal({ ok, read(stem .. '.txt') }, { false, nil })
    end)
  end)
  test.case('of the file system are told with the path', function()
    refused({ to = '/proc/crescent.csv' }, "to: '/proc/crescent.csv': No such file or directory")
  end)
  test.case('in what rows take are told', function()
    test.raises(function() list:render { layout = 'x' } end,
      'rows:render: layout: expected what crescent.report.layout gives, got string')
    test.raises(function() list:render { formt = 'x' } end,
      "rows:render: unknown option 'formt' (did you mean 'format'?)")
  end)
end)
