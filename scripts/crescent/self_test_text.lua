--- How crescent.bench.self_test prints: what was told, the noise, and one sentence that says what
--- comparisons are worth on this machine today.
local units = require 'crescent.units'

local self_test = { columns = {}, rows = {}, printers = {} }

local function plain(value) return tostring(value) end
local function count(value) return units.grouped(value) end
local function share(value) return units.percent(value) end

--- What each kind of comparison said, for tables and reports.
self_test.columns.self_test = {
  { 'comparison', plain, 'left' }, { 'done', count }, { 'told', count, nil, 'told apart' },
  { 'share', share },
}

--- '3 %', '0.5 %': as it was asked for.
local function asked(difference)
  return ('%s %%'):format(units.number(100 * difference, 3))
end

function self_test.rows.self_test(made)
  return {
    { comparison = 'with itself', done = made.comparisons, told = made.false_verdicts,
      share = made.false_share },
    { comparison = asked(made.difference) .. ' slower', done = made.slower_comparisons,
      told = made.found, share = made.found_share },
  }
end

--- '12 s', '3 min', '2 h'.
local function seconds(value)
  if value >= 5400 then return ('%.1f h'):format(value / 3600) end
  if value >= 90 then return ('%.0f min'):format(value / 60) end
  return value >= 9.5 and ('%.0f s'):format(value) or units.format(value * 1e3, 'ms')
end

--- 'To tell 1 % takes about 240 pairs (12 s) here, 3 % 28 (1.4 s), 10 % 12 (0.6 s).'
local function needs(made)
  local parts = {}
  for i, need in ipairs(made.needs) do
    local pairs_text = need.pairs and ('%s%s (%s)'):format(count(need.pairs),
      i == 1 and ' pairs' or '', seconds(need.time_s)) or need.absent.pairs
    parts[i] = i == 1
      and ('To tell %s takes %s%s here'):format(asked(need.difference),
        need.pairs and 'about ' or '', pairs_text)
      or ('%s %s'):format(asked(need.difference), pairs_text)
  end
  return table.concat(parts, ', ') .. '.'
end

--- Whether the machine can be trusted, in words.
function self_test.sentence(made)
  return ('In %s of a thing with itself %s said that it differs; a %s slower one was told in %s of '
    .. '%s%s. %s'):format(
    units.counted(made.comparisons, 'comparison'), count(made.false_verdicts),
    asked(made.difference), count(made.found), count(made.slower_comparisons),
    made.wrong_way > 0 and (', and called faster in %s'):format(count(made.wrong_way)) or '',
    needs(made))
end

function self_test.printers.self_test(made, sheet)
  return {
    ('%s a comparison, decode bursts of %s: %s'):format(units.counted(made.pairs, 'pair'),
      tostring(made.work_ms), made.model),
    sheet(),
    ('noise of a pair: %s by quantiles, %s with outliers; false verdicts: at most %s, 95 %% sure')
      :format(share(made.noise), share(made.noise_deviation), share(made.false_share_max)),
    self_test.sentence(made),
  }
end

return self_test
