--- Rows laid out by two of their fields: for pivots and heat maps.
local blame = require 'crescent.blame'
local fields = require 'crescent.reporting.fields'
local units = require 'crescent.units'

local grid = {}

--- A value as a label: of a number with its name if asked for, 'ratio 0.3'.
function grid.label(name, value, with_name)
  if type(value) ~= 'number' then return tostring(value) end
  return with_name and ('%s %s'):format(name, units.short(value)) or units.short(value)
end

--- Numbers by size, anything else in order of appearance.
local function order(keys)
  for _, key in ipairs(keys) do
    if type(key) ~= 'number' then return keys end
  end
  table.sort(keys)
  return keys
end

--- Lays rows out. Two in one cell are an error that names both; rows without one of the two fields
--- are left out and counted.
---@param spec { rows: string, columns: string, place: string }
---@param number_of fun(row: table): integer
---@return { row_keys: any[], column_keys: any[], at: table<any, table>, left_out: integer }
function grid.make(rows, spec, number_of)
  local made = { row_keys = {}, column_keys = {}, at = {}, left_out = 0 }
  local seen_columns = {}
  for _, row in ipairs(rows) do
    local r, c = fields.at(row, spec.rows), fields.at(row, spec.columns)
    r, c = fields.number(r) or r, fields.number(c) or c
    if r == nil or c == nil then
      made.left_out = made.left_out + 1
    else
      if not made.at[r] then
        made.at[r] = {}
        made.row_keys[#made.row_keys + 1] = r
      end
      if not seen_columns[c] then
        seen_columns[c] = true
        made.column_keys[#made.column_keys + 1] = c
      end
      local there = made.at[r][c]
      if there then
        local difference = fields.difference(there, row)
        blame('%s: rows %d and %d both have %s %s and %s %s%s', spec.place, number_of(there),
          number_of(row), spec.rows, grid.label('', r), spec.columns, grid.label('', c),
          difference and ' (' .. difference .. ')' or '')
      end
      made.at[r][c] = row
    end
  end
  order(made.row_keys)
  order(made.column_keys)
  return made
end

return grid
