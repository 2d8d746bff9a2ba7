--- How the functions of crescent.inspect answer: as rows, sorted if asked, and what a function has
--- to say or to draw besides them.
local input = require 'crescent.inspecting.input'
local rows = require 'crescent.rows'

local answer = {}

--- Names that rows can be sorted by: the columns, and whatever else in the rows has an order.
local function sortable(list, columns)
  local names, seen = {}, {}
  local function add(name)
    if not seen[name] then names[#names + 1], seen[name] = name, true end
  end
  for _, column in ipairs(columns) do add(type(column) == 'table' and column[1] or column) end
  for _, row in ipairs(list) do
    for name, value in pairs(row) do
      if type(value) ~= 'table' then add(name) end
    end
    for name in pairs(row.absent) do add(name) end
  end
  return names, seen
end

--- Refuses to sort by what isn't there.
local function check_sort(name, list, by, columns)
  local names, seen = sortable(list, columns)
  if not seen[by] then
    input.refuse(name, "option 'sort_by': expected a column's name, got '%s'%s", by,
      crescent.did_you_mean(by, names))
  end
  local reason
  for _, row in ipairs(list) do
    if row[by] ~= nil then return end
    reason = reason or row.absent[by]
  end
  if reason then input.refuse(name, "option 'sort_by': no row has '%s': %s", by, reason) end
end

--- An empty `absent` says nothing.
local function tidy(list)
  for _, row in ipairs(list) do
    if next(row.absent) == nil then row.absent = nil end
  end
end

--- Makes the answer: rows of `spec` (crescent.rows), in the order that the options ask for.
---@param extras? table   # further fields and methods of these rows, and `text`: how they print
function answer.of(name, list, options, spec, extras)
  if options.sort_by then check_sort(name, list, options.sort_by, spec.columns) end
  tidy(list)
  local made = rows.of(list, spec)
  if options.sort_by then
    made = made:sort(options.sort_by, { descending = options.descending })
  elseif options.descending ~= nil then
    input.refuse(name, "option 'descending': it goes with sort_by")
  end
  if extras then
    local meta = getmetatable(made)
    local of_rows = meta.__index
    function meta.__index(list_, key)
      if extras[key] ~= nil then return extras[key] end
      return of_rows(list_, key)
    end
    if extras.text then meta.__tostring = extras.text end
  end
  return made
end

return answer
