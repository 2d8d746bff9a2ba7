--- What a table says beyond its values: the best, ratios to a baseline, why something is missing,
--- and quality beside speed; and pivots.
local test = require 'crescent.test'
local rows = require 'crescent.rows'

local function samples(median, spread, unit)
  local values = {}
  for i = -4, 4 do values[i + 5] = median + i * spread end
  return crescent.statistics.samples(values, { unit = unit or 'ms' })
end

local function build(spec, list) return crescent.report.layout(spec):build(list) end

local function tables_of(document)
  local out = {}
  for _, block in ipairs(document.blocks) do
    if block.kind == 'table' then out[#out + 1] = block end
  end
  return out
end

local function notes(document)
  local out = {}
  for _, block in ipairs(document.blocks) do
    if block.kind == 'note' then out[#out + 1] = block.text end
  end
  return out
end

local function texts(block, place)
  local out = {}
  for r, row in ipairs(block.rows) do out[r] = row[place].text end
  return out
end

local function best_of(list, better)
  local document = build({ columns = { { 'x', better = better } } }, list)
  local out = {}
  for r, row in ipairs(tables_of(document)[1].rows) do out[r] = row[1].best or false end
  return out, notes(document)
end

test.group('the best', function()
  test.case('of numbers is marked, of equal ones all', function()
    test.equal(best_of({ { x = 3 }, { x = 1 }, { x = 2 } }, 'lower'), { false, true, false })
    test.equal(best_of({ { x = 3 }, { x = 1 }, { x = 3 } }, 'higher'), { true, false, true })
    test.equal(best_of({ { x = 3 }, { x = 3 } }, 'higher'), { false, false })
    test.equal(best_of({ { x = 3 } }, 'higher'), { false })
  end)
  test.case('of Samples is marked only if its interval is apart from all others', function()
    local function three(...)
      local made = {}
      for i, median in ipairs { ... } do made[i] = { x = samples(median, 0.01, 'J') } end
      return made
    end
    test.equal(best_of(three(3, 1, 2), 'lower'), { false, true, false })
    local marked, said = best_of(three(1.01, 1, 2), 'lower')
    test.equal({ marked, said }, { { false, false, false },
      { "the best of 'x' is not marked: its interval overlaps another one" } })
  end)
  test.case('of too few values is not marked', function()
    local few = crescent.statistics.samples({ 1, 1.1 }, { unit = '' })
    local marked, said = best_of({ { x = few }, { x = samples(5, 0.01, '') } }, 'lower')
    test.equal({ marked, said }, { { false, false },
      { "the best of 'x' is not marked: too few values to tell it from the next" } })
  end)
  test.case('prints with a star, and in Markdown bold', function()
    local layout = crescent.report.layout { columns = { { 'x', better = 'lower' } } }
    test.equal(layout:render { { x = 10 }, { x = 9 } }, ' x\n10\n 9*')
    test.ok(layout:render({ { x = 10 }, { x = 9 } }, { format = 'md' }):find('| **9** |', 1, true))
  end)
end)

local held = { baseline = { level = 0 }, columns = { 'level', { 'x', baseline = true } },
  no_quality = 'it is a test' }

test.group('a baseline', function()
  test.case('gives ratio and verdict of times', function()
    local document = build(held, rows.of({ { level = 0, x = samples(2, 0.001) },
      { level = 1, x = samples(1, 0.01) }, { level = 2, x = samples(2, 0.001) },
      { level = 3, x = samples(3, 0.01) }, { level = 4, x = samples(2.03, 0.05) } }))
    local block = tables_of(document)[1]
    test.equal(texts(block, 2), { '2.000 ± 0.003 ms (baseline)', '1.00 ± 0.03 ms (0.500 x, faster)',
      '2.000 ± 0.003 ms (1 x, no difference)', '3.00 ± 0.03 ms (1.50 x, slower)',
      '2.03 ± 0.15 ms (1.01 x, cannot tell)' })
    local cell = block.rows[2][2]
    test.near(cell.ratio, 0.5, 1e-12)
    -- Order statistics at 0.995 of nine values are the smallest and largest.
    test.near(cell.ratio_low, 0.96 / 2.004, 1e-12)
    test.near(cell.ratio_high, 1.04 / 1.996, 1e-12)
    test.equal(notes(document), { 'no difference: within 2.00 %',
      'the cells were not interleaved: what changed on the machine between them counts as a '
      .. 'difference', 'no quality beside the times: it is a test' })
  end)
  test.case('gives less and more of anything that is no time', function()
    local block = tables_of(build(held, { { level = 0, x = samples(2, 0.01, 'J') },
      { level = 1, x = samples(1, 0.01, 'J') }, { level = 2, x = samples(4, 0.01, 'J') } }))[1]
    test.equal({ block.rows[2][2].verdict, block.rows[3][2].verdict }, { 'less', 'more' })
  end)
  test.case('of interleaved cells needs no warning', function()
    local list = rows.of({ { level = 0, x = samples(2, 0.01) },
      { level = 1, x = samples(1, 0.01) } }, { interleaved = true })
    test.equal(notes(build(held, list)), { 'no quality beside the times: it is a test' })
  end)
  test.case('of few values cannot tell, and says why', function()
    local few = crescent.statistics.samples({ 1, 1.01, 1.02, 1.03, 1.04 }, { unit = 'ms' })
    local document = build(held, { { level = 0, x = samples(2, 0.01) }, { level = 1, x = few } })
    test.equal(tables_of(document)[1].rows[2][2].verdict, 'cannot tell')
    test.equal(notes(document)[1], 'cannot tell: too few values for a confidence of 99 %')
  end)
  test.case('gives the ratio alone of plain numbers', function()
    local block = tables_of(build(held, { { level = 0, x = 4 }, { level = 1, x = 3 } }))[1]
    test.equal(texts(block, 2), { '4 (baseline)', '3 (0.750 x)' })
    test.equal(block.rows[2][2].verdict, nil)
  end)
  test.case('is picked in each group, by fields, a text or a function', function()
    local list = { { m = 'a', level = 0, x = 4 }, { m = 'a', level = 1, x = 2 },
      { m = 'b', level = 0, x = 8 }, { m = 'b', level = 1, x = 2 }, { m = 'c', level = 1, x = 1 } }
    for _, baseline in ipairs { { level = 0 }, 'level=0',
      function(row) return row.level == 0 end } do
      local spec = { group_by = 'm', baseline = baseline, columns = held.columns }
      local document = build(spec, list)
      local blocks = tables_of(document)
      test.equal({ texts(blocks[1], 2)[2], texts(blocks[2], 2)[2], texts(blocks[3], 2)[1] },
        { '2 (0.500 x)', '2 (0.250 x)', '1' })
      test.ok(notes(document)[1]:find '^no baseline %(.*%) %(m: c%)$', notes(document)[1])
    end
  end)
  test.case('that is not one row is an error', function()
    test.raises(function()
      build(held, { { level = 0, x = 4, seed = 1 }, { level = 1 }, { level = 0, x = 4, seed = 2 } })
    end, 'crescent.report.layout: baseline: rows 1 and 3 both are level = 0 (they differ in seed: '
      .. '1 and 2); say what tells them apart, or group_by it')
    test.raises(function() build(held, { { level = 1, x = 4 } }) end,
      'crescent.report.layout: baseline: no row has level = 0')
    test.raises(function() crescent.report.layout { columns = { { 'x', baseline = true } } } end,
      "crescent.report.layout: columns[1]: baseline = true needs the layout's own baseline, such "
      .. 'as { level = 0 }')
    test.raises(function() crescent.report.layout { columns = { 'x' }, baseline = 'level' } end,
      "crescent.report.layout: baseline: expected 'name=value', got 'level'")
    test.raises(function() crescent.report.layout { columns = { 'x' }, baseline = 3 } end,
      "crescent.report.layout: baseline: expected fields such as { level = 0 }, 'level=0' or "
      .. 'function(row), got number')
  end)
end)

test.group('a missing value', function()
  test.case('prints a short reason in its place', function()
    test.equal(texts(tables_of(build({ columns = { 'e' } },
      { { e = 1 }, { absent = { e = 'no sensor' } } }))[1], 1), { '1', '- (no sensor)' })
  end)
  test.case('of a reason that comes again or is long has a number and a footnote', function()
    local long = 'no RAPL counters in /sys: permission denied'
    local document = build({ columns = { 'e', 'f' } }, {
      { absent = { e = 'no sensor', f = long } }, { absent = { e = 'no sensor' }, f = 2 } })
    test.equal({ texts(tables_of(document)[1], 1), texts(tables_of(document)[1], 2) },
      { { '-¹', '-¹' }, { '-²', '2' } })
    test.equal(notes(document), { '¹ no sensor', '² ' .. long })
  end)
  test.case('of a failed cell is its failure, also where a function would compute it', function()
    local list = { { x = 1 }, { failed = 'out of memory' } }
    local twice = { 'x', value = function(row) return 2 * row.x end }
    local block = tables_of(build({ columns = { twice } }, list))[1]
    test.equal(texts(block, 1), { '2', '- (out of memory)' })
    test.equal(block.rows[2][1].reason, 'out of memory')
  end)
  test.case('without a reason is a dash', function()
    test.equal(texts(tables_of(build({ columns = { 'x', 'y' } }, { { x = 1 }, { y = 1 } }))[1], 1),
      { '1', '-' })
  end)
  test.case('is an empty cell in CSV, and null with its reason in JSON', function()
    local layout = crescent.report.layout { columns = { 'x', 'e' } }
    local list = { { x = 1, absent = { e = 'no sensor' } } }
    test.equal(layout:render(list, { format = 'csv' }), 'x,e\n1,\n')
    test.equal(layout:render(list, { format = 'jsonl' }),
      '{"absent":{"e":"no sensor"},"e":null,"x":1}\n')
  end)
end)

test.group('a table that shows speed', function()
  local function note_of(columns, list, more)
    local spec = { columns = columns }
    for key, value in pairs(more or {}) do spec[key] = value end
    return notes(build(spec, list))
  end
  local list = { { decode_ms = 1, tokens_per_s = 3, kl_nats = 0.1, mine = 2, e = samples(1, 0.1) } }
  test.case('shows quality beside it, or says that it does not', function()
    test.equal(note_of({ 'decode_ms', 'kl_nats' }, list), {})
    for _, name in ipairs { 'decode_ms', 'tokens_per_s', 'e' } do
      test.equal(note_of({ name }, list),
        { 'no quality beside the times: the rows have kl_nats, which the layout leaves out' })
    end
    test.equal(note_of({ 'x_ms' }, { { x_ms = 1 } }),
      { 'no quality beside the times: the rows have none' })
    test.equal(note_of({ 'mine' }, list), {})
  end)
  test.case('may say why, or which column is its quality', function()
    test.equal(note_of({ 'decode_ms' }, list, { no_quality = 'one model' }),
      { 'no quality beside the times: one model' })
    test.equal(note_of({ 'decode_ms', { 'mine', quality = true } }, list), {})
  end)
  test.case('may show it in a pivot', function()
    test.equal(note_of({ 'decode_ms' }, list,
      { pivot = { rows = 'mine', columns = 'tokens_per_s', value = 'kl_nats' } }), {})
  end)
end)

local grid = {
  { r = 0.5, c = 'b', v = 3 }, { r = 0.25, c = 'b', v = 2 }, { r = 0.25, c = 'a', v = 1 },
}

test.group('a pivot', function()
  test.case('lays one field down and one across, numbers by size', function()
    local block = tables_of(build({ pivot = { rows = 'r', columns = 'c', value = 'v',
      format = '%.1f', better = 'higher' } }, grid))[1]
    test.equal(block.title, 'v by r and c')
    test.equal({ texts(block, 1), texts(block, 2), texts(block, 3) },
      { { '0.25', '0.5' }, { '2.0', '3.0' }, { '1.0', '-' } })
    test.equal({ block.columns[2].title, block.columns[3].title, block.rows[2][2].best },
      { 'b', 'a', true })
  end)
  test.case('names its numbers across, and is a row a cell in CSV', function()
    local spec = { pivot = { rows = 'c', columns = 'r', value = 'v' } }
    test.equal(tables_of(build(spec, grid))[1].columns[2].title, 'r 0.25')
    test.equal(crescent.report.layout(spec):render(grid, { format = 'csv' }),
      'c,r,v\nb,0.25,2\nb,0.5,3\na,0.25,1\n')
  end)
  test.case('of groups stands in each, or once if it shows them beside each other', function()
    local list = { { m = 'x', r = 1, c = 1, v = 1 }, { m = 'y', r = 1, c = 1, v = 2 } }
    local function count(across)
      return #tables_of(build({ group_by = 'm',
        pivot = { rows = 'r', columns = across, value = 'v' } }, list))
    end
    test.equal({ count 'c', count 'm' }, { 2, 1 })
  end)
  test.case('with two rows in a cell is an error that names both', function()
    local twice = { { r = 1, c = 'a', v = 1, seed = 1 }, { r = 2, c = 'a', v = 1, seed = 1 },
      { r = 1, c = 'a', v = 1, seed = 2 } }
    test.raises(function() build({ pivot = { rows = 'r', columns = 'c', value = 'v' } }, twice) end,
      'crescent.report.layout: pivot: rows 1 and 3 both have r 1 and c a (they differ in seed: 1 '
      .. 'and 2)')
  end)
end)
