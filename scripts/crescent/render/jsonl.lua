--- Documents as JSON lines: one object a row of any table, with what tells its table from others.
local json_record = require 'crescent.render.json_record'
local records = require 'crescent.render.records'

--- Renders the tables of a document as JSON lines.
---@param document table   # as crescent.reporting.document says
---@return string
return function(document)
  local lines, all = {}, records.of(document, true)
  for _, made in ipairs(all) do
    local marks = records.marks(made, all)
    for _, record in ipairs(made.rows) do
      lines[#lines + 1] = crescent.json.encode(json_record.of(made.names, record, marks)) .. '\n'
    end
  end
  return table.concat(lines)
end
