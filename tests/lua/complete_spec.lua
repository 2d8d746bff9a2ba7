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

  test.case('offers the options of the call that is open', function()
    test.equal({ words("crescent.load('x', { dty") }, { 'dtype = ', 'dty' })
    test.equal(words("crescent.load('x', { dtype = 'stored', ver"), 'verify = ')
    test.equal(words("crescent.load('x',\n  {\n  dty"), 'dtype = ')
    test.equal(words("crescent.load('x', { dtype = ver"), '')
    test.equal(words("print(crescent.load('a } { b', { dty"), 'dtype = ')
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
