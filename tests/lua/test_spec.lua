local test = require 'crescent.test'

--- What a matcher says that doesn't hold, without the position in front.
local function told(matcher, ...)
  local ok, problem = pcall(function(...)
    matcher(...)
    return true -- no tail call: the line of this function is where matchers are called
  end, ...)
  return ok and 'nothing' or (tostring(problem):gsub('^[^\n:]+:%d+: ', '', 1))
end

test.group('matchers', function()
  test.case('say on which line they were called', function()
    local ok, problem = pcall(function()
      test.equal(1, 2)
      return true
    end)
    test.equal(ok, false)
    test.matches(tostring(problem), '^[^\n]*test_spec%.lua:15: values differ\n')
  end)
end)

test.group('test.equal', function()
  test.case('holds for what is equal', function()
    test.equal(told(test.equal, 0 / 0, 0 / 0), 'nothing')
    test.equal(told(test.equal, { 1, { x = 'a' } }, { 1, { x = 'a' } }), 'nothing')
    test.equal(told(test.equal, crescent.tensor { 1, 2 }, crescent.tensor { 1, 2 }), 'nothing')
    local a, b = { 1 }, { 1 }
    a.self, b.self = a, b
    test.equal(told(test.equal, a, b), 'nothing')
  end)
  test.case('says both values', function()
    test.equal(told(test.equal, 1, 'b'), "values differ\n    got       1\n    expected  'b'")
    test.equal(told(test.equal, nil, false),
      'values differ\n    got       nil\n    expected  false')
    test.equal(told(test.equal, { 1 }, 3), 'values differ\n    got       { 1 }\n    expected  3')
  end)
  test.case('tells numbers and values apart that print the same', function()
    test.equal(told(test.equal, 0.1 + 0.2, 0.3),
      'values differ\n    got       0.30000000000000004\n    expected  0.3')
    local class = { __tostring = function() return 'it' end }
    local proxy = newproxy(true)
    getmetatable(proxy).__tostring = class.__tostring
    test.equal(told(test.equal, setmetatable({}, class), proxy),
      'values differ\n    got       it\n    expected  another value that prints the same')
    local long = ('x'):rep(75) -- so that the whole value isn't shown
    test.equal(told(test.equal, { n = 0.1 + 0.2, of = long }, { n = 0.3, of = long }),
      'values differ\n    at .n: got 0.30000000000000004, expected 0.3')
  end)
  test.case('says where texts of several lines differ', function()
    test.equal(told(test.equal, 'a\nb\nc', 'a\nB\nc'),
      'values differ\n    first difference in line 2\n'
      .. '    got       b\n    got       c\n    expected  B\n    expected  c')
  end)
  test.case('says where small tables differ, and shows them', function()
    test.equal(told(test.equal, { 1, 2 }, { 1, 3 }), 'values differ\n    got       { 1, 2 }\n'
      .. '    expected  { 1, 3 }\n    at [2]: got 2, expected 3')
  end)
  test.case('says where large tables differ', function()
    local function made(name, last)
      local rows = {}
      for i = 1, 30 do rows[i] = { name = 'row ' .. i, list = { i } } end
      rows[3].name = name
      rows[30].list[2] = last
      return { rows = rows, ['odd key'] = last, [1.5] = { 1 } }
    end
    test.equal(told(test.equal, made('a'), made('b', true)), [[
values differ
    at ['odd key']: got nil, expected true
    at .rows[3].name: got 'a', expected 'b'
    at .rows[30].list[2]: got nil, expected true]])
  end)
  test.case('says ten places and how many more there are', function()
    local a, b = {}, {}
    for i = 1, 25 do a[i], b[i] = i, i % 2 == 0 and i or -i end
    local message = told(test.equal, a, b)
    test.contains(message, '\n    at [1]: got 1, expected -1\n    at [3]: got 3, expected -3\n')
    test.matches(message, '\n    at %[19%]: got 19, expected %-19\n    and at 3 places more$')
    a[25] = -25
    a[23] = -23
    test.matches(told(test.equal, a, b), '\n    and at 1 place more$')
  end)
  test.case('says what a tensor differs in', function()
    test.equal(told(test.equal, crescent.tensor { { 1, 2 }, { 3, 4 } },
      crescent.tensor { { 1, 2 }, { 3, 5 } }), 'values differ\n    at .values[2][2]: got 4, '
      .. 'expected 5')
    test.equal(told(test.equal, crescent.tensor { 1, 2 }, crescent.tensor { { 1, 2 } }), [[
values differ
    at .shape[1]: got 2, expected 1
    at .shape[2]: got nil, expected 2
    at .values[1]: got 1, expected { 1, 2 }
    at .values[2]: got 2, expected nil]])
  end)
  test.case('shortens what is long', function()
    local text = ('x'):rep(100)
    test.equal(told(test.equal, { text = text .. 'a' .. text, list = 1 },
      { text = text .. 'b' .. text, list = { text, text } }), [[
values differ
    at .list: got 1, expected a table of 2
    at .text, byte 101: got ... 'xxxxxxxxxxxxxxxxxxxxaxxxxxxxxxxxxxxxxxxxx' ...,]]
      .. [[ expected ... 'xxxxxxxxxxxxxxxxxxxxbxxxxxxxxxxxxxxxxxxxx' ...]])
  end)
end)

