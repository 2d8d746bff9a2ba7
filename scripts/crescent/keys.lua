--- Tables of options whose names are known.
local blame = require 'crescent.blame'

--- Expects a table to have known keys alone; a mistake is told on the script's line, with the
--- nearest one.
---@param place string      # what the message begins with: 'crescent.report.layout: columns[2]'
---@param given table
---@param known string[]
---@param what? string      # what a key is called; default 'key'
return function(place, given, known, what)
  for key in pairs(given) do
    local found = false
    for _, name in ipairs(known) do found = found or key == name end
    if not found then
      blame("%s: unknown %s '%s'%s", place, what or 'key', tostring(key),
        crescent.did_you_mean(tostring(key), known))
    end
  end
end
