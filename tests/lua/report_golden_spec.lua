--- What every renderer makes of the same rows, byte for byte. After a change that is meant, renew
--- the files in tests/fixtures/reports and read what changed:
---   cd tests/lua && CRESCENT_GOLDEN=write crescent report_golden_spec.lua && git diff
local test = require 'crescent.test'
local golden = require 'golden'
local report_rows = require 'report_rows'

local layout = crescent.report.layout(report_rows.layout())

local function rendered(format)
  return layout:render(report_rows.rows(), { format = format, partial = true })
end

--- With the line break at the end that files have.
local function as_file(text) return text:sub(-1) == '\n' and text or text .. '\n' end

test.group('a report', function()
  for name, format in pairs {
    ['report.txt'] = 'text', ['report.md'] = 'md', ['report.csv'] = 'csv',
    ['report.json'] = 'json', ['report.jsonl'] = 'jsonl',
  } do
    test.case(('renders to %s as it is stored, byte for byte'):format(name), function()
      golden(name, as_file(rendered(format)))
    end)
  end
end)

test.group('what machines read', function()
  test.case('is JSON that gives back exact values, null and reasons', function()
    local made = crescent.json.decode(rendered 'json')
    local cell = made.tables[1].rows[2]
    test.equal(made.title, 'Head pruning, tïny <1 & 2>')
    test.equal(made.warnings, { 'incomplete: 7 of 8 cells' })
    test.equal({ cell.decode_ms, cell.decode_ms_low, cell.decode_ms_high, cell.decode_ms_verdict },
      { 1.25, 1.235, 1.265, 'faster' })
    test.equal(cell.absent, { energy_j = 'no RAPL counters: permission denied' })
    test.ok(cell.energy_j == nil or cell.energy_j == require 'crescent.json.null')
    test.equal(#made.charts, 5)
  end)
  test.case('is one object a line, of every table', function()
    local count = 0
    for line in rendered('jsonl'):gmatch('[^\n]+') do
      test.equal(type(crescent.json.decode(line)), 'table')
      count = count + 1
    end
    test.equal(count, 7 + 7)
  end)
  test.case('is CSV with as many cells in every line as in the first', function()
    local function cells(line)
      local _, commas = line:gsub('"[^"]*"', ''):gsub(',', '')
      return commas
    end
    local first
    for line in rendered('csv'):gmatch('[^\n]+') do
      first = first or cells(line)
      test.equal(cells(line), first)
    end
  end)
end)
