--- Scales and formatters: no other file formats a number with a unit by hand.
local units = {}

local scales = {
  bytes = { { 1024 ^ 3, 'GiB' }, { 1024 ^ 2, 'MiB' }, { 1024, 'KiB' }, { 1, 'B' } },
  decimal_bytes = { { 1e9, 'GB' }, { 1e6, 'MB' }, { 1e3, 'kB' }, { 1, 'B' } },
  count = { { 1e9, 'B' }, { 1e6, 'M' }, { 1e3, 'k' }, { 1, '' } },
  ns = { { 1e9, 's' }, { 1e6, 'ms' }, { 1e3, 'us' }, { 1, 'ns' } },
  ms = { { 1e3, 's' }, { 1, 'ms' }, { 1e-3, 'us' }, { 1e-6, 'ns' } },
}

local function shown(value)
  return type(value) == 'string' and ("'%s'"):format(value) or type(value)
end

--- Expects arguments of the types that are named, in order; a mistake is told on the line of
--- whoever called the function.
local function check(name, types, ...)
  for i, expected in ipairs(types) do
    local value = select(i, ...)
    if type(value) ~= expected then
      error(('crescent.units.%s: argument %d: expected a %s, got %s'):format(name, i, expected,
        shown(value)), 3)
    end
  end
end

--- Formats a value with the largest scale that it reaches: `units.format(123456, 'bytes')` is
--- '120.6 KiB'.
---@param value number
---@param scale 'bytes'|'decimal_bytes'|'count'|'ns'|'ms'
---@return string
function units.format(value, scale)
  check('format', { 'number' }, value)
  local steps = scales[scale]
  if not steps then
    error("crescent.units.format: argument 2: expected 'bytes', 'decimal_bytes', 'count', 'ns' or "
      .. "'ms', got " .. shown(scale), 2)
  end
  if value ~= value then return 'nan' end
  for i, step in ipairs(steps) do
    if math.abs(value) >= step[1] or i == #steps then
      local scaled = value / step[1]
      local text = scaled == math.floor(scaled) and step[1] == 1 and ('%d'):format(scaled)
        or ('%.1f'):format(scaled)
      return step[2] == '' and text or text .. ' ' .. step[2]
    end
  end
end

--- Formats a whole number with its thousands apart: 124,439,808.
---@param value number
---@return string
function units.grouped(value)
  check('grouped', { 'number' }, value)
  if value ~= value then return 'nan' end
  local text = ('%.0f'):format(value)
  local sign, digits = text:match('^(-?)(%d+)$')
  if not digits then return text end
  return sign .. digits:reverse():gsub('(%d%d%d)', '%1,'):reverse():gsub('^,', '')
end

--- Counts things in words: '1 layer', '12 layers'.
---@param count integer
---@param thing string  # one of them
---@return string
function units.counted(count, thing)
  check('counted', { 'number', 'string' }, count, thing)
  return ('%s %s%s'):format(units.grouped(count), thing, count == 1 and '' or 's')
end

local function decimals_for(value, significant)
  if value == 0 then return 0 end
  return math.max(0, significant - 1 - math.floor(math.log10(math.abs(value))))
end

--- Formats a number with so many significant digits and no exponent where it stays readable.
---@param value number
---@param significant integer?  # default 4
---@return string
function units.number(value, significant)
  significant = significant or 4
  check('number', { 'number', 'number' }, value, significant)
  if value ~= value then return 'nan' end -- whatever its sign
  if math.abs(value) == math.huge then return tostring(value) end
  if value ~= 0 and (math.abs(value) < 1e-4 or math.abs(value) >= 1e12) then
    return ('%.' .. significant - 1 .. 'e'):format(value)
  end
  if value == math.floor(value) then return ('%.0f'):format(value) end
  return ('%.' .. decimals_for(value, significant) .. 'f'):format(value)
end

--- Writes a number with as few digits as give it back exactly: for files that machines read.
---@param value number
---@return string
function units.exact(value)
  check('exact', { 'number' }, value)
  if value ~= value then return 'nan' end
  for digits = 15, 17 do
    local text = ('%.' .. digits .. 'g'):format(value)
    if tonumber(text) == value or digits == 17 then return text end
  end
end

--- Formats a number that someone chose, such as a ratio of 0.3: all of its digits where they are
--- few, else like `number`.
---@param value number
---@return string
function units.short(value)
  check('short', { 'number' }, value)
  local exact, number = units.exact(value), units.number(value)
  return #exact <= #number and exact or number
end

--- Formats a share of 1 as a percentage: `units.percent(0.123)` is '12.3 %'.
---@param share number
---@return string
function units.percent(share)
  check('percent', { 'number' }, share)
  if share ~= share then return 'nan %' end
  return ('%.' .. math.min(decimals_for(share * 100, 3), 3) .. 'f %%'):format(share * 100)
end

--- Formats a median with its spread, both to the digit that the spread leaves meaningful:
--- '12.34 ± 0.05 ms'. Milliseconds become us or s where that reads better.
---@param median number
---@param spread number
---@param unit string
---@return string
function units.plus_minus(median, spread, unit)
  check('plus_minus', { 'number', 'number', 'string' }, median, spread, unit)
  if unit == 'ms' and median < 0.1 then median, spread, unit = median * 1e3, spread * 1e3, 'us' end
  if unit == 'ms' and median >= 1e4 then median, spread, unit = median / 1e3, spread / 1e3, 's' end
  local decimals = math.min(math.max(decimals_for(spread, 1), decimals_for(median, 3)), 6)
  local format = '%.' .. decimals .. 'f'
  local text = format:format(median) .. ' ± ' .. format:format(spread)
  return unit == '' and text or text .. ' ' .. unit
end

return units
