-- What tensors weigh, and when their memory goes.
local test = require 'crescent.test'
local fixtures = require 'fixtures'
local tensor = crescent.tensor

local function settle()
  collectgarbage()
  collectgarbage()
end

local function held() return crescent.memory().tensor_bytes end

test.group('crescent.memory', function()
  test.case('counts a tensor when it comes and when it goes', function()
    settle()
    local before = held()
    local t = tensor.zeros(1000, 250)
    test.equal(held() - before, 1000000)
    t:close()
    test.equal(held(), before)
  end)

  test.case('counts storage once, however many views there are', function()
    settle()
    local before = crescent.memory()
    local t = tensor.zeros(1000, 250)
    local views = { t[1], t:transpose(), t:reshape(-1), t:slice(2, 1, 10), t:unsqueeze() }
    local after = crescent.memory()
    test.equal(after.tensor_bytes - before.tensor_bytes, 1000000)
    test.equal(after.tensor_storages - before.tensor_storages, 1)
    test.equal(after.tensors - before.tensors, 1 + #views)
    t:close()
    test.equal(held() - before.tensor_bytes, 1000000)
    for _, view in ipairs(views) do view:close() end
    test.equal(held(), before.tensor_bytes)
  end)

  test.case('tells of the process and of Lua, and prints it all', function()
    local memory = crescent.memory()
    test.ok(memory.rss_bytes > 0 and memory.rss_bytes_peak >= memory.rss_bytes)
    test.ok(memory.lua_bytes > 0)
    test.ok(memory.pss_bytes or memory.absent.pss_bytes)
    local text = tostring(memory)
    for _,
      word in ipairs { 'tensors', 'models', 'Lua', 'process' } do test.ok(text:find(word, 1, true),
        text) end
  end)
end)

test.group('dropped tensors', function()
  test.case('stay within bounds, 10,000 of 1 MB each', function()
    settle()
    local before, largest = crescent.memory().rss_bytes_peak, 0
    for i = 1, 10000 do
      local dropped = tensor.ones(250000)
      if i % 50 == 0 then largest = math.max(largest, held()) end
      test.equal(dropped.numel, 250000)
    end
    test.ok(largest < 400e6, ('%.0f MB held at once'):format(largest / 1e6))
    local growth = crescent.memory().rss_bytes_peak - before
    test.ok(growth < 600e6, ('the process grew by %.0f MB'):format(growth / 1e6))
  end)

  test.case('stay within bounds as views too', function()
    local t, most = tensor.ones(10), 0
    for i = 1, 1000000 do
      t:select(1, 1)
      if i % 100000 == 0 then most = math.max(most, crescent.memory().tensors) end
    end
    test.ok(most < 900000, ('%d handles at once'):format(most))
  end)

  test.case('raise the ceiling when most of them are still needed', function()
    settle()
    local ceiling = crescent.memory().collect_at_bytes
    local kept = {}
    while held() <= ceiling do kept[#kept + 1] = tensor.ones(2500000) end
    test.ok(crescent.memory().collect_at_bytes >= 1.4 * ceiling)
    for _, t in ipairs(kept) do t:close() end
  end)
end)

test.group('sessions', function()
  local model = crescent.load 'tiny'

  test.case('count in crescent.memory() from when they open to when they close', function()
    settle()
    local before = crescent.memory()
    local session = model:session()
    local after = crescent.memory()
    test.equal(after.sessions - before.sessions, 1)
    test.equal(after.session_bytes - before.session_bytes, session.bytes)
    test.ok(tostring(after):find('\nsessions ', 1, true))
    session:close()
    test.equal(crescent.memory().session_bytes, before.session_bytes)
  end)

  test.case('that are dropped stay within bounds, 1000 of 2 MB each', function()
    local largest = 0
    for _ = 1, 1000 do
      model:session()
      largest = math.max(largest, crescent.memory().session_bytes)
    end
    test.ok(largest > 100e6, 'collected before it must be')
    test.ok(largest < 400e6, ('%.0f MB held at once'):format(largest / 1e6))
  end)

  test.case('of more than there is collect once before they are refused', function()
    fixtures.with_folder(function(folder)
      model:save(folder) -- makes the folder
      local config = { model_type = 'llama', vocab_size = 3, hidden_size = 2, intermediate_size = 2,
        num_hidden_layers = 1, num_attention_heads = 64, num_key_value_heads = 64, head_dim = 512,
        max_position_embeddings = 2 ^ 26, rms_norm_eps = 1e-5, hidden_act = 'silu',
        tie_word_embeddings = true }
      local file = assert(io.open(folder .. '/config.json', 'w'))
      file:write(crescent.json.encode(config))
      file:close()
      local weights = { ['model.embed_tokens.weight'] = tensor.ones(3, 2),
        ['model.norm.weight'] = tensor.ones(2) }
      for name, shape in pairs {
        ['input_layernorm'] = { 2 }, ['post_attention_layernorm'] = { 2 },
        ['self_attn.q_proj'] = { 32768, 2 }, ['self_attn.k_proj'] = { 32768, 2 },
        ['self_attn.v_proj'] = { 32768, 2 }, ['self_attn.o_proj'] = { 2, 32768 },
        ['mlp.gate_proj'] = { 2, 2 }, ['mlp.up_proj'] = { 2, 2 }, ['mlp.down_proj'] = { 2, 2 },
      } do weights['model.layers.0.' .. name .. '.weight'] = tensor.ones(shape) end
      tensor.save(folder .. '/model.safetensors', weights)
      local long = crescent.load(folder)
      local dropped = newproxy(true)
      local collected = false
      getmetatable(dropped).__gc = function() collected = true end
      dropped = nil
      collectgarbage('stop')
      local ok, problem = pcall(long.session, long)
      collectgarbage('restart')
      test.ok(not ok)
      test.ok(tostring(problem):find('^model:session: not enough memory: a session of 1 x '
        .. "67108864 tokens needs 17592.2 GB, [%d.]+ GB free; Lua's tensors hold "),
      tostring(problem))
      test.ok(collected, 'nothing was collected')
      return dropped
    end)
  end)
end)

test.group('a tensor that a finaliser closes', function()
  test.case('is still there for the call that works on it', function()
    for _, read in ipairs { 'tolist', 'view', 'to' } do
      local t, wanted = tensor.arange(20000), tensor.arange(20000)
      settle()
      collectgarbage('stop')
      do
        local bomb = newproxy(true)
        getmetatable(bomb).__gc = function() t:close() end
      end
      local call, argument = t[read], read == 'to' and 'int64' or nil
      local multiplier = collectgarbage('setstepmul', 1e6) -- a step is all of a collection
      collectgarbage('restart') -- at the next allocation, which is inside of the call
      local got = argument and call(t, argument) or call(t)
      collectgarbage('setstepmul', multiplier)
      settle()
      test.equal(tostring(t), '[closed tensor]')
      if read == 'tolist' then test.equal(got, wanted:tolist()) end
      if read == 'view' then test.equal({ #got, got[20000] }, { 20000, 20000 }) end
      if read == 'to' then test.ok(got:float():eq(wanted):all():item()) end
    end
  end)
end)

test.group('tensor:close', function()
  test.case('may be called twice, and leaves an error for those who go on using it', function()
    local t = tensor { 1, 2 }
    t:close()
    t:close()
    test.equal(tostring(t), '[closed tensor]')
    test.raises(function() t:sum() end,
      "tensor:sum: expected an open tensor in front of the colon, got a closed one")
    test.raises(function() return t + 1 end,
      "tensor:add: argument 1 'left': expected an open tensor, got a closed one")
    test.raises(function() return #t end, '#tensor: expected an open tensor, got a closed one')
    test.raises(function() return t.shape end,
      "tensor.shape: expected an open tensor, got a closed one")
    test.raises(function() tensor.cat { t } end,
      "crescent.tensor.cat: argument 1 'tensors': expected a list of tensors, got a "
        .. "closed tensor at position 1")
    test.raises(function() crescent.load(t) end,
      "crescent.load: argument 1 'path': expected a string, got a closed tensor")
  end)

  test.case('leaves views of the same memory as they are', function()
    local t = tensor { { 1, 2 }, { 3, 4 } }
    local row = t[2]
    t:close()
    test.equal(row:tolist(), { 3, 4 })
  end)
end)

test.group('crescent.scope', function()
  test.case('frees what was made inside and keeps what is returned, in tables too', function()
    settle()
    local before, inner = held(), nil
    local a, more = crescent.scope(function()
      inner = tensor.ones(1000)
      local twice = inner * 2
      return twice, { deep = { tensor.zeros(10) } }
    end)
    test.equal(tostring(inner), '[closed tensor]')
    test.equal({ a[1]:item(), more.deep[1].numel }, { 2, 10 })
    test.equal(held() - before, 4000 + 40)
  end)

  test.case('leaves alone what was made outside', function()
    local outside = tensor { 1, 2 }
    crescent.scope(function() return outside + 1 end)
    test.equal(outside:tolist(), { 1, 2 })
  end)

  test.case('nests: what an inner one returns belongs to the outer one', function()
    local inner
    crescent.scope(function()
      inner = crescent.scope(function() return tensor { 1 } end)
      test.equal(inner:item(), 1)
    end)
    test.equal(tostring(inner), '[closed tensor]')
  end)

  test.case('frees when the function raises, and passes its error on as it is', function()
    local inner
    local problem = { code = 7 }
    local ok, got = pcall(crescent.scope, function()
      inner = tensor.ones(1000)
      error(problem)
    end)
    test.equal({ ok, got == problem, tostring(inner) }, { false, true, '[closed tensor]' })
  end)

  test.case('returns several values, nil among them', function()
    test.equal({ n = select('#', crescent.scope(function() return 1, nil, nil end)) }, { n = 3 })
    test.raises(function() crescent.scope(1) end,
      "crescent.scope: argument 1 'fn': expected a function, got 1")
  end)
end)

test.group('too little memory', function()
  test.case('is an error with the bytes needed, and the session goes on', function()
    local ok, problem = pcall(tensor.zeros, 2 ^ 50)
    test.ok(not ok)
    test.ok(tostring(problem):find('^crescent.tensor.zeros: not enough memory: needs '
      .. '4503599.6 GB, %d'), tostring(problem))
    test.equal(tensor.ones(2):sum():item(), 2)
  end)

  test.case('in the middle of an operation too, after a collection and a second try', function()
    local wide, tall = tensor.ones(1):expand(2 ^ 26), tensor.ones(1, 1):expand(2 ^ 26, 1)
    local ok, problem = pcall(function() return wide + tall end)
    test.ok(not ok)
    test.ok(tostring(problem):find('tensor:add: not enough memory for 18014398.5 GB more: '
      .. 'Lua\'s tensors hold ', 1, true),
      tostring(problem))
    test.equal(tensor.ones(2):sum():item(), 2)
  end)
end)
