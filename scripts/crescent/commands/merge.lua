--- `crescent merge INTO FROM...`: what parts of a sweep stored in files of their own.
local command = require 'crescent.command'

return function()
  local opt = crescent.options {
    'Takes into a store what others have and it has not; these stay as they are. Merging again, or '
      .. 'in another order, gives the same.',
    { 'into', 'a store; made if there is none', required = true },
    { 'from', 'a store', required = true, many = true },
  }
  for _, from in ipairs(opt.from) do
    print(('%s: %s'):format(from, tostring(command.attempt('merge', crescent.store.merge, opt.into,
      from))))
  end
end
