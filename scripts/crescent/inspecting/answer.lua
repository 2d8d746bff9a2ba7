--- How the functions of crescent.inspect answer: as rows, sorted if asked, and what a function has
--- to say or to draw besides them.
local input = require 'crescent.inspecting.input'
local rows = require 'crescent.rows'

local answer = {}

--- Refuses to sort by what no row has, and says why they haven't.
local function check_sort(name, list, by)
  local reason
  for _, row in ipairs(list) do
    if row[by] ~= nil then return end
    reason = reason or row.absent and row.absent[by]
  end
  if reason then input.refuse(name, "option 'sort_by': no row has '%s': %s", by, reason) end
end

--- What is no number is missing: it can't be sorted, and JSON can't say it. An empty `absent` says
--- nothing.
local function tidy(list)
  for _, row in ipairs(list) do
    for field, value in pairs(row) do
      if type(value) == 'number' and (value ~= value or math.abs(value) == math.huge) then
        row[field] = nil
        row.absent[field] = value ~= value
          and 'not a number; crescent.inspect.health(model) says which weights are none'
          or 'infinite'
      end
    end
    if next(row.absent) == nil then row.absent = nil end
  end
end

--- Makes the answer: rows of `spec` (crescent.rows), in the order that the options ask for.
---@param extras? table                # further fields and methods of these rows
---@param printer? fun(rows): string   # how they print, if not as rows do
function answer.of(name, list, options, spec, extras, printer)
  tidy(list)
  if options.sort_by then check_sort(name, list, options.sort_by) end
  local made = rows.of(list, spec)
  if options.sort_by then
    made = made:sort(options.sort_by, { descending = options.descending })
  end
  if extras then
    local meta = getmetatable(made)
    local of_rows = meta.__index
    function meta.__index(list_, key)
      if extras[key] ~= nil then return extras[key] end
      return of_rows(list_, key)
    end
  end
  if printer then getmetatable(made).__tostring = printer end
  return made
end

return answer
