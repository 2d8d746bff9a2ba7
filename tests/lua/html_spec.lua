--- Reports as HTML pages.
local test = require 'crescent.test'
local golden = require 'golden'
local render = require 'crescent.render.html'
local report = require 'crescent.report'
local report_rows = require 'report_rows'
local xml = require 'xml'

local document = report.layout(report_rows.layout()):build(report_rows.rows(), { partial = true })

--- A page and its elements, without style and script.
local function page_of(blocks, title)
  local page = render { title = title, blocks = blocks }
  local bare = page:gsub('<style>.-</style>', ''):gsub('<script>.-</script>', '')
  return page, xml.elements(bare)
end

local function table_of(row, columns)
  return { kind = 'table', columns = columns or { { name = 'a', title = 'a', align = 'right' } },
    rows = { row } }
end

--- The page's one table cell, as text.
local function cell(made, column)
  column = column or { name = 'a', align = 'right' }
  return page_of({ table_of({ made }, { column }) }):match '<tbody>\n<tr>(<td.*</td>)</tr>'
end

test.group('a page', function()
  local page, elements = page_of(document.blocks, document.title)
  test.case('is what is stored, byte for byte', function() golden('report.html', page) end)
  test.case('is well-formed XML, its style and script too', function()
    test.ok(#xml.elements(page) > #elements)
  end)
  test.case('loads nothing and may load nothing', function()
    local policy
    for _, meta in ipairs(xml.find(elements, 'meta')) do
      if meta.attributes['http-equiv'] == 'Content-Security-Policy' then
        policy = meta.attributes.content
      end
    end
    test.equal(policy, 'default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;; '
      .. 'script-src &#39;unsafe-inline&#39;; img-src data:')
    local rest = page:gsub('http://www.w3.org/2000/svg', '')
    test.ok(not rest:find 'https?:' and not rest:find 'url%(' and not rest:find '@import')
    for _, element in ipairs(elements) do
      test.ok(not element.attributes.src and element.name ~= 'link')
    end
  end)
  test.case('has identifiers once, and every link in it leads somewhere', function()
    local ids = {}
    for _, element in ipairs(elements) do
      local id = element.attributes.id
      test.ok(not (id and ids[id]), id)
      if id then ids[id] = true end
    end
    for _, link in ipairs(xml.find(elements, 'a')) do
      test.ok(ids[link.attributes.href:match '^#(.+)$'], link.attributes.href)
    end
  end)
  test.case('has a picture with a title and a table of values for every chart', function()
    test.equal(#xml.find(elements, 'svg'), 5)
    test.equal(#xml.find(elements, 'figure'), 5)
    test.equal(#xml.find(elements, 'details'), 5)
    local _, titled = page:gsub('<svg [^>]*>\n<title>', '')
    test.equal(titled, 5)
  end)
  test.case('has contents where there are several headings', function()
    test.equal(#xml.find(elements, 'nav'), 1)
    test.equal(#xml.find(select(2, page_of { { kind = 'heading', text = 'one' } }), 'nav'), 0)
  end)
  test.case('of nothing is a page too', function()
    local _, empty = page_of {}
    test.equal(xml.find(empty, 'title')[1].text, 'Report')
    test.equal(#xml.find(empty, 'h1'), 1)
  end)
end)

test.group('headings', function()
  test.case('of equal or odd text have identifiers of their own', function()
    local _, elements = page_of { { kind = 'heading', text = 'Time & <memory>' },
      { kind = 'heading', text = 'Time, memory' }, { kind = 'heading', text = 'Größe?' },
      { kind = 'heading', text = '∂' }, { kind = 'heading', text = '' } }
    local ids = {}
    for i, heading in ipairs(xml.find(elements, 'h2')) do ids[i] = heading.attributes.id end
    test.equal(ids, { 'time-memory', 'time-memory-2', 'gr-e', 'section', 'section-2' })
  end)
  test.case('of a book: its parts are in the contents, groups stand below them', function()
    local _, elements = page_of { { kind = 'heading', text = 'Speed', part = true },
      { kind = 'heading', text = 'level: 0' }, { kind = 'heading', text = 'Size', part = true } }
    test.equal({ #xml.find(elements, 'h2'), #xml.find(elements, 'h3') }, { 2, 1 })
    test.equal(#xml.find(elements, 'li'), 2)
  end)
end)

test.group('a cell', function()
  test.case('has its value for sorting, exactly, and its interval', function()
    test.equal(cell { text = '1.48 ± 0.32 ms', value = 1.4837264512, low = 1.2, high = 1.71 },
      '<td class="right" data-value="1.4837264512">1.48 ± 0.32 ms'
      .. '<small title="interval of the median">1.200 .. 1.710</small></td>')
  end)
  test.case('has ratio and verdict on a line of their own, in words', function()
    test.equal(cell { text = '1.25 ms (0.833 x, faster)', value = 1.25, ratio = 0.833,
      ratio_low = 0.82, ratio_high = 0.85, verdict = 'faster' },
      '<td class="right" data-value="1.25">1.25 ms<small title="0.8200 .. 0.8500 times the '
      .. 'baseline">0.833 x <span class="verdict good">faster</span></small></td>')
    test.equal(cell { text = '9 (2 x)', value = 9, ratio = 2 },
      '<td class="right" data-value="9">9<small>2 x</small></td>')
    test.equal(cell { text = '9 ms', value = 9, verdict = 'cannot tell' },
      '<td class="right" data-value="9">9 ms<small><span class="verdict">cannot tell</span>'
      .. '</small></td>')
    test.equal(cell { text = 'a (b)', value = 'a (b)' },
      '<td class="right" data-value="a (b)">a (b)</td>')
  end)
  test.case('that is the best says so without colour', function()
    test.ok(cell({ text = '1', value = 1, best = true }):find('aria-label="best of its column"', 1,
      true))
  end)
  test.case('that is missing gives its reason, on hovering and in a footnote', function()
    test.equal(cell { text = '-', reason = 'no <sensor>' },
      '<td class="right missing"><abbr title="no &lt;sensor&gt;">–</abbr>'
      .. '<sup><a href="#table.1.1">1</a></sup></td>')
    local page = page_of { table_of { { reason = 'no <sensor>' } } }
    test.ok(page:find('<p class="note" id="table.1.1"><sup>1</sup> no &lt;sensor&gt;</p>', 1, true))
  end)
  test.case('that has a footnote of the report gets no second one', function()
    test.equal(cell { text = '-¹', reason = 'no sensor' },
      '<td class="right missing"><abbr title="no sensor">-¹</abbr></td>')
  end)
  test.case('that is no number sorts as missing', function()
    test.equal(cell { text = 'nan', value = 0 / 0 }, '<td class="right missing">nan</td>')
  end)
  test.case('that a row lacks is there all the same', function()
    local _, elements = page_of { table_of({}, { { name = 'a' }, { name = 'b' } }) }
    test.equal(#xml.find(elements, 'td'), 2)
  end)
end)

test.group('text from anywhere', function()
  test.case('is escaped wherever it stands', function()
    local hostile = '</title><script>alert("1")</script>&\'\0\255'
    local column = { name = hostile, title = hostile, align = 'left', better = 'lower' }
    local chart = { kind = 'line', title = hostile, x = { name = hostile }, y = { name = hostile },
      series = { { name = hostile, points = { { x = 1, y = 1, label = hostile } } } } }
    local page, elements = page_of({ { kind = 'heading', text = hostile },
      { kind = 'text', text = hostile }, { kind = 'note', text = hostile, warning = true },
      { kind = 'table', title = hostile, columns = { column, column }, rows = {
        { { text = hostile, value = hostile, verdict = hostile }, { reason = hostile } } } },
      { kind = 'chart', chart = chart } }, hostile)
    test.equal(#xml.find(elements, 'script'), 0)
    test.ok(not page:find('%z') and not page:find('\255', 1, true))
  end)
end)

test.group('the values below a chart', function()
  test.case('are exact, with what any point has and no empty column', function()
    local page = page_of { { kind = 'chart', chart = { kind = 'scatter',
      x = { name = 'latency', unit = 'ms' }, y = { name = 'perplexity' }, series = { { name = 's',
        points = { { x = 1 / 3, y = 2, front = true }, { x = 4 } } } } } } }
    local titles = {}
    for title in page:gmatch '<span>(.-)</span></th>' do titles[#titles + 1] = title end
    test.equal(titles, { 'latency (ms)', 'perplexity', 'Pareto front' })
    test.ok(page:find('>0.3333333333333333</td>', 1, true))
  end)
  test.case('of a heat map are its rows and columns', function()
    local page = page_of { { kind = 'chart', chart = { kind = 'heat', values = { { 1, nil, 3 } },
      row_name = 'layer', column_labels = { 'a', 'b', 'c' }, crossed = { { true } } } } }
    test.ok(page:find('<tr><td data-value="1">1</td><td class="right" data-value="1">1 ×</td>'
      .. '<td class="right missing">–</td><td class="right" data-value="3">3</td></tr>', 1, true))
  end)
end)
