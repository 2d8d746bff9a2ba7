--- `crescent show RUN`: what a run measured.
local command = require 'crescent.command'

--- The run of that number, the last one of that name, or the last one of all.
local function find(store, run)
  local id = tonumber(run)
  if id and (id < 1 or id % 1 ~= 0) then
    return nil, ("expected a run's number or name, got '%s'"):format(run)
  end
  if id then return store:run(id) end
  if run == 'last' then return store:last() end
  return store:last(run)
end

local function print_profile(profile, opt)
  print(profile)
  if opt.statistics then print(profile.statistics) end
  if opt.environment then print(profile.environment) end
  if opt.trace then print(crescent.profile.trace(profile, opt.trace)) end
end

local function show(opt)
  local store = crescent.store.open(opt.store)
  local run, reason = find(store, opt.run)
  if not run then error(reason, 0) end
  local profile, why = store:profile(run.id, { trial = opt.trial })
  if not profile and (run.kind == 'profile' and #run.trials > 0 or opt.trace) then error(why, 0) end
  print(run)
  if profile then
    print()
    print_profile(profile, opt)
  end
  store:close()
end

return function()
  local opt = crescent.options {
    'Shows a run of a store.',
    { 'run', "its number, its name (the last of that name), or 'last'", default = 'last' },
    trial = { 'one trial of a profile alone', type = 'integer', at_least = 1 },
    statistics = { 'statistics of activations too', default = false },
    environment = { 'machine, versions and script too', default = false },
    trace = { 'write its timeline to this file, for Perfetto', nonempty = true },
    store = { 'the file; else CRESCENT_STORE, else runs.db', nonempty = true },
  }
  command.attempt('show', show, opt)
end
