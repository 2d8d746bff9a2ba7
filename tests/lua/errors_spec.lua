--- Every message that wrong use of models, text, evaluation and measuring can meet, word for word.
local test = require 'crescent.test'
local fixtures = require 'fixtures'

local model = crescent.load(fixtures.model 'gpt2_text')  -- 64 positions, 1000 ids
local bare = crescent.load(fixtures.model 'gpt2')        -- 48 positions, 96 ids, no tokenizer
local slow = model:optimize { level = 0 }

local no_tokenizer = 'no tokenizer here: looked for tokenizer.json, and for vocab.json with '
  .. 'merges.txt'

local function ones(count)
  local ids = {}
  for i = 1, count do ids[i] = 1 end
  return ids
end

--- Expects that a call, made inside a function so that it has a line, raises exactly this.
local function refuses(message, fn, ...)
  local arguments, count = { ... }, select('#', ...)
  test.raises(function()
    local result = fn(unpack(arguments, 1, count))
    return result
  end, message)
end

test.group('loading', function()
  test.case('a folder that is not there says which path was tried', function()
    refuses('crescent.load: /no/such/model: expected a folder, found none (tried '
      .. '/no/such/model); crescent '
      .. 'downloads nothing: give the path of a folder with config.json and model.safetensors',
      crescent.load, '/no/such/model')
    refuses('crescent.tokenizer: /no/such/model: expected a folder, found none (tried '
      .. '/no/such/model)',
      crescent.tokenizer, '/no/such/model')
    refuses('crescent.inspect.file: /no/such.safetensors: expected a file that can be read: No '
      .. 'such file or '
      .. 'directory', crescent.inspect.file, '/no/such.safetensors')
  end)
  test.case('an empty path is told from the start', function()
    for name, fn in pairs { load = crescent.load, tokenizer = crescent.tokenizer } do
      refuses(("crescent.%s: argument 1 'path': expected the path of a folder or the name of a "
        .. "model, got ''"):format(name), fn, '')
    end
  end)
  test.case('a file of another kind is told what was expected', function()
    fixtures.with_file('abc', function(path)
      refuses(('crescent.inspect.file: %s: expected a safetensors file, whose first 8 bytes give '
        .. 'the length of its header; here are only 3'):format(path), crescent.inspect.file, path)
    end)
    fixtures.with_file('just some text', function(path)
      refuses(('crescent.inspect.file: %s: expected a safetensors file, whose first 8 bytes give '
        .. 'the length of its header; here they give 7885648055778899306, and 6 bytes follow')
        :format(path), crescent.inspect.file, path)
    end)
    fixtures.with_file('\1\0\0\0\0\0\0\0[', function(path)
      refuses(('crescent.inspect.file: %s: expected a safetensors file, whose header is a JSON '
        .. "object; here it is '['"):format(path), crescent.inspect.file, path)
    end)
  end)
  test.case('the name of a preset is told about presets', function()
    local ok, problem = pcall(crescent.load, 'gpt2')
    test.ok(not ok)
    test.ok(problem:find("; 'gpt2' is a preset: crescent.preset('gpt2') makes its shape with "
      .. "random weights; "
      .. 'crescent downloads nothing', 1, true))
  end)
  test.case('a folder with .bin files alone is told to convert', function()
    fixtures.with_folder(function(folder)
      bare:save(folder)
      assert(os.rename(folder .. '/model.safetensors', folder .. '/pytorch_model.bin'))
      refuses(('crescent.load: %s: expected model.safetensors (or model.safetensors.index.json '
        .. 'and its shards), '
        .. 'found only pytorch_model.bin; crescent reads safetensors alone, convert once with '
        .. 'transformers: '
        .. "AutoModelForCausalLM.from_pretrained('%s').save_pretrained('%s', "
        .. "safe_serialization=True)"):format(
        folder, folder, folder), crescent.load, folder)
    end)
  end)
  test.case('an unknown option names the nearest', function()
    refuses("crescent.load: unknown option 'dtyp' (did you mean 'dtype'?)",
      crescent.load, 'tiny', { dtyp = 'float32' })
    refuses("model:generate: unknown option 'temprature' (did you mean 'temperature'?)",
      model.generate, model, 'a', { temprature = 0 })
  end)
  test.case('a wrong type or choice says what was expected', function()
    refuses("crescent.load: argument 1 'path': expected a string, got 3", crescent.load, 3)
    refuses("crescent.load: argument 1 'path': expected a string, got nothing", crescent.load)
    refuses("crescent.load: option 'dtype': expected 'stored' or 'float32' or 'float16' or "
      .. "'bfloat16', got 'int3'",
      crescent.load, 'tiny', { dtype = 'int3' })
    refuses("crescent.load: option 'device': expected 'cpu', got 'cuda'", crescent.load, 'tiny',
      { device = 'cuda' })
  end)
  test.case('an unknown preset names the nearest', function()
    refuses('crescent.preset: expected one of gpt2, gpt2-medium, gpt2-large, gpt2-xl, '
      .. 'distilgpt2, tinyllama-1.1b, '
      .. "decoder_tiny, decoder_small, decoder_medium, found 'gtp2' (did you mean 'gpt2'?)",
        crescent.preset, 'gtp2')
  end)
  test.case('weights that are not numbers are refused by name when verified', function()
    local folder = fixtures.path 'malformed/st_nan_weights'
    refuses(("crescent.load: %s: tensor 'transformer.h.0.attn.c_attn.weight': expected finite "
      .. 'numbers, found 1 NaN and 0 infinite among 192'):format(folder),
      crescent.load, folder, { verify = true })
  end)
  test.case('saving over a folder with something in it is refused', function()
    local folder = fixtures.path 'models'
    refuses(("model:save: '%s' exists and is not empty; name a new folder"):format(folder),
      bare.save, bare, folder)
  end)
end)

