--- Measurements: what they hold and how they print. No test asserts a time.
local test = require 'crescent.test'
local fixtures = require 'fixtures'

local model = crescent.load(fixtures.model 'gpt2')
local quick = { samples_min = 2, time_s_max = 0.2 }

local function with(options)
  for name, value in pairs(quick) do options[name] = value end
  return options
end

local function work(rounds)
  return function()
    local sum = 0
    for i = 1, rounds do sum = sum + math.sin(i) end
    return sum
  end
end

test.group('Samples', function()
  local samples = crescent.statistics.samples({ 5, 1, 3, 2, 4 }, { unit = 'ms' })
  test.case('keep every value beside their median', function()
    test.equal(samples.values, { 5, 1, 3, 2, 4 })
    test.equal(samples.median, 3)
    test.near(samples.mad, 1.4826, 1e-4)
    test.equal(samples.interval.low, 1)
    test.equal(samples.interval.high, 5)
    test.ok(samples.interval.confidence < 0.95, 'five values cannot reach 95 %')
  end)
  test.case('print as their median, to the digit that the spread leaves', function()
    test.equal(tostring(samples), '3.00 ± 1.48 ms')
    test.equal(tostring(crescent.statistics.samples({ 12.34, 12.39, 12.29 }, { unit = 'ms' })),
      '12.34 ± 0.07 ms')
    test.equal(tostring(crescent.statistics.samples({ 0.002, 0.002 }, { unit = 'ms' })),
      '2.00 ± 0.00 us')
    test.equal(tostring(crescent.statistics.samples({ 0.002 }, { unit = 'ms' })), '2.0 us')
  end)
  test.case('compare as their median', function()
    local more = crescent.statistics.samples({ 4, 4, 3 }, { unit = 'ms' })
    test.ok(samples < more and more > samples and samples <= more)
    test.ok(samples == crescent.statistics.samples({ 3 }))
  end)
  test.case('have quantiles', function()
    test.equal(crescent.statistics.quantile(samples.values, 0.25), 2)
  end)
end)

