--- Every message that wrong use of crescent.inspect can meet, word for word, on the caller's line.
local test = require 'crescent.test'
local fixtures = require 'fixtures'

local inspect = crescent.inspect
local model = crescent.load(fixtures.model 'gpt2_text')  -- 64 positions, 1000 ids
local bare = crescent.load(fixtures.model 'gpt2')        -- 48 positions, 96 ids, no tokenizer
local tiny = crescent.load 'tiny'

--- Expects that the call raises exactly this, told as of this file.
local function refuses(message, fn, ...)
  local arguments, count = { ... }, select('#', ...)
  local problem = test.raises(function()
    local result = fn(unpack(arguments, 1, count))
    return result
  end, message)
  test.ok(tostring(problem):find('^[^:]*inspect_misuse_spec.lua:%d+: '), tostring(problem))
end

test.group('a model', function()
  test.case('is expected first', function()
    refuses("crescent.inspect.heads: argument 1 'model': expected a model, got 3",
      inspect.heads, 3)
    refuses("crescent.inspect.weights: argument 1 'model': expected a model, got nothing",
      inspect.weights)
    refuses("crescent.inspect.compare: argument 2 'b': expected a model, got a table",
      inspect.compare, model, { text = 'a' })
    refuses('crescent.inspect.layers: argument 2: expected a table of options, got \'text\'',
      inspect.layers, model, 'text')
  end)
  test.case('that gives no numbers is told where', function()
    local broken = crescent.load(fixtures.path 'malformed/st_nan_weights')
    for name, options in pairs {
      heads = {}, layers = {}, tokens = {}, attention = { layer = 1, head = 1 },
    } do
      options.ids = { 1, 2, 3 }
      refuses(('crescent.inspect.%s: logits are not finite: the first NaN or infinite number came '
        .. 'out of layer 1 of 1; crescent.inspect.health(model) tells whether the weights hold any')
        :format(name), inspect[name], broken, options)
    end
  end)
  test.case('without a tokenizer takes ids', function()
    refuses(('crescent.inspect.tokens: model.tokenizer: %s: no tokenizer here: looked for '
      .. 'tokenizer.json, and for vocab.json with merges.txt; give token ids instead: '
      .. '{ ids = { 1, 2, 3 } }'):format(fixtures.model 'gpt2'), inspect.tokens, bare,
      { text = 'In the beginning' })
  end)
end)

test.group('an option', function()
  test.case('that is unknown names the nearest', function()
    refuses("crescent.inspect.heads: unknown option 'txet' (did you mean 'text'?)",
      inspect.heads, model, { txet = 'a' })
    refuses("crescent.inspect.tokens: unknown option 'color' (did you mean 'colour'?)",
      inspect.tokens, model, { text = 'a', color = true })
    refuses("crescent.inspect.weights: unknown option 'text'", inspect.weights, model,
      { text = 'a' })
  end)
  test.case('of the wrong type says what was expected', function()
    refuses("crescent.inspect.heads: option 'text': expected a string, got 3", inspect.heads,
      model, { text = 3 })
    refuses("crescent.inspect.heads: option 'ids': expected a list of token ids, got 'a'",
      inspect.heads, model, { ids = 'a' })
    refuses("crescent.inspect.heads: option 'tokens_max': expected an integer >= 1, got 0",
      inspect.heads, model, { text = 'a', tokens_max = 0 })
    refuses("crescent.inspect.layers: option 'lens': expected true or false, got 1",
      inspect.layers, model, { lens = 1 })
    refuses("crescent.inspect.weights: option 'layer': expected an integer, got 1.5",
      inspect.weights, model, { layer = 1.5 })
    refuses("crescent.inspect.tokens: option 'window': expected an integer >= 2, got 1",
      inspect.tokens, model, { text = 'a', window = 1 })
  end)
  test.case('sort_by names the nearest field, before anything runs', function()
    refuses("crescent.inspect.heads: option 'sort_by': expected a field of the rows, got "
      .. "'entropy_nat' (did you mean 'entropy_nats'?)", inspect.heads, model,
      { text = 'a', sort_by = 'entropy_nat' })
    refuses("crescent.inspect.heads: option 'sort_by': no row has 'entropy_nats': no text was "
      .. "given: { text = 'In the beginning' }", inspect.heads, model,
      { sort_by = 'entropy_nats' })
    refuses("crescent.inspect.heads: option 'descending': expected it beside sort_by, got it alone",
      inspect.heads, model, { descending = true })
  end)
end)

