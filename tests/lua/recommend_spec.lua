--- Recommendations: the best row within limits, whether it can be told from the next, and what was
--- excluded for which reason.
local test = require 'crescent.test'
local rows = require 'crescent.rows'

local function samples(median, spread)
  local values = {}
  for i = -4, 4 do values[i + 5] = median + i * spread end
  return crescent.statistics.samples(values, { unit = 'ms' })
end

local function cell(ratio, ppl, ms, bytes)
  return { ratio = ratio, ppl = ppl, decode_ms = ms, memory_bytes = bytes }
end

local function some()
  local list = { cell(0, 20, samples(4, 0.01), 4e9), cell(0.25, 20.5, samples(3, 0.01), 3e9),
    cell(0.5, 22, samples(2, 0.01), 2e9), cell(0.75, 60, samples(1, 0.01), 1e9),
    { ratio = 0.8, ppl = 90, absent = { decode_ms = 'it was not timed' } },
    { ratio = 0.9, failed = 'no heads left' } }
  return rows.of(list, { interleaved = true })
end

local recommend = crescent.report.recommend

test.group('the recommended row', function()
  test.case('is the best of those that keep all limits', function()
    local made = recommend(some(), { minimise = 'decode_ms', baseline = { ratio = 0 },
      subject_to = { ppl = { max_ratio = 1.15 }, memory_bytes = { min = 1e9, max = 3.5e9 } } })
    test.equal({ made.row.ratio, made.told }, { 0.5, true })
    test.equal((made.runners_up:column 'ratio'), { 0.25 })
    local reasons = {}
    for i, entry in ipairs(made.excluded) do
      reasons[i] = ('%s: %s'):format(entry.row.ratio, entry.reason)
    end
    test.equal(reasons, { '0: memory_bytes is 4000000000, not <= 3500000000',
      '0.75: ppl is 60, not <= 23 (1.15 of the baseline)', '0.8: no memory_bytes',
      '0.9: failed: no heads left' })
  end)
  test.case('may have the highest figure, and need not have limits', function()
    test.equal(recommend(some(), { maximise = 'ppl' }).row.ratio, 0.8)
    test.equal(recommend(some(), { maximise = 'ratio',
      subject_to = { ppl = { equals = 22 } } }).row.ratio, 0.5)
    test.equal(recommend(some(), { minimise = 'decode_ms', baseline = 'ratio=0',
      subject_to = { ppl = { min_ratio = 1.05 } } }).row.ratio, 0.75)
  end)
  test.case('is told in a sentence, with a table and what was excluded', function()
    test.equal(tostring(recommend(some(), { minimise = 'decode_ms', baseline = { ratio = 0 },
      subject_to = { ppl = { max_ratio = 1.15 } } })), table.concat({
      'Lowest decode_ms of 3 cells with ppl <= 23 (1.15 of the baseline): ratio 0.5 with '
        .. '2.00 ± 0.03 ms. The next is ratio 0.25 with 3.00 ± 0.03 ms; the difference can be '
        .. 'told.',
      'ratio       decode_ms    ppl', '  0.5  2.00 ± 0.03 ms     22',
      ' 0.25  3.00 ± 0.03 ms  20.50', '    0  4.00 ± 0.03 ms     20',
      'excluded: 2: not ppl <= 23 (1.15 of the baseline); 1: failed: no heads left',
    }, '\n'))
  end)
end)

