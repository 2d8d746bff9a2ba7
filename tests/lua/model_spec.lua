--- Loading, looking at, saving and running models.
local test = require 'crescent.test'
local fixtures = require 'fixtures'

local model = crescent.load(fixtures.model 'gpt2')
local text_model = crescent.load(fixtures.model 'gpt2_text')
local expected = fixtures.expected 'gpt2'

local function largest_difference(a, b) return (a - b):abs():max():item() end

test.group('a model', function()
  test.case('prints family, layers, heads, width, parameters, dtype, bytes and level', function()
    test.equal(tostring(crescent.load(fixtures.model 'gpt2')),
      'gpt2  2 layers x 4 heads  d_model 32  30.1 k params  float32 on cpu  117.5 KiB  level 1')
  end)
  test.case('shows what the first run widened', function()
    local stored = crescent.load(fixtures.model 'gpt2', { dtype = 'bfloat16' })
    test.equal(stored.bytes_widened, 0)
    stored:forward({ 1 })
    test.equal(tostring(stored),
      'gpt2  2 layers x 4 heads  d_model 32  30.1 k params  bfloat16 on cpu  58.8 KiB + 117.5 '
        .. 'KiB widened  level 1')
  end)
  test.case('counts its parameters like the reference', function()
    test.equal(model.params, expected.parameter_count)
    local sum = 0
    for _, count in pairs(model.params_by_part) do sum = sum + count end
    test.equal(sum, model.params)
  end)
  test.case('gives its layers as views that count from 1', function()
    test.equal(#model.layers, 2)
    test.equal(model.layers[2].heads, 4)
    test.equal(model.layers[1].kv_of_head[1], 1)
    local seen = 0
    for place, layer in ipairs(model.layers) do
      seen = seen + place
      test.equal(layer.head_dim, 8)
    end
    test.equal(seen, 3)
  end)
  test.case('shows its config, and JSON can hold it', function()
    test.equal(model.config.vocab, 96)
    test.equal(model.config.activation, 'gelu_tanh')
    test.equal(crescent.json.decode(crescent.json.encode(model.config)).positions_max, 48)
    local rotary = crescent.load(fixtures.model 'llama3_headdim').config.rotary
    test.equal(rotary.scaling, 'llama3')
  end)
  test.case('has one hash under every spelling of one checkpoint', function()
    test.equal(crescent.load(fixtures.model 'gpt2_noprefix_oldcfg'):hash(), model:hash())
    test.ok(crescent.load(fixtures.model 'gpt2_text'):hash() ~= model:hash())
  end)
  test.case('lists its weights by the names of the file', function()
    local weights = model:weights()
    test.equal(weights[1].name, 'transformer.wte.weight')
    test.equal(weights[1].shape, { 96, 32 })
    test.equal(weights[1].bytes, 96 * 32 * 4)
    test.equal(#weights, 28)
    test.equal(weights:csv():match('^[^\n]*\n[^\n]*'),
      'name,shape,dtype,bytes\ntransformer.wte.weight,96 32,float32,12288')
  end)
  test.case('gives a weight with and without the prefix', function()
    local weight = model:weight('h.0.attn.c_attn.weight')
    test.equal(weight.shape, { 32, 96 })
    test.equal(largest_difference(weight, model:weight('transformer.h.0.attn.c_attn.weight')), 0)
  end)
  test.case('that is saved loads again to the same function, in any dtype', function()
    fixtures.with_folder(function(folder)
      text_model:save(folder)
      local again = crescent.load(folder)
      test.equal(again:hash(), text_model:hash())
      test.equal(again.tokenizer:encode('To be, or'), text_model.tokenizer:encode('To be, or'))
    end)
    fixtures.with_folder(function(folder)
      model:save(folder, { dtype = 'bfloat16' })
      test.equal(crescent.load(folder).dtype, 'bfloat16')
    end)
  end)
  test.case('of a preset is the same for the same seed alone', function()
    local one = crescent.preset('decoder_tiny', { seed = 1, dtype = 'bfloat16' })
    test.equal(one.params, 50904064)
    test.ok(one.path == nil, 'a preset comes from no folder')
    one:close()
    test.equal(tostring(one), 'closed model')
  end)
  test.case('counts once in crescent.memory(), at all levels together, until it is gone', function()
    collectgarbage()
    local before = crescent.memory().models
    local one = crescent.load(fixtures.model 'llama')
    local slow = one:optimize { level = 0 }
    test.equal(crescent.memory().models, before + 1)
    test.ok(tostring(crescent.memory()):find('\nmodels   ', 1, true))
    one:close()
    test.equal(crescent.memory().models, before + 1)
    slow:close()
    test.equal(crescent.memory().models, before)
  end)
  test.case('named tiny is the embedded one, wherever the script runs', function()
    test.equal(crescent.load('tiny').params, 3111936)
  end)
end)

test.group('presets', function()
  test.case('have the published parameter counts, by part', function()
    local published = {
      gpt2 = 124439808, ['gpt2-medium'] = 354823168, ['gpt2-large'] = 774030080,
      ['gpt2-xl'] = 1557611200, distilgpt2 = 81912576,
    }
    local found = 0
    for _, preset in ipairs(crescent.presets()) do
      local sum = preset.embedding + preset.positions + preset.norm + preset.attention + preset.ffn
        + preset.head
      test.equal(sum, preset.params)
      if published[preset.name] then
        found = found + 1
        test.equal(preset.params, published[preset.name])
      end
    end
    test.equal(found, 5)
  end)
end)

test.group('forward', function()
  local ids = expected.prompts[2].input_ids
  test.case('gives (T, V), or (1, V) for the last position alone', function()
    local logits = model:forward(ids)
    test.equal(logits.shape, { #ids, 96 })
    local last = model:forward(ids, { last = true })
    test.equal(last.shape, { 1, 96 })
    test.near(largest_difference(logits:slice(1, #ids, #ids), last), 0,
      expected.prompts[2].tolerance_max_abs)
  end)
  test.case('takes a batch of lists of equal length', function()
    test.equal(model:forward({ { 1, 2, 3 }, { 4, 5, 6 } }).shape, { 2, 3, 96 })
  end)
  test.case('shows hidden states and attention', function()
    local seen = model:forward(ids, { hidden = true, attention = true })
    test.equal(seen.logits.shape, { #ids, 96 })
    test.equal(#seen.hidden, 3)
    test.equal(seen.hidden[1].shape, { #ids, 32 })
    test.equal(seen.last_hidden.shape, { #ids, 32 })
    test.equal(#seen.attention, 2)
    test.equal(seen.attention[2].shape, { 4, #ids, #ids })
    test.near(seen.attention[1]:sum():item(), 4 * #ids, 1e-3)
  end)
end)

test.group('generate', function()
  local prompt = expected.prompts[1]
  test.case('continues greedily like the reference, at every level that reads float32', function()
    for level = 0, 2 do
      local made = model:optimize({ level = level }):generate(prompt.input_ids, {
        tokens = #prompt.greedy, ignore_eos = true,
      })
      test.equal(made.ids, prompt.greedy)
      test.equal(made.new_tokens, #prompt.greedy)
      test.equal(made.prompt_tokens, #prompt.input_ids)
      test.equal(made.stopped_by, 'tokens')
    end
  end)
  test.case('says why there is no text without a tokenizer', function()
    local made = model:generate({ 1 }, { tokens = 2, ignore_eos = true })
    test.ok(made.text == nil)
    test.ok(made.absent.text:find('no tokenizer here', 1, true))
  end)
  test.case('is the same for the same seed', function()
    local options = { tokens = 20, temperature = 1, top_k = 50, top_p = 0.9, seed = 7,
      ignore_eos = true }
    local one, two = text_model:generate('To be', options), text_model:generate('To be', options)
    test.equal(one.ids, two.ids)
    options.seed = 8
    local other = text_model:generate('To be', options).ids
    test.ok(crescent.json.encode(other) ~= crescent.json.encode(one.ids))
  end)
  test.case('hands out pieces whose sum is the text, and stops when told', function()
    local pieces = {}
    local made = text_model:generate('To be, or', {
      tokens = 12, ignore_eos = true,
      on_token = function(text) pieces[#pieces + 1] = text end,
    })
    test.equal(table.concat(pieces), made.text)
    local stopped = text_model:generate('To be, or',
      { tokens = 12, on_token = function() return false end })
    test.equal(stopped.stopped_by, 'callback')
    test.equal(stopped.new_tokens, 1)
  end)
  test.case('ends before a stop text', function()
    local free = text_model:generate('To be, or', { tokens = 12, ignore_eos = true })
    local stop = free.text:sub(3, 4)
    local made = text_model:generate('To be, or',
      { tokens = 12, ignore_eos = true, stop = { stop } })
    test.equal(made.stopped_by, 'stop')
    test.ok(not made.text:find(stop, 1, true))
  end)
  test.case('stops at the last position', function()
    local made = model:generate({ 1, 2 }, { tokens = 100, ignore_eos = true })
    test.equal(made.stopped_by, 'positions')
  end)
end)

test.group('a session', function()
  local prompt = expected.prompts[2]
  test.case('fed in parts gives the logits of the whole', function()
    for _, level in ipairs(crescent.levels.available()) do
      local at_level = model:optimize { level = level }
      local whole = at_level:forward(prompt.input_ids)
      local session = at_level:session { tokens = #prompt.input_ids }
      -- Level 3 rounds a single row to 16 bits, a hundredth of what its weights are off.
      local bound = (level == 3 and 100 or 10) * prompt.tolerance_max_abs
      for place, id in ipairs(prompt.input_ids) do
        local row = session:feed({ id })
        test.near(largest_difference(row, whole:slice(1, place, place)), 0, bound)
      end
      test.equal(session.length, session.capacity)
      test.equal(session.ids, prompt.input_ids)
      session:close()
    end
  end)
  test.case('goes on where it is, and forgets what is truncated', function()
    local session = model:session { tokens = 40 }
    session:feed(prompt.input_ids)
    local first = session:generate { tokens = 4, ignore_eos = true }
    test.equal(first.ids,
      { prompt.greedy[1], prompt.greedy[2], prompt.greedy[3], prompt.greedy[4] })
    session:truncate(#prompt.input_ids)
    test.equal(session:generate({ tokens = 4, ignore_eos = true }).ids, first.ids)
  end)
  test.case('of several sequences keeps each of them', function()
    local prompts = { { 1, 2, 3, 4 }, { 5, 6, 7, 8 } }
    for _, level in ipairs(crescent.levels.available()) do
      local at_level = model:optimize { level = level }
      local whole = at_level:forward(prompts)
      local session = at_level:session { tokens = 4, batch = 2 }
      session:feed({ { 1, 2, 3 }, { 5, 6, 7 } }, { last = true })
      local last = session:feed { { 4 }, { 8 } }
      test.equal(last.shape, { 2, 1, model.config.vocab })
      test.near(largest_difference(last, whole:slice(2, 4, 4)), 0, 10 * prompt.tolerance_max_abs)
      test.equal(session.ids, prompts[1])
      test.raises(function() session:feed { { 4 } } end,
        'session:feed: expected 2 sequences, got 1')
      test.raises(function() session:generate() end, 'session:generate: the session holds 2 '
        .. 'sequences, and only one can be continued: feed them token by token')
      session:close()
    end
  end)
  test.case('prints what it holds', function()
    local session = model:session { tokens = 8 }
    session:feed({ 1, 2, 3 })
    test.equal(tostring(session), 'session  3 of 8 tokens  level 1')
    session:close()
    test.equal(tostring(session), 'closed session')
  end)
end)
