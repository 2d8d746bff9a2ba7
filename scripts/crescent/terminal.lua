--- Whether somebody watches.
local ffi = require 'ffi'

ffi.cdef [[ int isatty(int descriptor); ]]

local terminal = {}

--- Whether standard output (1) or standard error (2) is a terminal.
---@param descriptor integer
---@return boolean
function terminal.is(descriptor) return ffi.C.isatty(descriptor) == 1 end

return terminal
