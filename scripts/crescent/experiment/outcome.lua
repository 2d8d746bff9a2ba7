--- How the experiments of this process ended: the host asks at the end of the script.
local outcome = { failed = false }

--- Whether all cells of all experiments that were run are done.
---@return boolean
function outcome.finish() return not outcome.failed end

return outcome
