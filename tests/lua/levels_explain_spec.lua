--- What levels are made of, and which is the fastest that is near enough.
local test = require 'crescent.test'

local explain = crescent.levels.explain
local model = crescent.load('tiny')
local text = 'In the beginning God created the heaven and the earth. And the earth was without '
  .. 'form, and void; and darkness was upon the face of the deep.'

local function names_of(list)
  local names = {}
  for i, row in ipairs(list) do names[i] = row.step end
  return names
end

--- Runs fn while comparisons give what `row_of(candidate, options)` makes up for each candidate.
local function with_times(row_of, fn)
  local compare = crescent.bench.compare
  rawset(crescent.bench, 'compare', function(options)
    local rows = {}
    for i, candidate in ipairs(options.candidates) do
      local ratio, verdict = row_of(candidate[1], options)
      rows[i] = { name = candidate[1], ratio = ratio, verdict = verdict,
        interval = { low = ratio * 0.95, high = ratio * 1.05 } }
    end
    return { rows = rows }
  end)
  local ok, problem = pcall(fn)
  rawset(crescent.bench, 'compare', compare)
  if not ok then error(problem, 0) end
end

test.group('crescent.levels.explain', function()
  test.case('builds a level up pass by pass', function()
    test.equal(names_of(explain(model)), { 'level 0', 'level 1', 'level 2, plain',
      '+ fuse_epilogue', '+ last_rows', '+ share_arena', '+ weights', '+ head' })
    test.equal(names_of(explain(model, { level = 1 })), { 'level 0', 'level 1' })
    local with_kv = explain(model, { weights = 'bf16', head = 'fp32', kv = 'int8' })
    test.equal(with_kv[#with_kv].step, '+ kv')
    test.contains(with_kv[#with_kv].changed, 'keys and values as int8: ')
    test.equal(with_kv[#with_kv - 1].step, '+ weights')
    test.equal(names_of(explain(model, { level = 3, head = 'fp32', weights = 'bf16' }))[8], nil)
  end)
  test.case('chooses scales by a text last of all', function()
    local list = explain(model, { weights = 'int4', calibration = text })
    test.equal(list[8].step, '+ head')
    test.equal(list[9].step, '+ calibration')
    test.contains(list[9].changed, 'scales of 25 matrices by their inputs in ')
    test.equal(explain(model, { weights = 'int4', head = 'fp32', calibration = text })[8].step,
      '+ calibration')
  end)
  test.case('says what a pass changed', function()
    local list = explain(model, { weights = 'int4' })
    test.contains(list[7].changed, '24 matrices as int4')
    test.contains(tostring(list), '24 matrices as int4')
  end)
  test.case('measures gain and drift of every step', function()
    local list = explain(model, { measure = true, text = text, time_s_max = 2 })
    test.equal({ list[1].logit_drift, list[1].kl_nats, list[1].top1 }, { 0, 0, 1 })
    for place = 2, 6 do
      test.less(list[place].logit_drift, 1e-4)
      test.equal(list[place].top1, 1)
    end
    for place = 4, 6 do
      test.equal(list[place].logit_drift, list[3].logit_drift) -- every bit is kept
    end
    test.greater(list[7].kl_nats, list[6].kl_nats)
    for place = 2, #list do
      for _, measure in ipairs { 'decode', 'prefill' } do
        local row = list[place]
        test.ok(row[measure .. '_low'] <= row[measure .. '_ratio'])
        test.ok(row[measure .. '_ratio'] <= row[measure .. '_high'])
        test.contains(row[measure], row[measure .. '_verdict'])
      end
    end
  end)
  test.case('names a level that is slower than the one below', function()
    with_times(function(_, options)
      return 1.25, options.measure == 'prefill' and 'slower' or 'cannot tell'
    end, function()
      local list = explain(model, { level = 2, measure = true, text = text })
      test.equal(list.notes, {
        'level 1 is slower than level 0 in prefill on this model and machine: '
          .. '1.25 (1.19 .. 1.31) slower',
        'level 2 is slower than level 1 in prefill on this model and machine: '
          .. '1.25 (1.19 .. 1.31) slower',
      })
      test.contains(tostring(list), list.notes[2])
    end)
  end)
  test.case('says what is wrong with its options', function()
    local place = 'crescent.levels.explain: '
    local function refused(options, problem)
      test.raises(function() explain(model, options) end, place .. problem)
    end
    test.raises(function() explain() end, place .. "argument 1 'model': expected a model, got nil")
    refused(3, 'expected a table of options, got number')
    refused({ levl = 2 }, "unknown option 'levl' (did you mean 'level'?)")
    refused({ level = 1.5 }, "option 'level': expected an integer, got 1.5")
    refused({ level = 2, weights = 'int8' },
      "option 'weights': expected level = 3, which alone stores weights narrower, got level = 2")
    refused({ weights = 'int4', calibration = '' }, "option 'calibration': expected a text of at "
      .. 'least 2 tokens, got an empty one')
    refused({ time_s_max = 0, measure = true, text = text },
      "option 'time_s_max': expected a number above 0, got 0")
    refused({ measure = true },
      'measure = true needs a text to measure drift on: give one of text, file and ids')
    refused({ text = text }, 'a text is for measuring drift: give measure = true beside it')
  end)
end)

test.group("model:optimize { level = 'auto' }", function()
  local function auto(options)
    options.level, options.text = 'auto', text
    return model:optimize(options)
  end
  local function chosen(measured)
    for _, row in ipairs(measured) do
      if row.chosen then return row.name end
    end
  end
  test.case('takes the fastest', function()
    with_times(function(name) return name == 'level 3 int8' and 0.1 or 0.5 end, function()
      local fast, measured = auto {}
      test.equal(chosen(measured), 'level 3 int8')
      test.contains(tostring(fast), 'level 3 int8')
    end)
  end)
  test.case('takes the nearest to the reference of those that can\'t be told apart', function()
    with_times(function(name) return name:find 'int' and 0.1 or name == 'level 2' and 0.105 or 0.5
    end, function()
      local fast, measured = auto {}
      test.equal({ chosen(measured), fast.level }, { 'level 2', 2 })
    end)
  end)
  test.case('times nothing that is further off than the bound', function()
    with_times(function(name) return name == 'level 0' and 1 or 0.1 end, function()
      local _, measured = auto { kl_nats_max = 1e-9 }
      for _, row in ipairs(measured) do
        local is_narrow = row.weights == 'int8' or row.weights == 'int4'
        test.equal(row.ratio == nil, is_narrow)
        if is_narrow then
          test.equal(row.absent.ratio, 'not timed: its divergence is above the bound')
        end
      end
    end)
  end)
  test.case('measures really', function()
    local _, measured = auto { time_s_max = 2, measure = 'prefill' }
    test.equal(#measured, 6)
    test.equal(measured[1].kl_nats, 0)
    test.ok(chosen(measured) ~= nil)
  end)
  test.case('says what is wrong with its options', function()
    local function refused(options, problem)
      test.raises(function() model:optimize(options) end, problem)
    end
    refused({ level = 'fast' },
      "model:optimize: option 'level': expected an integer or 'auto', got 'fast'")
    refused({ level = 'auto' }, "model:optimize { level = 'auto' }: drift is measured on a text: "
      .. 'give one of text, file and ids')
    refused({ level = 'auto', text = text, weights = 'int8' },
      "model:optimize { level = 'auto' }: unknown option 'weights'")
    refused({ level = 2, text = text }, "model:optimize: option 'text': expected level = 'auto', "
      .. 'which measures, got level = 2')
  end)
end)
