-- Runs a model at every optimisation level: is it still the same function, and how much faster?
local verses = require 'text.verses'

return crescent.experiment {
  name = 'levels',
  doc = 'Measures first token, decoding and drift at every level.',
  options = {
    model = { 'a model folder, or the name of an embedded model', default = 'tiny' },
    quick = { 'little text, little time', default = false },
  },
  grid = { level = crescent.levels.available() },
  rounds = 5,
  run = function(point, opt, ctx)
    local model = ctx.load(opt.model):optimize { level = point.level }
    local time_s = opt.quick and 0.1 or 1
    local figures = {
      prefill_ms = crescent.bench.prefill(model, { tokens = 64, time_s_max = time_s }).latency_ms,
      decode_ms = crescent.bench.decode(model, { tokens = 64, time_s_max = time_s }).latency_ms,
    }
    if ctx.round > 1 then return figures end
    -- Nothing is called faster before it is held against the reference.
    local reference = ctx.load(opt.model):optimize { level = 0 }
    local drift = crescent.eval.agreement(model, reference,
      { text = verses.unseen(opt.quick and 5 or 50), window = 128 })
    figures.max_abs_logit, figures.top1 = drift.max_abs_logit, drift.top1
    return figures
  end,
  report = crescent.report.levels(),
}
