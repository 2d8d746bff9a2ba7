--- model:optimize { level = 'auto' }: the fastest level that is near enough the reference.
local option = require 'crescent.leveling.option'
local rows = require 'crescent.rows'

local name = "model:optimize { level = 'auto' }"
local widths = { 'bf16', 'int8', 'int4' } -- from near to far
local tokens_of = { decode = 32, prefill = 64 }

--- Every level, and the last one at every width.
local function candidates_of(model)
  local list = {}
  for _, level in ipairs(crescent.levels.available()) do
    for _, width in ipairs(level == 3 and widths or { false }) do
      list[#list + 1] = { level = level, weights = width or nil,
        name = ('level %d%s'):format(level, width and ' ' .. width or ''),
        model = model:optimize { level = level, weights = width or nil } }
    end
  end
  return list
end

--- Fills in `kl_nats` of each, and gives those within the bound; the reference always is.
local function near_enough(list, options)
  local text = { text = options.text, file = options.file, ids = options.ids,
    window = options.window }
  local near = {}
  for _, one in ipairs(list) do
    one.kl_nats = crescent.eval.agreement(one.model, list[1].model, text).kl_nats
    if one.level == 0 or one.kl_nats <= options.kl_nats_max then
      near[#near + 1] = one
    else
      one.absent = { ratio = 'not timed: its divergence is above the bound' }
    end
  end
  return near
end

--- Fills in times as ratios to level 0's, all measured in turns.
local function time(near, options)
  local candidates = {}
  for i, one in ipairs(near) do candidates[i] = { one.name, one.model } end
  local compared = crescent.bench.compare { measure = options.measure, baseline = near[1].name,
    candidates = candidates, with = { tokens = tokens_of[options.measure] },
    time_s_max = options.time_s_max }
  for i, row in ipairs(compared.rows) do
    near[i].ratio, near[i].low, near[i].high = row.ratio, row.interval.low, row.interval.high
  end
end

--- The first, and so the nearest to the reference, of those that can't be told from the fastest.
local function choose(near)
  local best = near[1]
  for _, one in ipairs(near) do
    if one.ratio < best.ratio then best = one end
  end
  for _, one in ipairs(near) do
    if one.low <= best.high then return one end
  end
end

--- Measures drift and time of every level and gives the model at the fastest whose KL divergence
--- from level 0 is at most `kl_nats_max`; of those that can't be told apart in time, the one
--- nearest to the reference.
---@param model crescent.Model
---@param options table   # `text`, `file` or `ids` to measure drift on; `kl_nats_max` (default
---  0.01), `measure` 'decode' or 'prefill', `window`, `time_s_max` (default 30)
---@return crescent.Model
---@return table rows     # what was measured, with `chosen`
return function(model, options)
  options = option.of_auto(name, options)
  local list = candidates_of(model)
  local near = near_enough(list, options)
  time(near, options)
  local chosen, made = choose(near), {}
  for i, one in ipairs(list) do
    made[i] = { name = one.name, level = one.level, weights = one.weights, kl_nats = one.kl_nats,
      ratio = one.ratio, low = one.low, high = one.high, absent = one.absent,
      chosen = one == chosen }
  end
  return chosen.model, rows.of(made, { kind = 'levels.auto',
    title = ('%s: time over that of level 0'):format(options.measure),
    columns = { { 'name' }, { 'ratio' }, { 'low' }, { 'high' }, { 'kl_nats' }, { 'chosen' } } })
end
