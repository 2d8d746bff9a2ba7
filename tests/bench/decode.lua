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

--- A row of one level and its time as a share of reading its bytes.
---@param suffix string?  # of the candidates' names, where they are more than the levels
local function add_row(measure, made, level, suffix)
  suffix = suffix or ''
  local row, first = made[level.name .. suffix], made['level 1' .. suffix]
  local reading = made[level.reading]
  run:add {
    measure = measure, ours = row.time, level_1 = first.time, ratio = support.ratio(row, first),
    limit = reading.time, share = support.share_in_turn(reading, row),
  }
end

local function compare(candidates, measure)
  return run:compare { measure = measure, candidates = candidates, baseline = 'level 1',
    with = measure == 'decode' and work or nil }
end

--- Rows of all levels of a model. What a token can't be faster than: reading its bytes.
local function add_levels(title, levels, candidates)
  local made = compare(candidates or support.candidates(levels), 'decode')
  for _, level in ipairs(levels) do add_row(title .. ', ' .. level.name, made, level) end
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
  return compare(support.with_reading(candidates, levels), 'call'), cache
end

--- A token behind a long context can't be faster than one behind a short one and reading the cache.
local function add_context(levels)
  local other = (', context %d'):format(opt.context)
  local made, cache = compare_steps(levels, other, opt.context, 1)
  local first = made['level 1' .. other]
  for _, level in ipairs(levels) do
    local short, long, reading = made[level.name], made[level.name .. other], made[level.reading]
    local part = cache / level.bytes
    run:add {
      measure = 'decode' .. other .. ', ' .. level.name, ours = long.time,
      level_1 = first.time, ratio = support.ratio(long, first),
      limit = short.time.value + reading.time.value * part,
      share = support.by_block('share', function(a, b, read) return (a + read * part) / b end,
        short, long, reading),
    }
  end
end

local function add_batch(levels, batch)
  local other = (', batch %d'):format(batch)
  local made = compare_steps(levels, other, opt.prompt, batch)
  local function gain(level)
    return support.derived(support.ratio(made[level.name .. other], made[level.name]), 'x',
      function(ratio) return batch / ratio end)
  end
  for _, level in ipairs(levels) do
    add_row('decode' .. other .. ', ' .. level.name, made, level, other)
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
  local candidates = support.candidates(levels)
  candidates[#candidates + 1] = { 'multiplying', { flops = levels['level 1'].bytes / 4 * 2 } }
  local made = add_levels('tiny', levels, candidates)
  for _, level in ipairs(levels) do
    local function above(name)
      local row, reading = made[name], made[levels[name].reading]
      local over = support.by_block('x', function(time, read, multiply)
        return 1 - math.max(read, multiply) / time
      end, row, reading, made.multiplying)
      return support.derived(over, 'us', function(part) return 1e3 * row.time.value * part end)
    end
    run:add { measure = '  above its bytes and FLOPs, ' .. level.name, ours = above(level.name),
      level_1 = above 'level 1' }
  end
end

--- What a pruned model saves at each level, against reading the bytes that are gone.
local function add_pruned(percent, whole)
  local ratio = percent / 100
  local smaller = crescent.prune.plan(model,
    { what = { 'heads', 'neurons' }, ratio = { heads = ratio, neurons = ratio } }):apply()
  local pruned = support.levels(smaller, { widths = { 'int8' } })
  local candidates = support.candidates(whole)
  for _, level in ipairs(pruned) do
    candidates[#candidates + 1] = { level.name .. ', pruned', level.model }
  end
  local made = compare(support.with_reading(candidates, pruned), 'decode')
  for i, level in ipairs(pruned) do
    local before, after = made[whole[i].name], made[level.name .. ', pruned']
    local reading, gone = made[whole[i].reading], 1 - level.bytes / whole[i].bytes
    local function saved(old, new)
      return support.derived(support.ratio(new, old), 'ms',
        function(value) return old.time.value * (1 - value) end)
    end
    add_row(('%d %% removed, %s'):format(percent, level.name), made, level, ', pruned')
    run:add {
      measure = '  saved', ours = saved(before, after),
      level_1 = saved(made['level 1'], made['level 1, pruned']),
      limit = reading.time.value * gone,
      share = support.by_block('share', function(old, new, read)
        return (old - new) / (read * gone)
      end, before, after, reading),
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
