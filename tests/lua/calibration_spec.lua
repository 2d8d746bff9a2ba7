--- Scales of level 3 that a text chooses.
local fixtures = require 'fixtures'
local test = require 'crescent.test'

local model = crescent.load(fixtures.model 'gpt2_text') -- 1000 ids, a tokenizer
local text = ('In the beginning God created the heaven and the earth. '):rep(8)

local function calibrated(calibration, options)
  options = options or { weights = 'int4' }
  options.level, options.calibration = options.level or 3, calibration
  return model:optimize(options)
end

local function pass_of(small)
  for _, pass in ipairs(small:passes()) do
    if pass.name == 'calibration' then return pass end
  end
end

local ids = {}
for i = 1, 300 do ids[i] = i * 37 % 1000 end

test.group('a calibration', function()
  test.case('takes ids, a text, or a table of either', function()
    local function words(by) return tostring(calibrated(by)):match 'calibrated on %d+ tokens$' end
    test.equal(words(ids), 'calibrated on 300 tokens')
    test.equal(words { ids = ids, tokens = 100, window = 16 }, 'calibrated on 100 tokens')
    local count = #model.tokenizer:encode(text)
    test.equal(words(text), ('calibrated on %d tokens'):format(count))
    test.equal(words { text = text }, ('calibrated on %d tokens'):format(count))
    test.equal(tostring(calibrated(ids, { weights = 'bf16', head = 'int8' })):match 'level 3 (.*)$',
      'bf16, head int8, calibrated on 300 tokens')
  end)
  test.case('loses less of the products that the text makes, and says how much', function()
    local small = calibrated(ids, { weights = 'int4', head = 'fp32' })
    local pass = pass_of(small)
    test.equal({ pass.on, pass.layers, pass.bytes, pass.source },
      { true, #model.layers, 0, 'after Lin et al. 2023, arXiv:2306.00978' })
    local before, after = pass.changed:match('^scales of %d+ matrices by their inputs in 300 '
      .. 'tokens: squared error of products (%S+) %-> (%S+) %%$')
    test.less(tonumber(after), 0.9 * tonumber(before))
    test.ok(small.bytes_packed > 0, 'asking compiles the plan')
  end)
  test.case('makes another model than none, and the same one twice', function()
    local function differ(a, b)
      return (a:forward { 1, 2, 3 } - b:forward { 1, 2, 3 }):abs():max():item() > 0
    end
    test.equal(differ(calibrated(ids), calibrated(ids)), false)
    test.equal(differ(calibrated(ids), calibrated(nil)), true)
    test.equal(differ(calibrated(ids), calibrated(text)), true)
  end)
  test.case('is forgotten by what is pruned', function()
    local pruned = crescent.prune.plan(calibrated(ids), { what = 'heads', list = { { 1, 1 } } })
      :apply()
    test.equal(tostring(pruned):match 'level 3 (.*)$', 'int4')
    test.equal({ pass_of(pruned).on, pass_of(pruned).changed },
      { false, 'no text was given: scales span the numbers that they are for' })
    test.equal(pass_of(model:optimize { level = 3, weights = 'bf16' }).changed,
      'bf16 has no scales to choose')
  end)
  test.case('is refused where it says nothing', function()
    local function refused(by, problem, options)
      test.raises(function() return calibrated(by, options) end, 'model:optimize: ' .. problem)
    end
    local option = "option 'calibration': expected "
    refused(ids, option .. 'level = 3, which alone stores weights narrower, got level = 2',
      { level = 2 })
    refused(ids, option .. "weights or head = 'int8' or 'int4', which have scales to choose, got "
      .. "weights = 'bf16', head = 'bf16'", { weights = 'bf16' })
    refused(3, option .. 'a text, a list of token ids, or { file =, text = or ids =, tokens =, '
      .. 'window = }, got 3')
    refused('', option .. 'a text of at least 2 tokens, got an empty one')
    refused({ ids = {} }, option .. 'a text of at least 2 tokens, got an empty one')
    refused({ 5 }, option .. 'a text of at least 2 tokens, got one of 1 token')
    refused({}, option .. 'exactly one of file, text and ids, got none')
    refused({ txt = '' }, option .. 'keys out of file, text, ids, tokens, window, got '
      .. "'txt' (did you mean 'text'?)")
    refused({ ids = ids, tokens = 1 }, option .. 'tokens to be an integer >= 2, got 1')
    refused({ 1, -1 }, option .. 'a list of token ids (integers >= 0), got -1 at position 2')
    refused({ 1, 1000 },
      'token id 1000 at position 2 is outside the vocabulary: expected 0 .. 999')
    refused(ids, "option 'passes': 'calibration' can't be switched off: the option of that name "
      .. 'gives a text; without it there is none',
      { weights = 'int4', passes = { calibration = false } })
  end)
end)
