--- `:time` of the prompt: a result, and how long it takes to get.
local clock = require 'crescent.clock'
local show = require 'crescent.show'
local units = require 'crescent.units'

local enough_ms = 1000 -- of runs altogether
local runs_min, runs_max = 5, 101
local warm_up_ratio = 2 -- a first run that takes so many times as long as the others is one

local function clock_ms() return clock.seconds() * 1e3 end

--- Runs it once: milliseconds, then its values.
local function run(fn)
  local begin = clock_ms()
  return (function(...) return clock_ms() - begin, ... end)(fn())
end

local function median(values)
  return crescent.statistics.samples(values, { unit = 'ms' }).median
end

--- Repeats what took `first` ms. Gives what stands for it, and how many runs those are.
local function repeated(fn, first)
  local times, all = { first }, first
  while #times < runs_min or #times < runs_max and all < enough_ms do
    local took = run(fn)
    times[#times + 1], all = took, all + took
  end
  local others = { unpack(times, 2) }
  local is_slow = first >= warm_up_ratio * median(others)
  return crescent.statistics.samples(is_slow and others or times, { unit = 'ms' }), is_slow
end

--- Prints the values of the first run, then the time: of that run if it took over a second, else
--- the median of as many runs as fit in one (5 to 101), with the median absolute deviation.
---@param fn function
---@param is_expression boolean   # whether the function's first value is to be dropped
return function(fn, is_expression)
  local first = {}
  local function keep(took, ...)
    local dropped = is_expression and 1 or 0
    for place = dropped + 1, select('#', ...) do print(show((select(place, ...)))) end
    first.took = took
  end
  keep(run(fn))
  if first.took >= enough_ms then
    print(('%s, one run'):format(units.format(first.took, 'ms')))
    return
  end
  local samples, is_slow = repeated(fn, first.took)
  local text = ('%s, median and mad of %d runs'):format(tostring(samples), #samples.values)
  if is_slow then
    text = ('%s; the first, not counted, took %s'):format(text, units.format(first.took, 'ms'))
  end
  print(text)
end
