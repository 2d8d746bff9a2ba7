--- `crescent compare RUN RUN`: what stored runs differ in, and how sure that is.
local command = require 'crescent.command'

return function()
  local opt = crescent.options {
    'Compares two stored runs: the second against the first.',
    { 'baseline', 'number of a run, as `crescent runs` lists it', type = 'integer', at_least = 1,
      required = true },
    { 'run', 'number of the run that is held against it', type = 'integer', at_least = 1,
      required = true },
    aa = { 'compare runs that are equal in everything', default = false },
    confidence = { 'of the interval', default = 0.99, at_least = 0.5, at_most = 0.9999 },
    measure = { 'name of a sample; else token_ms or latency_ms', nonempty = true },
    same_within = { "'no difference' needs the interval this close to 1", default = 0.02,
      above = 0 },
    store = { 'the file; else CRESCENT_STORE, else runs.db', nonempty = true },
  }
  print(command.attempt('compare', crescent.bench.compare, {
    runs = { opt.baseline, opt.run }, aa = opt.aa, confidence = opt.confidence,
    measure = opt.measure, same_within = opt.same_within, store = opt.store,
  }))
end
