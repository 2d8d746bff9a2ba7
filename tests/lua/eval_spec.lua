--- Perplexity and agreement.
local test = require 'crescent.test'
local fixtures = require 'fixtures'

local model = crescent.load(fixtures.model 'gpt2')
local prompt = fixtures.expected('gpt2').prompts[2]

test.group('perplexity', function()
  test.case('of one window is that of the reference', function()
    local made = crescent.eval.perplexity(model,
      { ids = prompt.input_ids, window = 48, stride = 48 })
    test.equal(made.tokens, prompt.nll_terms)
    test.near(made.nll_nats, prompt.nll_sum, 1e-5 * prompt.nll_terms)
    test.near(made.perplexity, math.exp(prompt.nll_sum / prompt.nll_terms), 1e-3)
    test.equal(made.protocol,
      'window 48, stride 48, each target once in the first window that holds it '
      .. 'with a predecessor, level 1, float32')
  end)
  test.case('counts every target once, however windows overlap', function()
    local made = crescent.eval.perplexity(model, { ids = prompt.input_ids, window = 6, stride = 2 })
    test.equal(made.tokens, #prompt.input_ids - 1)
  end)
  test.case('of a file is that of its text', function()
    local text_model = crescent.load(fixtures.model 'gpt2_text')
    local text = 'To be, or not to be, that is the question.'
    local wanted = crescent.eval.perplexity(text_model, { text = text, window = 16, stride = 8 })
    fixtures.with_file(text, function(path)
      local made = crescent.eval.perplexity(text_model, { file = path, window = 16, stride = 8 })
      test.equal(made.nll_nats, wanted.nll_nats)
    end)
  end)
  test.case('prints with its protocol', function()
    local made = crescent.eval.perplexity(model, { ids = { 1, 2, 3 }, window = 4, stride = 4 })
    test.ok(tostring(made):find('^perplexity [%d.]+ over 2 tokens %(window 4, stride 4, '))
  end)
end)

test.group('agreement', function()
  test.case('with itself is exact', function()
    local made = crescent.eval.agreement(model, model, { ids = prompt.input_ids, window = 8 })
    test.equal(made.top1, 1)
    test.equal(made.max_abs_logit, 0)
    test.equal(made.tokens, #prompt.input_ids)
    test.near(made.kl_nats, 0, 1e-6)
  end)
  test.case('with narrower weights is close, and says how close', function()
    local narrow = crescent.load(fixtures.model 'gpt2', { dtype = 'bfloat16' })
    local made = crescent.eval.agreement(narrow, model, { ids = prompt.input_ids, window = 8 })
    test.ok(made.max_abs_logit > 0)
    test.ok(made.kl_nats > 0 and made.kl_nats < 0.1)
  end)
end)
