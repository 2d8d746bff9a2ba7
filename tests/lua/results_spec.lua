--- Every result prints as something to read, and is a plain table beside that.
local test = require 'crescent.test'
local fixtures = require 'fixtures'

local model = crescent.load(fixtures.model 'gpt2_text')

test.group('token ids', function()
  local ids = model.tokenizer:encode(('To be, or not to be. '):rep(20))
  test.case('print as a list that is folded', function()
    test.ok(tostring(ids):find('^{ %d+, .*%d+, %.%.%. ' .. #ids - 10 .. ' more }$'), tostring(ids))
    test.equal(tostring(model.tokenizer:encode ''), '{}')
  end)
  test.case('are a plain list for everything else', function()
    local plain = {}
    for i, id in ipairs(ids) do plain[i] = id end
    test.equal(ids, plain)
    test.equal(#ids, #plain)
    test.equal(ids[#ids + 1], nil)
    test.equal(table.concat(ids, ' '), table.concat(plain, ' '))
    test.equal(crescent.json.encode(ids), crescent.json.encode(plain))
    test.equal(crescent.json.encode(model.tokenizer:encode ''), '[]')
    test.equal(model.tokenizer:decode(ids), ('To be, or not to be. '):rep(20))
    test.equal(ids:csv(), 'id\n' .. table.concat(plain, '\n') .. '\n')
  end)
  test.case('of a session, of what was generated and the most likely print alike', function()
    local session = model:session()
    session:feed { 5, 6 }
    test.equal(tostring(session.ids), '{ 5, 6 }')
    local made = model:generate({ 5 }, { tokens = 2, ignore_eos = true })
    test.equal(tostring(made.ids), ('{ %d, %d }'):format(made.ids[1], made.ids[2]))
    test.ok(tostring(made):find('[1 prompt token, 2 new, ', 1, true), tostring(made))
    local top, logits = crescent.tokens.top(crescent.tensor { 0.5, 4, 2 }, 3)
    test.equal({ tostring(top), tostring(logits) }, { '{ 1, 2, 0 }', '{ 4, 2, 0.5000 }' })
  end)
end)

test.group('lists and tables', function()
  test.case('of levels print as a list', function()
    test.equal(tostring(crescent.levels.available()), '{ 0, 1, 2, 3 }')
  end)
  test.case('of versions start with crescent, and stand in crescent.machine() too', function()
    local versions = crescent.versions()
    local lines = {}
    for line in tostring(versions):gmatch('[^\n]+') do lines[#lines + 1] = line end
    test.ok(lines[1]:find('^name +version$') and lines[2]:find('^crescent +' .. '%d'), lines[2])
    test.ok(tostring(versions):find('\nLuaJIT +2'))
    local machine = crescent.machine { measure = false }
    test.equal(machine.versions, versions)
    test.ok(tostring(machine):find('crescent ' .. versions.crescent, 1, true))
  end)
  test.case('of tensors in a file show names and shapes', function()
    local path = os.tmpname()
    crescent.tensor.save(path, { b = crescent.tensor.ones(2, 3), a = crescent.tensor.zeros(4) })
    local tensors = crescent.tensor.load(path)
    test.equal(tostring(tensors), 'name   shape  dtype    bytes\n'
      .. 'a        (4)  float32   16 B\nb     (2, 3)  float32   24 B')
    local names = {}
    for name in pairs(tensors) do names[#names + 1] = name end
    table.sort(names)
    test.equal(names, { 'a', 'b' })
    test.ok(tostring(crescent.inspect.file(path)):find('  2 tensors\n', 1, true))
    crescent.tensor.save(path, { a = tensors.a })
    test.ok(tostring(crescent.inspect.file(path)):find('  1 tensor\n', 1, true))
    os.remove(path)
  end)
  test.case('of what a forward pass captured show a row for each kind', function()
    local made = model:forward({ 1, 2, 3 }, { hidden = true, attention = true })
    local text = tostring(made)
    test.ok(text:find('^name +count +shape +dtype\n'), text)
    test.ok(text:find(('\nhidden +%d +%%(3, %d%%) +float32\n'):format(#model.layers + 1,
      model.config.d_model)), text)
    test.ok(text:find('\nlogits +1 +%(3, 1000%) +float32$'), text)
    test.ok(made:csv():find('\nlogits,1,3 1000,float32\n', 1, true), made:csv())
  end)
end)

test.group('words', function()
  test.case('of the weights\' health are the names that model:weights() lists', function()
    local listed, named = {}, {}
    for i, weight in ipairs(model:weights()) do listed[i] = weight.name end
    for i, weight in ipairs(crescent.inspect.health(model)) do named[i] = weight.name end
    test.equal(named, listed)
  end)
  test.case('of a comparison are the same printed, as CSV and as JSON', function()
    local made = crescent.bench.compare {
      candidates = { { 'a', function() return ('x'):rep(100) end }, { 'b', function() end } },
      baseline = 'a', time_s_max = 0.2,
    }
    test.equal(made.rows[1].verdict, 'baseline')
    test.ok(made:csv():find('\na,[^\n]*,baseline\n'), made:csv())
    test.ok(tostring(made):find('\na [^\n]* baseline\n'), tostring(made))
  end)
  test.case('of one layer are singular', function()
    local one = crescent.load(fixtures.model 'gpt2')
    test.ok(not tostring(one):find('1 layers', 1, true))
    local text = require('crescent.results').model {
      family = 'x', layers = 1, heads_min = 1, heads_max = 1, d_model = 4, params = 10,
      dtype = 'float32', device = 'cpu', bytes = 40, bytes_widened = 0,
      bytes_transposed = 0, bytes_packed = 0, bytes_given_back = 0, level = 'level 1',
    }
    test.ok(text:find('^x  1 layer x 1 head  d_model 4'), text)
  end)
end)

test.group('a tensor', function()
  local tensor = crescent.tensor
  test.case('that was expanded beyond the memory prints folded', function()
    test.equal(tostring(tensor.zeros(1):expand(1e10)),
      '0  0  0  ...  0  0  0\n[float32 tensor of shape (10000000000)]')
    local wide = tensor { { 1, 2, 3, 4, 5, 6, 7, 8 } }:expand(1e9, -1)
    test.equal(tostring(wide), ('1  2  3  ...  6  7  8\n'):rep(3) .. '...\n'
      .. ('1  2  3  ...  6  7  8\n'):rep(3) .. '[float32 tensor of shape (1000000000, 8)]')
    local sizes = {}
    for i = 1, 30 do sizes[i] = 2 end
    test.equal(tostring(tensor.zeros(1):expand(sizes)),
      '[float32 tensor of shape (' .. table.concat(sizes, ', ') .. ')]')
  end)
  test.case('that was expanded beyond the memory is no list', function()
    test.raises(function() tensor.zeros(1):expand(1e10):tolist() end,
      'tensor:tolist: a Lua list holds at most 67108864 values, got a tensor of shape '
        .. '(10000000000)')
    local ok, problem = pcall(function()
      return tensor.zeros(1, 1):expand(6e7, 1e6):tolist()
    end)
    local wanted = 'tensor:tolist: not enough memory: needs 1440000.0 GB, '
    test.ok(not ok and problem:find(wanted, 1, true), problem)
  end)
  test.case('prints what is not a number without a sign', function()
    test.equal(tostring(tensor { 0 / 0, -(0 / 0) }),
      'nan  nan\n[float32 tensor of shape (2)]')
    test.equal(tostring(tensor(-(0 / 0))), 'nan  [float32 tensor of shape ()]')
  end)
  test.case('takes a new dimension at one place more than it has', function()
    test.equal(tensor.zeros(2):unsqueeze(2).shape, { 2, 1 })
    test.raises(function() tensor.zeros(2):unsqueeze(4) end,
      'tensor:unsqueeze: dimension 4 is out of range: a new one can come at 1 .. 2, or at -1 .. -2 '
        .. 'from the end')
  end)
  test.case('without elements has neither a largest nor a smallest', function()
    for _, name in ipairs { 'min', 'max', 'argmin', 'argmax' } do
      local empty, wide = tensor.zeros(0), tensor.zeros(3, 0)
      test.raises(function() empty[name](empty) end,
        ('tensor:%s: expected at least one element, got a tensor of shape (0)'):format(name))
      test.raises(function() wide[name](wide, 2) end,
        ('tensor:%s: expected at least one element in dimension 2, got a tensor of shape (3, 0)')
          :format(name))
    end
    test.equal(tensor.zeros(3, 0):max(1).shape, { 0 })
  end)
end)
