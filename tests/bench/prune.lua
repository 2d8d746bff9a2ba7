-- What removing heads and neurons makes of GPT-2's smallest shape, random weights: the ledger at
-- several ratios. Speed at level 1; `./dev bench decode` has what the others save.
local opt = crescent.options {
  'Prunes GPT-2 124M shapes and measures what that saves in fact.',
  preset = { 'which shape', default = 'gpt2' },
  time_s_max = { 'for each comparison', default = 30 },
}

local model = crescent.preset(opt.preset, { seed = 1 })
print(model)
for _, ratio in ipairs { 0.3, 0.5, 0.7 } do
  local plan = crescent.prune.plan(model,
    { what = { 'heads', 'neurons' }, ratio = { heads = ratio, neurons = ratio } })
  local smaller = plan:apply()
  print(('\n%.0f %% of heads and neurons removed'):format(100 * ratio))
  local ledger = crescent.prune.ledger(model, smaller, { time_s_max = opt.time_s_max })
  print(ledger)
  local decode
  for _, row in ipairs(ledger.rows) do if row.line == 'decode, a token' then decode = row end end
  if decode then
    print(('saved a token: %s measured, %s allowed by the removed bytes at the read bandwidth')
      :format(crescent.units.format(decode.before.median - decode.after.median, 'ms'),
        crescent.units.format(plan.saved_ms, 'ms')))
  end
end
