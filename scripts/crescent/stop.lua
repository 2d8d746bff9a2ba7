--- An end that needs no traceback: the script did nothing wrong, and the message says how to go on.
local Stop = { __tostring = function(stop) return stop.message end, __stop = true }

--- Raises the message; the host prints it alone and ends with exit code 1.
---@param message string
return function(message) error(setmetatable({ message = message }, Stop), 0) end
