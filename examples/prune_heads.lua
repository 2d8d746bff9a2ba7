-- Prunes heads by several criteria and ratios, and shows what that costs and saves. Random with
-- five seeds is the control: a criterion that is not better than its spread says nothing.
local opt = crescent.options {
  'Prunes heads by several criteria and ratios and prints one table.',
  model = { 'model folder', default = 'tiny' },
  quick = { 'few ratios, little text, no timing', default = false },
}
local verses = io.popen [[
  bible -f gen1:1-rev22:21 | sed -E 's/^[0-9]?[A-Za-z]+[0-9]+:[0-9]+ //']]
local lines = {}
for line in verses:lines() do lines[#lines + 1] = line end
verses:close()
assert(#lines == 31102, "the command `bible` gave another text: install Debian's bible-kjv")
local held_out = table.concat(lines, '\n', #lines - (opt.quick and 20 or 600) + 1)
local calibration = { text = table.concat(lines, '\n', 1, 300), tokens = opt.quick and 256 or 4096 }

local model = crescent.load(opt.model)
local ratios = opt.quick and { 0, 0.3 } or { 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7 }
local criteria = { 'magnitude', 'taylor', 'ablation' }
for seed = 1, opt.quick and 1 or 5 do criteria[#criteria + 1] = { 'random', seed } end

local function measure(pruned)
  local text = { text = held_out, window = 128, stride = 128 }
  local row = {
    perplexity = crescent.eval.perplexity(pruned, text).perplexity,
    kl = crescent.eval.agreement(pruned, model, { text = held_out, window = 128 }).kl_nats,
    params = pruned.params, bytes = pruned.bytes,
  }
  if not opt.quick then
    row.decode = crescent.bench.decode(pruned, { tokens = 32, time_s_max = 1 }).latency_ms
  end
  return row
end

local units, rows = crescent.units, {}
for _, entry in ipairs(criteria) do
  local criterion, seed = entry, 1
  if type(entry) == 'table' then criterion, seed = entry[1], entry[2] end
  for _, ratio in ipairs(ratios) do
    local plan = crescent.prune.plan(model, { what = 'heads', criterion = criterion, ratio = ratio,
      seed = seed, data = calibration, keep_heads_min = 0 })
    local row = measure(plan:apply())
    rows[#rows + 1] = { criterion .. (type(entry) == 'table' and ' ' .. seed or ''),
      ('%.1f'):format(ratio), units.number(row.perplexity), units.number(row.kl, 3),
      units.grouped(row.params), units.format(row.bytes, 'bytes'), tostring(row.decode or '-') }
  end
end
print(crescent.table.text {
  titles = { 'criterion', 'ratio', 'perplexity', 'KL, nats', 'parameters', 'weights', 'decode' },
  align = { 'left' }, rows = rows,
})
