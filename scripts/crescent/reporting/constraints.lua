--- What a recommended row has to fulfil: limits on its figures, and how far a row is from them.
local blame = require 'crescent.blame'
local check_keys = require 'crescent.keys'
local fields = require 'crescent.reporting.fields'
local units = require 'crescent.units'

local constraints = {}

local place = 'crescent.report.recommend: subject_to'
local keys = { 'min', 'max', 'min_ratio', 'max_ratio', 'equals' }

local function shown(value)
  return type(value) == 'number' and units.short(value) or tostring(value)
end

local function check(name, limits)
  if type(limits) ~= 'table' or next(limits) == nil then
    blame('%s.%s: expected limits such as { max = 2 }, got %s', place, name,
      type(limits) == 'table' and 'none' or type(limits))
  end
  check_keys(('%s.%s'):format(place, name), limits, keys)
  for key, value in pairs(limits) do
    local kind = type(value)
    if key ~= 'equals' and kind ~= 'number'
      or key == 'equals' and kind ~= 'number' and kind ~= 'string' and kind ~= 'boolean' then
      blame('%s.%s.%s: expected a number, got %s', place, name, key, kind)
    end
  end
end

--- The value that ratios of a field are of.
local function base_value(base, name)
  local value = fields.number(fields.at(base, name))
  if not value then
    local reason = fields.reason(base, name)
    blame('%s.%s: the baseline has no %s%s', place, name, name, reason and ': ' .. reason or '')
  end
  return value
end

--- One limit: `text` says it, `miss(value)` gives by how much of the limit it is missed, 0 if it is
--- kept.
local function limit(name, key, wanted, base)
  if key == 'equals' then
    return { name = name, text = ('%s = %s'):format(name, shown(wanted)),
      miss = function(value) return value == wanted and 0 or math.huge end }
  end
  local bound = wanted
  local text = shown(wanted)
  if key:find 'ratio' then
    bound = wanted * base_value(base, name)
    text = ('%s (%s of the baseline)'):format(units.number(bound), shown(wanted))
  end
  local upper = key:find 'max' ~= nil
  local scale = bound ~= 0 and math.abs(bound) or 1
  return {
    name = name, bound = bound, upper = upper,
    text = ('%s %s %s'):format(name, upper and '<=' or '>=', text),
    miss = function(value)
      if type(value) ~= 'number' or value ~= value then return math.huge end
      return math.max(0, (upper and value - bound or bound - value) / scale)
    end,
  }
end

--- Whether any limit is a ratio, and which: 'perplexity.max_ratio'.
function constraints.ratio_in(spec)
  local names = {}
  for name, limits in pairs(spec) do
    for key in pairs(type(limits) == 'table' and limits or {}) do
      if key == 'max_ratio' or key == 'min_ratio' then names[#names + 1] = name .. '.' .. key end
    end
  end
  table.sort(names)
  return names[1]
end

--- Refuses what is no constraint.
function constraints.check(spec, rows)
  if type(spec) ~= 'table' then
    blame('%s: expected { NAME = { max = 2 } }, got %s', place, type(spec))
  end
  for name, limits in pairs(spec) do
    if type(name) ~= 'string' then
      blame('%s: expected names with limits, got the key %s', place, tostring(name))
    end
    check(name, limits)
    fields.check(rows, name, place)
  end
end

--- Reads `subject_to`: limits by name, sorted.
---@param base table?   # the baseline's row, for ratios
function constraints.read(spec, base)
  local names, made = {}, {}
  for name in pairs(spec) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    for _, key in ipairs(keys) do
      local wanted = spec[name][key]
      if wanted ~= nil then made[#made + 1] = limit(name, key, wanted, base) end
    end
  end
  return made
end

--- Holds a row against all limits: nil if it keeps them, else why not, the limit, and by how much
--- of it the worst one is missed; by no number if a value is missing.
function constraints.broken(list, row)
  local reason, worst, miss
  for _, one in ipairs(list) do
    local value = fields.at(row, one.name)
    if value == nil then
      local why = fields.reason(row, one.name)
      return ('no %s%s'):format(one.name, why and ': ' .. why or ''), nil, nil
    end
    local by = one.miss(fields.number(value) or value)
    if by > 0 and by > (miss or 0) then
      miss, worst = by, one
      reason = ('%s is %s, not %s'):format(one.name, shown(fields.number(value) or value),
        one.text:sub(#one.name + 2))
    end
  end
  return reason, worst, miss
end

return constraints
