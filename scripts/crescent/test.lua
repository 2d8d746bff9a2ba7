--- Tests in Lua: `crescent FILE_spec.lua` runs them, prints what failed and a summary, and exits
--- with 1 if anything failed; `crescent test DIR` runs all that are in a folder.
---
--- ```lua
--- local test = require 'crescent.test'
--- test.group('units', function()
---   test.case('formats bytes', function() test.equal(units.format(1024, 'bytes'), '1.0 KiB') end)
--- end)
--- ```
local difference = require 'crescent.test.difference'
local show = require 'crescent.show'
local values = require 'crescent.values'
local run = require 'crescent.test.run'

local test = {}

--- Where a matcher was called.
local function caller_line(level)
  local info = debug.getinfo(level + 1, 'Sl')
  return ('%s:%d'):format(info.short_src, info.currentline)
end

local function fail(level, message)
  error(run.failure(caller_line(level + 1) .. ': ' .. message), 0)
end

--- Expects an argument of a type; a mistake is told on the line of whoever called the function.
local function check(name, place, kind, value, level)
  if type(value) == kind then return end
  error(('crescent.test.%s: argument %d: expected a %s, got %s'):format(name, place, kind,
    show(value)), (level or 2) + 1)
end

--- Groups cases under a name.
---@param name string
---@param fn fun()
function test.group(name, fn)
  check('group', 1, 'string', name)
  check('group', 2, 'function', fn)
  run.group(name, fn)
end

--- Runs one case; its name is a sentence that would be false if the code broke.
---@param name string
---@param fn fun()
function test.case(name, fn)
  check('case', 1, 'string', name)
  check('case', 2, 'function', fn)
  if run.in_case() then
    error('crescent.test.case: expected a case of its own, got one inside of a case', 2)
  end
  run.case(name, fn)
end

--- Runs fn before each case that comes later in the group, also in groups inside of it.
---@param fn fun()
function test.before_each(fn)
  check('before_each', 1, 'function', fn)
  run.hook('before', fn)
end

--- Runs fn after each case that comes later in the group, also in groups inside of it, and after a
--- case that failed.
---@param fn fun()
function test.after_each(fn)
  check('after_each', 1, 'function', fn)
  run.hook('after', fn)
end

--- Ends a case that can't be run here. It counts neither as passed nor as failed.
---@param reason string
function test.skip(reason)
  check('skip', 1, 'string', reason)
  if not run.in_case() then
    error('crescent.test.skip: expected to be called in a case, got none', 2)
  end
  error(run.skipping(reason), 0)
end

--- Expects equal values; tables and tensors are compared by what is in them.
---@param got any
---@param expected any
function test.equal(got, expected)
  if values.equal(got, expected) then return end
  fail(2, 'values differ' .. difference.text(got, expected))
end

--- Expects |got - expected| <= tolerance: of numbers, or of each number in lists, tables and
--- tensors, where everything else is equal. Not a number is near nothing.
---@param got number|table|crescent.Tensor
---@param expected number|table|crescent.Tensor
---@param tolerance number
function test.near(got, expected, tolerance)
  check('near', 3, 'number', tolerance)
  local far = difference.far(got, expected, tolerance)
  if #far == 0 then return end
  if type(expected) == 'number' then
    fail(2, ('expected %s within %s, got %s'):format(show(expected), show(tolerance), show(got)))
  end
  fail(2, 'values are not near\n    ' .. table.concat(far, '\n    '))
end

--- Expects a true value.
---@param value any
---@param message? string   # what should have been true
function test.ok(value, message)
  if value then return end
  fail(2, message or ('expected a true value, got %s'):format(show(value)))
end

--- Expects a text that a Lua pattern matches somewhere.
---@param text string
---@param pattern string
function test.matches(text, pattern)
  check('matches', 2, 'string', pattern)
  if type(text) == 'string' and text:find(pattern) then return end
  fail(2, ('expected a match of %s, got %s'):format(show(pattern), show(text)))
end

--- Expects an item in a list, or words in a text.
---@param whole table|string
---@param item any
function test.contains(whole, item)
  if type(whole) == 'string' then
    check('contains', 2, 'string', item)
    if whole:find(item, 1, true) then return end
  elseif type(whole) == 'table' then
    for _, value in ipairs(whole) do
      if values.equal(value, item) then return end
    end
  end
  fail(2, ('expected %s in it, got %s'):format(show(item), show(whole)))
end

local function compare(words, got, limit, holds)
  if type(got) == type(limit) and holds(got, limit) then return end
  fail(3, ('expected a value %s than %s, got %s'):format(words, show(limit), show(got)))
end

--- Expects got < limit.
---@param got number|string
---@param limit number|string
function test.less(got, limit)
  compare('less', got, limit, function(a, b) return a < b end)
end

--- Expects got > limit.
---@param got number|string
---@param limit number|string
function test.greater(got, limit)
  compare('greater', got, limit, function(a, b) return a > b end)
end

--- { pattern = '...' } -> the pattern; nil for a message.
local function pattern_of(message)
  if type(message) ~= 'table' then
    return check('raises', 2, 'string', message, 3)
  end
  for key in pairs(message) do
    if key ~= 'pattern' then
      error(("crescent.test.raises: unknown option '%s'%s"):format(tostring(key),
        crescent.did_you_mean(tostring(key), { 'pattern' })), 3)
    end
  end
  if type(message.pattern) ~= 'string' then
    error('crescent.test.raises: pattern: expected a string, got ' .. show(message.pattern), 3)
  end
  return message.pattern
end

--- Expects an error whose message, without the position in front, is exactly `message`, or one that
--- a Lua pattern matches: `test.raises(fn, { pattern = 'no such %w+' })`.
---@param fn fun()
---@param message string|{ pattern: string }
---@return any problem   # the error value as it was thrown
function test.raises(fn, message)
  check('raises', 1, 'function', fn)
  local pattern = pattern_of(message)
  local ok, problem = pcall(fn)
  if ok then
    fail(2, 'expected an error, got none: ' .. (pattern and 'a match of ' .. show(pattern)
      or message))
  end
  local got = tostring(problem):gsub('^[^\n:]+:%d+: ', '', 1)
  if pattern then
    if not got:find(pattern) then
      fail(2, ('expected an error that matches %s, got: %s'):format(show(pattern), got))
    end
  elseif got ~= message then
    fail(2, 'messages differ' .. difference.messages(got, message))
  end
  return problem
end

--- Ends the run with its summary; crescent calls it at the end of the script.
---@return boolean passed
function test.finish() return run.finish() end

return test
