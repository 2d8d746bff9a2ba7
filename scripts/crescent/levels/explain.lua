--- crescent.levels.explain
local ladder = require 'crescent.leveling.ladder'
local option = require 'crescent.leveling.option'
local rows = require 'crescent.rows'
local units = require 'crescent.units'

local name = 'crescent.levels.explain'
local measures = { 'decode', 'prefill' }
local prompt_tokens, decoded_tokens = 64, 32

--- What a step costs against the one before it, measured in turns with it.
local function gain_of(measure, step, before, time_s)
  local compared = crescent.bench.compare { measure = measure, baseline = 'before',
    candidates = { { 'before', before.model }, { 'this', step.model } },
    with = { tokens = measure == 'decode' and decoded_tokens or prompt_tokens },
    time_s_max = time_s }
  return compared.rows[2]
end

--- How far a step's logits are from level 0's.
local function drift_of(step, reference, text)
  local seen = crescent.eval.agreement(step.model, reference, text)
  return { logit_drift = seen.max_abs_logit / seen.logit_spread, kl_nats = seen.kl_nats,
    top1 = seen.top1 }
end

local function gain_text(gain)
  return ('%s (%s .. %s) %s'):format(units.number(gain.ratio, 3),
    units.number(gain.interval.low, 3), units.number(gain.interval.high, 3), gain.verdict)
end

--- Says of a level that it is slower than the one below, if that is beyond doubt.
local function flag(list, level, measure, gain)
  if gain.verdict ~= 'slower' then return end
  list[#list + 1] = ('level %d is slower than level %d in %s on this model and machine: %s'):format(
    level, level - 1, measure, gain_text(gain))
end

local function measured(steps, options, flags)
  local reference = steps[1].model
  local text = { text = options.text, file = options.file, ids = options.ids,
    window = options.window }
  local pairs_ = (#steps - 1 + #ladder.levels(steps)) * #measures
  local time_s = options.time_s_max / pairs_
  local list = {}
  for i, step in ipairs(steps) do
    local row = { step = step.name, changed = step.changed }
    for field, value in pairs(drift_of(step, reference, text)) do row[field] = value end
    for _, measure in ipairs(i > 1 and measures or {}) do
      local gain = gain_of(measure, step, steps[i - 1], time_s)
      row[measure], row[measure .. '_ratio'] = gain_text(gain), gain.ratio
      row[measure .. '_low'], row[measure .. '_high'] = gain.interval.low, gain.interval.high
      row[measure .. '_verdict'] = gain.verdict
    end
    list[i] = row
  end
  for _, pair in ipairs(ladder.levels(steps)) do
    for _, measure in ipairs(measures) do
      flag(flags, pair.level, measure, gain_of(measure, pair.top, pair.below, time_s))
    end
  end
  list[1].absent = { decode = 'the first', prefill = 'the first' }
  return list
end

local columns = {
  { 'step' }, { 'changed' }, { 'decode', title = 'decode, time over the step before' },
  { 'prefill', title = 'prefill, time over the step before' },
  { 'logit_drift', title = 'logit drift' }, { 'kl_nats' }, { 'top1' },
}

--- Builds a level up pass by pass, and measures what each gains and costs. The steps are levels 0
--- and 1, level 2 without the passes that can be switched off, each of them switched on, and at
--- level 3 the narrower weights, the narrower output head, with `kv` the narrower cache and, where
--- `calibration` gives a text, the scales that are chosen by it.
---
--- With `measure = true` every step is timed against the one before it, in turns (the ratio of
--- times, its 99 % interval and the verdict, for decoding and for the prefill of 64 tokens), and
--- its logits on a text are held against level 0's: the largest difference over the spread of the
--- reference's logits, KL divergence and agreement in the most likely token. A level that is slower
--- than the one below it is named in `notes`, which are printed below the table. Drift counts from
--- level 0 on, gain from the step before.
---
--- ```lua
--- print(crescent.levels.explain(model, { level = 3, measure = true, text = 'In the beginning' }))
--- ```
---@param model crescent.Model
---@param options? table  # `level` (default: the highest); of level 3 `weights`, `head`, `group`,
---  `kv`, `calibration` as model:optimize takes them; `measure` with `text`, `file` or `ids`,
---  `window` (default 128), `time_s_max` (default 60, for all timing)
---@return table rows     # `step`, `changed`; measured ones with `decode_ratio`, `decode_verdict`,
---  `prefill_ratio` ... , `logit_drift`, `kl_nats`, `top1`
return function(model, options)
  options = option.of_explain(name, model, options)
  local steps, flags = ladder.of(model, options), {}
  local list = {}
  if options.measure then
    list = measured(steps, options, flags)
  else
    for i, step in ipairs(steps) do list[i] = { step = step.name, changed = step.changed } end
  end
  return rows.of(list, { kind = 'levels.explain', notes = flags,
    columns = options.measure and columns or { columns[1], columns[2] },
    title = ('What level %d is made of'):format(options.level) })
end
