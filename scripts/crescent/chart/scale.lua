--- Scales of charts: from values to a share of an axis' length, and the round values to write
--- beside it.
local units = require 'crescent.units'

local scale = {}

-- Larger multiples that read better on an axis: { smallest value that takes it, factor, unit }.
local steps_of_unit = {
  bytes = { { 1024 ^ 4, 'TiB' }, { 1024 ^ 3, 'GiB' }, { 1024 ^ 2, 'MiB' }, { 1024, 'KiB' },
    { 1, 'B' } },
  ns = { { 1e9, 's' }, { 1e6, 'ms' }, { 1e3, 'us' }, { 1, 'ns' } },
  us = { { 1e6, 's' }, { 1e3, 'ms' }, { 1, 'us' }, { 1e-3, 'ns' } },
  ms = { { 1e3, 's' }, { 1, 'ms' }, { 1e-3, 'us' }, { 1e-6, 'ns' } },
  s = { { 1, 's' }, { 1e-3, 'ms' }, { 1e-6, 'us' }, { 1e-9, 'ns' } },
}
steps_of_unit.B = steps_of_unit.bytes

local superscripts = { ['-'] = '⁻', ['0'] = '⁰', ['1'] = '¹', ['2'] = '²', ['3'] = '³',
  ['4'] = '⁴', ['5'] = '⁵', ['6'] = '⁶', ['7'] = '⁷', ['8'] = '⁸', ['9'] = '⁹' }

local function power_of_ten(exponent)
  return '10' .. (('%d'):format(exponent):gsub('.', superscripts))
end

