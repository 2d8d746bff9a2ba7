--- Documents as CSV: exact values, one header for all tables. Where there are intervals, NAME_low
--- and NAME_high stand beside NAME; a missing value is an empty cell.
local records = require 'crescent.render.records'
local tables = require 'crescent.table'
local units = require 'crescent.units'

local function raw(value)
  if value == nil then return '' end
  return type(value) == 'number' and units.exact(value) or tostring(value)
end

--- All names of all tables, in order of appearance: first what tells the tables apart.
local function header_of(all)
  local names, seen = {}, {}
  local function add(name)
    if not seen[name] then names[#names + 1], seen[name] = name, true end
  end
  for _, made in ipairs(all) do
    for _, mark in ipairs(records.marks(made, all)) do add(mark.name) end
  end
  for _, made in ipairs(all) do
    for _, name in ipairs(made.names) do add(name) end
  end
  return names
end

--- Renders the tables of a document as CSV (RFC 4180, lines end in \n); several tables become one,
--- in which a row has empty cells for columns of other tables.
---@param document table   # as crescent.reporting.document says
---@return string
return function(document)
  local all = records.of(document, true)
  local spec = { titles = header_of(all), rows = {} }
  for _, made in ipairs(all) do
    local marks = {}
    for _, mark in ipairs(records.marks(made, all)) do marks[mark.name] = mark.value end
    for _, record in ipairs(made.rows) do
      local cells = {}
      for i, name in ipairs(spec.titles) do
        local value = record.values[name]
        if value == nil then value = marks[name] end
        cells[i] = raw(value)
      end
      spec.rows[#spec.rows + 1] = cells
    end
  end
  return #spec.titles > 0 and tables.csv(spec) or ''
end
