--- Recommendations: the best row that keeps some limits, and whether it can be told from the next.
local baseline = require 'crescent.reporting.baseline'
local blame = require 'crescent.blame'
local build = require 'crescent.reporting.build'
local check_keys = require 'crescent.keys'
local class = require 'crescent.reporting.class'
local constraints = require 'crescent.reporting.constraints'
local fields = require 'crescent.reporting.fields'
local grid = require 'crescent.reporting.grid'
local quality = require 'crescent.reporting.quality'
local ratio = require 'crescent.reporting.ratio'
local units = require 'crescent.units'

local place = 'crescent.report.recommend'
local keys = { 'minimise', 'maximise', 'subject_to', 'baseline', 'partial' }
local shown_max = 4 -- rows that print

--- What is asked for: { name, lower } of `minimise` or `maximise`.
local function read_goal(rows, options)
  local down, up = options.minimise, options.maximise
  if (down == nil) == (up == nil) then
    blame("%s: expected either minimise = 'NAME' or maximise = 'NAME', got %s", place,
      down == nil and 'neither' or 'both')
  end
  local name = down or up
  if type(name) ~= 'string' then
    blame("%s: %s: expected a field's name, got %s", place, down and 'minimise' or 'maximise',
      type(name))
  end
  fields.check(rows, name, place .. (down and ': minimise' or ': maximise'))
  return { name = name, lower = down ~= nil, word = down and 'lowest' or 'highest' }
end

local function number_in(rows)
  local numbers = {}
  for i, row in ipairs(rows) do numbers[row] = i end
  return function(row) return numbers[row] end
end

--- The row that ratios are of; asked for if there are ratios.
local function find_base(rows, options)
  local wanted = constraints.ratio_in(options.subject_to or {})
  if options.baseline == nil then
    if wanted then
      blame('%s: subject_to.%s needs baseline = { level = 0 } or the like: the row that it is a '
        .. 'ratio of', place, wanted)
    end
    return nil
  end
  local read = baseline.read(options.baseline, place .. ': baseline')
  for _, name in ipairs(read.names) do fields.check(rows, name, place .. ': baseline') end
  local base = baseline.row_of(read, rows, number_in(rows))
  if not base and #rows > 0 then blame('%s: baseline: no row has %s', place, read.text) end
  return base
end

local function shown(value)
  return type(value) == 'number' and units.number(value) or tostring(value)
end

