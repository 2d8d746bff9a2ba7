--- Options that are lists: --cuts 0,0.3,0.5.
local test = require 'crescent.test'

local function read(declaration, ...)
  return crescent.options({ cuts = declaration }, { ... }).cuts
end

test.group('an option that is a list', function()
  test.case('gives a table of checked values', function()
    test.equal(read({ 'x', list = true, type = 'integer' }, '--cuts', '0,30,50'), { 0, 30, 50 })
    test.equal(read({ 'x', list = true }, '--cuts=a'), { 'a' })
    test.equal(read({ 'x', list = true, default = { 0.5 } }, '--cuts', ' 1 , 2.5'), { 1, 2.5 })
  end)
  test.case('has its default, and is nil without one', function()
    test.equal(read { 'x', list = true, default = { 1, 2 } }, { 1, 2 })
    test.equal(read { 'x', list = true }, nil)
  end)
  test.case('is no boolean and not many', function()
    local _, problem = pcall(read, { 'x', list = true, many = true })
    test.ok(problem:find("crescent.options: cuts: 'list' is for an option of one value that is no "
      .. 'boolean', 1, true), problem)
    test.ok(not pcall(read, { 'x', list = true, default = false }))
  end)
end)

local script = [[
crescent.options { 'x',
  cuts = { 'shares that go', list = true, default = { 0, 0.5 }, at_least = 0, at_most = 1 },
  names = { 'which', list = true, choices = { 'a', 'b' } } }
]]

--- What a script with these options says to a command line, and its exit code.
local function said(flags)
  local path = os.tmpname()
  local file = assert(io.open(path, 'w'))
  file:write(script)
  file:close()
  local pipe = io.popen(("'%s' %s %s 2>&1; echo $?"):format(crescent.process.executable(), path,
    flags))
  local text = pipe:read '*a'
  pipe:close()
  os.remove(path)
  return (text:gsub(path:gsub('%p', '%%%0'), 'it.lua'))
end

test.group('on the command line, a list', function()
  local try = '\nTry `crescent it.lua --help`.\n2\n'
  test.case('is checked value by value', function()
    test.equal(said '--cuts 0,1.5',
      "crescent it.lua: --cuts: expected a number >= 0 and <= 1, got '1.5'" .. try)
    test.equal(said '--cuts 0,,1',
      "crescent it.lua: --cuts: expected a number >= 0 and <= 1, got ''" .. try)
    test.equal(said '--names a,c', "crescent it.lua: --names: expected 'a' or 'b', got 'c'" .. try)
  end)
  test.case('has no value twice', function()
    test.equal(said '--cuts 0.5,.5',
      "crescent it.lua: --cuts: expected each value once, got '.5' twice" .. try)
  end)
  test.case('stands so in the help', function()
    test.equal(said '--help', [[
x

Usage: crescent it.lua [OPTION...]

  --cuts NUMBER,...   shares that go (default: 0,0.5)
  --names STRING,...  which ('a' or 'b')
  -h, --help          print this text, and exit
0
]])
  end)
end)
