--- What a script must not be able to break, whatever it gets hold of.
local test = require 'crescent.test'
local tensor = crescent.tensor

test.group('a handle', function()
  test.case('shows the name of its class in place of its metatable', function()
    test.equal(getmetatable(tensor { 1 }), 'Tensor')
    test.equal(getmetatable(crescent.load 'tiny'), 'Model')
    test.raises(function() setmetatable(tensor { 1 }, {}) end,
      "bad argument #1 to 'setmetatable' (table expected, got userdata)")
  end)

  test.case('gives its metamethods to the debug library, which can do no harm with them', function()
    local model = crescent.load 'tiny'
    local handles = { tensor { 1, 2 }, model, model:session { tokens = 4 }, model.tokenizer }
    for _, handle in ipairs(handles) do
      local meta = debug.getmetatable(handle)
      for _, other in ipairs { 5, 'text', {}, newproxy(true), io.stdout, print } do
        meta.__gc(other)
        pcall(meta.__tostring, other)
        pcall(meta.__index, other, 'shape')
        pcall(meta.__index, other, 1)
        if meta.__len then pcall(meta.__len, other) end
        if meta.__newindex then pcall(meta.__newindex, other, 'a', 1) end
      end
      meta.__gc()
      pcall(meta.__tostring)
      pcall(meta.__index)
    end
    for i, handle in ipairs(handles) do
      debug.getmetatable(handle).__gc(handles[i % #handles + 1]) -- of another class
    end
    test.equal(handles[1]:tolist(), { 1, 2 })
    test.equal(handles[2].level, 1)
    debug.getmetatable(handles[1]).__gc(handles[1])
    debug.getmetatable(handles[1]).__gc(handles[1])
    test.equal(tostring(handles[1]), '[closed tensor]')
  end)

  test.case('says what its metamethods expected', function()
    local meta = debug.getmetatable(tensor { 1 })
    test.raises(function() meta.__tostring(5) end, 'tostring: expected a tensor, got 5')
    test.raises(function() meta.__len {} end, '#tensor: expected a tensor, got a table')
    test.raises(function() getmetatable(tensor { 1 }.shape).__tostring(5) end,
      'tostring: expected a shape, got 5')
  end)
end)

test.group('the table crescent', function()
  test.case('refuses to be indexed as something else', function()
    test.raises(function() getmetatable(crescent).__index(5, 'load') end,
      'crescent: expected its table, got 5')
    test.raises(function() getmetatable(crescent.bench).__index('text', 'x') end,
      "crescent.bench: expected its table, got 'text'")
    test.raises(function() getmetatable(tensor).__call() end,
      "crescent.tensor: argument 1 'values': expected a value, got nothing")
  end)
end)

test.group('the library in Lua', function()
  local units, tables = crescent.units, crescent.table

  --- Expects the error on the line of `fn`, with exactly this message.
  local function on_its_line(fn, message)
    local ok, problem = pcall(fn)
    test.ok(not ok, 'no error')
    local line = debug.getinfo(fn, 'S').linedefined
    test.equal(problem:match('([^/]*)$'), ('misuse_spec.lua:%d: %s'):format(line, message))
  end

  test.case('of units blames the line of its caller', function()
    on_its_line(function() local text = units.format('x', 'bytes') return text end,
      "crescent.units.format: argument 1: expected a number, got 'x'")
    on_its_line(function() local text = units.format(1, 'byte') return text end,
      "crescent.units.format: argument 2: expected 'bytes', 'decimal_bytes', 'count', 'ns' or "
        .. "'ms', got 'byte'")
    on_its_line(function() local text = units.number(1, 'a') return text end,
      "crescent.units.number: argument 2: expected a number, got 'a'")
    on_its_line(function() local text = units.plus_minus(1, 2) return text end,
      'crescent.units.plus_minus: argument 3: expected a string, got nil')
    for _, name in ipairs { 'grouped', 'exact', 'percent' } do
      on_its_line(function() local text = units[name] {} return text end,
        ('crescent.units.%s: argument 1: expected a number, got table'):format(name))
    end
  end)

  test.case('of tables blames the line of its caller', function()
    for _, name in ipairs { 'text', 'markdown', 'csv' } do
      local function refuses(spec, message)
        on_its_line(function() local text = tables[name](spec) return text end,
          ('crescent.table.%s: %s'):format(name, message))
      end
      refuses(3, 'expected { titles = {...}, rows = {...} }, got number')
      refuses({ rows = {} }, 'titles: expected a list of strings, got nil')
      refuses({ titles = { 'a' } }, 'rows: expected a list, got nil')
      refuses({ titles = { 'a' }, rows = { { 1 } } },
        'rows[1]: expected strings, got number at position 1')
      refuses({ titles = { 'a' }, rows = { { 'b' }, { 'c', 'd' } } },
        'rows[2]: expected 1 cells, as many as titles, got 2')
    end
  end)

  test.case('shows what is not a number without a sign', function()
    local nan = 0 / 0
    for _, x in ipairs { nan, -nan } do
      test.equal({ units.number(x), units.grouped(x), units.exact(x), units.format(x, 'ms'),
        units.percent(x) }, { 'nan', 'nan', 'nan', 'nan', 'nan %' })
    end
  end)

  test.case('counts in words', function()
    test.equal(units.counted(1, 'layer'), '1 layer')
    test.equal(units.counted(0, 'layer'), '0 layers')
    test.equal(units.counted(1200, 'token'), '1,200 tokens')
  end)
end)
