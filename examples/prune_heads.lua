-- Prunes heads by several criteria and ratios, and shows what that costs and saves. Random with
-- five seeds is the control: a criterion that is not better than its spread says nothing.
local opt = crescent.options {
  'Prunes heads by several criteria and ratios and prints two tables.',
  model = { 'model folder', default = 'tiny' },
  quick = { 'few ratios, little text, little time', default = false },
}
local verses = require 'text.verses'
local held_out = verses.unseen(opt.quick and 20 or 300)
local calibration = { text = verses.seen(300), tokens = opt.quick and 256 or 2048 }

local model, number = crescent.load(opt.model), crescent.units.number
local criteria, seeds = { 'magnitude', 'taylor', 'ablation' }, opt.quick and 1 or 5
local ratios = opt.quick and { 0.3 } or { 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7 }
local function prune(criterion, ratio, seed)
  return crescent.prune.plan(model, { what = 'heads', criterion = criterion, ratio = ratio,
    seed = seed, data = calibration, keep_heads_min = 0 }):apply()
end
local function quality(pruned)
  local text = { text = held_out, window = 128, stride = 128 }
  return crescent.eval.perplexity(pruned, text).perplexity,
    crescent.eval.agreement(pruned, model, { text = held_out, window = 128 }).kl_nats
end
local function range(list, digits)
  table.sort(list)
  return ('%s .. %s'):format(number(list[1], digits), number(list[#list], digits))
end
local titles = { 'removed', 'parameters', 'weights', 'decode', 'magnitude', 'taylor', 'ablation',
  ('random, %d seeds'):format(seeds) }
local whole = number((quality(model)))
local perplexities = { { 'none', crescent.units.grouped(model.params),
  crescent.units.format(model.bytes, 'bytes'), '1', whole, whole, whole, whole } }
local divergences = {}
for _, ratio in ipairs(ratios) do
  local pruned = prune('taylor', ratio)
  local speed = crescent.bench.compare { measure = 'decode', baseline = 'whole',
    candidates = { { 'whole', model }, { 'pruned', pruned } },
    with = { tokens = 32 }, time_s_max = opt.quick and 0.5 or 5 }.rows[2]
  local row = { ('%d %%'):format(100 * ratio), crescent.units.grouped(pruned.params),
    crescent.units.format(pruned.bytes, 'bytes'),
    ('%s, %s'):format(number(speed.ratio, 3), speed.verdict) }
  local kl_row = { unpack(row) }
  for _, criterion in ipairs(criteria) do
    local perplexity, kl = quality(prune(criterion, ratio))
    row[#row + 1], kl_row[#kl_row + 1] = number(perplexity), number(kl, 3)
  end
  local by_seed, kl_by_seed = {}, {}
  for seed = 1, seeds do by_seed[seed], kl_by_seed[seed] = quality(prune('random', ratio, seed)) end
  row[#row + 1], kl_row[#kl_row + 1] = range(by_seed, 4), range(kl_by_seed, 3)
  perplexities[#perplexities + 1], divergences[#divergences + 1] = row, kl_row
end
print('Heads removed: perplexity on unseen verses; decode: a token over that of the whole model')
print(crescent.table.text { titles = titles, rows = perplexities })
print('\nKL divergence from the whole model, in nats')
print(crescent.table.text { titles = titles, rows = divergences })
