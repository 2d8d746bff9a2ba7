local test = require 'crescent.test'
local complete = require 'crescent.complete'

--- The words for `text`, and what they take the place of.
local function words(text)
  local list, replaced = complete(text)
  return table.concat(list, ' '), text:sub(#text - replaced + 1)
end

test.group('complete', function()
  test.case('offers globals and keywords', function()
    test.equal(words('cresc'), 'crescent')
    test.equal(words('x = toS'), '')
    test.equal(words('print(tost'), 'tostring')
    test.equal(words('whi'), 'while')
  end)

  test.case('offers fields of tables', function()
    test.equal(words('math.flo'), 'floor')
    test.equal(words('crescent.thr'), 'threads')
    test.equal(words('x = 1 + crescent.api().'), '')
  end)

  test.case('offers modules that are not loaded yet', function()
    test.equal(words('crescent.unit'), 'units')
    test.equal(rawget(crescent, 'units'), nil)
  end)

  test.case('offers methods of strings', function()
    some_text = 'x' -- luacheck: ignore
    test.equal(words('some_text:gs'), 'gsub')
  end)

  test.case('offers documented names behind a question mark', function()
    test.equal({ words('?crescent.thr') }, { 'crescent.threads', 'crescent.thr' })
  end)

  test.case('offers commands behind a colon, and what they take', function()
    test.equal(words(':'), 'help save  sql  time ')
    test.equal({ words(':s') }, { 'save  sql ', 's' })
    test.equal(words(':time crescent.thr'), 'threads')
    test.equal(words(':time for i = 1, 2 do\nprint(tost'), 'tostring')
    test.equal({ words(':help crescent.thr') }, { 'crescent.threads', 'crescent.thr' })
    test.equal(words(':sql tost'), '')
    test.equal(words(':save! tost'), '')
    test.equal(words('some_name:'), '')
  end)

  test.case('offers the options of the call that is open', function()
    test.equal({ words("crescent.load('x', { dty") }, { 'dtype = ', 'dty' })
    test.equal(words("crescent.load('x', { dtype = 'stored', ver"), 'verify = ')
    test.equal(words("crescent.load('x',\n  {\n  dty"), 'dtype = ')
    test.equal(words("crescent.load('x', { dtype = ver"), '')
    test.equal(words("print(crescent.load('a } { b', { dty"), 'dtype = ')
  end)

  test.case('offers what a module holds that is not loaded yet', function()
    test.equal(words('crescent.units.for'), 'format')
    test.equal(words('x = crescent.table.'), 'csv markdown text')
    test.equal(rawget(crescent, 'units'), nil)
    test.equal(package.loaded['crescent.test.nothing'], nil)
    test.equal(words('?crescent.units.gr'), 'grouped')
    test.equal(words('?crescent.uni'), 'crescent.units')
  end)

  test.case('knows what a documented call gives, without calling it', function()
    test.equal(words("crescent.load('nowhere'):gen"), 'generate')
    test.equal(words("crescent.load 'nowhere':gen"), 'generate')
    test.equal(words("crescent.load('nowhere', { dtype = 'stored' }).tokenizer:enc"), 'encode')
    test.equal(words("x = (crescent.load('nowhere')):gen"), 'generate')
    test.equal(words("crescent.load('nowhere'):generate('x').tok"), 'tokens_per_s')
    test.equal(words("crescent.load('nowhere'):generate('x').text:gs"), 'gsub')
    test.equal(words("crescent.load('nowhere'):weights()[1].na"), 'name')
    test.equal(words("crescent.load('nowhere'):generate('x', { temp"), 'temperature = ')
    test.equal(words("crescent.load('nowhere'):session { tok"), 'tokens = ')
    test.equal(words("crescent.load('nowhere'):session{}:fe"), 'feed')
    test.equal(words("('text'):up"), 'upper')
  end)

  test.case('gives nothing for what only a call could tell, and calls nothing', function()
    called = false -- luacheck: ignore
    function call_me() called = true return {} end -- luacheck: ignore
    lazy = setmetatable({}, { __index = call_me }) -- luacheck: ignore
    for _, text in ipairs {
      'call_me().', 'lazy.x.', 'lazy[1].', '{}.', 'nil.', 'x.y:', '1.', '.', ')', '}.', 'f(].x',
    } do
      test.equal(words(text), '')
    end
    test.equal(called, false) -- luacheck: ignore
  end)

  test.case('follows indices, and the tables that a metatable looks into', function()
    local class = { walk = print, name = 'x' }
    class.__index = class
    animals = { { legs = 4 }, by_name = { cat = setmetatable({}, class) } } -- luacheck: ignore
    test.equal(words('animals[1].'), 'legs')
    test.equal(words("animals['by_name'].ca"), 'cat')
    test.equal(words('animals.by_name.cat:'), 'walk')
    test.equal(words('animals.by_name.cat.wa'), 'walk')
    test.equal(words('animals[ 1 + 0 ].'), '')
  end)

  test.case('keeps still inside strings and comments', function()
    test.equal(words("x = 'cresc"), '')
    test.equal(words('-- cresc'), '')
    test.equal(words('x = [[ cresc'), '')
    test.equal(words("x = 'a' .. cresc"), 'crescent')
    test.equal(words("x = 'it\\'s' .. cresc"), 'crescent')
    test.equal(words('-- a comment\ncresc'), 'crescent')
  end)
end)
