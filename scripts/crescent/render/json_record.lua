--- Records of a table as JSON has them, shared by JSON and JSON lines.
local null = require 'crescent.json.null'

local json_record = {}

--- Whether JSON can say the value: it has no NaN and no infinity.
function json_record.is_finite(value)
  return type(value) ~= 'number' or value == value and math.abs(value) ~= math.huge
end

--- The same value with null for numbers that JSON has not.
function json_record.sayable(value)
  if type(value) ~= 'table' then
    if json_record.is_finite(value) then return value end
    return null
  end
  local made, meta = {}, getmetatable(value)
  for key, item in pairs(value) do made[key] = json_record.sayable(item) end
  -- An empty list stays one.
  if type(meta) == 'table' and rawget(meta, '__json') then
    setmetatable(made, { __json = meta.__json })
  end
  return made
end

--- A record with null for what is missing, or what JSON has no number for.
---@param names string[]
---@param record { values: table, absent: table }
---@param marks { name: string, value: any }[]   # what tells its table from others
function json_record.of(names, record, marks)
  local made, absent = {}, nil
  for _, mark in ipairs(marks or {}) do made[mark.name] = mark.value end
  for _, name in ipairs(names) do
    local value, reason = record.values[name], record.absent[name]
    if value ~= nil and not json_record.is_finite(value) then
      value, reason = nil, value ~= value and 'not a number' or 'infinite'
    end
    if value == nil then made[name] = null else made[name] = value end
    if reason then
      absent = absent or {}
      absent[name] = reason
    end
  end
  made.absent = absent
  return made
end

return json_record
