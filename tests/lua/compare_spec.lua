--- Stored measurements, comparisons of them, and the self-test. No test asserts a time.
local test = require 'crescent.test'
local fixtures = require 'fixtures'

local model = crescent.load(fixtures.model 'gpt2')
local reference = model:optimize { level = 0 }

--- Runs fn with the path of a store that is gone afterwards.
local function with_store(fn)
  local path = os.tmpname()
  os.remove(path)
  local ok, problem = pcall(fn, path)
  for _, suffix in ipairs { '', '-wal', '-shm' } do os.remove(path .. suffix) end
  if not ok then error(problem, 0) end
end

local function decode(of, path, tokens, name)
  return crescent.bench.decode(of, { prompt = 4, tokens = tokens or 8, samples_min = 2,
    time_s_max = 0.1, store = path, name = name })
end

local function refuses(message, options)
  local ok, problem = pcall(crescent.bench.compare, options)
  test.ok(not ok, 'expected an error')
  test.equal((problem:gsub('^[^ ]+:%d+: ', '')), 'crescent.bench.compare: ' .. message)
end

test.group('a stored measurement', function()
  test.case('has every sample, what was measured and what was asked for', function()
    with_store(function(path)
      local made = decode(model, path)
      test.equal(made.run, 1)
      test.ok(tostring(made):find('\nstored as run 1', 1, true))
      local run = crescent.store.open(path):run(1)
      test.equal({ run.kind, run.name, run.status }, { 'bench', 'decode', 'done' })
      test.equal(crescent.json.decode(run.definition), { measure = 'decode', prompt = 4,
        tokens = 8 })
      test.equal(run.options, { level = 1, samples_min = 2, time_s_max = 0.1, width_max = 0.02 })
      test.equal(run.model_hash, model:hash())
      test.equal(#run.trials, 1)
      test.equal(run.trials[1].latency_ms.values, made.latency_ms.values)
      test.equal(run.trials[1].tokens, 8 * #made.latency_ms.values)
    end)
  end)
  test.case('of prefill and load is stored too, under the name that it is given', function()
    with_store(function(path)
      local quick = { samples_min = 2, time_s_max = 0.1, store = path, name = 'mine' }
      test.equal(crescent.bench.load(fixtures.model 'gpt2', quick).run, 1)
      quick.tokens = 16
      test.equal(crescent.bench.prefill(model, quick).run, 2)
      local store = crescent.store.open(path)
      test.equal(crescent.json.decode(store:run(2).definition), { measure = 'prefill',
        tokens = 16 })
      test.equal(store:run(1).name, 'mine')
      test.equal(#store:runs { kind = 'bench' }, 2)
    end)
  end)
  test.case('is not stored unless asked for', function()
    test.equal(decode(model).run, nil)
    test.raises(function() decode(model, nil, 8, 'mine') end,
      "crescent.bench.decode: option 'name' names a run in a store; give store = true or a path "
      .. 'too')
    test.raises(function() decode(model, 3) end, "crescent.bench.decode: option 'store': expected "
      .. 'the path of a store, or true for the default one, got 3')
  end)
end)

test.group('a stored comparison of candidates', function()
  local function work(rounds)
    return function()
      local sum = 0
      for i = 1, rounds do sum = sum + math.sin(i) end
      return sum
    end
  end
  test.case('gives the same verdicts later', function()
    with_store(function(path)
      local made = crescent.bench.compare {
        candidates = { { 'all', work(60000) }, { 'a third', work(20000) } },
        baseline = 'all', time_s_max = 5, width_max = 0.5, store = path, name = 'thirds',
      }
      test.equal(made.run, 1)
      local run = crescent.store.open(path):run(1)
      test.equal({ run.kind, run.name }, { 'compare', 'thirds' })
      local again = run.comparison
      test.equal(again:sentence(), made:sentence())
      test.equal(again.rows[2].verdict, 'faster')
      test.equal(again.rows[2].ratio, made.rows[2].ratio)
      test.equal(again.rows[2].interval, made.rows[2].interval)
      test.equal(again.rows[2].block_logs, made.rows[2].block_logs)
      test.equal(#again.rows[2].block_logs, made.blocks)
      test.equal(again.rows[1].latency_ms.values, made.rows[1].latency_ms.values)
      test.ok(tostring(run):find(made:sentence(), 1, true))
      refuses('run 1 is a comparison of its own: store:run(1) gives its verdicts, which are better '
        .. 'than any of runs that were not interleaved', { runs = { 1, 2 }, store = path })
    end)
  end)
  test.case('of models keeps the drift and says which they were', function()
    with_store(function(path)
      local made = crescent.bench.compare {
        measure = 'decode', candidates = { { 'reference', reference }, { 'fused', model } },
        baseline = 'reference', with = { prompt = 4, tokens = 8 }, time_s_max = 0.3, store = path,
      }
      local run = crescent.store.open(path):run(1)
      test.equal(run.comparison.rows[2].drift, made.rows[2].drift)
      test.equal(run.comparison.measure, 'decode')
      test.equal(crescent.json.decode(run.definition), { measure = 'decode', prompt = 4,
        tokens = 8 })
      test.equal(run.options.candidates[2].name, 'fused')
      test.equal(run.options.candidates[2].level, 1)
      test.equal(run.options.candidates[2].hash, model:hash())
    end)
  end)
end)

test.group('stored runs', function()
  test.case('are compared, and the verdict is capped where trials are too few', function()
    with_store(function(path)
      decode(reference, path)
      decode(model, path, 8, 'fused')
      local made = crescent.bench.compare { runs = { 1, 2 }, store = path }
      test.equal({ made.measure, made.baseline }, { 'latency_ms', 1 })
      test.equal({ made.rows[1].verdict, made.rows[2].verdict }, { 'baseline', 'cannot tell' })
      test.equal({ made.rows[2].run, made.rows[2].name }, { 2, 'fused' })
      test.near(made.rows[2].ratio, made.rows[2].value.median / made.rows[1].value.median, 1e-12)
      test.ok(made:sentence():find('^Run 2 against run 1: cannot tell; the medians are '))
      local text = tostring(made)
      test.ok(text:find('^run +name +model +started %(UTC%) +trials +latency_ms +ratio '), text)
      test.ok(text:find('\nwarning: the runs were not interleaved: run 1 is of ', 1, true), text)
      test.ok(text:find('\nwarning: run 1 has 1 trial and run 2 1: the values of one trial share '
        .. "the machine's mood, so that there is no verdict; 0.99 needs 9 trials each", 1, true))
      test.equal(crescent.bench.compare { runs = { 1, 2 }, baseline = 2, store = path }.baseline, 2)
    end)
  end)
  test.case('with enough trials have verdicts', function()
    with_store(function(path)
      for _, of in ipairs { reference, model } do
        crescent.profile.run(of, { tokens = 3, trials = 9, mode = 'minimal', cost_s = 0,
          idle_s = 0, store = path })
      end
      local made = crescent.bench.compare { runs = { 1, 2 }, measure = 'token_ms', store = path }
      test.equal({ made.rows[2].trials, made.rows[2].by_trial }, { 9, true })
      test.ok(made.rows[2].interval.confidence >= 0.99)
      test.equal(#made.rows[2].value.values, 2 * 9)
      refuses("run 1 has no measure 'token'; it has 'token_ms', 'ttft_ms'",
        { runs = { 1, 2 }, measure = 'token', store = path })
    end)
  end)
  test.case('are refused where they are of different things, or of the same in all', function()
    with_store(function(path)
      decode(model, path, 8)
      decode(model, path, 9)
      decode(model, path, 8)
      refuses('run 1 and run 2 measured different things: tokens 8 and 9',
        { runs = { 1, 2 }, store = path })
      refuses('run 1 and run 3 have the same model, options, threads and environment; give aa = '
        .. 'true to compare a thing with itself', { runs = { 1, 3 }, store = path })
      test.equal(#crescent.bench.compare { runs = { 1, 3 }, aa = true, store = path }.rows, 2)
      refuses(path .. ': there is no run 7', { runs = { 1, 7 }, store = path })
    end)
  end)
  test.case('are named by different numbers, of at least two', function()
    refuses("option 'runs': expected at least two, got 1", { runs = { 3 } })
    refuses("option 'runs': expected numbers of runs, got 'x' at position 2", { runs = { 3, 'x' } })
    refuses("option 'runs': expected numbers of runs, got 1.5 at position 1", { runs = { 1.5, 2 } })
    refuses("option 'runs': expected each run once, got 3 twice", { runs = { 3, 3 } })
    refuses("option 'baseline': expected one of the runs, got 4",
      { runs = { 3, 7 }, baseline = 4 })
    refuses("option 'candidates' is for live candidates; runs = {...} compares what was stored",
      { runs = { 3, 7 }, candidates = {} })
  end)
  test.case('leave the options of candidates as they were', function()
    refuses("option 'baseline': expected a string, got nothing",
      { candidates = { { 'a', print }, { 'b', type } } })
    refuses("option 'baseline': expected a string, got 1",
      { candidates = { { 'a', print }, { 'b', type } }, baseline = 1 })
    refuses("option 'measure': expected 'decode' or 'prefill' or 'load' or 'call', got 'decod'",
      { candidates = { { 'a', model }, { 'b', reference } }, baseline = 'a', measure = 'decod' })
  end)
end)

test.group('the self-test', function()
  local made = crescent.bench.self_test { model = model, pairs = 9, rounds = 1, difference = 0.5,
    time_s_max = 0.5 }
  test.case('counts comparisons of a thing with itself, and with itself and a delay', function()
    test.equal({ made.comparisons, made.slower_comparisons }, { 1, 1 })
    test.ok(made.false_verdicts <= 1 and made.found <= 1)
    test.equal(made.false_share, made.false_verdicts)
    test.ok(made.false_share_max >= 0.95)
    test.equal(#made.block_logs, 9)
    test.ok(made.delay_ms.median >= 0.5 * made.work_ms.median, 'a wait is never too short')
    test.ok(made.difference_real > 0)
    test.ok(made.noise >= 0 and made.noise_deviation > 0)
  end)
  test.case('tells what differences need', function()
    test.equal(#made.needs, 3)
    for i, difference in ipairs { 0.01, 0.03, 0.1 } do
      local need = made.needs[i]
      test.equal(need.difference, difference)
      if need.pairs then
        test.near(need.time_s, need.pairs * made.pair_s, 1e-9)
      else
        test.equal(need.absent.pairs, 'over 100000 pairs')
      end
    end
  end)
  test.case('prints a table and a sentence', function()
    local text = tostring(made)
    test.ok(text:find('^9 pairs a comparison, decode bursts of '), text)
    test.ok(text:find('\ncomparison +done +told apart +share\nwith itself +1 +%d '), text)
    test.ok(text:find('\n50 %% slower +1 +%d '), text)
    test.ok(text:find(made:sentence(), 1, true))
    test.ok(text:find('\nwarning: only 1 comparison of each kind: too few to know', 1, true), text)
    local _, rows = made:csv():gsub('\n', '\n')
    test.equal(rows, 3)
  end)
  test.case('says what it found in one sentence', function()
    local text = require 'crescent.self_test_text'
    test.equal(text.sentence {
      comparisons = 40, false_verdicts = 0, difference = 0.03, found = 18, slower_comparisons = 20,
      wrong_way = 0,
      needs = {
        { difference = 0.01, pairs = 240, time_s = 12 }, { difference = 0.03, pairs = 28,
          time_s = 1.4 }, { difference = 0.1, absent = { pairs = 'over 100000 pairs' } },
      },
    }, 'In 40 comparisons of a thing with itself 0 said that it differs; a 3 % slower one was told '
      .. 'in 18 of 20. To tell 1 % takes about 240 pairs (12 s) here, 3 % 28 (1.4 s), 10 % over '
      .. '100000 pairs.')
  end)
  test.case('needs as many pairs as its confidence does', function()
    test.raises(function() crescent.bench.self_test { pairs = 8 } end,
      "crescent.bench.self_test: option 'pairs': expected at least 9, which a confidence of 0.99 "
      .. 'needs, got 8')
  end)
end)
