--- JSON, what is in files, and results as CSV and Markdown.
local test = require 'crescent.test'
local fixtures = require 'fixtures'

test.group('json', function()
  test.case('comes back as it went out', function()
    for _, text in ipairs {
      '{"a":[1,2.5,{"b":"x"}],"c":true}', '[]', '{}', '[[],{}]', '"ŋ"', '-3', '[1,null,2]',
      '9007199254740992',
    } do
      test.equal(crescent.json.encode(crescent.json.decode(text)), text)
    end
  end)
  test.case('indents when asked', function()
    test.equal(crescent.json.encode({ a = { 1 } }, { indent = 2 }), '{\n  "a": [\n    1\n  ]\n}')
  end)
  test.case('leaves null out of an object and keeps its place in a list', function()
    test.ok(crescent.json.decode('{"a":null}').a == nil)
    test.ok(crescent.json.decode('[null,1]')[1] == crescent.json.null)
    test.equal(tostring(crescent.json.null), 'null')
  end)
  test.case('refuses what a file must not hold', function()
    test.raises(function() crescent.json.decode('{"a":') end,
      "crescent.json.decode: text: not valid JSON at line 1, column 6: unexpected end of input; "
        .. "expected '[', '{', or a literal")
  end)
  test.case('names the place of what JSON cannot say', function()
    local function refuses(value, message)
      test.raises(function() crescent.json.encode(value) end, 'crescent.json.encode: ' .. message)
    end
    refuses(0 / 0, 'value: JSON has no NaN')
    refuses({ a = { 1, math.huge } }, 'value.a[2]: JSON has no infinity')
    refuses({ a = { b = { 1, 2, print } } }, 'value.a.b[3]: JSON has no place for a function')
    refuses({ 1, 2, x = 3 }, 'value: expected the keys 1 .. n or names alone, got both or gaps')
    refuses('\255', 'value: a text in it is not UTF-8')
    local endless = {}
    endless.next = endless
    refuses(endless, 'value' .. ('.next'):rep(65) .. ': nests deeper than 64')
  end)
end)

test.group('inspect', function()
  test.case('shows the tensors of a file', function()
    local file = crescent.inspect.file(fixtures.model 'gpt2' .. '/model.safetensors')
    test.equal(#file.tensors, 28)
    test.equal(file.tensors[1].dtype, 'float32')
    test.ok(tostring(file):find('28 tensors', 1, true))
  end)
  test.case('finds the weights that are not numbers', function()
    local model = crescent.load(fixtures.path 'malformed/st_nan_weights')
    local sick = 0
    for _, tensor in ipairs(crescent.inspect.health(model)) do
      sick = sick + tensor.nan + tensor.infinite
    end
    test.ok(sick > 0)
    for _, tensor in ipairs(crescent.inspect.health(crescent.load(fixtures.model 'gpt2'))) do
      test.equal(tensor.nan + tensor.infinite, 0)
      test.ok(tensor.abs_max > 0 or tensor.deviation == 0)
    end
  end)
end)

test.group('tables', function()
  local spec = {
    titles = { 'name', 'n' }, align = { 'left' }, rows = { { 'a, "b"', '1' }, { 'ŋŋ|', '23' } },
  }
  test.case('align by characters, not bytes', function()
    test.equal(crescent.table.text(spec), 'name     n\na, "b"   1\nŋŋ|     23')
  end)
  test.case('quote what CSV must quote', function()
    test.equal(crescent.table.csv(spec), 'name,n\n"a, ""b""",1\nŋŋ|,23\n')
  end)
  test.case('escape what Markdown must escape', function()
    test.equal(crescent.table.markdown(spec), table.concat({
      '| name   |   n |', '| ------ | --: |', '| a, "b" |   1 |', '| ŋŋ\\|   |  23 |', '',
    }, '\n'))
  end)
end)

test.group('units', function()
  local units = crescent.units
  test.case('take the largest scale that is reached', function()
    test.equal(units.format(123456, 'bytes'), '120.6 KiB')
    test.equal(units.format(999, 'bytes'), '999 B')
    test.equal(units.format(124439808, 'count'), '124.4 M')
    test.equal(units.format(0.25, 'ms'), '250.0 us')
    test.equal(units.format(2e6, 'decimal_bytes'), '2.0 MB')
  end)
  test.case('keep all digits of what someone chose, where they are few', function()
    test.equal({ units.short(0.3), units.short(2), units.short(1 / 3) }, { '0.3', '2', '0.3333' })
  end)
  test.case('keep significant digits', function()
    test.equal(units.number(54.0430), '54.04')
    test.equal(units.number(0.00012345, 2), '0.00012')
    test.equal(units.number(2.3e-7, 2), '2.3e-07')
    test.equal(units.number(1 / 0), 'inf')
    test.equal(units.percent(0.1234), '12.3 %')
    test.equal(units.grouped(-1234567), '-1,234,567')
    test.equal(units.exact(0.1), '0.1')
    test.equal(tonumber(units.exact(1 / 3)), 1 / 3)
  end)
end)
