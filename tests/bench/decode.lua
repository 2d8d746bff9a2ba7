-- Decode: a token at batch 1 at every level, behind a long context, in a batch, of the small model
-- and of pruned models, against the bytes that it must read.
local support = require 'support'

local opt = support.options('Measures decode at every level.', {
  prompt = { 'tokens before the decoded ones', default = 32, type = 'integer' },
  tokens = { 'decoded tokens', default = 100, type = 'integer' },
  context = { 'tokens of the long context', default = 1000, type = 'integer' },
  removed = { 'percent of heads and neurons; default: 30,50,70, or 50 with --quick', list = true,
    type = 'integer' },
  reference = { 'level 0 too, which takes long', default = false },
})
local run = support.start('decode', opt)
local model = crescent.preset('gpt2', { seed = 1 })
local work = { prompt = opt.prompt, tokens = opt.tokens }

--- Rows of all levels of a model. What a token can't be faster than: its bytes.
local function add_levels(title, levels)
  local made = run:compare { measure = 'decode', candidates = support.candidates(levels),
    baseline = 'level 1', with = work }
  for _, level in ipairs(levels) do
    run:add {
      measure = title .. ', ' .. level.name, ours = made[level.name].time,
      level_1 = made['level 1'].time, ratio = support.ratio(made[level.name], made['level 1']),
      limit = function(limits) return support.read_ms(limits, level.bytes) end,
    }
  end
  return made
end

--- Times a step of every level behind a short context and in one more way.
local function compare_steps(levels, other, context, batch)
  local candidates, cache = {}, nil
  for _, level in ipairs(levels) do
    candidates[#candidates + 1] = { level.name, (support.step(level.model, opt.prompt)) }
    local step
    step, cache = support.step(level.model, context, batch)
    candidates[#candidates + 1] = { level.name .. other, step }
  end
  return run:compare { measure = 'call', candidates = candidates, baseline = 'level 1' }, cache
end

local function add_context(levels)
  local other = (', context %d'):format(opt.context)
  local made, cache = compare_steps(levels, other, opt.context, 1)
  local first = made['level 1' .. other]
  for _, level in ipairs(levels) do
    local short, long = made[level.name], made[level.name .. other]
    run:add {
      measure = 'decode' .. other .. ', ' .. level.name, ours = long.time,
      level_1 = first.time, ratio = support.ratio(long, first),
      limit = function(limits) -- a token behind the short context, and the cache
        return short.time.value + support.read_ms(limits, cache, level.bytes + cache)
      end,
    }
  end
end

local function add_batch(levels, batch)
  local other = (', batch %d'):format(batch)
  local made = compare_steps(levels, other, opt.prompt, batch)
  local first = made['level 1' .. other]
  local function gain(level)
    return support.derived(support.ratio(made[level.name .. other], made[level.name]), 'x',
      function(ratio) return batch / ratio end)
  end
  for _, level in ipairs(levels) do
    local row = made[level.name .. other]
    run:add {
      measure = 'decode' .. other .. ', ' .. level.name, ours = row.time,
      level_1 = first.time, ratio = support.ratio(row, first),
      limit = function(limits) return support.read_ms(limits, level.bytes) end,
    }
    run:add {
      measure = '  tokens/s over batch 1', ours = gain(level), level_1 = gain(levels['level 1']),
      limit = batch,
      share = support.derived(gain(level), 'share', function(value) return value / batch end),
    }
  end
end

--- The small model, whose token is short enough for everything but reading and multiplying to show.
local function add_small()
  local levels = support.levels(crescent.load 'tiny')
  local made, flops = add_levels('tiny', levels), levels['level 1'].bytes / 4 * 2
  for _, level in ipairs(levels) do
    local function above(name)
      return function(limits)
        local least = math.max(support.read_ms(limits, levels[name].bytes),
          flops / limits.fp32_gflop_s / 1e6)
        return support.derived(made[name].time, 'us', function(ms) return 1e3 * (ms - least) end)
      end
    end
    run:add { measure = '  above its bytes and FLOPs, ' .. level.name, ours = above(level.name),
      level_1 = above 'level 1' }
  end
end

--- What a pruned model saves at each level, against the bytes that are gone.
local function add_pruned(percent, whole)
  local ratio = percent / 100
  local smaller = crescent.prune.plan(model,
    { what = { 'heads', 'neurons' }, ratio = { heads = ratio, neurons = ratio } }):apply()
  local pruned = support.levels(smaller, { widths = { 'int8' } })
  local candidates = support.candidates(whole)
  for _, level in ipairs(pruned) do
    candidates[#candidates + 1] = { level.name .. ', pruned', level.model }
  end
  local made = run:compare { measure = 'decode', candidates = candidates, baseline = 'level 1',
    with = work }
  local function saved(level)
    local before = made[level.name]
    return support.derived(support.ratio(made[level.name .. ', pruned'], before), 'ms',
      function(value) return before.time.value * (1 - value) end)
  end
  for i, level in ipairs(pruned) do
    local row, first = made[level.name .. ', pruned'], made['level 1, pruned']
    run:add {
      measure = ('%d %% removed, %s'):format(percent, level.name), ours = row.time,
      level_1 = first.time, ratio = support.ratio(row, first),
      limit = function(limits) return support.read_ms(limits, level.bytes) end,
    }
    local function allowed(limits)
      return support.read_ms(limits, whole[i].bytes - level.bytes, whole[i].bytes)
    end
    run:add {
      measure = '  saved', ours = saved(whole[i]), level_1 = saved(whole['level 1']),
      limit = allowed,
      share = function(limits)
        return support.derived(saved(whole[i]), 'share',
          function(value) return value / allowed(limits) end)
      end,
    }
  end
end

local levels = support.levels(model, { reference = opt.reference })
local cached = support.levels(model)
add_levels('decode', levels)
add_context(cached)
add_batch(cached, 8)
add_small()
for _, percent in ipairs(opt.removed or opt.quick and { 50 } or { 30, 50, 70 }) do
  add_pruned(percent, support.levels(model, { widths = { 'int8' } }))
end
run:finish()
