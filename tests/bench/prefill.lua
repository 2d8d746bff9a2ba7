-- Prefill: taking in a prompt at every level, against its FLOPs at the matrix peak.
local support = require 'support'

local opt = support.options('Measures prefill at every level.', {
  tokens = { 'tokens of each prompt', default = { 64, 512 }, list = true, type = 'integer' },
})
local run = support.start('prefill', opt)
local model = crescent.preset('gpt2', { seed = 1 })
local levels = support.levels(model)

--- How much faster than fp32's multiply-adds the fastest ones of a width are.
local function faster(limits, width) return support.peak(limits, width) / limits.fp32_gflop_s end

for _, tokens in ipairs(opt.tokens) do
  local flops = support.flops_of_prefill(model, tokens)
  local candidates = {}
  for i, level in ipairs(levels) do candidates[i] = { level.name, level.model } end
  candidates[#candidates + 1] = { 'multiplying', { flops = flops } }
  local made = run:compare { measure = 'prefill', candidates = candidates, baseline = 'level 1',
    with = { tokens = tokens } }
  for _, level in ipairs(levels) do
    local row = made[level.name]
    run:add {
      measure = ('prefill %d, %s'):format(tokens, level.name), ours = row.time,
      level_1 = made['level 1'].time, ratio = support.ratio(row, made['level 1']),
      limit = function(limits)
        return made.multiplying.time.value / faster(limits, level.width)
      end,
      share = function(limits)
        return support.derived(support.share_in_turn(made.multiplying, row), 'share',
          function(share) return share / faster(limits, level.width) end)
      end,
    }
  end
end
run:finish()