test.group('a text', function()
  test.case('is expected where nothing goes without it', function()
    for name, needed in pairs {
      attention = { layer = 1, head = 1 }, tokens = {},
    } do
      refuses(("crescent.inspect.%s: expected exactly one of the options 'file', 'text' and 'ids', "
        .. 'got none'):format(name), inspect[name], model, needed)
    end
    refuses("crescent.inspect.compare: expected exactly one of the options 'file', 'text' and "
      .. "'ids', got none", inspect.compare, model, model)
  end)
  test.case('comes from one place', function()
    refuses("crescent.inspect.heads: expected exactly one of the options 'file', 'text' and "
      .. "'ids', got 'text' and 'ids'", inspect.heads, model, { text = 'a', ids = { 1 } })
  end)
  test.case('has tokens', function()
    refuses('crescent.inspect.heads: the text has 0 tokens: expected at least 1', inspect.heads,
      model, { text = '' })
    refuses('crescent.inspect.tokens: the text has 1 token: expected at least 2, since one '
      .. 'predicts the next', inspect.tokens, model, { ids = { 1 } })
    refuses('crescent.inspect.tokens: tokens_max = 1 leaves 1 token: expected at least 2, since '
      .. 'one predicts the next', inspect.tokens, model, { ids = { 1, 2 }, tokens_max = 1 })
    refuses('crescent.inspect.compare: the text has 0 tokens: expected at least 1',
      inspect.compare, model, model, { ids = {} })
  end)
  test.case('in a file that can\'t be read says why', function()
    refuses("crescent.inspect.heads: option 'file': expected a readable text file, got "
      .. "'/no/such': No such file or directory", inspect.heads, model, { file = '/no/such' })
    refuses("crescent.inspect.heads: option 'file': expected a readable text file, got "
      .. "'/': Is a directory", inspect.heads, model, { file = '/' })
  end)
  test.case('of ids has ids that the model knows', function()
    refuses('crescent.inspect.heads: token id 96 at position 2 is outside the vocabulary: expected '
      .. '0 .. 95', inspect.heads, bare, { ids = { 1, 96 } })
    refuses("crescent.inspect.heads: option 'ids': expected a list of token ids (integers >= 0), "
      .. "got 'a' at position 1", inspect.heads, bare, { ids = { 'a' } })
  end)
end)

test.group('a place', function()
  test.case('says how many layers and heads there are', function()
    refuses("crescent.inspect.attention: option 'layer': expected 1 .. 2 (the model's layers), or "
      .. '-1 from the end, got 3', inspect.attention, bare, { layer = 3, head = 1, ids = { 1 } })
    refuses("crescent.inspect.attention: option 'head': expected 1 .. 4 (the heads of layer 2), or "
      .. '-1 from the end, got 0', inspect.attention, bare, { layer = 2, head = 0, ids = { 1 } })
    refuses("crescent.inspect.attention: option 'layer' is required: 1 .. 2 (the model's layers)",
      inspect.attention, bare, { head = 1, ids = { 1 } })
    refuses("crescent.inspect.attention: option 'head' is required: 1 .. 4 (the heads of layer 2)",
      inspect.attention, bare, { layer = 2, ids = { 1 } })
    refuses("crescent.inspect.weights: option 'layer': expected 1 .. 2 (the model's layers), or "
      .. '-1 from the end, got -3', inspect.weights, bare, { layer = -3 })
  end)
  test.case('in a layer without heads says that there are none', function()
    local plan = crescent.prune.plan(bare,
      { list = { { 1, 1 }, { 1, 2 }, { 1, 3 }, { 1, 4 } }, keep_heads_min = 0 })
    refuses('crescent.inspect.attention: layer 1 has no heads', inspect.attention, plan:apply(),
      { layer = 1, head = 1, ids = { 1 } })
  end)
end)

test.group('a pattern', function()
  test.case('that is broken is shown', function()
    refuses("crescent.inspect.weights: option 'match': expected a Lua pattern, got '(attn': "
      .. 'unfinished capture', inspect.weights, bare, { match = '(attn' })
  end)
end)

test.group('windows', function()
  test.case('that don\'t fit say what does', function()
    refuses("crescent.inspect.tokens: option 'window': expected 2 .. 48 (the model's positions), "
      .. 'got 256', inspect.tokens, bare, { ids = { 1, 2 }, window = 256 })
    refuses("crescent.inspect.tokens: option 'stride': expected 1 .. 8 (the window), got 9",
      inspect.tokens, bare, { ids = { 1, 2 }, window = 8, stride = 9 })
  end)
end)

test.group('two models', function()
  test.case('of different vocabularies are told apart', function()
    refuses('crescent.inspect.compare: the vocabularies differ: 96 and 2048 ids; only models that '
      .. 'share one can be compared', inspect.compare, bare, tiny, { ids = { 1 } })
  end)
  test.case('that read a text differently are told where', function()
    fixtures.with_folder(function(folder)
      model:save(folder)
      -- The same vocabulary, none of whose pieces is ever joined.
      local path = folder .. '/tokenizer.json'
      local file = assert(io.open(path))
      local described = crescent.json.decode(file:read('*a'))
      file:close()
      described.model.merges = crescent.json.decode '[]'
      file = assert(io.open(path, 'w'))
      file:write(crescent.json.encode(described))
      file:close()
      local other = crescent.load(folder)
      local first = model.tokenizer:encode('not')[1]
      refuses(('crescent.inspect.compare: the tokenizers differ: token 1 of the text is %d for the '
        .. 'first model and %d for the second'):format(first, other.tokenizer:encode('not')[1]),
        inspect.compare, model, other, { text = 'not' })
    end)
  end)
end)
