--- Fields of rows: reached by a name or a path, found in all rows, and why one is missing.
local blame = require 'crescent.blame'
local units = require 'crescent.units'

local fields = {}

--- Whether the value is a `Samples`.
function fields.is_samples(value)
  local meta = type(value) == 'table' and getmetatable(value)
  return type(meta) == 'table' and rawget(meta, '__name') == 'Samples'
end

--- The number that a value compares as: its median if it is a Samples; nil of what is none.
function fields.number(value)
  if fields.is_samples(value) then return value.median end
  if type(value) == 'number' then return value end
  if type(value) == 'cdata' then return tonumber(value) end
end

--- The value at 'name' or 'outer.inner', or nil; a name with a dot in it wins over a path.
function fields.at(row, path)
  local direct = rawget(row, path)
  if direct ~= nil then return direct end
  local value = row
  for part in path:gmatch('[^.]+') do
    if type(value) ~= 'table' then return nil end
    value = value[part]
  end
  return value
end

--- Why the row has no value there, or nil if it doesn't say.
function fields.reason(row, path)
  local absent = rawget(row, 'absent')
  if type(absent) == 'table' and absent[path] then return tostring(absent[path]) end
  local outer, inner = path:match('^(.*)%.([^.]+)$')
  local owner = outer and fields.at(row, outer)
  if type(owner) == 'table' and type(owner.absent) == 'table' and owner.absent[inner] then
    return tostring(owner.absent[inner])
  end
  local failed = rawget(row, 'failed')
  if failed and failed ~= true then return tostring(failed) end
  return failed and 'failed' or nil
end

local function is_scalar(value)
  local kind = type(value)
  return kind == 'number' or kind == 'string' or kind == 'boolean' or kind == 'cdata'
    or fields.is_samples(value)
end

--- What a row says about itself beside its figures.
local about = { absent = true, failed = true }
local depth_max = 3

local function add_names(table_, prefix, depth, found, seen)
  for key, value in pairs(table_) do
    local nested = type(value) == 'table' and not getmetatable(value) and value[1] == nil
      and not (value.low and value.high and value.confidence)
    if type(key) == 'string' and not (about[key] and (prefix == '' or key == 'absent')) then
      local path = prefix .. key
      if is_scalar(value) then
        if not seen[path] then found[#found + 1], seen[path] = path, true end
      elseif nested and depth < depth_max then
        add_names(value, path .. '.', depth + 1, found, seen)
      end
    end
  end
end

local function add_missing(row, found, seen)
  local absent = rawget(row, 'absent')
  for name in pairs(type(absent) == 'table' and absent or {}) do
    if not seen[name] then found[#found + 1], seen[name] = name, true end
  end
end

--- Paths of everything in the rows that a table can show, in alphabetical order, and the same as a
--- set; a field that only has a reason for being missing counts.
function fields.names(rows)
  local found, seen = {}, {}
  for _, row in ipairs(rows) do
    add_names(row, '', 1, found, seen)
    add_missing(row, found, seen)
  end
  table.sort(found)
  return found, seen
end

--- Refuses a name that no row has. Where every row failed, nothing is known about its figures.
---@param place string   # what the error begins with
function fields.check(rows, name, place)
  if #rows == 0 then return end
  local known, seen = fields.names(rows)
  if seen[name] then return end
  local all_failed = true
  for _, row in ipairs(rows) do
    if fields.at(row, name) ~= nil then return end
    all_failed = all_failed and rawget(row, 'failed') ~= nil
  end
  if all_failed then return end
  blame("%s: no row has '%s'%s", place, name, crescent.did_you_mean(name, known))
end

local function shown(value)
  if type(value) == 'number' then return units.number(value) end
  return value == nil and '-' or tostring(value)
end

--- What two rows differ in: 'seed: 1 and 2'; nil if in nothing but Samples.
function fields.difference(a, b)
  local parts = {}
  for _, name in ipairs(fields.names { a, b }) do
    local x, y = fields.at(a, name), fields.at(b, name)
    if x ~= y and not fields.is_samples(x) and not fields.is_samples(y) and #parts < 3 then
      parts[#parts + 1] = ('%s: %s and %s'):format(name, shown(x), shown(y))
    end
  end
  return #parts > 0 and 'they differ in ' .. table.concat(parts, '; ') or nil
end

local units_by_suffix = {
  ms = 'ms', us = 'us', ns = 'ns', s = 's', bytes = 'bytes', j = 'J', w = 'W', nats = 'nats',
}

--- The unit that a name says, last or before a qualifier: 'ms' of 'latency_ms_p95', or nil.
function fields.unit_of_name(name)
  if name:find('_per_', 1, true) then return nil end
  local last, before = name:match('_(%a+)$'), name:match('_(%a+)_%w+$')
  if name == 'bytes' then return 'bytes' end
  return units_by_suffix[last] or before ~= 's' and units_by_suffix[before] or nil
end

--- Parameters that experiments usually vary, although they are numbers.
local usual_points = {
  ratio = true, level = true, layer = true, head = true, seed = true, batch = true,
  threads = true, position = true, window = true,
}

--- Names of the rows' points: what was declared, else texts and what is usually varied.
function fields.points(rows, names)
  local declared = rows.points
  local points, known = {}, {}
  for _, name in ipairs(type(declared) == 'table' and declared or {}) do
    points[#points + 1], known[name] = name, true
  end
  if #points > 0 then return points, known end
  for _, name in ipairs(names or fields.names(rows)) do
    local all_text = true
    for _, row in ipairs(rows) do
      local value = fields.at(row, name)
      if value ~= nil and type(value) ~= 'string' and type(value) ~= 'boolean' then
        all_text = false
      end
    end
    local has_value = false
    for _, row in ipairs(rows) do has_value = has_value or fields.at(row, name) ~= nil end
    if has_value and (all_text or usual_points[name]) then
      points[#points + 1], known[name] = name, true
    end
  end
  return points, known
end

return fields
