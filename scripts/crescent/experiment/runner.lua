--- Takes the steps of a sweep one after the other; each is stored before the next begins.
local clock = require 'crescent.clock'

local runner = {}

local function take(job, step, attempt)
  local cell = step.cell
  job.progress:begin(attempt == 1 and cell.label
    or ('%s, attempt %d'):format(cell.label, attempt))
  job.sweep:begin(cell.id)
  cell.status = 'running'
  local began = clock.seconds()
  local result = job.execute {
    point = cell.values, seed = cell.seed, round = step.round, rounds = job.rounds,
    store = job.sweep.path,
  }
  if result.interrupted then error('interrupted', 0) end
  return result, (clock.seconds() - began) * 1e3
end

--- Stores what a round gave. What the store refuses is the cell's failure.
local function keep(job, step, result, duration_ms)
  local cell = step.cell
  local left = 0
  for round = 1, job.rounds do
    if not cell.rounds_done[round] and round ~= step.round then left = left + 1 end
  end
  local ok, problem = pcall(job.sweep.finish, job.sweep, cell.id, {
    round = step.round, last = left == 0, row = result.row, samples = result.samples,
    text = job.text, build = job.build, candidate = cell.label, duration_ms = duration_ms,
  })
  if not ok then
    if problem == 'interrupted' then error(problem, 0) end
    return { message = "run returned what can't be stored: "
      .. tostring(problem):gsub('^sweep:finish: ', ''), traceback = '' }
  end
  cell.rounds_done[step.round] = true
  cell.status = left == 0 and 'done' or 'pending'
end

local function fail(job, cell, result, duration_ms)
  job.sweep:fail(cell.id, { message = result.message, traceback = result.traceback,
    output = result.output, duration_ms = duration_ms })
  cell.status, cell.message = 'failed', result.message
  job.progress:log(('%s failed: %s'):format(cell.label, result.message:match('[^\n]*')))
end

--- One step with its retries; false if the cell failed.
local function step_through(job, step)
  for attempt = 1, 1 + job.retry do
    local result, duration_ms = take(job, step, attempt)
    local failure = result.message and result or keep(job, step, result, duration_ms)
    if not failure then return true end
    if attempt > job.retry then
      fail(job, step.cell, failure, duration_ms)
      return false
    end
  end
end

--- Takes all steps. Of a cell that failed the rounds that are left are not run.
---@param job { sweep: table, progress: table, execute: fun(task: table): table, rounds: integer,
---  retry: integer, on_error: string, text: string, build: string }
---@param steps { cell: table, round: integer }[]
---@return boolean ended   # false: stopped after a cell that failed
function runner.run(job, steps)
  local failed = {}
  for _, step in ipairs(steps) do
    if not failed[step.cell] then
      if not step_through(job, step) then
        if job.on_error == 'stop' then return false end
        failed[step.cell] = true
      end
    end
    job.progress:finish_step()
  end
  return true
end

return runner
