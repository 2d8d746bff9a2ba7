--- The points of an experiment: the cross product of named lists, without those that `where` leaves
--- out, with what `derive` adds.
local blame = require 'crescent.blame'
local codec = require 'crescent.experiment.codec'

local grid = {}

local points_max = 1000000

-- What rows have beside parameters and figures.
local taken = { failed = true, absent = true }

local function is_name(name)
  return type(name) == 'string' and not name:find('[^%w_]') and name:find('^[^%d]') ~= nil
end

--- Whether a table has the keys 1 .. n alone.
local function is_list(value)
  local keys = 0
  for _ in pairs(value) do keys = keys + 1 end
  return keys == #value
end

--- The names of the lists in the order in which they are varied, the last one fastest:
--- alphabetical, or as the script says with `order`.
local function names_of(lists, order)
  local names, known = {}, {}
  for name in pairs(lists) do names[#names + 1] = name end
  table.sort(names)
  if not order then return names end
  for i, name in ipairs(order) do
    if lists[name] == nil then
      blame("crescent.experiment: order: '%s' is not in the grid%s", tostring(name),
        crescent.did_you_mean(tostring(name), names))
    end
    known[name] = i
  end
  for _, name in ipairs(names) do known[name] = known[name] or math.huge end
  table.sort(names, function(a, b)
    if known[a] ~= known[b] then return known[a] < known[b] end
    return a < b
  end)
  return names
end

local function check(lists)
  for name, list in pairs(lists) do
    if type(name) ~= 'string' then
      blame('crescent.experiment: grid: expected lists by name, got one at position %s',
        tostring(name))
    elseif taken[name] then
      blame("crescent.experiment: grid: '%s' is a field of every experiment's rows; choose another "
        .. 'name', name)
    elseif not is_name(name) then
      blame("crescent.experiment: grid: expected names such as 'ratio', got '%s'", name)
    elseif type(list) ~= 'table' or not is_list(list) then
      blame('crescent.experiment: grid.%s: expected a list, got %s', name,
        type(list) == 'table' and 'a table with names or gaps' or type(list))
    elseif #list == 0 then
      blame('crescent.experiment: grid.%s: expected at least one value, got an empty list', name)
    end
    local seen = {}
    for i, value in ipairs(list) do
      local text = codec.json(value, ('crescent.experiment: grid.%s[%d]'):format(name, i))
      if seen[text] then
        blame('crescent.experiment: grid.%s: %s is in it twice, at %d and %d', name, text,
          seen[text], i)
      end
      seen[text] = i
    end
  end
end

local function copy(point)
  local made = {}
  for name, value in pairs(point) do made[name] = value end
  return made
end

--- Calls a function of the script's with a copy of the point.
local function ask(name, fn, point)
  local ok, result = pcall(fn, copy(point))
  if not ok then
    if result == 'interrupted' then error(result, 0) end
    blame('crescent.experiment: %s of %s: %s', name, codec.json(point, 'the point'),
      tostring(result))
  end
  return result
end

--- The point with what derive gave; a parameter can be added but not changed.
local function derived(spec, point)
  local added = ask('derive', spec.derive, point)
  if type(added) ~= 'table' then
    blame('crescent.experiment: derive: expected a table of parameters to add, got %s', type(added))
  end
  local made = copy(point)
  for name, value in pairs(added) do
    if taken[name] then
      blame("crescent.experiment: derive: '%s' is a field of every experiment's rows; choose "
        .. 'another name', name)
    elseif not is_name(name) then
      blame("crescent.experiment: derive: expected names such as 'ratio', got '%s'",
        tostring(name))
    end
    local before = point[name]
    local place = 'crescent.experiment: derive: ' .. tostring(name)
    local text = codec.json(value, place)
    if before ~= nil and codec.json(before, place) ~= text then
      blame("crescent.experiment: derive: '%s' is in the grid; choose another name", name)
    end
    made[name] = value
  end
  return made
end

--- Whether the script wants the point.
local function wanted(spec, point)
  local answer = ask('where', spec.where, point)
  if type(answer) ~= 'boolean' then
    blame('crescent.experiment: where: expected true or false, got %s', type(answer))
  end
  return answer
end

--- All points in order, and the names of the parameters: those of the grid, then the derived ones.
---@param spec table   # of crescent.experiment
---@param opt table    # what a grid that is a function gets
---@return table[] points
---@return string[] names
function grid.points(spec, opt)
  local lists = spec.grid
  if type(lists) == 'function' then lists = lists(opt) end
  check(lists)
  local names, total = names_of(lists, spec.order), 1
  for _, name in ipairs(names) do total = total * #lists[name] end
  if total > points_max then
    blame('crescent.experiment: the grid has %s points; at most %s can be kept apart',
      crescent.units.grouped(total), crescent.units.grouped(points_max))
  end
  local points, known = {}, {}
  for _, name in ipairs(names) do known[name] = true end
  for number = 0, total - 1 do
    local point, rest = {}, number
    for place = #names, 1, -1 do
      local list = lists[names[place]]
      point[names[place]] = list[rest % #list + 1]
      rest = math.floor(rest / #list)
    end
    if not spec.where or wanted(spec, point) then
      if spec.derive then point = derived(spec, point) end
      points[#points + 1] = point
    end
  end
  if #points == 0 then
    blame('crescent.experiment: where: expected true for a point at least, got false for all %s',
      crescent.units.grouped(total))
  end
  local extra = {}
  for _, point in ipairs(points) do
    for name in pairs(point) do
      if not known[name] then known[name], extra[#extra + 1] = true, name end
    end
  end
  table.sort(extra)
  for _, name in ipairs(extra) do names[#names + 1] = name end
  return points, names
end

--- 'criterion=taylor ratio=0.3': a point for people, in the order of the grid.
---@param point table
---@param names string[]
---@return string
function grid.label(point, names)
  local parts = {}
  for _, name in ipairs(names) do
    local value = point[name]
    if value ~= nil then
      parts[#parts + 1] = name .. '=' .. (type(value) == 'string' and value
        or codec.text(value))
    end
  end
  return #parts > 0 and table.concat(parts, ' ') or 'the only cell'
end

return grid
