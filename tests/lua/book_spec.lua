--- Books: several reports as one, and how their headings stand.
local test = require 'crescent.test'
local rows = require 'crescent.rows'
local xml = require 'xml'

local book = crescent.report.book
local list = rows.of { { ratio = 0, ppl = 20 }, { ratio = 0.5, ppl = 30 } }
local grouped = crescent.report.layout { title = 'By ratio', group_by = 'ratio',
  columns = { 'ppl' } }
local plain = crescent.report.layout { columns = { 'ratio', 'ppl' } }

local function made()
  return book { title = 'A book', parts = { 'Said first.', { grouped, list },
    { plain, list, title = 'All of it' } } }
end

--- Headings of a page: 'h2 By ratio'.
local function headings_of(page)
  local found = {}
  for level, text in page:gmatch '<h(%d)[^>]*>(.-)</h%d>' do
    found[#found + 1] = ('h%s %s'):format(level, (text:gsub('<.->', '')))
  end
  return found
end

local function headings_in(markdown)
  local found = {}
  for line in markdown:gmatch '[^\n]+' do
    if line:find '^#' then found[#found + 1] = line end
  end
  return found
end

test.group('a book', function()
  test.case('says its texts and its parts in order', function()
    local kinds = {}
    for i, block in ipairs(made():build().blocks) do
      kinds[i] = block.part and 'part ' .. block.text or block.kind
    end
    test.equal(kinds, { 'text', 'part By ratio', 'heading', 'table', 'heading', 'table',
      'part All of it', 'table' })
  end)
  test.case('has its parts a level above their groups, in HTML and in Markdown', function()
    test.equal(headings_of(made():render { format = 'html' }), { 'h1 A book', 'h2 By ratio',
      'h3 ratio: 0', 'h3 ratio: 0.5', 'h2 All of it' })
    test.equal(headings_in(made():render { format = 'md' }), { '# A book', '## By ratio',
      '### ratio: 0', '### ratio: 0.5', '## All of it' })
  end)
  test.case('has the parts alone in the contents of its page', function()
    local page = made():render { format = 'html' }
    local linked = {}
    for text in page:match('<nav.-</nav>'):gmatch '<a[^>]*>(.-)</a>' do
      linked[#linked + 1] = text
    end
    test.equal(linked, { 'By ratio', 'All of it' })
    test.ok(#xml.elements(page) > 20)
  end)
  test.case('underlines its parts in text as it does its title', function()
    test.equal(made():render(), [[
A book
======

Said first.

By ratio
========
ratio: 0
--------
ppl
 20

ratio: 0.5
----------
ppl
 30

All of it
=========
ratio  ppl
    0   20
  0.5   30]])
  end)
  test.case('leaves headings of a report that is no book where they were', function()
    test.equal(headings_of(grouped:render(list, { format = 'html' })), { 'h1 By ratio',
      'h2 ratio: 0', 'h2 ratio: 0.5' })
    test.equal(headings_in(grouped:render(list, { format = 'md' })), { '# By ratio',
      '## ratio: 0', '## ratio: 0.5' })
  end)
  test.case('can hold another book, and be called otherwise', function()
    local inner = book { title = 'Inner', parts = { 'Words.' } }
    local outer = book { title = 'Outer', parts = { { inner, {} } } }
    test.equal(outer:render { title = 'Other' }, 'Other\n=====\n\nInner\n=====\nWords.')
  end)
  test.case('refuses an incomplete sweep as its layouts do, unless that was asked for', function()
    local some = rows.of({ { ratio = 0, ppl = 20 } }, { partial = '1 of 2 cells' })
    local one = book { title = 'B', parts = { { plain, some } } }
    test.raises(function() one:render() end, "crescent.report.layout: the sweep is incomplete: 1 "
      .. "of 2 cells; { partial = true } renders what is there, and says so")
    test.ok(one:render({ partial = true }):find('incomplete: 1 of 2 cells', 1, true))
  end)
end)

--- The message without where it was raised.
local function message_of(spec)
  local ok, problem = pcall(book, spec)
  test.ok(not ok, 'it was taken')
  return (problem:gsub('^[^:]*:%d+: ', ''))
end

test.group('a mistake in a book', function()
  local cases = {
    { 'spec', "expected { title = 'text', parts = { { layout, rows }, ... } }, got string" },
    { { title = 'T', parts = {}, prats = {} }, "unknown key 'prats' (did you mean 'parts'?)" },
    { { parts = {} }, 'title: expected a text, got nil' },
    { { title = 'T' }, 'parts: expected a list, got nil' },
    { { title = 'T', parts = { 'a', 2 } },
      'parts[2]: expected { layout, rows } or a text, got number' },
    { { title = 'T', parts = { { list, plain } } },
      'parts[1]: expected { layout, rows } or a text, got another table' },
  }
  for _, case in ipairs(cases) do
    test.case('is told: ' .. case[2], function()
      test.equal(message_of(case[1]), 'crescent.report.book: ' .. case[2])
    end)
  end
  test.case('is told on the line that made it', function()
    local line = debug.getinfo(1, 'l').currentline + 1
    local _, problem = pcall(function() book { title = 1, parts = {} } end)
    test.ok(problem:find(('book_spec.lua:%d:'):format(line), 1, true), problem)
  end)
end)
