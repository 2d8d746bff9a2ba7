-- Measures what profiling costs a decode step: computed (spans times what one costs, and the time
-- of statistics), and measured, by steps with and without it in turn.
local units, tables = crescent.units, crescent.table

local opt = crescent.options {
  'Measures what profiling costs, in every mode.',
  preset = { 'shape of the model, one of crescent.presets()', default = 'gpt2' },
  tokens = { 'decoded tokens of a profile', default = 64, type = 'integer' },
  seconds = { 'for measuring each mode', default = 60 },
}

local model = crescent.preset(opt.preset, { seed = 1 })
local targets = { minimal = 0.002, standard = 0.01, deep = 0.05 }
local span_ns_target = 50

--- What the interval says of the target.
local function judged(measured, target)
  if not measured then return 'cannot tell' end
  if measured.high <= target then return 'within' end
  if measured.low > target then return 'over' end
  return 'cannot tell'
end

local function percent(share)
  return ('%s%s'):format(share < 0 and '-' or '', units.percent(math.abs(share)))
end

local rows, span_ns = {}, 0
for _, mode in ipairs { 'minimal', 'standard', 'deep' } do
  local profile = crescent.profile.run(model, {
    mode = mode, tokens = opt.tokens, cost_s = opt.seconds,
  })
  local cost = profile.cost
  span_ns = math.max(span_ns, cost.span_ns)
  local measured = cost.share_measured
  rows[#rows + 1] = {
    mode, tostring(profile.latency_ms), units.grouped(math.floor(cost.spans / profile.tokens)),
    units.percent(cost.share_computed),
    measured and ('%s .. %s'):format(percent(measured.low), percent(measured.high))
      or cost.absent.share_measured,
    units.percent(targets[mode]), judged(measured, targets[mode]),
  }
end
print(('%s, %s, machine: %s'):format(opt.preset, units.counted(crescent.threads(), 'thread'),
  crescent.machine { measure = false }.cpu))
print(tables.text {
  titles = { 'mode', 'a token', 'spans a token', 'computed', 'measured', 'target', 'verdict' },
  align = { 'left', nil, nil, nil, nil, nil, 'left' }, rows = rows,
})
print(('A span costs %s ns; the target is %d.'):format(units.number(span_ns, 3), span_ns_target))
