-- Compares two models: where they first disagree, how far apart they are, which is faster.
local verses = require 'text.verses'
local opt = crescent.options {
  'Compares two models of the same vocabulary.',
  first = { 'a model folder, or the name of an embedded model', default = 'tiny' },
  second = { 'another one; default: the first without 30 % of its heads', nonempty = true },
  quick = { 'little text, little time', default = false },
}

local first = crescent.load(opt.first)
local second = opt.second and crescent.load(opt.second)
  or crescent.prune.plan(first, { what = 'heads', ratio = 0.3, criterion = 'taylor',
    data = { text = verses.seen(50), tokens = opt.quick and 256 or 2048 } }):apply()
print('first:  ' .. tostring(first))
print('second: ' .. tostring(second) .. '\n')

local text = verses.unseen(opt.quick and 5 or 100)
local answer = crescent.inspect.compare(first, second, { text = verses.unseen(2) })
print(answer:sentence())
print('\nwhere their predictions differ most:')
print(answer:sort('kl_nats', { descending = true }):take(5))

-- Speed and quality stand beside each other: neither is worth much alone.
local speed = crescent.bench.compare {
  measure = 'decode', baseline = 'first', candidates = { { 'first', first }, { 'second', second } },
  with = { prompt = 16, tokens = 32 }, time_s_max = opt.quick and 1 or 10,
}
local rows = {}
for i, model in ipairs { first, second } do
  local agreement = crescent.eval.agreement(model, first, { text = text, window = 128 })
  rows[i] = {
    model = speed.rows[i].name, params = model.params,
    perplexity = crescent.eval.perplexity(model, { text = text, window = 128 }).perplexity,
    kl_nats = agreement.kl_nats, top1 = agreement.top1,
    token_ms = speed.rows[i].latency_ms, ratio = speed.rows[i].ratio,
    verdict = speed.rows[i].verdict or 'baseline',
  }
end
print('\n' .. crescent.report.layout {
  columns = { 'model', { 'params', format = 'count' }, { 'perplexity', better = 'lower' },
    'kl_nats', { 'top1', format = 'percent' }, 'token_ms', 'ratio', 'verdict' },
}:render(rows))