test.group('an argument', function()
  test.case('is counted as the caller wrote it, without what stands in front of a colon', function()
    refuses("model:weight: argument 1 'name': expected a string, got nothing", model.weight, model)
    refuses('model:weight: expected a model in front of the colon, got 3; call it with a colon: '
      .. 'model:weight(3)', model.weight, 3)
    refuses('model:weights: expected a model in front of the colon, got nothing; call it with a '
      .. 'colon: model:weights()', model.weights)
    refuses("model:generate: expected a model in front of the colon, got 'In the'; call it with a "
      .. 'colon: model:generate(...)', model.generate, 'In the', { tokens = 2 })
    refuses("tokenizer:encode: expected a tokenizer in front of the colon, got 'x'; call it with a "
      .. "colon: tokenizer:encode('x')", model.tokenizer.encode, 'x')
    refuses('model:weight: too many arguments: expected at most 1, got 2', model.weight, model, 'a',
      'b')
    refuses('model:generate: argument 2: expected a table of options, got 3', model.generate, model,
      { 1 }, 3)
    refuses("crescent.inspect.health: argument 1 'model': expected a model, got 3",
      crescent.inspect.health, 3)
  end)
end)

test.group('a view', function()
  test.case('of a list counts from the end too, and knows its ends', function()
    local layers = model.layers
    test.equal(layers[-1].original_heads[-1], layers[#layers].heads)
    test.equal(layers[-#layers].heads, layers[1].heads)
    test.equal(layers[1].kv_of_head[1], 1)
    refuses('model.layers[0]: positions count from 1 (or -1 from the end)',
      function() return layers[0] end)
    refuses(('model.layers[%d] is out of range: it has %d'):format(#layers + 1, #layers),
      function() return layers[#layers + 1] end)
    refuses(('model.layers[-%d] is out of range: it has %d'):format(#layers + 1, #layers),
      function() return layers[-#layers - 1] end)
    refuses(('model.layers[1.5] is out of range: it has %d'):format(#layers),
      function() return layers[1.5] end)
    refuses('model.layers[1].kv_of_head[99] is out of range: it has '
      .. #layers[1].kv_of_head, function() return layers[1].kv_of_head[99] end)
    refuses("model.config has no field '1'", function() return model.config[1] end)
  end)
end)

test.group('a model', function()
  test.case('without a tokenizer says so', function()
    refuses(('model.tokenizer: %s: %s'):format(fixtures.model 'gpt2', no_tokenizer),
      function() return bare.tokenizer end)
    refuses(('model:generate: %s: %s'):format(fixtures.model 'gpt2', no_tokenizer), bare.generate,
      bare, 'text')
    refuses(("model:generate: option 'stop': expected a model with a tokenizer, got one without "
      .. "(%s: %s)"):format(
      fixtures.model 'gpt2', no_tokenizer), bare.generate, bare, { 1 }, { stop = 'x' })
  end)
  test.case('with a tokenizer of another kind loads, and names the kind when it is used', function()
    local other = crescent.load(fixtures.model 'llama_text')
    refuses(('model.tokenizer: %s/tokenizer.json: tokenizer of kind BPE with byte fallback, '
      .. 'normalizer Prepend + '
      .. "Replace, no pre-tokenizer: crescent reads byte-level BPE with GPT-2's pattern and no "
      .. "normalizer"):format(
      fixtures.model 'llama_text'), function() return other.tokenizer end)
  end)
  test.case('never changes', function()
    refuses('a model never changes: cannot set model.level; an edit returns a new model',
      function() model.level = 0 end)
    refuses('model.config is read-only: a model never changes; cannot set vocab',
      function() model.config.vocab = 3 end)
    refuses('model.layers[1] is read-only: a model never changes; cannot set heads',
      function() model.layers[1].heads = 3 end)
  end)
  test.case('names the nearest field, weight and level', function()
    refuses("a model has no method or field 'parms' (did you mean 'params'?)",
      function() return model.parms end)
    refuses("model.config has no field 'vocabulary'", function() return model.config.vocabulary end)
    refuses("model.config has no field 'd_modl' (did you mean 'd_model'?)",
      function() return model.config.d_modl end)
    refuses("model:weight: no weight is named 'wte.wieght' (did you mean 'wte.weight'?); "
      .. "model:weights() lists all 28",
      bare.weight, bare, 'wte.wieght')
    refuses('model:optimize: level 4 is not available: expected 0 (reference), 1 (fused), 2 '
      .. '(compiled) or 3 (compiled with lossy storage)', model.optimize, model, { level = 4 })
    refuses("model:optimize: option 'level': expected an integer or 'auto', got nothing",
      model.optimize, model)
  end)
  test.case('names the nearest pass, and says which can be switched at which level', function()
    local function with(level, passes) return { level = level, passes = passes } end
    refuses("model:optimize: option 'passes': unknown pass 'fuse_epilog' (did you mean "
      .. "'fuse_epilogue'?); known are fuse_epilogue, last_rows, share_arena", model.optimize,
      model, with(2, { fuse_epilog = false }))
    refuses("model:optimize: option 'passes': 'transpose' can't be switched off: kernels read "
      .. 'matrices as [out, in] and in no other way', model.optimize, model,
      with(2, { transpose = false }))
    refuses("model:optimize: option 'passes': level 1 has none; levels 2 and 3 have "
      .. 'fuse_epilogue, last_rows, share_arena', model.optimize, model,
      with(1, { last_rows = false }))
    refuses("model:optimize: option 'passes': expected true or false for 'last_rows', got 'off'",
      model.optimize, model, with(2, { last_rows = 'off' }))
    refuses("model:optimize: option 'passes': expected { name = true or false }, got the key 1",
      model.optimize, model, with(2, { 'last_rows' }))
    refuses("model:optimize: option 'passes': expected a table, got false", model.optimize, model,
      with(2, false))
    refuses("model:optimize: option 'passes': 'weights' can't be switched off: the option of that "
      .. 'name says how narrow they are; level 2 reads float32', model.optimize, model,
      with(3, { weights = false }))
    test.equal(model:optimize(with(2, { transpose = true, last_rows = true })).level, 2)
    test.equal(model:optimize(with(1, {})).level, 1)
  end)
  test.case('names what level 3 alone does, and what it does not', function()
    refuses("model:optimize: option 'weights': expected level = 3, which alone stores weights "
      .. 'narrower, got level = 2', model.optimize, model, { level = 2, weights = 'int8' })
    refuses("model:optimize: option 'head': expected level = 3, which alone stores weights "
      .. 'narrower, got level = 0', model.optimize, model, { level = 0, head = 'bf16' })
    refuses("model:optimize: option 'weights': expected 'bf16' or 'int8' or 'int4', got 'int2'",
      model.optimize, model, { level = 3, weights = 'int2' })
    refuses("model:optimize: option 'weights': expected 'bf16' or 'int8' or 'int4', got 'fp32'",
      model.optimize, model, { level = 3, weights = 'fp32' })
    refuses("model:optimize: option 'kv': expected 'fp32' or 'bf16' or 'int8', got 'int4'",
      model.optimize, model, { level = 3, kv = 'int4' })
    refuses("model:optimize: option 'kv': expected level = 3, which alone stores keys and values "
      .. 'narrower, got level = 2', model.optimize, model, { level = 2, kv = 'bf16' })
    refuses("model:optimize: option 'passes': 'kv' can't be switched off: the option of that name "
      .. "says how narrow they are; 'fp32' leaves them as they are", model.optimize, model,
      { level = 3, passes = { kv = false } })
    refuses("model:optimize: option 'group': expected 32, the one size of a group, got 64",
      model.optimize, model, { level = 3, group = 64 })
    refuses("model:optimize: option 'group': expected weights or head = 'int8', got weights = "
      .. "'int4', head = 'int4'", model.optimize, model,
      { level = 3, weights = 'int4', group = 32 })
    refuses("model:optimize: unknown option 'weight' (did you mean 'weights'?)", model.optimize,
      model, { level = 3, weight = 'int8' })
  end)
  test.case('that was closed says so', function()
    local closed = crescent.load(fixtures.model 'gpt2')
    closed:close()
    closed:close()
    refuses("model:forward: expected an open model in front of the colon, got a closed one",
      closed.forward, closed, { 1 })
    refuses("model.params: expected an open model, got a closed one",
      function() return closed.params end)
  end)
end)

test.group('ids', function()
  test.case('outside the vocabulary are named with their position', function()
    refuses('model:forward: token id 70000 at position 3 is outside the vocabulary: expected 0 '
      .. '.. 999',
      model.forward, model, { 1, 2, 70000 })
    refuses("model:forward: argument 1 'ids': expected a list of token ids (integers >= 0), got "
      .. "-3 at position 3",
      model.forward, model, { 1, 2, -3 })
    local tokenizer = model.tokenizer
    refuses('tokenizer:decode: token id 99999: expected 0 .. 999', tokenizer.decode, tokenizer,
      { 99999 })
    refuses("tokenizer:decode: argument 1 'ids': expected a list of token ids (integers >= 0), "
      .. "got 'a' at position 1",
      tokenizer.decode, tokenizer, { 'a' })
    tokenizer:close()
    refuses("tokenizer:encode: expected an open tokenizer in front of the colon, got a closed "
      .. 'one',
      tokenizer.encode, tokenizer, 'x')
  end)
  test.case('that are none are refused', function()
    refuses("model:forward: argument 1 'ids': expected at least one token id, got an empty list",
      model.forward, model, {})
    refuses("model:forward: argument 1 'ids': expected a list of token ids, got 'x'", model.forward,
      model, 'x')
    refuses("model:generate: argument 1 'prompt': expected at least one token id, got an empty "
      .. 'list',
      model.generate, model, {})
    refuses("model:generate: argument 1 'prompt': expected a prompt of at least one token, got ''",
      model.generate, model, '')
  end)
  test.case('in a batch must be lists of one length', function()
    refuses("model:forward: argument 1 'ids': expected lists of equal length (the first has 2 "
      .. "ids), got 1 in list 2",
      model.forward, model, { { 1, 2 }, { 3 } })
    refuses("model:forward: argument 1 'ids': expected a list of lists of token ids, got 3 at "
      .. "position 2",
      model.forward, model, { { 1, 2 }, 3 })
    refuses("model:forward: argument 1 'ids': expected lists of at least one token id, got an "
      .. "empty list 2",
      model.forward, model, { { 1, 2 }, {} })
  end)
  test.case('that are more than positions are refused', function()
    refuses("model:forward: 65 tokens are more than the model's 48 positions", bare.forward, bare,
      ones(65))
    refuses("model:generate: argument 1 'prompt': expected at most 48 tokens (the model's "
      .. "positions), got 65",
      bare.generate, bare, ones(65))
    refuses("model:session: option 'tokens': expected 1 .. 64 (the model's positions), got 10000",
      model.session, model, { tokens = 10000 })
  end)
end)

test.group('generate', function()
  test.case('checks its options', function()
    refuses("model:generate: option 'tokens': expected an integer >= 1, got 0", bare.generate, bare,
      { 1 }, { tokens = 0 })
    refuses("model:generate: option 'top_p': expected a number in (0, 1], got 0", bare.generate,
      bare, { 1 }, { top_p = 0 })
    for name, value in pairs { top_k = 3, top_p = 0.5, seed = 1 } do
      refuses(("model:generate: option '%s': expected a temperature > 0 beside it, since only then "
        .. 'tokens are drawn, got temperature = 0'):format(name), model.generate, model, { 1 },
        { [name] = value })
    end
    refuses("model:generate: option 'stop': expected a string or a list of strings, got 3",
      model.generate, model, { 1 }, { stop = 3 })
    refuses("model:generate: option 'stop': expected a text of at least one character, got ''",
      model.generate, model, { 1 }, { stop = '' })
  end)
  test.case('passes an error of on_token on as it was thrown', function()
    local thrown = {}
    local ok, problem = pcall(model.generate, model, 'a',
      { on_token = function() error(thrown) end })
    test.ok(not ok and problem == thrown)
  end)
end)

test.group('a session', function()
  test.case('says what does not fit, and keeps what it holds', function()
    local session = bare:session { tokens = 4 }
    refuses('session:generate: the session is empty: feed it a prompt of at least one token first',
      session.generate, session, { tokens = 1 })
    session:feed { 1 }
    refuses('session:feed: 5 more tokens do not fit: the session holds 1 of 4; truncate it or '
      .. 'open a longer one',
      session.feed, session, ones(5))
    refuses("session:truncate: argument 1 'n': expected 0 .. 1 (what it holds), got 3",
      session.truncate, session, 3)
    test.equal(session.length, 1)
    session:feed { 2, 3, 4 }
    refuses('session:feed: 1 more token does not fit: the session holds 4 of 4; truncate it or '
      .. 'open a longer one', session.feed, session, { 1 })
    session:close()
    refuses("session:feed: expected an open session in front of the colon, got a closed one",
      session.feed, session, { 1 })
    refuses("session.length: expected an open session, got a closed one",
      function() return session.length end)
  end)
  test.case('that generates cannot be changed by its callback, but can be closed', function()
    local session = model:session { tokens = 9 }
    session:feed { 1 }
    refuses("session:truncate: the session is generating; its on_token function can't change it",
      session.generate, session, { tokens = 3, on_token = function() session:truncate(0) end })
    session:truncate(1)
    local made = session:generate { tokens = 3, ignore_eos = true,
      on_token = function() session:close() end }
    test.equal(made.new_tokens, 3)
    test.equal(tostring(session), 'closed session')
  end)
end)

test.group('eval', function()
  local function perplexity(message, options)
    refuses('crescent.eval.perplexity: ' .. message, crescent.eval.perplexity, model, options)
  end
  test.case('takes exactly one text', function()
    perplexity("expected exactly one of the options 'file', 'text' and 'ids', got none", {})
    perplexity("expected exactly one of the options 'file', 'text' and 'ids', got 'file' and "
      .. "'text'",
      { file = 'a', text = 'b' })
    perplexity("option 'file': expected a readable text file, got '/no/such': No such file or "
      .. "directory",
      { file = '/no/such' })
    perplexity("option 'file': expected a readable text file, got '/': Is a directory",
      { file = '/' })
  end)
  test.case('needs a text, a window and a stride that fit', function()
    perplexity('the text has 1 token: expected at least 2, since one predicts the next',
      { text = 'a' })
    perplexity("option 'window': expected 2 .. 64 (the model's positions), got 1000",
      { text = 'a b c', window = 1000 })
    perplexity("option 'stride': expected 1 .. 10 (the window), got 12",
      { text = 'a b c', window = 10, stride = 12 })
  end)
  test.case('compares models of one vocabulary', function()
    refuses('crescent.eval.agreement: the vocabularies differ: 1000 and 96 ids',
      crescent.eval.agreement, model, bare, { text = 'a b c', window = 8 })
  end)
end)

test.group('bench', function()
  local function compare(message, options)
    refuses('crescent.bench.compare: ' .. message, crescent.bench.compare, options)
  end
  local pair = { { 'a', model }, { 'b', slow } }
  test.case('keeps to the positions', function()
    refuses("crescent.bench.decode: 1100 tokens are more than the model's 64 positions",
      crescent.bench.decode, model, { prompt = 1000 })
    refuses("crescent.bench.prefill: 1000 tokens are more than the model's 64 positions",
      crescent.bench.prefill, model, { tokens = 1000 })
  end)
  test.case('needs candidates with names, of the kind that is measured', function()
    compare("option 'candidates': expected a table, got nothing", {})
    compare("option 'candidates': expected at least two, got 0",
      { candidates = {}, baseline = 'a' })
    compare("option 'candidates': expected a list of { 'name', model }, got a model at position 1",
      { candidates = { model, slow }, baseline = 'a' })
    compare("option 'candidates': expected a list of { 'name', model }, got the name a model at "
      .. "position 2",
      { candidates = { { 'a', model }, { slow } }, baseline = 'a' })
    compare("option 'candidates': expected a list of { 'name', model }, got nil for 'b' at "
      .. "position 2",
      { candidates = { { 'a', model }, { 'b' } }, baseline = 'a' })
    compare("option 'candidates': expected a name for each, got 'a' twice",
      { candidates = { { 'a', model }, { 'a', slow } }, baseline = 'a', measure = 'decode' })
    compare("option 'candidates': expected models for this measure, got a function for 'b'",
      { candidates = { { 'a', model }, { 'b', print } }, baseline = 'a', measure = 'decode' })
    compare("option 'candidates': expected folders for measure = 'load', got a model for 'a'",
      { candidates = pair, baseline = 'a', measure = 'load' })
    compare("option 'candidates': expected functions for measure = 'call', got a model for 'a'",
      { candidates = pair, baseline = 'a', measure = 'call' })
    compare("option 'measure': expected 'decode', 'prefill' or 'load', got nothing",
      { candidates = pair, baseline = 'a' })
    compare("option 'baseline': expected the name of a candidate, got 'c'",
      { candidates = pair, baseline = 'c', measure = 'decode' })
  end)
  test.case('does not time a thing against itself unless told to', function()
    compare("candidates 'a' and 'b' are the same model at the same level; give aa = true to "
      .. "time it against itself",
      { candidates = { { 'a', model }, { 'b', model:optimize { level = 1 } } }, baseline = 'a',
        measure = 'decode' })
    compare("candidates 'a' and 'b' are the same function; give aa = true to time it against "
      .. 'itself',
      { candidates = { { 'a', print }, { 'b', print } }, baseline = 'a' })
    compare("candidates 'a' and 'b' are the same limit; give aa = true to time it against itself",
      { candidates = { { 'a', { bytes = 9 } }, { 'b', { bytes = 9 } } }, baseline = 'a',
        measure = 'call' })
    compare("candidates 'a' and 'b' are the same folder; give aa = true to time it against itself",
      { candidates = { { 'a', 'tiny' }, { 'b', 'tiny' } }, baseline = 'a', measure = 'load' })
  end)
  test.case('takes limits that it can reach', function()
    compare("option 'candidates': expected { bytes = n } or { flops = n } as a limit, got another "
      .. "table for 'a'", { candidates = { { 'a', { bites = 9 } }, { 'b', {} } }, baseline = 'a' })
    compare("option 'candidates': expected folders for measure = 'load', got a limit for 'a'",
      { candidates = { { 'a', { bytes = 9 } }, { 'b', 'tiny' } }, baseline = 'a',
        measure = 'load' })
    local _, problem = pcall(crescent.bench.compare,
      { candidates = { { 'a', { bytes = 1e15 } }, { 'b', print } }, baseline = 'a' })
    test.ok(tostring(problem):find('reading 1000000000000000 bytes takes as much memory, and %d+ '
      .. 'are available'), problem)
  end)
  test.case('checks the work that it is to do', function()
    compare("option 'with': expected what measure = 'decode' takes, got 'token' (did you mean "
      .. "'tokens'?)",
      { candidates = pair, baseline = 'a', measure = 'decode', with = { token = 3 } })
    compare("option 'with': expected tokens to be an integer >= 1, got 'x'",
      { candidates = pair, baseline = 'a', measure = 'decode', with = { tokens = 'x' } })
  end)
  test.case('times nothing that is not proven, where a tolerance is given', function()
    compare("candidate 'b': its vocabulary has 96 ids, the baseline's 1000", {
      candidates = { { 'a', model }, { 'b', bare } }, baseline = 'a', measure = 'decode',
      with = { prompt = 4, tokens = 4 }, tolerance = 1e-3,
    })
    compare("option 'tolerance': expected models, whose logits can be compared, got other "
      .. "candidates",
      { candidates = { { 'a', print }, { 'b', type } }, baseline = 'a', tolerance = 1 })
    local ok, problem = pcall(crescent.bench.compare, {
      candidates = { { 'a', bare },
        { 'b', crescent.load(fixtures.model 'gpt2', { dtype = 'bfloat16' }) } },
      baseline = 'a', measure = 'decode', with = { prompt = 4, tokens = 4 }, tolerance = 1e-5,
    })
    test.ok(not ok)
    test.ok(problem:find("candidate 'b' differs from the baseline: a logit by 0%.0%d+ of their "
      .. "spread, over the "
      .. 'tolerance 1e%-05; nothing was timed'))
  end)
  test.case('makes Samples of numbers alone', function()
    refuses("crescent.statistics.samples: argument 1 'values': expected at least one number, "
      .. "got an empty list",
      crescent.statistics.samples, {})
    refuses("crescent.statistics.samples: argument 1 'values': expected numbers, got 'a' at "
      .. "position 2",
      crescent.statistics.samples, { 1, 'a' })
  end)
end)

test.group('an error', function()
  test.case('stands on the line of the caller', function()
    local line = debug.getinfo(1, 'l').currentline
    local ok, problem = pcall(function()
      crescent.load(3)
      return true
    end)
    test.ok(not ok)
    test.equal(problem:match(':(%d+): crescent%.load:'), tostring(line + 2))
  end)
end)
