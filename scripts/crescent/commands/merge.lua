--- `crescent merge INTO FROM...`: what parts of a sweep stored in files of their own.
local command = require 'crescent.command'

return function()
  local opt = crescent.options {
    'Takes into a store what others have and it has not: runs, and cells of sweeps. Those stay '
      .. 'as\nthey are. Merging again, or in another order, gives the same.',
    { 'into', 'the store that gets it; made if there is none', required = true },
    { 'from', 'the stores that have it', required = true, many = true },
  }
  for _, from in ipairs(opt.from) do
    print(('%s: %s'):format(from, tostring(command.attempt('merge', crescent.store.merge, opt.into,
      from))))
  end
end
