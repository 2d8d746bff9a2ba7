-- What tensors weigh, and when their memory goes.
local test = require 'crescent.test'
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

test.group('tensor:close', function()
  test.case('may be called twice, and leaves an error for those who go on using it', function()
    local t = tensor { 1, 2 }
    t:close()
    t:close()
    test.equal(tostring(t), '[closed tensor]')
    test.raises(function() t:sum() end,
      "tensor:sum: argument 1 'tensor': expected an open tensor, got a closed one")
    test.raises(function() return t + 1 end,
      "tensor:add: argument 1 'left': expected an open tensor, got a closed one")
    test.raises(function() return #t end, '#tensor: expected an open tensor, got a closed one')
    test.raises(function() return t.shape end,
      "tensor.shape: argument 1 'tensor': expected an open tensor, got a closed one")
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