test.group('bench', function()
  test.case('of decode holds a token against the bytes that it must read', function()
    local made = crescent.bench.decode(model, with { prompt = 4, tokens = 12 })
    test.equal(made.latency_ms.unit, 'ms')
    test.ok(#made.latency_ms.values >= 2)
    test.equal(made.context, 4 + (12 - 8) / 2)
    test.near(made.tokens_per_s, 1000 / made.latency_ms.median, 1e-6 * made.tokens_per_s)
    test.near(made.share_of_limit, made.limit_ms / made.latency_ms.median, 1e-9)
    -- All weights but the rows of the position table, and of it one.
    test.equal(made.bytes_per_token, 4 * (model.params - 47 * 32 + 32))
    test.ok(tostring(made):find('^decode  [%d.]+ ± [%d.]+ %a+ a token  '))
  end)
  test.case('of prefill holds a prompt against its FLOPs', function()
    local made = crescent.bench.prefill(model, with { tokens = 16 })
    test.near(made.gflop_s, made.flops / made.latency_ms.median / 1e6, 1e-9 * made.gflop_s)
    test.near(made.share_of_limit, made.gflop_s / made.peak_gflop_s, 1e-9)
    test.equal(crescent.bench.prefill(model, with {}).tokens, 48)
  end)
  test.case('of load has no limit, and says why', function()
    local made = crescent.bench.load(fixtures.model 'gpt2', quick)
    test.ok(made.share_of_limit == nil)
    test.equal(made.absent.share_of_limit,
      'a load maps the file and reads no weights, so no limit is known')
    test.ok(tostring(made):find('no share_of_limit: a load maps the file', 1, true))
  end)
  test.case('results are JSON with every sample, and one row of CSV', function()
    local made = crescent.bench.load(fixtures.model 'gpt2', quick)
    local again = crescent.json.decode(made:json())
    test.equal(#again.latency_ms.values, #made.latency_ms.values)
    local _, lines = made:csv():gsub('\n', '\n')
    test.equal(lines, 2)
  end)
end)

test.group('compare', function()
  local reference = model:optimize { level = 0 }
  local function levels(options)
    options.measure = options.measure or 'decode'
    options.candidates = { { 'reference', reference }, { 'fused', model } }
    options.baseline = 'reference'
    options.time_s_max = 0.3
    return crescent.bench.compare(options)
  end
  test.case('proves the logits before it times, and keeps the drift beside the ratio', function()
    local made = levels { with = { prompt = 4, tokens = 8 }, tolerance = 1e-3 }
    test.equal(made.rows[1].drift, 0)
    test.ok(made.rows[2].drift > 0 and made.rows[2].drift < 1e-3)
    test.equal(made.rows[1].ratio, 1)
    test.ok(made.rows[2].interval.low <= made.rows[2].ratio
      and made.rows[2].ratio <= made.rows[2].interval.high)
    test.equal(#made.rows[1].latency_ms.values, 2 * made.blocks)
  end)
  test.case('prints a table and a sentence for each candidate', function()
    local made = levels { measure = 'prefill', with = { tokens = 8 } }
    local text = tostring(made)
    test.ok(text:find('^name +time +ratio +interval +drift +verdict\nreference '))
    test.ok(text:find('\nfused ', 1, true))
    test.ok(text:find(made:sentence(), 1, true))
    test.ok(made:markdown():find('^| name '))
  end)
  test.case('finds a Lua function with a third of the work faster', function()
    local made = crescent.bench.compare {
      candidates = { { 'all', work(60000) }, { 'a third', work(20000) } },
      baseline = 'all', time_s_max = 5, width_max = 0.5,
    }
    test.equal(made.measure, 'call')
    test.equal(made.rows[2].verdict, 'faster')
    test.equal(made.rows[2].absent.drift, 'only models have logits to compare')
  end)
  test.case('times equal candidates when it is told to', function()
    local same = work(100)
    local made = crescent.bench.compare {
      candidates = { { 'a', same }, { 'b', same } }, baseline = 'a', aa = true, time_s_max = 0.2,
    }
    test.equal(#made.rows, 2)
  end)
  test.case('measures a limit in turn with the work', function()
    local made = crescent.bench.compare {
      candidates = { { 'sums', work(2e6) }, { 'reading', { bytes = 64 } },
        { 'reading more', { bytes = 4e6 } }, { 'multiplying', { flops = 100 } },
        { 'multiplying more', { flops = 1e8 } } },
      baseline = 'sums', time_s_max = 5, width_max = 0.5,
    }
    local ratio = {}
    for _, row in ipairs(made.rows) do ratio[row.name] = row.ratio end
    test.ok(ratio.reading < ratio['reading more'], 'more bytes take longer')
    test.ok(ratio.multiplying < ratio['multiplying more'], 'more FLOPs take longer')
    test.equal(made.rows[2].absent.drift, 'only models have logits to compare')
  end)
  test.case('holds a model against a limit, which has no logits, and gives both a time per token',
    function()
      local function once(limit, tokens)
        local made = crescent.bench.compare { measure = 'decode', baseline = 'reference',
          candidates = { { 'reference', reference }, { 'limit', limit } }, tolerance = 0.1,
          with = { prompt = 4, tokens = tokens }, time_s_max = 0.5 }
        test.equal(made.rows[2].absent.drift, 'a limit has no logits')
        return made.rows[2].latency_ms.median
      end
      local limit = { flops = 1e8 }
      local ratio = once(limit, 8) / once(limit, 1)
      test.ok(ratio > 1 / 3 and ratio < 3, 'a burst of 8 is eight times the work')
    end)
  test.case('passes an error of a function on as it was thrown', function()
    local thrown = {}
    local ok, problem = pcall(crescent.bench.compare, {
      candidates = { { 'a', work(1) }, { 'b', function() error(thrown) end } }, baseline = 'a',
      time_s_max = 0.1,
    })
    test.ok(not ok and problem == thrown)
  end)
end)

test.group('machine', function()
  test.case('gives facts at once, and says that limits were not measured', function()
    local facts = crescent.machine { measure = false }
    test.ok(facts.cores >= 1)
    test.ok(facts.fp32_gflop_s == nil)
    test.equal(facts.absent.fp32_gflop_s, 'not measured: measure = false')
  end)
  test.case('measures bandwidth over growing working sets', function()
    local machine = crescent.machine()
    test.ok(machine.fp32_gflop_s > 0)
    for i = 2, #machine.read_bandwidth do
      test.ok(machine.read_bandwidth[i].bytes > machine.read_bandwidth[i - 1].bytes)
    end
    test.ok(tostring(machine):find('working set', 1, true))
    for _, kind in ipairs { { 'bf16', 'gflop_s' }, { 'int8', 'gop_s' } } do
      local peak = machine[kind[1]]
      test.ok(peak and peak[kind[2]] > 0 and #peak.by > 0 or machine.absent[kind[1]])
      if peak then test.ok(tostring(machine):find('by ' .. peak.by, 1, true)) end
    end
  end)
end)
