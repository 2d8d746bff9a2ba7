-- Tensors: what each operation gives, how counting from 1 works, and what misuse is told.
local test = require 'crescent.test'
local tensor = crescent.tensor

local function raises(message, fn) test.raises(fn, message) end
local function list(t) return t:tolist() end

local function near(got, expected, tolerance)
  if type(expected) == 'number' then return test.near(got, expected, tolerance or 1e-5) end
  test.equal(#got, #expected)
  for i = 1, #expected do near(got[i], expected[i], tolerance) end
end

local a = tensor { { 1, 2, 3 }, { 4, 5, 6 } }

test.group('making tensors', function()
  test.case('reads nested lists, and gives them back', function()
    test.equal(list(tensor { { 1, 2 }, { 3, 4 } }), { { 1, 2 }, { 3, 4 } })
    test.equal(list(tensor { { { 1 }, { 2 } } }), { { { 1 }, { 2 } } })
    test.equal(tensor(3.5):item(), 3.5)
    test.equal(list(tensor {}), {})
    test.equal(tensor({ {}, {} }).shape, { 2, 0 })
  end)
  test.case('takes float32 for numbers and bool for booleans, or what is asked for', function()
    test.equal(tensor({ 1, 2 }).dtype, 'float32')
    test.equal(tensor({ true, false }).dtype, 'bool')
    test.equal(list(tensor { true, false }), { true, false })
    for _,
      dtype in ipairs { 'float64', 'float32', 'float16', 'bfloat16', 'int64', 'int32', 'int16',
        'int8',
      'uint8' } do
      local t = tensor({ 1, 2 }, { dtype = dtype })
      test.equal(t.dtype, dtype)
      test.equal(list(t), { 1, 2 })
    end
  end)
  test.case('keeps integers exact: to 2^53 as numbers, above as strings', function()
    test.equal(tensor({ 9007199254740992 }, { dtype = 'int64' }):item(), 9007199254740992)
    test.equal(tensor({ '9007199254740993' }, { dtype = 'int64' }):item(), '9007199254740993')
    test.equal(list(tensor({ '-9223372036854775808', 1 }, { dtype = 'int64' })),
      { '-9223372036854775808', 1 })
  end)
  test.case('refuses ragged, mixed and unfitting values', function()
    raises('crescent.tensor: value[2]: expected a list of 2 values, got 1',
      function() tensor { { 1, 2 }, { 3 } } end)
    raises("crescent.tensor: value[2]: expected a list of 2 values, got 'x'",
      function() tensor { { 1, 2 }, 'x' } end)
    raises('crescent.tensor: value: expected a list without nil and without named keys, got '
      .. '2 keys where the list has 1', function() return crescent.tensor { 1, nil, 3 } end)
    raises('crescent.tensor: value[1][2]: expected a number, got true',
      function() tensor { { 1, true } } end)
    raises('crescent.tensor: value[2]: expected true or false, got 1',
      function() tensor { true, 1 } end)
    raises("crescent.tensor: value[1]: expected a number, or a string of digits for a "
      .. "64-bit integer, got 'one'",
      function() tensor { 'one' } end)
    raises("crescent.tensor: dtype 'int64' holds integers, got 1.5",
      function() tensor({ 1.5 }, { dtype = 'int64' }) end)
    raises("crescent.tensor: dtype 'uint8' holds 0 to 255, got 256",
      function() tensor({ 256 }, { dtype = 'uint8' }) end)
    raises("crescent.tensor: unknown option 'dytpe' (did you mean 'dtype'?)",
      function() tensor({ 1 }, { dytpe = 'int8' }) end)
  end)
  test.case('fills', function()
    test.equal(list(tensor.zeros(2, 2)), { { 0, 0 }, { 0, 0 } })
    test.equal(list(tensor.ones { 2 }), { 1, 1 })
    test.equal(tensor.ones(2, 3, { dtype = 'int32' }).dtype, 'int32')
    test.equal(list(tensor.full({ 2 }, 2.5)), { 2.5, 2.5 })
    test.equal(tensor.zeros({}).shape, {})
    raises("crescent.tensor.full: argument 2 'value': expected an integer for dtype "
      .. "'int64', got 2.5",
      function() tensor.full({ 2 }, 2.5, { dtype = 'int64' }) end)
    raises("crescent.tensor.zeros: argument 1 'shape': expected sizes >= 0, got -1",
      function() tensor.zeros(-1) end)
    raises('crescent.tensor.zeros: shape (1099511627776, 1099511627776) has more elements '
      .. 'than there can be',
      function() tensor.zeros(2 ^ 40, 2 ^ 40) end)
    raises("crescent.tensor.ones: argument 1 'shape': expected integers, got 1.5",
      function() tensor.ones(1.5) end)
  end)
  test.case('counts as a for loop does', function()
    test.equal(list(tensor.arange(4)), { 1, 2, 3, 4 })
    test.equal(list(tensor.arange(0, 1, 0.25)), { 0, 0.25, 0.5, 0.75, 1 })
    test.equal(list(tensor.arange(5, 1, -2, { dtype = 'int64' })), { 5, 3, 1 })
    test.equal(tensor.arange(0, 1, 0.1).numel, 11)
    test.equal(tensor.arange(0).numel, 0)
    raises("crescent.tensor.arange: argument 3 'step': expected a step that isn't 0, got 0",
      function() tensor.arange(1, 2, 0) end)
  end)
  test.case('draws the same random numbers for the same seed, others for another and for '
    .. 'the next call', function()
    local first = tensor.randn(100, { seed = 1 })
    test.ok(first:allclose(tensor.randn(100, { seed = 1 })))
    test.ok(not first:allclose(tensor.randn(100, { seed = 2 })))
    test.ok(not tensor.randn(100):allclose(tensor.randn(100)))
    test.near(tensor.randn(10000, { seed = 1 }):mean():item(), 0, 0.05)
    test.near(tensor.randn(10000, { seed = 1 }):std():item(), 1, 0.05)
    local uniform = tensor.rand(10000, { seed = 1 })
    test.near(uniform:mean():item(), 0.5, 0.02)
    test.ok(uniform:min():item() >= 0 and uniform:max():item() < 1)
    raises("crescent.tensor.randn: option 'dtype': expected a floating-point dtype, got 'int64'",
      function() tensor.randn(2, { dtype = 'int64' }) end)
  end)
end)

test.group('facts of a tensor', function()
  test.case('are fields', function()
    test.equal(a.shape, { 2, 3 })
    test.equal(tostring(a.shape), '(2, 3)')
    test.equal({ a.dtype, a.device, a.numel, a.bytes, #a }, { 'float32', 'cpu', 6, 24, 2 })
  end)
  test.case('item gives a number, a boolean, or an error for more than one element', function()
    test.equal(a[2][3]:item(), 6)
    test.equal(tensor(true):item(), true)
    raises('tensor:item: expected a tensor of 1 element, got a tensor of shape (2, 3)',
      function() a:item() end)
  end)
  test.case('unknown names are told with the nearest', function()
    raises("a tensor of shape (2, 3) has no method or field 'summ' (did you mean 'sum'?)",
      function() return a.summ end)
    raises('#tensor: a tensor of shape () has no length', function() return #a:sum() end)
  end)
  test.case('nothing changes a tensor', function()
    raises("tensors don't change: operations give new ones (masked_fill, where, cat, ...)",
      function() a[1] = 0 end)
    raises("tensors don't change: operations give new ones (masked_fill, where, cat, ...)",
      function() a.x = 0 end)
  end)
end)

test.group('converting', function()
  test.case('to a dtype, or to the device where it is', function()
    test.equal(a:to('int64').dtype, 'int64')
    test.equal(a:to('float64'):float().dtype, 'float32')
    test.equal(list(a:cpu():to('cpu')), list(a))
  end)
  test.case('refuses what is neither', function()
    raises("tensor:to: argument 1 'what': expected a dtype ('float32') or a device "
      .. "('cpu', 'cuda:0'), "
      .. "got 'flota32' (did you mean 'float32'?)", function() a:to('flota32') end)
  end)
end)

test.group('shapes', function()
  test.case('reshape, view, transpose, permute', function()
    test.equal(list(a:reshape(3, 2)), { { 1, 2 }, { 3, 4 }, { 5, 6 } })
    test.equal(list(a:reshape { -1 }), { 1, 2, 3, 4, 5, 6 })
    test.equal(list(a:view(6)), { 1, 2, 3, 4, 5, 6 })
    test.equal(list(a:transpose()), { { 1, 4 }, { 2, 5 }, { 3, 6 } })
    test.equal(list(a:transpose(1, -1)), { { 1, 4 }, { 2, 5 }, { 3, 6 } })
    test.equal(tensor.zeros(2, 3, 4):permute(3, 1, 2).shape, { 4, 2, 3 })
    test.equal(tensor.zeros(2, 3, 4):permute { -1, 1, 2 }.shape, { 4, 2, 3 })
  end)
  test.case('squeeze, unsqueeze, expand', function()
    test.equal(tensor.zeros(1, 2, 1):squeeze().shape, { 2 })
    test.equal(tensor.zeros(1, 2, 1):squeeze(-1).shape, { 1, 2 })
    test.equal(a:unsqueeze().shape, { 1, 2, 3 })
    test.equal(a:unsqueeze(-1).shape, { 2, 3, 1 })
    test.equal(list(tensor { { 1 }, { 2 } }:expand(-1, 2)), { { 1, 1 }, { 2, 2 } })
  end)
  test.case('slice, select, index, and positions in brackets', function()
    test.equal(list(a:slice(2, 1, 2)), { { 1, 2 }, { 4, 5 } })
    test.equal(list(a:slice(-1, -2)), { { 2, 3 }, { 5, 6 } })
    test.equal(list(a:slice(2, 1, -1, 2)), { { 1, 3 }, { 4, 6 } })
    test.equal(list(a:select(2, -1)), { 3, 6 })
    test.equal(list(a[1]), { 1, 2, 3 })
    test.equal(list(a[-1]), { 4, 5, 6 })
    test.equal(list(a:index(2, { 3, 1, -1 })), { { 3, 1, 3 }, { 6, 4, 6 } })
    test.equal(list(a:index(1, tensor({ 2 }, { dtype = 'int64' }))), { { 4, 5, 6 } })
  end)
  test.case('cat and stack', function()
    test.equal(list(tensor.cat { a, a[1]:unsqueeze() }), { { 1, 2, 3 }, { 4, 5, 6 }, { 1, 2, 3 } })
    test.equal(tensor.cat({ a, a }, -1).shape, { 2, 6 })
    test.equal(tensor.stack { a, a }.shape, { 2, 2, 3 })
    test.equal(tensor.stack({ a, a, a, a }, -1).shape, { 2, 3, 4 })
  end)
  test.case('tril, triu, masked_fill, where, contiguous, clone', function()
    local square = tensor { { 1, 2 }, { 3, 4 } }
    test.equal(list(square:tril()), { { 1, 0 }, { 3, 4 } })
    test.equal(list(square:triu(1)), { { 0, 2 }, { 0, 0 } })
    test.equal(list(square:masked_fill(square:gt(2), -math.huge)),
      { { 1, 2 }, { -math.huge, -math.huge } })
    test.equal(list(square:gt(2):where(square, 0)), { { 0, 0 }, { 3, 4 } })
    test.equal(list(square:gt(2):where(1, -1)), { { -1, -1 }, { 1, 1 } })
    test.equal(list(square:transpose():contiguous()), { { 1, 3 }, { 2, 4 } })
    test.equal(list(square:clone()), list(square))
  end)
end)

test.group('counting from 1', function()
  test.case('0 is an error', function()
    raises('tensor:sum: dimension 0: dimensions count from 1 (or -1 from the end)',
      function() a:sum(0) end)
    raises('tensor:select: position 0: positions count from 1 (or -1 from the end)',
      function() a:select(1, 0) end)
    raises('tensor[position]: position 0: positions count from 1 (or -1 from the end)',
      function() return a[0] end)
  end)
  test.case('what is out of range is told with the range', function()
    raises('tensor:sum: dimension 3 is out of range for a tensor of 2 dimensions',
      function() a:sum(3) end)
    raises('tensor:softmax: dimension -3 is out of range for a tensor of 2 dimensions',
      function() a:softmax(-3) end)
    raises('tensor:select: position 4 is out of range for dimension 2 of length 3',
      function() a:select(2, 4) end)
    raises('tensor:index: position -3 is out of range for dimension 1 of length 2',
      function() a:index(1, { -3 }) end)
    raises('tensor[position]: position 3 is out of range for dimension 1 of length 2',
      function() return a[3] end)
    raises("tensor[position]: argument 1 'position': expected an integer, got 1.5",
      function() return a[1.5] end)
    raises('tensor[position]: a tensor of shape () has no positions; :item() gives its value',
      function() return a:sum()[1] end)
    raises('tensor:slice: from position 3 to 2 is nothing', function() a:slice(2, 3, 2) end)
    raises('tensor:sum: dimension 1 is given twice', function() a:sum { 1, -2 } end)
  end)
  test.case('results that are positions count from 1 too', function()
    local t = tensor { { 5, 9, 7 }, { 8, 1, 2 } }
    test.equal(t:argmax():item(), 2)
    test.equal(t:argmin():item(), 5)
    test.equal(list(t:argmax(2)), { 2, 1 })
    local values, positions = t:max(2)
    test.equal({ list(values), list(positions) }, { { 9, 8 }, { 2, 1 } })
    values, positions = t:min(1, { keepdim = true })
    test.equal({ list(values), list(positions) }, { { { 5, 1, 2 } }, { { 1, 2, 2 } } })
    values, positions = t:topk(2)
    test.equal({ list(values), list(positions) },
      { { { 9, 7 }, { 8, 2 } }, { { 2, 3 }, { 1, 3 } } })
    values, positions = t:topk(1, 1, { largest = false })
    test.equal({ list(values), list(positions) }, { { { 5, 1, 2 } }, { { 1, 2, 2 } } })
    values, positions = t[1]:sort()
    test.equal({ list(values), list(positions) }, { { 5, 7, 9 }, { 1, 3, 2 } })
    values, positions = t:sort(1, { descending = true })
    test.equal({ list(values[1]), list(positions[1]) }, { { 8, 9, 7 }, { 2, 1, 1 } })
    test.equal(list(t:index(1, t:argmax(2))), { { 8, 1, 2 }, { 5, 9, 7 } })
  end)
end)

test.group('arithmetic', function()
  test.case('works between tensors and numbers, on both sides', function()
    local x = tensor { 1, 2, 4 }
    test.equal(list(x + x), { 2, 4, 8 })
    test.equal(list(x + 1), { 2, 3, 5 })
    test.equal(list(10 - x), { 9, 8, 6 })
    test.equal(list(x * x), { 1, 4, 16 })
    test.equal(list(8 / x), { 8, 4, 2 })
    test.equal(list(x ^ 2), { 1, 4, 16 })
    test.equal(list(2 ^ x), { 2, 4, 16 })
    test.equal(list(-x % 3), { 2, 1, 2 })
    test.equal(list(-x), { -1, -2, -4 })
    test.equal(list(x:add(1):sub(x):mul(3):div(2)), { 1.5, 1.5, 1.5 })
    test.equal(list(x:pow(2):mod(3):neg()), { -1, -1, -1 })
  end)
  test.case('broadcasts', function()
    test.equal(list(a + tensor { 10, 20, 30 }), { { 11, 22, 33 }, { 14, 25, 36 } })
    test.equal(list(a * tensor { { 1 }, { 2 } }), { { 1, 2, 3 }, { 8, 10, 12 } })
  end)
  test.case('keeps integers integers where they can be', function()
    local n = tensor({ 1, 2, 3 }, { dtype = 'int64' })
    test.equal({ (n + 1).dtype, (n * 2).dtype, (n ^ 2).dtype, n:sum().dtype },
      { 'int64', 'int64', 'int64', 'int64' })
    test.equal({ (n + 0.5).dtype, (n / 2).dtype, (n ^ -1).dtype, n:mean().dtype },
      { 'float32', 'float32', 'float32', 'float32' })
    test.equal(list(n ^ -1 * 6), { 6, 3, 2 })
  end)
  test.case('compares element by element', function()
    local x = tensor { 1, 2, 3 }
    test.equal(list(x:eq(2)), { false, true, false })
    test.equal(list(x:ne(2)), { true, false, true })
    test.equal(list(x:lt(2)), { true, false, false })
    test.equal(list(x:le(2)), { true, true, false })
    test.equal(list(x:gt(tensor { 0, 2, 4 })), { true, false, false })
    test.equal(list(x:ge(2)), { false, true, true })
    test.equal(list(x:gt(2):logical_not()), { true, true, false })
    test.equal({ x:gt(0):all():item(), x:gt(2):any():item(), x:gt(3):any():item() },
      { true, true, false })
    test.equal(list(tensor { 1, math.huge, 0 / 0 }:isfinite()), { true, false, false })
  end)
  test.case('multiplies matrices, stacks of them, and vectors', function()
    local b = tensor { { 1, 0 }, { 0, 1 }, { 1, 1 } }
    test.equal(list(a:matmul(b)), { { 4, 5 }, { 10, 11 } })
    test.equal(list(a:matmul(tensor { 1, 1, 1 })), { 6, 15 })
    test.equal(tensor.ones(5, 2, 3):matmul(b).shape, { 5, 2, 2 })
  end)
  test.case('tells shapes and dtypes that do not fit', function()
    raises("tensor:matmul: shapes (2, 3) and (4, 5) don't fit: 3 against 4",
      function() a:matmul(tensor.ones(4, 5)) end)
    raises("tensor:matmul: shapes (2, 2, 3) and (3, 3, 2) don't fit: 2 against 3",
      function() tensor.ones(2, 2, 3):matmul(tensor.ones(3, 3, 2)) end)
    raises('tensor:matmul: expected tensors of at least 1 dimension, got shapes (2, 3) and ()',
      function() a:matmul(tensor(1)) end)
    raises("tensor:matmul: dtypes float32 and int64 differ; convert one with :to('float32')",
      function() a:matmul(a:transpose():to('int64')) end)
    raises("tensor:add: shapes (2, 3) and (2, 2) don't fit: 3 against 2",
      function() return a + tensor.ones(2, 2) end)
    raises("tensor:add: argument 2 'right': expected a tensor or a number, got 'x'",
      function() return a + 'x' end)
    raises("tensor:sub: argument 1 'left': expected a tensor or a number, got a table",
      function() return {} - a end)
    raises("tensor:where: shapes (2, 3) and (2) don't fit: 3 against 2",
      function() a:gt(1):where(tensor { 1, 2 }, 0) end)
    raises("tensor:matmul: argument 1 'other': expected a tensor, got nil",
      function() a:matmul(nil) end)
  end)
end)

test.group('functions', function()
  local x = tensor { -1, 0, 2 }
  test.case('have the values of their formulas', function()
    local formulas = {
      abs = math.abs, exp = math.exp, sin = math.sin, cos = math.cos, tanh = math.tanh,
        floor = math.floor,
      relu = function(v) return math.max(v, 0) end,
      sigmoid = function(v) return 1 / (1 + math.exp(-v)) end,
      silu = function(v) return v / (1 + math.exp(-v)) end,
    }
    for name, formula in pairs(formulas) do
      near(list(x[name](x)), { formula(-1), formula(0), formula(2) })
    end
    near(list(tensor { 1, 4 }:sqrt()), { 1, 2 })
    near(list(tensor { 1, math.exp(2) }:log()), { 0, 2 })
    test.equal(list(tensor { 0.4, 1.6, 2.5 }:round()), { 0, 2, 2 })
    test.equal(list(x:clamp(-0.5, 1)), { -0.5, 0, 1 })
    test.equal(list(tensor { 1, 2, 3 }:cumsum()), { 1, 3, 6 })
    near(list(x:gelu()), { -0.15865526, 0, 1.9544997 })
    near(list(x:gelu('tanh')), { -0.15880801, 0, 1.9545977 })
    raises("tensor:gelu: argument 1 'approximation': expected 'none' or 'tanh', got 'erf'",
      function() x:gelu('erf') end)
  end)
  test.case('softmax rows sum to 1, and log_softmax is its logarithm', function()
    near(list(tensor { 0, math.log(3) }:softmax()), { 0.25, 0.75 })
    near(list(a:softmax(1):sum(1)), { 1, 1, 1 })
    test.ok(a:log_softmax(-1):exp():allclose(a:softmax(-1), { rtol = 1e-5, atol = 1e-6 }))
  end)
  test.case('layer_norm brings rows to mean 0 and variance 1, then scales and shifts', function()
    local plain = a:layer_norm({ eps = 0 })
    near(list(plain:mean(2)), { 0, 0 })
    near(list(plain:var(2, { unbiased = false })), { 1, 1 })
    local scaled = a:layer_norm(tensor { 2, 2, 2 }, tensor { 1, 1, 1 }, { eps = 0 })
    test.ok(scaled:allclose(plain * 2 + 1, { atol = 1e-5 }))
    raises('tensor:layer_norm: weight: expected shape (3), as wide as the last dimension, got (2)',
      function() a:layer_norm(tensor { 1, 1 }) end)
  end)
  test.case('integers count as float32, and 16-bit floats keep their dtype', function()
    test.equal(tensor({ 1, 2 }, { dtype = 'int64' }):softmax().dtype, 'float32')
    for _, dtype in ipairs { 'float16', 'bfloat16' } do
      local h = tensor({ { 1, 2 }, { 3, 4 } }, { dtype = dtype })
      for _,
        name in ipairs { 'exp', 'softmax', 'gelu', 'sum', 'mean', 'std', 'svd_values', 'abs',
          'sort' } do
        test.equal({ name, (h[name](h)).dtype }, { name, dtype })
      end
      test.equal({ (h + 1).dtype, (h * h).dtype, (h + a:slice(2, 1, 2)).dtype, h:gt(1).dtype },
        { dtype, dtype, 'float32', 'bool' })
      test.equal(list(h:matmul(h)), { { 7, 10 }, { 15, 22 } })
    end
  end)
end)

test.group('reductions', function()
  test.case('reduce all, one or several dimensions', function()
    test.equal(a:sum():item(), 21)
    test.equal(a:sum().shape, {})
    test.equal(list(a:sum(1)), { 5, 7, 9 })
    test.equal(list(a:sum(-1)), { 6, 15 })
    test.equal(a:sum({ 1, 2 }):item(), 21)
    test.equal(a:sum(2, { keepdim = true }).shape, { 2, 1 })
    test.equal(a:sum({ keepdim = true }).shape, { 1, 1 })
    test.equal(list(a:mean(2)), { 2, 5 })
    test.equal({ a:min():item(), a:max():item() }, { 1, 6 })
    test.equal(tensor { true, true }:sum():item(), 2)
    raises("tensor:sum: unknown option 'kepdim' (did you mean 'keepdim'?)",
      function() a:sum(1, { kepdim = true }) end)
    raises("tensor:sum: argument 1 'dims': expected integers, got 'x'", function() a:sum('x') end)
  end)
  test.case('std and var divide by n - 1 unless told', function()
    near(list(a:var(2)), { 1, 1 })
    near(list(a:std(2, { unbiased = false })), { math.sqrt(2 / 3), math.sqrt(2 / 3) })
  end)
  test.case('norms', function()
    test.near(tensor { 3, 4 }:norm():item(), 5, 1e-6)
    test.near(tensor { 3, -4 }:norm({ p = 1 }):item(), 7, 1e-6)
    test.near(tensor { 3, -4 }:norm({ p = math.huge }):item(), 4, 1e-6)
    near(list(a:norm(1)), { math.sqrt(17), math.sqrt(29), math.sqrt(45) })
  end)
  test.case('svd_values gives singular values, the largest first', function()
    near(list(tensor { { 3, 0 }, { 0, -5 } }:svd_values()), { 5, 3 })
    raises('tensor:svd_values: expected a matrix or a stack of them, got a tensor of shape (3)',
      function() tensor.ones(3):svd_values() end)
  end)
  test.case('topk takes no more than there are', function()
    raises('tensor:topk: k: expected at most 3, the length of dimension 2, got 4',
      function() a:topk(4) end)
    raises("tensor:topk: argument 1 'k': expected an integer >= 1, got 0", function() a:topk(0) end)
  end)
  test.case('allclose compares within tolerances', function()
    test.equal(a:allclose(a + 1e-7), true)
    test.equal(a:allclose(a + 0.1), false)
    test.equal(a:allclose(a + 0.1, { atol = 0.2 }), true)
    test.equal(tensor { 0 / 0 }:allclose(tensor { 0 / 0 }), false)
    test.equal(tensor { 0 / 0 }:allclose(tensor { 0 / 0 }, { equal_nan = true }), true)
    test.equal(a:allclose(a:to('float64')), true)
    raises('tensor:allclose: shapes (2, 3) and (3) differ', function() a:allclose(a[1]) end)
  end)
end)

test.group('misuse of shapes', function()
  test.case('is told with both shapes', function()
    raises("tensor:reshape: shape (4, 2) doesn't fit: the tensor of shape (2, 3) has 6 elements",
      function() a:reshape(4, 2) end)
    raises('tensor:reshape: shape (-1, -1): only one size can be -1',
      function() a:reshape(-1, -1) end)
    raises('tensor:reshape: size -2: expected sizes >= 0, or one -1 for what is left',
      function() a:reshape(-2) end)
    raises('tensor:permute: expected all 2 dimensions in their new order, got 1',
      function() a:permute(1) end)
    raises("tensor:expand: shape (2, 3) doesn't expand to (4, 3): only sizes of 1 can grow",
      function() a:expand(4, 3) end)
    raises("tensor:view: a tensor of shape (3, 2) can't be seen as (6) without a copy; "
      .. "use :reshape",
      function() a:transpose():view(6) end)
    raises('crescent.tensor.cat: tensor 1 has shape (2, 3) and tensor 2 has (3): only '
      .. 'dimension 1 may differ',
      function() tensor.cat { a, a[1] } end)
    raises('crescent.tensor.stack: tensor 1 has shape (2, 3) and tensor 2 has (3): '
      .. 'expected the same shape',
      function() tensor.stack { a, a[1] } end)
    raises("crescent.tensor.cat: argument 1 'tensors': expected a list of tensors, got 1 "
      .. "at position 2",
      function() tensor.cat { a, 1 } end)
    raises("crescent.tensor.cat: argument 1 'tensors': expected a list of tensors, got an "
      .. "empty one",
      function() tensor.cat {} end)
    raises("tensor:masked_fill: argument 1 'mask': expected a bool tensor (a comparison "
      .. "gives one), "
      .. 'got a tensor of shape (2, 3) of dtype float32', function() a:masked_fill(a, 0) end)
    raises("tensor:index: argument 2 'positions': expected positions in a list or in a "
      .. "1-dimensional integer "
      .. 'tensor, got a tensor of shape (2, 3) of dtype float32', function() a:index(1, a) end)
    raises('tensor:sum: expected a tensor in front of the colon, got 1; call it with a colon: '
      .. 'tensor:sum(1)', function() a.sum(1) end)
  end)
  test.case('is told on the line of the caller', function()
    local line = debug.getinfo(1, 'l').currentline + 1
    local _, problem = pcall(function() local _ = a + tensor.ones(2, 2) end)
    test.ok(tostring(problem):find(':' .. line .. ': tensor:add: ', 1, true), tostring(problem))
    _, problem = pcall(function() local x = a:sum(3) return x end)
    test.ok(tostring(problem):find(':' .. line + 2 .. ': tensor:sum: ', 1, true), tostring(problem))
  end)
end)

test.group('tokens', function()
  test.case('top gives ids as the file has them, from 0, of the last row', function()
    local logits = tensor { { 9, 0, 0 }, { 0, math.log(3), math.log(4) } }
    local ids, values = crescent.tokens.top(logits, 2)
    test.equal(ids, { 2, 1 })
    test.near(values[1], math.log(4), 1e-6)
    test.near(values[2], math.log(3), 1e-6)
    test.equal(crescent.tokens.top(logits[1], 1), { 0 })
    test.equal(logits[1]:argmax():item(), 1)
  end)
  test.case('top refuses what is not one row of logits', function()
    raises("crescent.tokens.top: argument 1 'logits': expected logits of shape (V) or (T, V), "
      .. 'got a tensor of shape (2, 2, 2)',
        function() crescent.tokens.top(tensor.ones(2, 2, 2), 1) end)
    raises("crescent.tokens.top: argument 2 'k': expected at most 3 tokens, got 4",
      function() crescent.tokens.top(a, 4) end)
  end)
end)

test.group('files', function()
  local path = os.tmpname()
  test.case('what was saved loads again, of every dtype and shape', function()
    local made = {
      matrix = a, transposed = a:transpose(), scalar = tensor(2.5), empty = tensor.zeros(0, 3),
      half = a:to('float16'), brain = a:to('bfloat16'), double = a:to('float64'),
      long = tensor({ '9007199254740993' }, { dtype = 'int64' }),
        byte = tensor({ 255 }, { dtype = 'uint8' }),
      mask = a:gt(2),
    }
    tensor.save(path, made)
    local loaded = tensor.load(path)
    for name, t in pairs(made) do
      test.equal({ name, loaded[name].dtype, loaded[name].shape }, { name, t.dtype, t.shape })
      test.equal(list(loaded[name]), list(t))
    end
    for name in pairs(loaded) do test.ok(made[name], name) end
  end)
  test.case('save takes tensors by name', function()
    raises("crescent.tensor.save: argument 2 'tensors': expected tensors by name, got the key 1",
      function() tensor.save(path, { a }) end)
    raises("crescent.tensor.save: argument 2 'tensors': expected tensors by name, got 1 for 'x'",
      function() tensor.save(path, { x = 1 }) end)
  end)
  os.remove(path)
end)

test.group('printing', function()
  test.case('shows all values of a small tensor in aligned columns, then dtype and shape',
    function()
    test.equal(tostring(tensor { { 1, -20 }, { 3, 4 } }),
      '  1  -20\n  3    4\n[float32 tensor of shape (2, 2)]')
    test.equal(tostring(tensor { 0.5, 1.25 }), '0.5000  1.2500\n[float32 tensor of shape (2)]')
    test.equal(tostring(tensor { 1e-9, 1 / 0, 0 / 0 }:to('float64')):match('[^\n]+$'),
      '[float64 tensor of shape (3)]')
    test.equal(tostring(tensor { true, false }), ' true  false\n[bool tensor of shape (2)]')
    test.equal(tostring(tensor(0.1)), '0.1  [float32 tensor of shape ()]')
    test.equal(tostring(tensor({ '9007199254740993' }, { dtype = 'int64' })),
      '9007199254740993\n[int64 tensor of shape (1)]')
    test.equal(tostring(tensor.zeros(0, 3)), '[float32 tensor of shape (0, 3)]')
  end)
  test.case('shows very small and very large values with powers of ten', function()
    test.equal(tostring(tensor { 1e-9, 2.5 } * 1e7),
      '1.0000e-02  2.5000e+07\n[float32 tensor of shape (2)]')
    test.equal(tostring(tensor { 1e-9, 2e-8 }),
      '1.0000e-09  2.0000e-08\n[float32 tensor of shape (2)]')
  end)
  test.case('shows matrices of more dimensions one by one', function()
    test.equal(tostring(tensor { { { 1, 2 } }, { { 3, 4 } } }),
      '(1, :, :) =\n1  2\n(2, :, :) =\n3  4\n[float32 tensor of shape (2, 1, 2)]')
  end)
  test.case('folds what is large to the first and last three', function()
    test.equal(tostring(tensor.arange(1000)),
      '   1     2     3  ...   998   999  1000\n[float32 tensor of shape (1000)]')
    test.equal(tostring(tensor.arange(900):reshape(30, 30)), table.concat({
      '  1    2    3  ...   28   29   30', ' 31   32   33  ...   58   59   60',
        ' 61   62   63  ...   88   89   90',
      '...', '811  812  813  ...  838  839  840', '841  842  843  ...  868  869  870',
      '871  872  873  ...  898  899  900', '[float32 tensor of shape (30, 30)]' }, '\n'))
  end)
  test.case('folds columns that are wider than the page', function()
    test.equal(tostring(tensor.arange(100):reshape(2, 50)):match('^[^\n]+'),
      '  1    2    3  ...   48   49   50')
  end)
end)
