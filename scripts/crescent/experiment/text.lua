--- How a stored experiment prints: its rows, and what stands in the way of those that are missing.
local stored = require 'crescent.experiment.stored'

local failures_max = 5
local lines_max = 12 -- of a traceback or of what a cell wrote

--- The first lines, indented.
local function indented(text, indent)
  local lines, more = {}, 0
  for line in (text .. '\n'):gmatch('(.-)\n') do
    if #lines < lines_max then
      lines[#lines + 1] = indent .. line
    else
      more = more + 1
    end
  end
  if more > 0 then lines[#lines + 1] = ('%s... %d more lines'):format(indent, more) end
  return table.concat(lines, '\n')
end

local function failure(cell)
  local parts = { ('failed: %s, attempt %d'):format(cell.point, cell.attempts),
    indented(cell.message, '  ') }
  if cell.traceback ~= '' then parts[#parts + 1] = indented(cell.traceback, '  ') end
  if cell.output ~= '' then
    parts[#parts + 1] = '  the last lines that it wrote:'
    parts[#parts + 1] = indented(cell.output, '    ')
  end
  return table.concat(parts, '\n')
end

--- See above.
---@param run table   # of kind 'experiment', as store:run gives it
---@return string
return function(run)
  local lines, failed = { tostring(stored.rows(run, { partial = true })) }, 0
  for _, cell in ipairs(run.cells) do
    if cell.status == 'failed' and cell.position then
      failed = failed + 1
      if failed <= failures_max then lines[#lines + 1] = failure(cell) end
    end
  end
  if failed > failures_max then
    lines[#lines + 1] = ('... %d more failed'):format(failed - failures_max)
  end
  return table.concat(lines, '\n')
end
