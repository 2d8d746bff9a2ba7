--- The row that others are held against, and what that says in their cells.
local blame = require 'crescent.blame'
local fields = require 'crescent.reporting.fields'
local ratio = require 'crescent.reporting.ratio'
local units = require 'crescent.units'

local baseline = {}

local function same(value, wanted)
  local number = fields.number(value)
  if number and type(wanted) == 'number' then
    return math.abs(number - wanted) <= 1e-12 * math.abs(wanted)
  end
  return value == wanted
end

--- 'level = 0 and kernel = math'
local function condition_text(wanted)
  local names, parts = {}, {}
  for name in pairs(wanted) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    local value = wanted[name]
    parts[i] = ('%s = %s'):format(name, type(value) == 'number' and units.number(value)
      or tostring(value))
  end
  return table.concat(parts, ' and ')
end

--- Reads { level = 0 }, 'level=0' or function(row).
---@return { pick: fun(row: table): boolean, text: string, names: string[] }
function baseline.read(spec, place)
  if type(spec) == 'function' then
    return { pick = spec, text = "the layout's baseline", names = {}, place = place }
  end
  if type(spec) == 'string' then
    local name, value = spec:match('^%s*([%w_.]+)%s*=%s*(.-)%s*$')
    if not name or value == '' or value:sub(1, 1) == '=' then
      blame("%s: expected 'name=value', got '%s'", place, spec)
    end
    spec = { [name] = tonumber(value) or value }
    if value == 'true' or value == 'false' then spec[name] = value == 'true' end
  end
  if type(spec) ~= 'table' or next(spec) == nil then
    blame("%s: expected fields such as { level = 0 }, 'level=0' or function(row), got %s", place,
      type(spec) == 'table' and 'an empty table' or type(spec))
  end
  local names = {}
  for name in pairs(spec) do
    if type(name) ~= 'string' then
      blame('%s: expected names with values, got %s', place, tostring(name))
    end
    names[#names + 1] = name
  end
  table.sort(names)
  local function pick(row)
    for name, wanted in pairs(spec) do
      if not same(fields.at(row, name), wanted) then return false end
    end
    return true
  end
  return { pick = pick, text = condition_text(spec), names = names, place = place }
end

--- The one row that the baseline means, or nil; two are an error that names both.
function baseline.row_of(self, rows, number_of)
  local found
  for _, row in ipairs(rows) do
    if self.pick(row) then
      if found then
        local difference = fields.difference(found, row)
        blame('%s: rows %d and %d both are %s%s; say what tells them apart, or group_by it',
          self.place, number_of(found), number_of(row), self.text,
          difference and ' (' .. difference .. ')' or '')
      end
      found = row
    end
  end
  return found
end

--- Writes ratio and verdict into a cell that stands beside the baseline's.
---@param cell table
---@param base table   # the baseline's cell of that column
---@param settings { confidence: number, same_within: number }
---@return 'samples'|'few'|nil   # what the notes should say
function baseline.compare(cell, base, settings)
  if not (cell.text and base.text) or cell == base then return nil end
  if cell.samples and base.samples then
    local found = ratio.of_samples(cell.samples, base.samples, settings.confidence)
    if not found then return nil end
    cell.ratio, cell.ratio_low, cell.ratio_high = found.ratio, found.low, found.high
    cell.verdict = ratio.verdict(found, cell.samples.unit, settings.confidence,
      settings.same_within)
    cell.text = ('%s (%s x, %s)'):format(cell.text, units.number(found.ratio, 3), cell.verdict)
    return found.confidence < settings.confidence - 1e-9 and 'few' or 'samples'
  end
  if type(cell.value) ~= 'number' or type(base.value) ~= 'number' or base.value == 0 then
    return nil
  end
  cell.ratio = cell.value / base.value
  cell.text = ('%s (%s x)'):format(cell.text, units.number(cell.ratio, 3))
end

return baseline