test.group('test.near', function()
  test.case('holds for numbers, lists and tensors', function()
    test.equal(told(test.near, 1.5, 1, 0.5), 'nothing')
    test.equal(told(test.near, math.huge, math.huge, 0), 'nothing')
    test.equal(told(test.near, { 1, { x = 2, name = 'a' } }, { 1.1, { x = 1.9, name = 'a' } }, 0.2),
      'nothing')
    test.equal(told(test.near, crescent.tensor { 1, 2 }, crescent.tensor { 1, 2.1 }, 0.2),
      'nothing')
    test.equal(told(test.near, crescent.tensor { 1, 2 }, { 1, 2.1 }, 0.2), 'nothing')
    test.equal(told(test.near, crescent.tensor(3), 3.1, 0.2), 'nothing')
  end)
  test.case('says what is too far', function()
    test.equal(told(test.near, 1, 2, 0.5), 'expected 2 within 0.5, got 1')
    test.equal(told(test.near, 0 / 0, 2, 0.5), 'expected 2 within 0.5, got nan')
    test.equal(told(test.near, nil, 2, 0.5), 'expected 2 within 0.5, got nil')
    test.equal(told(test.near, { 1, 2, 0 / 0, 'a' }, { 1, 3, 0 / 0, 'b', 5 }, 0.5), [[
values are not near
    at [2]: got 2, expected 3 within 0.5
    at [3]: got nan, expected nan within 0.5
    at [4]: got 'a', expected 'b'
    at [5]: got nil, expected 5 within 0.5]])
    test.equal(told(test.near, crescent.tensor { { 1, 2 } }, crescent.tensor { { 1, 3 } }, 0.5),
      'values are not near\n    at [1][2]: got 2, expected 3 within 0.5')
    test.equal(told(test.near, 3, { 3 }, 1), 'values are not near\n    got 3, expected { 3 }')
  end)
  test.case('needs a tolerance', function()
    test.equal(told(test.near, 1, 1),
      'crescent.test.near: argument 3: expected a number, got nil')
  end)
end)

test.group('test.matches', function()
  test.case('looks for a pattern', function()
    test.equal(told(test.matches, 'layer 12', 'r %d+$'), 'nothing')
    test.equal(told(test.matches, 'layer 12', '^%d'), "expected a match of '^%d', got 'layer 12'")
    test.equal(told(test.matches, nil, 'a'), "expected a match of 'a', got nil")
    test.equal(told(test.matches, 'a', 3),
      'crescent.test.matches: argument 2: expected a string, got 3')
  end)
end)

test.group('test.contains', function()
  test.case('looks into lists and texts', function()
    test.equal(told(test.contains, { 1, { 'a' } }, { 'a' }), 'nothing')
    test.equal(told(test.contains, '100 % of it', '% of'), 'nothing')
    test.equal(told(test.contains, { 1, 2 }, 3), 'expected 3 in it, got { 1, 2 }')
    test.equal(told(test.contains, 'abc', 'B'), "expected 'B' in it, got 'abc'")
    test.equal(told(test.contains, nil, 'B'), "expected 'B' in it, got nil")
    test.equal(told(test.contains, 'abc', 3),
      'crescent.test.contains: argument 2: expected a string, got 3')
  end)
end)

