--- Lists of rows: sorting, filtering, grouping and printing, and conditions written as text.
local test = require 'crescent.test'
local rows = require 'crescent.rows'
local predicate = require 'crescent.predicate'

local function samples(...) return crescent.statistics.samples({ ... }, { unit = 'ms' }) end

local function some()
  return rows.of({
    { name = 'b', ratio = 0.3, ms = samples(3, 4, 5), prefill = { ms = 7 } },
    { name = 'a', ratio = 0.5, ms = samples(1, 2, 3), prefill = { ms = 9 } },
    { name = 'c', ratio = 0.1, absent = { ms = 'it was too slow' } },
  }, { notes = { 'a note' } })
end

local function names(list) return table.concat((list:column 'name'), ' ') end

test.group('rows', function()
  test.case('stay the plain list that they were', function()
    local list = { { a = 1 } }
    test.ok(rawequal(rows.of(list), list))
    test.equal(#list, 1)
    local seen = 0
    for _ in pairs(list) do seen = seen + 1 end
    test.equal(seen, 1)
  end)
  test.case('are copied where they are a result already', function()
    local result = crescent.presets()
    local list = rows.of(result)
    test.ok(not rawequal(list, result))
    test.equal(#list, #result)
    test.ok(getmetatable(result).__name == 'presets')
  end)
  test.case('print aligned, points first, with notes and why something is missing', function()
    test.equal(tostring(some()), table.concat({
      'name  ratio                   ms  prefill.ms',
      'b       0.3       4.00 ± 1.48 ms           7',
      'a       0.5       2.00 ± 1.48 ms           9',
      'c       0.1  - (it was too slow)           -',
      'no quality beside the times: the rows have none',
      'a note',
    }, '\n'))
  end)
  test.case('print the columns, title and mark of incompleteness that they were given', function()
    local list = rows.of({ { a = 0.5, b = 'x' } }, { title = 'Heads', partial = '1 of 2 cells',
      columns = { 'b', { 'a', title = 'share', format = 'percent' } } })
    test.equal(tostring(list),
      'Heads\nwarning: incomplete: 1 of 2 cells\nb   share\nx  50.0 %')
    test.equal({ list.partial, list.title, list.kind }, { '1 of 2 cells', 'Heads', nil })
  end)
  test.case('print that there are none', function()
    test.equal(tostring(rows.of {}), 'no rows')
    test.equal(tostring(rows.of { {}, {} }), '2 rows without fields')
    test.equal(rows.of({}):json(), '[]')
  end)
  test.case('give all that is in them as JSON, null for what is no number', function()
    test.equal(rows.of({ { a = 0 / 0, b = { c = 1 / 0, ids = { 1, 2 } } } }):json(),
      '[{"a":null,"b":{"c":null,"ids":[1,2]}}]')
    test.equal(crescent.json.decode(some():json())[1].ms.values, { 3, 4, 5 })
  end)
  test.case('sort by a field or a function, with what is missing last', function()
    test.equal(names(some():sort 'ms'), 'a b c')
    test.equal(names(some():sort('ms', { descending = true })), 'b a c')
    test.equal(names(some():sort 'name'), 'a b c')
    test.equal(names(some():sort 'prefill.ms'), 'b a c')
    test.equal(names(some():sort(function(row) return -row.ratio end)), 'a b c')
  end)
  test.case('that are equal stay in their order, both ways', function()
    local list = {}
    for i = 1, 50 do list[i] = { place = i, half = math.floor(i / 26) } end
    for _, descending in ipairs { true, false } do
      local places = rows.of(list):sort('half', { descending = descending }):column 'place'
      for i = 2, 50 do
        test.ok(places[i] > places[i - 1] or list[places[i]].half ~= list[places[i - 1]].half)
      end
    end
  end)
  test.case('change nothing in place and keep their notes', function()
    local list = some()
    local sorted = list:sort 'ratio':take(1)
    test.equal({ names(list), names(sorted) }, { 'b a c', 'c' })
    test.equal(sorted.notes, { 'a note' })
  end)
  test.case('filter by a function or a condition', function()
    test.equal(names(some():where(function(row) return row.ratio > 0.2 end)), 'b a')
    test.equal(names(some():where 'ratio > 0.2 and name ~= "b"'), 'a')
    test.equal(names(some():where 'math.floor(ratio * 10) == 1 or prefill.ms == 7'), 'b c')
  end)
  test.case('give a column without what is missing, and how much that is', function()
    local values, missing = some():column 'prefill.ms'
    test.equal({ values, missing }, { { 7, 9 }, 1 })
  end)
  test.case('group by a field, in order of appearance', function()
    local list = { { k = 'b', v = 1 }, { k = 'a', v = 2 }, { v = 3 }, { k = 'b', v = 4 } }
    local groups = rows.of(list):group_by 'k'
    local found = {}
    for i, group in ipairs(groups) do
      found[i] = tostring(group.value) .. ' ' .. table.concat((group.rows:column 'v'), ',')
    end
    test.equal(found, { 'b 1,4', 'a 2', 'nil 3' })
  end)
  test.case('tell a mistake on the caller\'s line', function()
    local ok, problem = pcall(function() some():sort 'raito' end)
    test.ok(not ok and problem:find('rows_spec.lua:%d+: rows:sort: '), problem)
    test.raises(function() some():sort 'raito' end,
      "rows:sort: no row has 'raito' (did you mean 'ratio'?)")
    test.raises(function() some():sort() end,
      "rows:sort: expected a field's name or function(row), got nil")
    test.raises(function() some():sort('ratio', { descend = true }) end,
      "rows:sort: unknown option 'descend' (did you mean 'descending'?)")
    test.raises(function() some():take(-1) end, 'rows:take: expected a whole number >= 0, got -1')
    test.raises(function() some():where(3) end,
      "rows:where: expected a condition such as 'ratio > 0.3' or function(row), got number")
    test.raises(function() rows.of(3) end,
      'crescent.rows.of: expected a list of tables, got number')
    test.raises(function() rows.of { {}, 'x' } end,
      'crescent.rows.of: expected a list of tables, got string at position 2')
    test.raises(function() rows.of({}, { note = {} }) end,
      "crescent.rows.of: unknown option 'note' (did you mean 'notes'?)")
    test.raises(function() rows.of({ { a = 1 } }, { columns = { { 'a', tilte = 'A' } } }) end,
      "crescent.rows.of: columns[1]: unknown key 'tilte' (did you mean 'title'?)")
    test.raises(function() rows.of({}, { columns = 'a' }) end,
      'crescent.rows.of: columns: expected a list, got string')
  end)
end)

test.group('conditions', function()
  test.case('take Samples as their median and know no other names than fields and math', function()
    local slow = predicate('latency_ms > 2.5 and math.abs(kl) < 1', '--where')
    test.equal({ slow { latency_ms = samples(1, 2, 3), kl = 0 },
      slow { latency_ms = samples(3, 4, 5), kl = -0.5 } }, { false, true })
    test.raises(function() slow { latency_ms = 3 } end,
      "--where: 'latency_ms > 2.5 and math.abs(kl) < 1': unknown name 'kl'")
    test.raises(function() predicate('print(ratio)') { ratio = 1 } end,
      "condition: 'print(ratio)': unknown name 'print'")
  end)
  test.case('are not fulfilled by a row without the value', function()
    local low = predicate 'energy_j < 3'
    test.equal(low { absent = { energy_j = 'no sensor' } }, false)
    test.equal(low({ ratio = 1 }, { 'energy_j' }), false)
    test.equal(predicate 'energy_j == nil' { absent = { energy_j = 'no sensor' } }, true)
  end)
  test.case('tell what is wrong with them', function()
    test.raises(function() predicate('raito > 0.3', '--where') { ratio = 0.5 } end,
      "--where: 'raito > 0.3': unknown name 'raito' (did you mean 'ratio'?)")
    test.raises(function() predicate 'ratio = 0.3' end,
      "condition: 'ratio = 0.3': '<eof>' expected near '=' (equal is '==')")
    test.raises(function() predicate 'ratio != 0.3' end,
      "condition: 'ratio != 0.3': '<eof>' expected near '!' (not equal is '~=')")
    test.raises(function() predicate 'a == 1 && b == 2' end,
      "condition: 'a == 1 && b == 2': '<eof>' expected near '&' (write 'and' and 'or')")
    test.raises(function() predicate 'ratio' { ratio = 0.3 } end,
      "condition: 'ratio': expected true or false of it, got 0.3")
    test.raises(function() predicate 'name > 3' { name = 'x' } end,
      "condition: 'name > 3': attempt to compare number with string")
    test.raises(function() predicate '' end,
      "condition: expected a condition such as 'ratio > 0.3', got ''")
  end)
end)
