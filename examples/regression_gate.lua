-- A gate for CI: fails if decoding got slower than a stored baseline, beyond doubt.
local opt = crescent.options {
  'Profiles decoding and holds it against the last run that passed. The first run is the baseline.',
  model = { 'a model folder, or the name of an embedded model', default = 'tiny' },
  baseline = { 'number of the run to hold it against; default: the first of that name',
    type = 'integer', at_least = 1 },
  name = { 'of the runs in the store', default = 'regression_gate' },
  level = { 'optimisation level', default = 1, choices = crescent.levels.available() },
  tolerance = { 'so much slower is no failure', default = 0.05, above = 0 },
  quick = { 'shorter trials', default = false },
}

local model = crescent.load(opt.model):optimize { level = opt.level }
local new = crescent.profile.run(model, {
  mode = 'minimal', store = true, name = opt.name, cost_s = 0, idle_s = 0,
  prompt = { 1, 2, 3, 4, 5, 6, 7, 8 }, tokens = opt.quick and 8 or 64,
  trials = 11, -- medians of trials are compared: 9 and more can give a verdict at 99 %
}).run

local store = crescent.store.open()
local runs = store:runs { name = opt.name }
local baseline = opt.baseline or runs[#runs].id
store:close()
if baseline == new then
  print(('run %d is the baseline from now on'):format(new))
  return
end

local verdict = crescent.bench.compare {
  runs = { baseline, new }, measure = 'token_ms', aa = true, same_within = opt.tolerance,
}
print(verdict)
local row = verdict.rows[2]
if row.verdict == 'slower' and row.interval.low > 1 + opt.tolerance then
  print(('FAILED: at least %s slower than run %d'):format(
    crescent.units.percent(row.interval.low - 1), baseline))
  os.exit(1)
end
print('passed')