test.group('test.less and test.greater', function()
  test.case('compare numbers and texts', function()
    test.equal(told(test.less, 1, 2), 'nothing')
    test.equal(told(test.greater, 'b', 'a'), 'nothing')
    test.equal(told(test.less, 2, 2), 'expected a value less than 2, got 2')
    test.equal(told(test.greater, 2, 2), 'expected a value greater than 2, got 2')
    test.equal(told(test.less, 0 / 0, 2), 'expected a value less than 2, got nan')
    test.equal(told(test.greater, nil, 2), 'expected a value greater than 2, got nil')
    test.equal(told(test.less, '1', 2), "expected a value less than 2, got '1'")
  end)
  test.case('compare Samples by their medians', function()
    local quick = crescent.statistics.samples({ 1, 2, 3 }, { unit = 'ms' })
    local slow = crescent.statistics.samples({ 4, 5, 6 }, { unit = 'ms' })
    test.equal(told(test.less, quick, slow), 'nothing')
    test.matches(told(test.greater, quick, slow), '^expected a value greater than 5%.00')
  end)
end)

test.group('test.ok', function()
  test.case('says what should have been true', function()
    test.equal(told(test.ok, 1), 'nothing')
    test.equal(told(test.ok, nil), 'expected a true value, got nil')
    test.equal(told(test.ok, false, 'the file is there'), 'the file is there')
  end)
end)

test.group('test.raises', function()
  local function raise() error 'no such file: x.lua' end
  test.case('expects a message or a pattern', function()
    test.equal(told(test.raises, raise, 'no such file: x.lua'), 'nothing')
    test.equal(told(test.raises, raise, { pattern = 'file: %w+%.lua$' }), 'nothing')
    test.equal(told(test.raises, raise, 'no file'), 'messages differ\n    got       no such file: '
      .. 'x.lua\n    expected  no file')
    test.equal(told(test.raises, raise, { pattern = '^x' }),
      "expected an error that matches '^x', got: no such file: x.lua")
    test.equal(told(test.raises, print, 'no file'), 'expected an error, got none: no file')
    test.equal(told(test.raises, function() end, { pattern = '^x' }),
      "expected an error, got none: a match of '^x'")
  end)
  test.case('gives the error as it was thrown', function()
    local thrown = setmetatable({}, { __tostring = function() return 'mine' end })
    test.equal(rawequal(test.raises(function() error(thrown) end, 'mine'), thrown), true)
  end)
  test.case('refuses what is neither', function()
    test.equal(told(test.raises, raise),
      'crescent.test.raises: argument 2: expected a string, got nil')
    test.equal(told(test.raises, 'x', 'y'),
      "crescent.test.raises: argument 1: expected a function, got 'x'")
    test.equal(told(test.raises, raise, { patern = 'x' }),
      "crescent.test.raises: unknown option 'patern' (did you mean 'pattern'?)")
    test.equal(told(test.raises, raise, {}),
      'crescent.test.raises: pattern: expected a string, got nil')
  end)
end)

test.group('groups', function()
  local order = {}
  local function note(name) return function() order[#order + 1] = name end end
  test.before_each(note 'before outside')
  test.after_each(note 'after outside')
  test.group('within a group', function()
    test.before_each(note 'before inside')
    test.after_each(note 'after inside')
    test.case('run hooks from the outside in', function()
      test.equal(order, { 'before outside', 'before inside' })
      note 'the case'()
    end)
  end)
  test.case('run hooks from the inside out, and those of a group that is over no more', function()
    test.equal(order, { 'before outside', 'before inside', 'the case', 'after inside',
      'after outside', 'before outside' })
  end)
  test.case('and cases refuse what is none', function()
    test.equal(told(test.group, nil, print),
      'crescent.test.group: argument 1: expected a string, got nil')
    test.equal(told(test.group, 'name'),
      'crescent.test.group: argument 2: expected a function, got nil')
    test.equal(told(test.case, 3, print),
      'crescent.test.case: argument 1: expected a string, got 3')
    test.equal(told(test.case, 'name', 3),
      'crescent.test.case: argument 2: expected a function, got 3')
    test.equal(told(test.case, 'name', print),
      'crescent.test.case: expected a case of its own, got one inside of a case')
    test.equal(told(test.before_each, 3),
      'crescent.test.before_each: argument 1: expected a function, got 3')
    test.equal(told(test.after_each, 3),
      'crescent.test.after_each: argument 1: expected a function, got 3')
    test.equal(told(test.skip), 'crescent.test.skip: argument 1: expected a string, got nil')
  end)
  local outside = told(test.skip, 'too early')
  test.case('skip nothing outside of a case', function()
    test.equal(outside, 'crescent.test.skip: expected to be called in a case, got none')
  end)
end)
