-- A pruning criterion of one's own: the effective rank of a head's output, against two others.
local verses = require 'text.verses'

-- exp(entropy of the normalised singular values): Roy and Vetterli, "The effective rank", 2007.
crescent.prune.criterion('effective_rank', {
  doc = 'keeps heads whose output projection spans many directions',
  needs = { 'weights' },
  score = function(head)
    local values = head.weights.o:svd_values()
    local share = values / values:sum()
    return (0 - (share * (share + 1e-12):log()):sum()):exp()
  end,
})

return crescent.experiment {
  name = 'custom_criterion',
  doc = 'Compares a criterion written in Lua with magnitude and with chance.',
  options = {
    model = { 'a model folder, or the name of an embedded model', default = 'tiny' },
    quick = { 'fewer ratios, less text', default = false },
  },
  grid = function(opt)
    return { criterion = { 'effective_rank', 'magnitude', 'random' },
      ratio = opt.quick and { 0, 0.5 } or { 0, 0.1, 0.2, 0.3, 0.4, 0.5 },
      seed = opt.quick and { 1 } or { 1, 2, 3 } }
  end,
  where = function(point) return point.criterion == 'random' or point.seed == 1 end,
  run = function(point, opt, ctx)
    local smaller = crescent.prune.plan(ctx.load(opt.model), {
      criterion = point.criterion, ratio = point.ratio, seed = point.seed,
    }):apply()
    local text = verses.unseen(opt.quick and 10 or 100)
    return {
      perplexity = crescent.eval.perplexity(smaller, { text = text, window = 128 }).perplexity,
      params = smaller.params,
    }
  end,
  report = crescent.report.layout {
    title = 'Heads removed from {model}, by three criteria',
    columns = { 'criterion', 'seed', { 'ratio', format = 'percent' }, 'perplexity',
      { 'params', format = 'count' } },
    charts = { { kind = 'line', x = 'ratio', y = 'perplexity', by = 'criterion' } },
  },
}
