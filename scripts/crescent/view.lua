--- Read-only views of tables: reading, `#`, pairs, ipairs and tostring work, writing is an error.
---
--- A view is a proxy, so the global pairs and ipairs ask for `__pairs` and `__ipairs` first, as
--- Lua 5.2 does; for plain tables they stay what they were.
local view = {}

local raw_pairs, raw_ipairs = pairs, ipairs

-- luacheck: push ignore 121
function pairs(value)
  local meta = getmetatable(value)
  local custom = type(meta) == 'table' and rawget(meta, '__pairs')
  if custom then return custom(value) end
  return raw_pairs(value)
end

function ipairs(value)
  local meta = getmetatable(value)
  local custom = type(meta) == 'table' and rawget(meta, '__ipairs')
  if custom then return custom(value) end
  return raw_ipairs(value)
end
-- luacheck: pop

local function sorted_keys(values)
  local keys = {}
  for key in raw_pairs(values) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

local function text_of(value, indent)
  if type(value) ~= 'table' then return tostring(value) end
  if #value > 0 and type(value[1]) ~= 'table' then
    local parts = {}
    for i = 1, math.min(#value, 16) do parts[i] = tostring(value[i]) end
    if #value > 16 then parts[17] = ('... (%d in all)'):format(#value) end
    return '{ ' .. table.concat(parts, ', ') .. ' }'
  end
  local lines = {}
  for _, key in raw_ipairs(#value > 0 and {} or sorted_keys(value)) do
    lines[#lines + 1] = ('%s%s = %s'):format(indent, key, text_of(value[key], indent .. '  '))
  end
  for i = 1, #value do
    lines[#lines + 1] = ('%s[%d]\n%s'):format(indent, i, text_of(value[i], indent .. '  '))
  end
  return table.concat(lines, '\n')
end

--- Makes a view of a table and, lazily, of the tables inside it.
---@param values table
---@param owner string  # what the error about writing names: 'model.config'
---@return userdata
function view.of(values, owner)
  local proxy = newproxy(true)
  local meta = getmetatable(proxy)
  local inner = {}
  local function get(key)
    local value = values[key]
    if type(value) ~= 'table' then return value end
    if not inner[key] then
      local place = type(key) == 'number' and '[%d]' or '.%s'
      local name = owner .. place:format(key)
      inner[key] = view.of(value, name)
    end
    return inner[key]
  end
  --- The position in a list that a caller means: from 1, or from the end if negative.
  local function place_of(key)
    local count = #values
    if key == 0 then
      error(('%s[0]: positions count from 1 (or -1 from the end)'):format(owner), 3)
    elseif key % 1 ~= 0 or math.abs(key) > count then
      error(('%s[%s] is out of range: it has %d'):format(owner, tostring(key), count), 3)
    end
    return key > 0 and key or count + 1 + key
  end
  local function nearest(name)
    local names = {}
    for key in raw_pairs(values) do
      if type(key) == 'string' then names[#names + 1] = key end
    end
    return crescent.did_you_mean(name, names)
  end
  meta.__name = 'crescent.View'
  meta.__view = values
  meta.__index = function(_, key)
    if type(key) == 'number' and (values[1] ~= nil or next(values) == nil) then
      return (get(place_of(key)))
    end
    local value = get(key)
    if value == nil then
      local name = tostring(key)
      error(("%s has no field '%s'%s"):format(owner, name, nearest(name)), 2)
    end
    return value
  end
  meta.__newindex = function(_, key)
    error(('%s is read-only: a model never changes; cannot set %s'):format(owner, tostring(key)), 2)
  end
  meta.__len = function() return #values end
  meta.__tostring = function() return text_of(values, '') end
  meta.__pairs = function()
    local key
    return function()
      key = next(values, key)
      if key ~= nil then return key, get(key) end
    end
  end
  meta.__ipairs = function()
    local i = 0
    return function()
      i = i + 1
      if values[i] ~= nil then return i, get(i) end
    end
  end
  return proxy
end

return view