--- A row by what was varied: 'criterion taylor, ratio 0.3'.
local function namer(rows)
  local points, number_of = fields.points(rows), number_in(rows)
  return function(row)
    local parts = {}
    for _, name in ipairs(points) do
      local value = fields.at(row, name)
      value = fields.number(value) or value
      if value ~= nil then
        parts[#parts + 1] = ('%s %s'):format(name, grid.label(name, value))
      end
    end
    return #parts > 0 and table.concat(parts, ', ') or 'row ' .. number_of(row)
  end
end

--- Rows that keep all limits and have the figure that is asked for, and the others with reasons.
local function divide(rows, goal, limits)
  local feasible, excluded = {}, {}
  for _, row in ipairs(rows) do
    local reason, limit, miss = constraints.broken(limits, row)
    local value = fields.number(fields.at(row, goal.name))
    if rawget(row, 'failed') then
      reason, limit, miss = 'failed: ' .. tostring(row.failed), nil, nil
    elseif not reason and (not value or value ~= value) then
      local why = fields.reason(row, goal.name)
      reason = ('no %s%s'):format(goal.name, why and ': ' .. why or '')
    end
    if reason then
      excluded[#excluded + 1] = { row = row, reason = reason, limit = limit, miss = miss }
    else
      feasible[#feasible + 1] = row
    end
  end
  return feasible, excluded
end

--- Whether the best can be told from all others: true, false, or nil if nothing says how sure the
--- figures are; and the rows that it can't be told from.
local function tell(best, others, goal)
  if #others == 0 then return nil, {} end
  local told, undecided = true, {}
  local value = fields.at(best, goal.name)
  local is_time = ratio.is_time(fields.unit_of_name(goal.name))
  for _, row in ipairs(others) do
    local other = fields.at(row, goal.name)
    if is_time and not (fields.is_samples(value) and fields.is_samples(other)) then
      return nil, {}
    end
    if not ratio.told(value, other) then
      told = false
      undecided[#undecided + 1] = row
    end
  end
  return told, undecided
end

--- 'perplexity <= 22.51 (1.05 of the baseline): 3; no energy_j: no sensor: 2'
local function excluded_text(excluded)
  local order, counts = {}, {}
  for _, entry in ipairs(excluded) do
    local key = entry.limit and ('not ' .. entry.limit.text) or entry.reason
    if not counts[key] then order[#order + 1] = key end
    counts[key] = (counts[key] or 0) + 1
  end
  local parts = {}
  for i, key in ipairs(order) do parts[i] = ('%d: %s'):format(counts[key], key) end
  return table.concat(parts, '; ')
end

local function nearest_of(excluded)
  local nearest
  for _, entry in ipairs(excluded) do
    if entry.miss and entry.miss < math.huge and (not nearest or entry.miss < nearest.miss) then
      nearest = entry
    end
  end
  return nearest
end

local function told_sentence(made, goal, name_of)
  local next_row = made.runners_up[1]
  if not next_row then return 'No other fulfils the conditions.' end
  local text = ('The next is %s with %s'):format(name_of(next_row),
    shown(fields.at(next_row, goal.name)))
  if made.told then return text .. '; the difference can be told.' end
  if made.told == nil then
    return text .. '; whether they differ is not known: single times have no interval.'
  end
  local _, why = ratio.told(fields.at(made.row, goal.name), fields.at(next_row, goal.name))
  if why == 'equal' then return text .. '; they are equal.' end
  if #made.undecided == 1 then
    return ('%s; the recommended one cannot be told from %s.'):format(text,
      made.undecided[1] == next_row and 'it' or name_of(made.undecided[1]))
  end
  return ('%s; the recommended one cannot be told from %d of the runners-up.'):format(text,
    #made.undecided)
end

--- Limits that the row keeps by its median while its interval reaches beyond.
local function doubts(row, limits)
  local parts = {}
  for _, one in ipairs(limits) do
    local value = fields.at(row, one.name)
    if one.bound and fields.is_samples(value) then
      local reach = one.upper and value.interval.high or value.interval.low
      if one.miss(reach) > 0 then
        parts[#parts + 1] = (' It keeps %s by its median; the interval reaches %s.'):format(
          one.text, units.number(reach))
      end
    end
  end
  return table.concat(parts)
end

local function found_sentence(made, goal, limits, rows, name_of)
  local texts = {}
  for i, one in ipairs(limits) do texts[i] = one.text end
  local text = ('%s %s of %s%s: %s with %s. %s'):format(
    goal.word:gsub('^%l', string.upper), goal.name, units.counted(#made.runners_up + 1, 'cell'),
    #texts > 0 and ' with ' .. table.concat(texts, ' and ') or '', name_of(made.row),
    shown(fields.at(made.row, goal.name)), told_sentence(made, goal, name_of))
  text = text .. doubts(made.row, limits)
  if fields.is_samples(fields.at(made.row, goal.name)) and made.runners_up[1]
    and not rows.interleaved then
    text = text .. ' The cells were not interleaved.'
  end
  return text
end

local function none_sentence(made, rows, name_of)
  if #rows == 0 then return 'There are no rows to choose from.' end
  local text = ('None of %s can be recommended.'):format(units.counted(#rows, 'cell'))
  if made.nearest then
    text = ('%s The nearest miss is %s: %s.'):format(text, name_of(made.nearest.row),
      made.nearest.reason)
  end
  return text
end

--- The table that prints: the recommended row first.
local function table_text(made, goal, limits, rows)
  local columns, seen = {}, {}
  local function add(name)
    if not seen[name] then columns[#columns + 1], seen[name] = name, true end
  end
  for _, name in ipairs((fields.points(rows))) do add(name) end
  add(goal.name)
  for _, one in ipairs(limits) do add(one.name) end
  -- A table of times shows what they cost.
  for _, name in ipairs(fields.names(rows)) do
    if quality.is_quality(name) then add(name) end
  end
  local list = { made.row }
  for i = 1, math.min(shown_max - 1, #made.runners_up) do list[i + 1] = made.runners_up[i] end
  local document = class.layout { columns = columns }:build(list)
  local rest = #made.runners_up + 1 - #list
  return require 'crescent.render.text'(document, { compact = true })
    .. (rest > 0 and ('\n... %d more'):format(rest) or '')
end

local meta = { __name = 'recommendation', __tostring = function(made) return made.text end }

local function lines_of(made, goal, limits, rows)
  local lines = { made.sentence }
  if rows.partial then table.insert(lines, 1, 'warning: incomplete: ' .. rows.partial) end
  if made.row then lines[#lines + 1] = table_text(made, goal, limits, rows) end
  if #made.excluded > 0 then lines[#lines + 1] = 'excluded: ' .. excluded_text(made.excluded) end
  return table.concat(lines, '\n')
end

local function check(rows, options)
  rows = build.list_of(rows, place)
  if type(options) ~= 'table' then
    blame("%s: expected options such as { minimise = 'decode_ms' }, got %s", place,
      options == nil and 'nothing' or type(options))
  end
  check_keys(place, options, keys, 'option')
  if rows.partial and not options.partial then
    blame('%s: the sweep is incomplete: %s; { partial = true } chooses from what is there, and '
      .. 'says so', place, tostring(rows.partial))
  end
  if options.subject_to ~= nil then constraints.check(options.subject_to, rows) end
  return rows
end

--- Recommends the row with the lowest or highest figure of those that keep all limits.
---
--- ```lua
--- print(crescent.report.recommend(rows, { minimise = 'decode_ms', baseline = { ratio = 0 },
---   subject_to = { perplexity = { max_ratio = 1.05 }, memory_bytes = { max = 2e9 } } }))
--- ```
--- A limit is { min =, max =, min_ratio =, max_ratio =, equals = }; ratios are of the baseline's
--- value. Samples count as their median. Rows without a value that is needed are excluded.
---@param rows table[]
---@param options table   # `minimise` or `maximise` a field; `subject_to` limits by field;
---  `baseline` as of a layout, needed for ratios; `partial` true for an incomplete sweep
---@return table   # { row = nil if none fits, runners_up = rows, told = true, false or nil if
---  nothing says how sure the figures are, undecided = rows that it can't be told from, excluded =
---  { { row =, reason = } }, nearest = { row =, reason = } if none fits, sentence }
return function(rows, options)
  rows = check(rows, options)
  local list = require 'crescent.rows'
  local goal = read_goal(rows, options)
  local limits = constraints.read(options.subject_to or {}, find_base(rows, options))
  local feasible, excluded = divide(rows, goal, limits)
  local sorted = list.of(feasible, { points = rows.points })
    :sort(goal.name, { descending = not goal.lower })
  local others = {}
  for i = 2, #sorted do others[i - 1] = sorted[i] end
  local made = { row = sorted[1], runners_up = list.of(others, { points = rows.points }),
    excluded = {} }
  local name_of = namer(rows)
  if made.row then
    made.told, made.undecided = tell(made.row, others, goal)
  else
    local nearest = nearest_of(excluded)
    made.nearest = nearest and { row = nearest.row, reason = nearest.reason }
  end
  made.sentence = made.row and found_sentence(made, goal, limits, rows, name_of)
    or none_sentence(made, rows, name_of)
  made.excluded = excluded
  made.text = lines_of(made, goal, limits, rows)
  for i, entry in ipairs(excluded) do
    excluded[i] = { row = entry.row, reason = entry.reason }
  end
  return setmetatable(made, meta)
end