--- The multiple of a unit in which a value reads best: its factor and its name.
local function multiple_of(unit, largest)
  local steps = steps_of_unit[unit]
  if not steps then return 1, unit end
  for _, step in ipairs(steps) do
    if largest >= step[1] then return step[1], step[2] end
  end
  return steps[#steps][1], steps[#steps][2]
end

--- What values up to `largest` are divided by, and the unit they then have.
local function shown_as(largest, unit)
  if largest == 0 then return 1, unit end
  local factor, name = multiple_of(unit, largest)
  local rest = largest / factor
  if rest >= 1e-3 and rest < 1e5 then return factor, name end
  -- The smallest doubles have no such factor.
  local exponent = math.max(-300, math.floor(math.log10(rest) / 3) * 3)
  local power = power_of_ten(exponent)
  return factor * 10 ^ exponent, name and name ~= '' and power .. ' ' .. name or power
end

--- A step of 1, 2 or 5 times a power of ten that divides a span into about `count` parts.
--- Source: Heckbert 1990, "Nice Numbers for Graph Labels", Graphics Gems.
local function round_step(span, count, whole)
  local raw = span / count
  local base = 10 ^ math.floor(math.log10(raw))
  local share = raw / base
  local step = (share < 1.5 and 1 or share < 3 and 2 or share < 7 and 5 or 10) * base
  return whole and math.max(1, step) or step
end

local function decimals_of(step)
  return math.max(0, -math.floor(math.log10(step) + 1e-9))
end

--- The text of a tick. Zero has no sign.
local function tick_text(value, decimals)
  if decimals > 8 or math.abs(value) >= 1e7 then return units.number(value, 3) end
  local text = (('%%.%df'):format(decimals)):format(value)
  return tonumber(text) == 0 and text:gsub('^-', '') or text
end

local function range_of(values)
  local low, high = math.huge, -math.huge
  for _, value in ipairs(values) do low, high = math.min(low, value), math.max(high, value) end
  if low > high then return nil end
  return low, high
end

--- A range that is wide enough to divide: around equal values.
local function widened(low, high)
  local largest = math.max(math.abs(low), math.abs(high))
  if high - low > 1e-9 * largest then return low, high end
  if largest == 0 then return 0, 1 end
  if low > 0 then return 0, high * 1.25 end
  return low * 1.25, 0
end

--- Round values `first * step` .. `last * step` with their texts.
local function ticks_between(low, high, step)
  local ticks, decimals = {}, decimals_of(step)
  high = math.min(high, 1.7e308) -- the step above the largest doubles is none
  for i = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6) do
    local value = i * step
    if value < math.huge then
      ticks[#ticks + 1] = { value = value, text = tick_text(value, decimals) }
    end
  end
  return ticks
end

--- Turns a scale's own figures back into those of the chart.
local function finish(made, factor, unit)
  made.factor, made.unit = factor, unit
  for _, tick in ipairs(made.ticks) do tick.at = made.share(tick.value) end
  --- Gives the share of the axis' length at which a value stands.
  function made.place(value) return made.share(value / factor) end
  return made
end

--- Makes a linear scale.
---@param values number[]   # all that it must hold; finite
---@param options { unit: string?, ticks: integer?, zero: boolean?, tight: boolean?,
---  margin: number? }
---@return table  # { low, high, ticks = { { value, text, at } }, place = fun(value), unit, factor }
function scale.linear(values, options)
  local low, high = range_of(values)
  if not low then low, high = 0, 1 end
  local factor, unit = shown_as(math.max(math.abs(low), math.abs(high)), options.unit)
  low, high = low / factor, high / factor
  local whole = true
  for _, value in ipairs(values) do whole = whole and (value / factor) % 1 == 0 end
  -- Nearly at zero, zero is where a reader looks from.
  if options.zero or not options.tight and low > 0 and low < 0.4 * high then
    low, high = math.min(low, 0), math.max(high, 0)
  end
  low, high = widened(low, high)
  local step = round_step(high - low, options.ticks or 5, whole)
  local made = {}
  if options.tight then
    local margin = (options.margin or 0) * (high - low)
    made.low, made.high = low - margin, high + margin
  else
    made.low = math.floor(low / step + 1e-6) * step
    made.high = math.ceil(high / step - 1e-6) * step
  end
  made.ticks = ticks_between(made.low, made.high, step)
  function made.share(value) return (value - made.low) / (made.high - made.low) end
  return finish(made, factor, unit)
end

--- The text of 1, 2 or 5 times a power of ten.
local function log_text(digit, exponent)
  if exponent >= -3 and exponent <= 4 then
    return tick_text(digit * 10 ^ exponent, math.max(0, -exponent))
  end
  return (digit > 1 and digit .. '×' or '') .. power_of_ten(exponent)
end

--- 1, 2 and 5 times every power of ten, or powers alone where these are many.
local function log_ticks(low, high)
  local first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
  local digits = last - first <= 2 and { 1, 2, 5 } or { 1 }
  local stride = math.max(1, math.ceil((last - first) / 8))
  local all = {}
  for exponent = first, last, stride do
    for _, digit in ipairs(digits) do
      local value = digit * 10 ^ exponent
      if value < math.huge and value > 0 then
        all[#all + 1] = { value = value, text = log_text(digit, exponent) }
      end
    end
  end
  -- From the last at or below the smallest value to the first at or above the largest.
  local ticks = {}
  for i, tick in ipairs(all) do
    local after, before = all[i + 1], all[i - 1]
    if (not after or after.value > low * (1 + 1e-9))
      and (not before or before.value < high * (1 - 1e-9)) then ticks[#ticks + 1] = tick end
  end
  return ticks
end

--- Makes a logarithmic scale.
---@param values number[]   # those that are not above 0 have no place on it
---@param options { unit: string?, ticks: integer? }
---@return table  # as `linear` gives
function scale.log(values, options)
  local positive = {}
  for _, value in ipairs(values) do
    if value > 0 then positive[#positive + 1] = value end
  end
  local low, high = range_of(positive)
  if not low then low, high = 1, 10 end
  local factor, unit = 1, options.unit
  if high < 1e300 and low > 1e-300 then factor, unit = multiple_of(options.unit, high) end
  low, high = low / factor, high / factor
  if high / low < 1 + 1e-9 then
    low, high = math.max(low / 2, 5e-324), math.min(high * 2, 1.7e308)
  end
  local ticks
  if high / low < 4 then
    -- Within less than a decade a linear scale's ticks are rounder.
    local step = round_step(high - low, options.ticks or 5)
    ticks = ticks_between(math.max(step, math.floor(low / step + 1e-6) * step),
      math.ceil(high / step - 1e-6) * step, step)
  else
    ticks = log_ticks(low, high)
  end
  local made = { ticks = ticks, log = true }
  made.low = math.min(low, ticks[1] and ticks[1].value or low)
  made.high = math.max(high, ticks[#ticks] and ticks[#ticks].value or high)
  local base, length = math.log10(made.low), math.log10(made.high) - math.log10(made.low)
  function made.share(value) return (math.log10(value) - base) / length end
  return finish(made, factor, unit)
end

--- Makes a scale of categories, each with a part of the axis of equal length.
---@param labels string[]
---@return table  # as `linear` gives; `place` takes a category's number; `band` is a part's share
function scale.categories(labels)
  local count = math.max(1, #labels)
  local made = { ticks = {}, low = 0.5, high = count + 0.5, band = 1 / count, categories = true }
  function made.share(value) return (value - 0.5) / count end
  for i, label in ipairs(labels) do made.ticks[i] = { value = i, text = label } end
  return finish(made, 1, nil)
end

--- The title of an axis with its unit: 'latency (ms)'.
---@param axis { name: string?, title: string?, log: boolean? }
---@param made table  # its scale
---@return string
function scale.title(axis, made)
  local title = axis.title or axis.name or ''
  local notes = {}
  if title == axis.name and (axis.unit or '') ~= '' and not made.categories then
    -- latency_ms_p95 in seconds is latency_p95 (s).
    local before, after = title:match('^(.+)_' .. axis.unit:gsub('%p', '%%%0') .. '(.*)$')
    if before and (after == '' or after:find('^_')) then title = before .. after end
  end
  if made.unit and made.unit ~= '' then
    -- A title that has the unit already needs no second one.
    local known = ('[(,] *%s *[),]'):format((made.unit:gsub('%p', '%%%0')))
    if not title:find(known) then notes[1] = made.unit end
  end
  if made.log then notes[#notes + 1] = 'log scale' end
  if #notes == 0 then return title end
  if title == '' then return table.concat(notes, ', ') end
  return ('%s (%s)'):format(title, table.concat(notes, ', '))
end

return scale
