--- Records of a table as JSON has them, shared by JSON and JSON lines.
local null = require 'crescent.json.null'

local json_record = {}

--- Whether JSON can say the value: it has no NaN and no infinity.
function json_record.is_finite(value)
  return type(value) ~= 'number' or value == value and math.abs(value) ~= math.huge
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
