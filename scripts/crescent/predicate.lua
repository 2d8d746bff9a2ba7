--- Conditions on rows, written as text: 'ratio > 0.3 and level == 2'.
local blame = require 'crescent.blame'
local fields = require 'crescent.reporting.fields'

--- What a name in the text gives: a number for Samples, and so on inside of nested tables.
local function readable(value)
  if fields.is_samples(value) then return value.median end
  if type(value) ~= 'table' then return value end
  return setmetatable({}, { __index = function(_, key) return readable(value[key]) end })
end

--- A slip of someone who writes another language.
local function hint(text)
  if text:find('!=', 1, true) then return " (not equal is '~=')" end
  if text:find('&&', 1, true) or text:find('||', 1, true) then
    return " (write 'and' and 'or')"
  end
  local plain = text:gsub('[=~<>]=', '')
  return plain:find('=', 1, true) and " (equal is '==')" or ''
end

local function shown(value)
  if type(value) == 'number' then return tostring(value) end
  return type(value) == 'string' and ("'%s'"):format(value) or 'a ' .. type(value)
end

--- Names that the text may use: those of the row and those given.
local function known_names(row, names)
  local list, seen = { 'math' }, { math = true }
  local function add(name)
    if type(name) == 'string' and not seen[name] then list[#list + 1], seen[name] = name, true end
  end
  for name in pairs(row) do add(name) end
  for name in pairs(type(row.absent) == 'table' and row.absent or {}) do add(name) end
  for _, name in ipairs(names or {}) do
    add(name)
    add(name:match('^[^.]+'))
  end
  return list, seen
end

--- Runs the condition with the row's fields as its names; true or false, or nil and what is wrong.
local function evaluate(chunk, row, names)
  local missing, unknown
  setfenv(chunk, setmetatable({}, { __index = function(_, name)
    local value = rawget(row, name)
    if value ~= nil then return readable(value) end
    local list, seen = known_names(row, names)
    if not seen[name] then
      unknown = ("unknown name '%s'%s"):format(name, crescent.did_you_mean(name, list))
    end
    if name == 'math' then return math end
    missing = true
  end }))
  local ok, result = pcall(chunk)
  if not ok and result == 'interrupted' then error(result, 0) end -- Ctrl-C is the host's
  if unknown then return nil, unknown end
  -- What has no such value doesn't fulfil a condition on it.
  if not ok and missing then return false end
  if not ok then return nil, (tostring(result):gsub('^[^:]*:%d+: ', '', 1)) end
  if result ~= nil and type(result) ~= 'boolean' then
    return nil, 'expected true or false of it, got ' .. shown(result)
  end
  return result == true
end

--- Makes a condition of its text: Lua's operators on the fields of a row, and `math`. Samples count
--- as their median. A row that has no value where one is compared does not fulfil the condition.
---
--- ```lua
--- local wanted = require 'crescent.predicate' ('ratio > 0.3 and level == 2', '--where')
--- print(wanted { ratio = 0.5, level = 2 })
--- ```
--- Raises for a text that is no Lua expression, and, on the first row, for a name that neither the
--- row nor `names` has.
---@param text string
---@param what? string   # what errors begin with; default 'condition'
---@return fun(row: table, names: string[]?): boolean   # `names`: fields that other rows have
local function predicate(text, what)
  what = what or 'condition'
  if type(text) ~= 'string' or not text:find('%S') then
    blame("%s: expected a condition such as 'ratio > 0.3', got %s", what,
      type(text) == 'string' and "''" or type(text))
  end
  local chunk, problem = loadstring('return ' .. text, '=condition')
  if not chunk then
    blame("%s: '%s': %s%s", what, text, problem:gsub('^condition:(%d+): ', function(line)
      return line == '1' and '' or 'line ' .. line .. ': '
    end), hint(text))
  end
  return function(row, names)
    local result, wrong = evaluate(chunk, row, names)
    if wrong then blame("%s: '%s': %s", what, text, wrong) end
    return result
  end
end

return predicate