test.group('whether it can be told', function()
  local function made_of(...)
    local list = {}
    for i, value in ipairs { ... } do list[i] = { seed = i, x_ms = value } end
    return recommend(rows.of(list, { interleaved = true }), { minimise = 'x_ms' })
  end
  local function ending(made) return made.sentence:match '; (.*)$' end
  test.case('is no where intervals overlap, and names how many', function()
    local made = made_of(samples(2, 0.01), samples(2.01, 0.01), samples(5, 0.01))
    test.equal({ made.told, #made.undecided, made.undecided[1].seed }, { false, 1, 2 })
    test.equal(ending(made), 'the recommended one cannot be told from it.')
    made = made_of(samples(2, 0.01), samples(2.01, 0.01), samples(2.02, 0.01))
    test.equal(ending(made), 'the recommended one cannot be told from 2 of the runners-up.')
    made = made_of(samples(2, 0.01), samples(3, 0.01), samples(4, 1))
    test.equal(ending(made), 'the recommended one cannot be told from seed 3.')
  end)
  test.case('is not known of single times', function()
    local made = made_of(2, 3)
    test.equal({ made.told, ending(made) },
      { nil, 'whether they differ is not known: single times have no interval.' })
  end)
  test.case('is yes for exact figures that differ, and no for equal ones', function()
    local made = recommend({ { params = 2 }, { params = 3 } }, { minimise = 'params' })
    test.equal({ made.told, made.row.params }, { true, 2 })
    made = recommend({ { params = 2 }, { params = 2 } }, { minimise = 'params' })
    test.equal({ made.told, made.sentence }, { false, 'Lowest params of 2 cells: row 1 with 2. '
      .. 'The next is row 2 with 2; they are equal.' })
  end)
  test.case('is nothing without another row', function()
    local made = made_of(samples(2, 0.01))
    test.equal({ made.told, made.sentence }, { nil, 'Lowest x_ms of 1 cell: seed 1 with '
      .. '2.00 ± 0.03 ms. No other fulfils the conditions.' })
  end)
  test.case('is said to be weaker where cells were not interleaved', function()
    local made = recommend({ { x_ms = samples(2, 0.01) }, { x_ms = samples(3, 0.01) } },
      { minimise = 'x_ms' })
    test.ok(made.sentence:find 'told%. The cells were not interleaved%.$', made.sentence)
  end)
  test.case('of a limit is said where the interval reaches beyond it', function()
    local made = recommend(some(), { maximise = 'memory_bytes',
      subject_to = { decode_ms = { max = 3.01 } } })
    test.ok(made.sentence:find('It keeps decode_ms <= 3.01 by its median; the interval reaches '
      .. '3.030.', 1, true), made.sentence)
  end)
end)

test.group('where nothing fits', function()
  test.case('the nearest miss is told, and which limit excluded how many', function()
    local made = recommend(some(), { minimise = 'decode_ms', subject_to = { ppl = { max = 19 } } })
    test.equal({ made.row, #made.runners_up, made.nearest.row.ratio }, { nil, 0, 0 })
    test.equal(tostring(made), 'None of 6 cells can be recommended. The nearest miss is ratio 0: '
      .. 'ppl is 20, not <= 19.\nexcluded: 5: not ppl <= 19; 1: failed: no heads left')
  end)
  test.case('because values are missing, their reasons are counted', function()
    local absent = { e_j = 'no sensor' }
    local list = { { x = 1, absent = absent }, { x = 2, absent = absent } }
    test.equal(tostring(recommend(list, { minimise = 'e_j' })),
      'None of 2 cells can be recommended.\nexcluded: 2: no e_j: no sensor')
  end)
  test.case('because there are no rows, it says so', function()
    test.equal(tostring(recommend({}, { minimise = 'x' })), 'There are no rows to choose from.')
  end)
end)

test.group('mistakes', function()
  local function refused(options, message)
    test.raises(function() recommend(some(), options) end,
      'crescent.report.recommend: ' .. message)
  end
  test.case('are told with what to try', function()
    refused(nil, "expected options such as { minimise = 'decode_ms' }, got nothing")
    refused({ minimize = 'x' }, "unknown option 'minimize' (did you mean 'minimise'?)")
    refused({}, "expected either minimise = 'NAME' or maximise = 'NAME', got neither")
    refused({ minimise = 'ppl', maximise = 'ppl' },
      "expected either minimise = 'NAME' or maximise = 'NAME', got both")
    refused({ minimise = 3 }, "minimise: expected a field's name, got number")
    refused({ minimise = 'pppl' }, "minimise: no row has 'pppl' (did you mean 'ppl'?)")
    refused({ minimise = 'ppl', subject_to = { ppl = 3 } },
      'subject_to.ppl: expected limits such as { max = 2 }, got number')
    refused({ minimise = 'ppl', subject_to = { ppl = {} } },
      'subject_to.ppl: expected limits such as { max = 2 }, got none')
    refused({ minimise = 'ppl', subject_to = { ppl = { maxi = 2 } } },
      "subject_to.ppl: unknown key 'maxi' (did you mean 'max'?)")
    refused({ minimise = 'ppl', subject_to = { ppl = { max = 'x' } } },
      'subject_to.ppl.max: expected a number, got string')
    refused({ minimise = 'ppl', subject_to = { plp = { max = 2 } } },
      "subject_to: no row has 'plp' (did you mean 'ppl'?)")
    refused({ minimise = 'decode_ms', subject_to = { ppl = { max_ratio = 1.05 } } },
      'subject_to.ppl.max_ratio needs baseline = { level = 0 } or the like: the row that it is a '
      .. 'ratio of')
    local limit = { ppl = { max_ratio = 1 } }
    refused({ minimise = 'ppl', baseline = { ratio = 7 }, subject_to = limit },
      'baseline: no row has ratio = 7')
    refused({ minimise = 'ppl', baseline = { ratio = 0.8 },
      subject_to = { decode_ms = { max_ratio = 1 } } },
      'subject_to.decode_ms: the baseline has no decode_ms: it was not timed')
  end)
  test.case('include an incomplete sweep, unless that is meant', function()
    local part = rows.of({ { x = 1 } }, { partial = '1 of 2 cells' })
    test.raises(function() recommend(part, { minimise = 'x' }) end,
      'crescent.report.recommend: the sweep is incomplete: 1 of 2 cells; { partial = true } '
      .. 'chooses from what is there, and says so')
    test.ok(tostring(recommend(part, { minimise = 'x', partial = true }))
      :find '^warning: incomplete: 1 of 2 cells\n')
  end)
end)
