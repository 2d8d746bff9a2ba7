--- What two values differ in, as people want to read it.
local show = require 'crescent.show'
local units = require 'crescent.units'
local values = require 'crescent.values'

local difference = {}

local is_tensor = values.is_tensor

local lines_max = 10 -- of each text, and differences of tables
local width_max = 80 -- of a value beside its path
local context = 20 -- bytes of a long text in front of what differs

local function lines_of(text)
  local lines = {}
  for line in (text .. '\n'):gmatch('(.-)\n') do lines[#lines + 1] = line end
  return lines
end

--- The lines of both texts from the first different one on, at most `lines_max` of each.
local function of_texts(got, expected)
  local a, b = lines_of(got), lines_of(expected)
  if #a == 1 and #b == 1 then
    return { 'got       ' .. got, 'expected  ' .. expected }
  end
  local first = 1
  while a[first] == b[first] and a[first] ~= nil do first = first + 1 end
  local out = { ('first difference in line %d'):format(first) }
  for place = first, math.min(#a, first + lines_max - 1) do
    out[#out + 1] = 'got       ' .. a[place]
  end
  for place = first, math.min(#b, first + lines_max - 1) do
    out[#out + 1] = 'expected  ' .. b[place]
  end
  return out
end

--- Gives what is different in two messages, on lines of their own.
---@param got string
---@param expected string
---@return string
function difference.messages(got, expected)
  return '\n    ' .. table.concat(of_texts(got, expected), '\n    ')
end

local function path_of(path, key)
  if type(key) == 'string' and key:match('^[%a_][%w_]*$') then return path .. '.' .. key end
  return ('%s[%s]'):format(path, type(key) == 'string' and show(key) or tostring(key))
end

--- A value in a few words.
local function brief(value)
  local text = show(value)
  if #text <= width_max and not text:find('\n') then return text end
  if type(value) == 'table' and not text:match('^%S+ ') then
    local count = 0
    for _ in pairs(value) do count = count + 1 end
    return ('a table of %d'):format(count)
  end
  return (text:match('^[^\n]*'):sub(1, width_max - 4) .. ' ...')
end

--- Where two long texts begin to differ, and what stands there.
local function parts_of(got, expected)
  local at = 1
  while got:byte(at) == expected:byte(at) do at = at + 1 end
  local from = math.max(1, at - context)
  local function part(text)
    local cut = text:sub(from, at + context)
    return (from > 1 and '... ' or '') .. show(cut) .. (#text > at + context and ' ...' or '')
  end
  return at, part(got), part(expected)
end

--- 'at .name: got 'a', expected 'b''; what prints alike is told apart.
local function at(path, got, expected)
  local a, b = brief(got), brief(expected)
  if type(got) == 'number' and type(expected) == 'number' and a == b then
    a, b = units.exact(got), units.exact(expected)
  elseif type(got) == 'string' and type(expected) == 'string'
    and (#got > width_max or #expected > width_max) then
    local place
    place, a, b = parts_of(got, expected)
    path = ('%s, byte %d'):format(path, place)
  elseif a == b then
    b = 'another value that prints the same'
  end
  return ('%sgot %s, expected %s'):format(path ~= '' and 'at ' .. path .. ': ' or '', a, b)
end

--- The keys of both tables: positions and other numbers first, then names, then the rest.
local function keys_of(a, b)
  local keys, known = {}, {}
  for _, of in ipairs { a, b } do
    for key in pairs(of) do
      if not known[key] then keys[#keys + 1] = key end
      known[key] = true
    end
  end
  table.sort(keys, function(x, y)
    if type(x) == type(y) and (type(x) == 'number' or type(x) == 'string') then return x < y end
    if type(x) ~= type(y) then return type(x) < type(y) end
    return tostring(x) < tostring(y)
  end)
  return keys
end

--- Walks two values and tells every place where `how.same(got, expected)` doesn't hold.
local function walk(got, expected, how, path, seen)
  got, expected = how.plain(got), how.plain(expected)
  if type(got) ~= 'table' or type(expected) ~= 'table' then
    if not how.same(got, expected) then how.tell(path, got, expected) end
    return
  end
  if seen[got] == expected then return end
  seen[got] = expected
  for _, key in ipairs(keys_of(got, expected)) do
    walk(got[key], expected[key], how, path_of(path, key), seen)
  end
end

--- Gives a line for each place in which `how.same` doesn't hold, at most ten.
local function places(got, expected, how)
  local lines, count = {}, 0
  function how.tell(path, a, b)
    count = count + 1
    local suffix = type(b) == 'number' and how.suffix or ''
    if count <= lines_max then lines[count] = at(path, a, b) .. suffix end
  end
  walk(got, expected, how, '', {})
  if count > lines_max then
    lines[lines_max + 1] = ('and at %s more'):format(units.counted(count - lines_max, 'place'))
  end
  return lines
end

--- Gives a line for each place, at most ten, where numbers are further apart than `tolerance`, or
--- anything else is not equal. Tensors are lists here.
---@param got any
---@param expected any
---@param tolerance number
---@return string[]   # empty: they are near
function difference.far(got, expected, tolerance)
  return places(got, expected, {
    plain = function(value) return is_tensor(value) and value:tolist() or value end,
    same = function(a, b)
      if a == b then return true end
      return type(a) == 'number' and type(b) == 'number' and math.abs(a - b) <= tolerance
    end,
    suffix = ' within ' .. show(tolerance),
  })
end

local function is_table(value) return type(value) == 'table' or is_tensor(value) end

--- Gives what is different in two values that aren't equal, on lines of their own.
---@param got any
---@param expected any
---@return string
function difference.text(got, expected)
  local lines
  if type(got) == 'string' and type(expected) == 'string' then
    local several = got:find('\n') or expected:find('\n')
    lines = of_texts(several and got or show(got), several and expected or show(expected))
  elseif is_table(got) and is_table(expected) then
    local a, b = show(got), show(expected)
    lines = places(got, expected, { plain = values.plain, same = values.equal })
    if #a <= width_max and #b <= width_max and not (a .. b):find('\n') then
      table.insert(lines, 1, 'got       ' .. a)
      table.insert(lines, 2, 'expected  ' .. b)
    end
  else
    local a, b = show(got), show(expected)
    if type(got) == 'number' and type(expected) == 'number' and a == b then
      a, b = units.exact(got), units.exact(expected)
    elseif a == b then
      b = 'another value that prints the same'
    end
    lines = of_texts(a, b)
  end
  return '\n    ' .. table.concat(lines, '\n    ')
end

return difference
