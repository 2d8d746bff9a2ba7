--- Time that passes, for whoever waits or measures roughly; what is measured well is measured below
--- Lua.
local ffi = require 'ffi'

ffi.cdef [[
  typedef struct { long s, ns; } crescent_time;
  int clock_gettime(int clock, crescent_time *time);
]]

local monotonic = 1 -- CLOCK_MONOTONIC of Linux
local now = ffi.new('crescent_time')

local clock = {}

--- Seconds since some moment, which never go back.
---@return number
function clock.seconds()
  ffi.C.clock_gettime(monotonic, now)
  return tonumber(now.s) + tonumber(now.ns) * 1e-9
end

--- '14 s', '3 min', '2.5 h': time for people who wait.
---@param seconds number
---@return string
function clock.readable(seconds)
  if seconds < 0.95 then return ('%.1f s'):format(seconds) end
  if seconds < 100 then return ('%.0f s'):format(seconds) end
  if seconds < 5400 then return ('%.0f min'):format(seconds / 60) end
  return ('%.1f h'):format(seconds / 3600)
end

return clock
