--- How far a value is from a baseline, and whether that can be told.
local fields = require 'crescent.reporting.fields'

local ratio = {}

local times = { ms = true, s = true, us = true, ns = true }

--- Whether 'faster' and 'slower' are the words for a unit.
function ratio.is_time(unit) return times[unit] == true end

local words = {
  [true] = { less = 'faster', more = 'slower' },
  [false] = { less = 'less', more = 'more' },
}

local function all_positive(values)
  for _, value in ipairs(values) do
    if value <= 0 then return false end
  end
  return true
end

local function interval_of(samples, confidence)
  return crescent.statistics.samples(samples.values,
    { unit = samples.unit, confidence = confidence }).interval
end

--- The ratio of two Samples with its interval, as crescent.bench.compare { runs = } makes it: from
--- the low end of one median over the high end of the other to the reverse, each asked to miss half
--- as often as the whole may, so that both hold together (Bonferroni).
---@return { ratio: number, low: number, high: number, confidence: number }?   # nil without a ratio
function ratio.of_samples(samples, base, confidence)
  if samples.unit ~= base.unit then return nil end
  if not (all_positive(samples.values) and all_positive(base.values)) then return nil end
  local each = 1 - 0.5 * (1 - confidence)
  local a, b = interval_of(samples, each), interval_of(base, each)
  return {
    ratio = samples.median / base.median, low = a.low / b.high, high = a.high / b.low,
    confidence = 1 - (1 - a.confidence) - (1 - b.confidence),
  }
end

--- The verdict on such a ratio: 'cannot tell' too if there were too few values for the confidence.
function ratio.verdict(found, unit, confidence, same_within)
  local word = words[ratio.is_time(unit)]
  if found.confidence < confidence - 1e-9 then return 'cannot tell' end
  if found.low >= 1 - same_within and found.high <= 1 + same_within then
    return 'no difference'
  elseif found.high < 1 then
    return word.less
  elseif found.low > 1 then
    return word.more
  end
  return 'cannot tell'
end

--- Whether two values can be told apart: intervals that don't overlap, and enough values for them.
--- Plain numbers are taken as exact.
---@return boolean told
---@return 'equal'|'few'|'overlap'|nil why_not
function ratio.told(a, b)
  local function ends(value)
    if not fields.is_samples(value) then return value, value, 1 end
    return value.interval.low, value.interval.high, value.interval.confidence
  end
  local a_low, a_high, a_sure = ends(a)
  local b_low, b_high, b_sure = ends(b)
  if a_sure == 1 and b_sure == 1 and a_low == b_low and a_high == b_high then
    return false, 'equal'
  end
  if math.min(a_sure, b_sure) < ratio.confidence_min then return false, 'few' end
  if a_high < b_low or b_high < a_low then return true end
  return false, 'overlap'
end

--- The least coverage of an interval that something is told from: five values reach 0.94.
ratio.confidence_min = 0.9

return ratio
