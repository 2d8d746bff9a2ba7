-- Removes every attention head alone: which ones does the model miss?
local verses = require 'text.verses'

return crescent.experiment {
  name = 'sweep_heads',
  doc = 'Removes each head alone and draws what that does to the predictions.',
  options = {
    model = { 'a model folder, or the name of an embedded model', default = 'tiny' },
    page = { 'also write the report to this file', nonempty = true, identity = false },
    quick = { 'two layers, little text', default = false },
  },
  grid = function(opt)
    local layers, heads = {}, {}
    for i, layer in ipairs(crescent.load(opt.model).layers) do
      if not opt.quick or i <= 2 then layers[i] = i end
      for head = 1, layer.heads do heads[head] = head end
    end
    return { layer = layers, head = heads }
  end,
  order = { 'layer', 'head' },
  run = function(point, opt, ctx)
    local whole = ctx.load(opt.model)
    local text = verses.unseen(opt.quick and 10 or 100)
    local without = crescent.prune.plan(whole, {
      list = { { point.layer, point.head } }, keep_heads_min = 0,
    }):apply()
    local agreement = crescent.eval.agreement(without, whole, { text = text, window = 128 })
    return {
      perplexity = crescent.eval.perplexity(without, { text = text, window = 128 }).perplexity,
      kl_nats = agreement.kl_nats, top1 = agreement.top1,
    }
  end,
  report = function(rows, opt)
    local layout = crescent.report.layout {
      title = 'What {model} is without one head',
      columns = { 'layer', 'head', { 'kl_nats', better = 'lower' }, 'perplexity',
        { 'top1', format = 'percent' } },
      charts = { { kind = 'heat', x = 'head', y = 'layer', value = 'kl_nats' } },
    }
    print(layout:render(rows:sort('kl_nats', { descending = true }):take(10)))
    if opt.page then print('written: ' .. layout:render(rows, { to = opt.page })[1]) end
  end,
}
