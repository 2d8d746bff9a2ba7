local test = require 'crescent.test'
local show = require 'crescent.show'

local function numbers(count)
  local list = {}
  for i = 1, count do list[i] = i end
  return list
end

test.group('show', function()
  test.case('gives scalars as Lua would read them', function()
    test.equal(show(1.5), '1.5')
    test.equal(show(nil), 'nil')
    test.equal(show(true), 'true')
    test.equal(show('text'), "'text'")
    test.equal(show('two\nlines'), "'two\\nlines'")
    test.equal(show("it's"), '"it\'s"')
    test.equal(show('a "b"'), "'a \"b\"'")
  end)

  test.case('puts short tables on one line', function()
    test.equal(show {}, '{}')
    test.equal(show { 1, 'a', { } }, "{ 1, 'a', {} }")
    test.equal(show { 1, b = 2, ['c d'] = 3 }, "{ 1, b = 2, ['c d'] = 3 }")
  end)

  test.case('folds long lists with a count', function()
    test.equal(show(numbers(103)), '{ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ... 93 more }')
  end)

  test.case('aligns the names of nested tables', function()
    test.equal(show { a = { 1, { 2 } }, longer = 3 }, [[
{
  a      = {
    1,
    { 2 },
  },
  longer = 3,
}]])
  end)

  test.case('gives a list of rows as an aligned table', function()
    test.equal(show { { layer = 2, name = 'x' }, { layer = 10, name = 'long' } }, [[
  layer  name
      2  x
     10  long]])
  end)

  test.case('folds long lists of rows', function()
    local rows = {}
    for i = 1, 23 do rows[i] = { i = i } end
    local text = show(rows)
    test.ok(text:find('\n  20\n  ... 3 more$'), text)
  end)

  test.case('leaves missing cells empty', function()
    test.equal(show { { a = 1 }, { a = 2, b = 'x' } }, [[
  a  b
  1
  2  x]])
  end)

  test.case('marks cycles', function()
    local cycle = { name = 'c' }
    cycle.self = cycle
    test.ok(show(cycle):find('self = { cycle }', 1, true), show(cycle))
  end)

  test.case('folds what is deeply nested', function()
    test.ok(show { { { { { { 1 } } } } } }:find('{ ... 1 more }', 1, true))
  end)

  test.case('folds long strings with a count', function()
    test.equal(show(('x'):rep(1000)), "'" .. ('x'):rep(1000) .. "'")
    test.equal(show(('x'):rep(123456)), "'" .. ('x'):rep(800) .. "' ... 122,656 more bytes")
    test.equal(show { name = ('y'):rep(500) },
      "{ name = '" .. ('y'):rep(64) .. "' ... 436 more bytes }")
    -- A character of two bytes, cut by a byte count, is left out whole.
    test.equal(show('a' .. ('é'):rep(1000)), "'a" .. ('é'):rep(399) .. "' ... 1,202 more bytes")
  end)

  test.case('folds what prints in many lines', function()
    local lines = {}
    for i = 1, 50 do lines[i] = 'line ' .. i end
    local long = setmetatable({}, { __tostring = function() return table.concat(lines, '\n') end })
    local text = show(long)
    test.ok(text:find('\nline 20\n... 27 more lines (print shows all)\nline 48\n', 1, true), text)
    test.equal(select(2, text:gsub('\n', '')) + 1, 24)
    test.equal(select(2, show(setmetatable({}, { __tostring = function()
      return table.concat(lines, '\n', 1, 40)
    end })):gsub('\n', '')) + 1, 40)
  end)

  test.case('begins every line of a value below its first', function()
    local matrix = setmetatable({}, { __tostring = function() return '1  2\n3  4\n[2, 2]' end })
    test.equal(show { t = matrix, longer = 3 }, [[
{
  longer = 3,
  t      = 1  2
           3  4
           [2, 2],
}]])
    test.equal(show { { a = matrix }, matrix }, [[
{
  {
    a = 1  2
        3  4
        [2, 2],
  },
  1  2
  3  4
  [2, 2],
}]])
  end)

  test.case('names functions', function()
    test.equal(show(crescent.json.decode), 'function crescent.json.decode')
    test.equal(show { crescent.load }, '{ function crescent.load }')
    local here = debug.getinfo(1, 'Sl')
    test.equal(show(function() end), ('function at %s:%d'):format(
      here.short_src, here.currentline + 1))
    test.equal(show(print), 'function')
  end)

  test.case('knows one kind of nan', function()
    test.equal(show(0 / 0), 'nan')
    test.equal(show(-(0 / 0)), 'nan')
    test.equal(show { -(0 / 0), x = 0 / 0 }, '{ nan, x = nan }')
    test.equal(show { { x = 0 / 0 }, { x = -(0 / 0) } }, '    x\n  nan\n  nan')
    test.equal(crescent.units.number(-(0 / 0)), 'nan')
    test.equal(show(-math.huge), '-inf')
  end)

  test.case('uses the own words of what has them', function()
    test.equal(show(setmetatable({}, { __tostring = function() return 'gpt2' end })), 'gpt2')
  end)
end)
