--- Tests in Lua: `crescent FILE_spec.lua` runs them, prints what failed and a summary, and exits
--- with 1 if anything failed.
---
--- ```lua
--- local test = require 'crescent.test'
--- test.group('units', function()
---   test.case('formats bytes', function() test.equal(units.format(1024, 'bytes'), '1.0 KiB') end)
--- end)
--- ```
local show = require 'crescent.show'

local test = {}
local groups = {}
local passed, failed = 0, 0

--- A failed expectation: told without a traceback.
local Failure = { __tostring = function(failure) return failure.message end }

local function caller_line(level)
  local info = debug.getinfo(level + 1, 'Sl')
  return ('%s:%d'):format(info.short_src, info.currentline)
end

local function fail(level, message)
  error(setmetatable({ message = caller_line(level + 1) .. ': ' .. message }, Failure), 0)
end

local function equal_values(a, b, seen)
  if a == b or (a ~= a and b ~= b) then return true end
  if type(a) ~= 'table' or type(b) ~= 'table' then return false end
  if seen[a] == b then return true end
  seen[a] = b
  for key, value in pairs(a) do
    if not equal_values(value, b[key], seen) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

local function lines_of(text)
  local lines = {}
  for line in (text .. '\n'):gmatch('(.-)\n') do lines[#lines + 1] = line end
  return lines
end

--- The lines of both texts from the first different one on, at most `lines_max` of each.
local function difference(got, expected)
  local lines_max = 10
  local a, b = lines_of(got), lines_of(expected)
  if #a == 1 and #b == 1 then
    return ('\n    got       %s\n    expected  %s'):format(got, expected)
  end
  local first = 1
  while a[first] == b[first] and a[first] ~= nil do first = first + 1 end
  local out = { ('\n    first difference in line %d'):format(first) }
  for place = first, math.min(#a, first + lines_max - 1) do
    out[#out + 1] = '    got       ' .. a[place]
  end
  for place = first, math.min(#b, first + lines_max - 1) do
    out[#out + 1] = '    expected  ' .. b[place]
  end
  return table.concat(out, '\n')
end

--- Groups cases under a name.
---@param name string
---@param fn fun()
function test.group(name, fn)
  groups[#groups + 1] = name
  fn()
  groups[#groups] = nil
end

--- Runs one case; its name is a sentence that would be false if the code broke.
---@param name string
---@param fn fun()
function test.case(name, fn)
  local ok, problem = xpcall(fn, function(problem)
    if getmetatable(problem) == Failure then return problem.message end
    return debug.traceback(tostring(problem), 2)
  end)
  if ok then
    passed = passed + 1
    return
  end
  failed = failed + 1
  local full = table.concat(groups, ': ')
  print(('not ok  %s%s%s\n  %s'):format(full, full ~= '' and ': ' or '', name, problem))
end

--- Expects equal values; tables are compared by what is in them.
---@param got any
---@param expected any
function test.equal(got, expected)
  if equal_values(got, expected, {}) then return end
  local shown = type(got) == 'string' and type(expected) == 'string'
    and (got:find('\n') or expected:find('\n'))
  fail(2, 'values differ' .. difference(
    shown and got or show(got), shown and expected or show(expected)))
end

--- Expects |got - expected| <= tolerance. Not a number is near nothing.
---@param got number
---@param expected number
---@param tolerance number
function test.near(got, expected, tolerance)
  if type(got) == 'number' and math.abs(got - expected) <= tolerance then return end
  fail(2, ('expected %s within %s, got %s'):format(show(expected), show(tolerance), show(got)))
end

--- Expects a true value.
---@param value any
---@param message? string   # what should have been true
function test.ok(value, message)
  if value then return end
  fail(2, message or ('expected a true value, got %s'):format(show(value)))
end

--- Expects an error whose message, without the position in front, is exactly `message`.
---@param fn fun()
---@param message string
---@return any problem   # the error value as it was thrown
function test.raises(fn, message)
  local ok, problem = pcall(fn)
  if ok then fail(2, 'expected an error, got none: ' .. message) end
  local got = tostring(problem):gsub('^[^\n:]+:%d+: ', '', 1)
  if got ~= message then fail(2, 'messages differ' .. difference(got, message)) end
  return problem
end

--- Ends the run with its summary; crescent calls it at the end of the script.
---@return boolean passed
function test.finish()
  local all = passed + failed
  if all == 0 then
    print('no case was run')
    return false
  end
  print(('%d of %d cases passed'):format(passed, all))
  return failed == 0
end

return test
