-- Prefill: taking in a prompt at every level, against its FLOPs at the matrix peak.
local support = require 'support'

local opt = support.options('Measures prefill at every level.', {
  tokens = { 'tokens of each prompt', default = { 64, 512 }, list = true, type = 'integer' },
})
local run = support.start('prefill', opt)
local model = crescent.preset('gpt2', { seed = 1 })
local levels = support.levels(model)

for _, tokens in ipairs(opt.tokens) do
  local flops = support.flops_of_prefill(model, tokens)
  local made = run:compare { measure = 'prefill', candidates = support.candidates(levels),
    baseline = 'level 1', with = { tokens = tokens } }
  for _, level in ipairs(levels) do
    run:add {
      measure = ('prefill %d, %s'):format(tokens, level.name), ours = made[level.name].time,
      level_1 = made['level 1'].time, ratio = support.ratio(made[level.name], made['level 1']),
      limit = function(limits) return flops / support.peak(limits, level.width) / 1e6 end,
    }
  end
end
run:finish()
