--- How comparisons print, of live candidates and of stored runs: a table, and every verdict aloud.
local units = require 'crescent.units'

local compare = { columns = {}, rows = {}, printers = {}, sentences = {} }

local function plain(value) return tostring(value) end
local function count(value) return units.grouped(value) end
local function number(value) return units.number(value) end

--- The baseline's ratio is 1 by definition: nothing to be unsure of.
local function ratio_interval(value, row)
  if row.baseline then return '' end
  return ('%s .. %s'):format(units.number(value.low), units.number(value.high))
end

--- 'no difference within 2 %': a verdict with what it is worth.
local function verdict(value, _, result)
  if value == 'no difference' then
    return 'no difference within ' .. units.percent(result.same_within)
  end
  return value
end

--- '2026-03-01T12:34:56.789Z' to the minute; stored times are UTC.
local function minute(started)
  return (started:gsub('^(.-)T(%d+:%d+).*$', '%1 %2'))
end

compare.columns.compare = {
  { 'name', plain, 'left' }, { 'latency_ms', plain, nil, 'time' }, { 'ratio', number },
  { 'interval', ratio_interval }, { 'drift', number }, { 'verdict', verdict, 'left' },
}

--- The measured value stands under the measure's name.
function compare.columns.compare_runs(made)
  return {
    { 'run', count }, { 'name', plain, 'left' }, { 'model', plain, 'left' },
    { 'started', minute, 'left', 'started (UTC)' }, { 'trials', count },
    { 'value', plain, nil, made.measure }, { 'ratio', number }, { 'interval', ratio_interval },
    { 'verdict', verdict, 'left' },
  }
end

function compare.rows.compare(made) return made.rows end
function compare.rows.compare_runs(made) return made.rows end

--- One verdict in words. `name` is how the row is called, `baseline` what it is held against.
local function sentence(row, result, name, baseline)
  -- Too few values reach less than was asked for.
  local confidence = math.min(row.interval.confidence, result.confidence)
  local sure = ('%s %% interval %s'):format(number(100 * confidence),
    ratio_interval(row.interval, row))
  if row.verdict == 'faster' then
    return ('%s takes %s of the time of %s, %s times as fast (%s).'):format(
      name, units.percent(row.ratio), baseline, units.number(1 / row.ratio, 3), sure)
  elseif row.verdict == 'slower' then
    return ('%s takes %s times as long as %s (%s).'):format(
      name, units.number(row.ratio, 3), baseline, sure)
  elseif row.verdict == 'less' or row.verdict == 'more' then
    return ('%s is %s times %s: %s (%s).'):format(
      name, units.number(row.ratio, 3), baseline, row.verdict, sure)
  elseif row.verdict == 'no difference' then
    return ("%s and %s don't differ by more than %s (%s)."):format(
      name, baseline, units.percent(result.same_within), sure)
  end
  return nil, sure
end

function compare.sentences.compare(made)
  local said = {}
  local baseline = ("'%s'"):format(made.baseline)
  for _, row in ipairs(made.rows) do
    if not row.baseline then
      local name = ("'%s'"):format(row.name)
      local text, sure = sentence(row, made, name, baseline)
      said[#said + 1] = text or ('%s against %s: cannot tell (%s); more time would tell more.')
        :format(name, baseline, sure)
    end
  end
  return table.concat(said, '\n')
end

function compare.sentences.compare_runs(made)
  local said = {}
  local baseline = ('run %d'):format(made.baseline)
  for _, row in ipairs(made.rows) do
    if not row.baseline then
      local name = ('run %d'):format(row.run)
      local text, sure = sentence(row, made, name, baseline)
      -- Of values that are not independent an interval means nothing.
      said[#said + 1] = (text or row.by_trial
        and ('%s against %s: cannot tell (%s).'):format(name, baseline, sure)
        or ('%s against %s: cannot tell; the medians are %s apart.'):format(name, baseline,
          units.percent(math.abs(row.ratio - 1)))):gsub('^r', 'R')
    end
  end
  return table.concat(said, '\n')
end

function compare.printers.compare(made, sheet)
  local lines = { sheet(), compare.sentences.compare(made) }
  local reasons = {}
  for _, row in ipairs(made.rows) do
    local reason = row.absent and row.absent.drift
    if reason and not reasons[reason] then
      reasons[reason] = true
      lines[#lines + 1] = ('no drift: %s'):format(reason)
    end
  end
  if made.run then lines[#lines + 1] = ('stored as run %d'):format(made.run) end
  return lines
end

function compare.printers.compare_runs(made, sheet)
  local lines = { sheet(), compare.sentences.compare_runs(made) }
  for _, note in ipairs(made.notes) do lines[#lines + 1] = 'differs in ' .. note end
  lines[#lines + 1] = 'no drift: stored runs keep no logits to hold against each other'
  return lines
end

return compare
