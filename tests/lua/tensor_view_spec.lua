-- tensor:view(): reading a tensor's memory from Lua loops.
local test = require 'crescent.test'
local tensor = crescent.tensor

test.group('tensor:view()', function()
  local t = tensor { { 1, 2, 3 }, { 4, 5, 6 } }

  test.case('reads all elements in row order, from 1', function()
    local view, read = t:view(), {}
    for i = 1, #view do read[i] = view[i] end
    test.equal(read, { 1, 2, 3, 4, 5, 6 })
    test.equal(tostring(view), '[view of 6 float32 values]')
  end)

  test.case('starts where a slice starts', function()
    local view = t[2]:view()
    test.equal({ #view, view[1], view[3] }, { 3, 4, 6 })
    test.equal(#tensor.zeros(0):view(), 0)
  end)

  test.case('checks its bounds, also in compiled loops', function()
    local view = t:view()
    test.raises(function() return view[0] end,
      'tensor view: position 0 is out of range for 6 elements')
    test.raises(function() return view[7] end,
      'tensor view: position 7 is out of range for 6 elements')
    test.raises(function() return view[-1] end,
      'tensor view: position -1 is out of range for 6 elements')
    test.raises(function() return view[1.5] end,
      'tensor view: position 1.5 is out of range for 6 elements')
    test.raises(function() return view.size end,
      "tensor view: no field 'size'; a view has #view and view[i]")
    local long, total = tensor.ones(10000):view(), 0
    test.raises(function()
      for i = 1, #long + 1 do total = total + long[i] end
    end, 'tensor view: position 10001 is out of range for 10000 elements')
    test.equal(total, 10000)
  end)

  test.case('is read-only', function()
    local view = t:view()
    test.raises(function() view[1] = 2 end, 'tensor view: views are read-only')
    test.ok(not pcall(function() view.numel = 100 end), 'its length can be written')
    test.ok(not pcall(function() view.data[0] = 100 end), 'its memory can be written')
    test.equal(t[1][1]:item(), 1)
  end)

  test.case('keeps the memory when the tensor is collected or closed', function()
    local made = { tensor.arange(100000) }
    local view = made[1]:view()
    made[1]:close()
    made[1] = nil
    collectgarbage()
    collectgarbage()
    for _ = 1, 20 do tensor.zeros(100000):close() end
    local sum = 0
    for i = 1, #view do sum = sum + view[i] end
    test.equal(sum, 100000 * 100001 / 2)
  end)

  test.case('outlives the scope that it is returned from', function()
    local view = crescent.scope(function() return tensor.full({ 1000 }, 7):view() end)
    for _ = 1, 20 do tensor.zeros(1000):close() end
    test.equal({ view[1], view[1000] }, { 7, 7 })
  end)

  test.case('lets go of the memory with the view', function()
    collectgarbage()
    collectgarbage()
    local before = crescent.memory().tensor_bytes
    local view = tensor.zeros(1000000):view()
    test.equal({ #view, crescent.memory().tensor_bytes - before }, { 1000000, 4000000 })
    view = nil
    collectgarbage()
    collectgarbage()
    test.equal({ view, crescent.memory().tensor_bytes }, { nil, before })
  end)

  test.case('says what to use first on tensors that it cannot show', function()
    test.raises(function() t:to('float64'):view() end,
      "tensor:view: the tensor is float64; use :to('float32') first")
    test.raises(function() t:transpose():view() end,
      'tensor:view: the tensor is not contiguous; use :contiguous() first')
  end)
end)
