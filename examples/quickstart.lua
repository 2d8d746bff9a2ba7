-- Prunes a trained model, runs what is left at every level, and weighs what it costs and saves.
local verses = require 'text.verses'
local report = crescent.report

return crescent.experiment {
  name = 'quickstart',
  doc = 'Prunes a model, measures quality, speed, memory and energy at every level, and reports.',
  options = {
    model = { 'a model folder, or the name of an embedded model', default = 'tiny' },
    page = { 'the report', default = 'quickstart.html', identity = false },
    quick = { 'fewer cuts, less text, less time', default = false },
  },
  grid = { removed = { 0, 0.25, 0.5, 0.75 }, level = crescent.levels.available() },
  order = { 'removed', 'level' },
  rounds = 5, -- of every cell, in random orders, so that no cell has the machine's best moment
  run = function(point, opt, ctx)
    local whole = ctx.load(opt.model)
    local pruned = point.removed == 0 and whole or ctx.once(point.removed, function()
      return crescent.prune.plan(whole, {
        what = { 'heads', 'neurons' }, criterion = 'taylor', ratio = point.removed,
        data = { text = verses.seen(100), tokens = opt.quick and 256 or 2048 },
      }):apply()
    end)
    local model = pruned:optimize { level = point.level }
    local figures = { params = model.params, memory_bytes = model.bytes }
    if ctx.round == 1 then -- the same in every round
      local text = verses.unseen(opt.quick and 10 or 150)
      figures.perplexity = crescent.eval.perplexity(model, { text = text, window = 128 }).perplexity
      local reference = pruned:optimize { level = 0 } -- is a level what the reference is?
      figures.drift = crescent.eval.agreement(model, reference,
        { text = verses.unseen(10), window = 128 }).max_abs_logit
    end
    local run = crescent.profile.run(model, { mode = 'minimal', prompt = 'And it came to pass',
      tokens = opt.quick and 16 or 64, cost_s = 0, idle_s = 0.2 })
    figures.token_ms, figures.energy_j = run.latency_ms, run.energy_j
    figures.absent = { energy_j = run.absent and run.absent.energy_j }
    return figures
  end,
  report = function(rows, opt)
    local best = report.recommend(rows, { minimise = 'token_ms',
      baseline = { removed = 0, level = 0 }, subject_to = { perplexity = { max_ratio = 1.15 } } })
    local layout = report.layout {
      title = 'What pruning and levels do to {model}', text = best.sentence,
      group_by = 'level', baseline = { removed = 0 },
      columns = {
        { 'removed', format = 'percent' }, { 'params', format = 'count' },
        { 'memory_bytes', format = 'bytes', title = 'weights' },
        { 'perplexity', better = 'lower' }, 'drift',
        { 'token_ms', title = 'a token', baseline = true }, 'energy_j',
      },
      charts = {
        { kind = 'line', x = 'removed', y = 'perplexity', by = 'level' },
        { kind = 'scatter', x = 'token_ms', y = 'perplexity', by = 'level', log = 'x',
          front = { x = 'lower', y = 'lower' } },
      },
    }
    print(layout:render(rows))
    print('\nwritten: ' .. layout:render(rows, { to = opt.page })[1])
  end,
}
