--- Runs one round of one cell and says what came of it: figures, or why there are none.
local codec = require 'crescent.experiment.codec'
local fields = require 'crescent.reporting.fields'
local values = require 'crescent.values'

local cell = {}

local expected = 'expected a table of figures: return { perplexity = 12.3 }'

--- The traceback without what is ours around the script's function.
local function shortened(traceback)
  return (traceback:gsub('\n%s*%[C%]: in function \'xpcall\'.*$', ''))
end

--- What is wrong with a row as the script returned it, or nil.
local function problem_of(row, point)
  if type(row) ~= 'table' or getmetatable(row) ~= nil and fields.is_samples(row) then
    local got = row == nil and 'nothing' or type(row) == 'table' and 'Samples' or 'a ' .. type(row)
    return ('run returned %s; %s'):format(got, expected)
  end
  if next(row) == nil then return ('run returned an empty table; %s'):format(expected) end
  if row[1] ~= nil then return ('run returned a list; %s'):format(expected) end
  if row.failed ~= nil then
    return "run returned 'failed', which says why a cell failed; choose another name, or raise an "
      .. 'error'
  end
  for name, value in pairs(point) do
    if row[name] ~= nil and not values.equal(row[name], value) then
      return ("run returned '%s', which is a parameter of the grid with another value; choose "
        .. 'another name'):format(name)
    end
  end
end

--- Calls the script's `run` on a point.
---@param spec table                 # of crescent.experiment
---@param opt table
---@param task { point: table, seed: integer, round: integer, rounds: integer }
---@param contexts table             # of context.maker
---@return { row: string?, samples: table?, message: string?, traceback: string?,
---  interrupted: boolean? }
function cell.run(spec, opt, task, contexts)
  local point = {}
  for name, value in pairs(task.point) do point[name] = value end
  return contexts.with(task, function(ctx)
    local traceback
    local ok, row = xpcall(function() return spec.run(point, opt, ctx) end, function(problem)
      traceback = shortened(debug.traceback('', 2):gsub('^\n', ''))
      return problem
    end)
    if not ok then
      if row == 'interrupted' then return { interrupted = true } end
      return { message = tostring(row), traceback = traceback or '' }
    end
    local problem = problem_of(row, task.point)
    if problem then return { message = problem, traceback = '' } end
    local text, samples = codec.encode(row)
    if not text then
      return { message = 'run returned what can\'t be stored: ' .. samples, traceback = '' }
    end
    return { row = text, samples = samples }
  end)
end

return cell
