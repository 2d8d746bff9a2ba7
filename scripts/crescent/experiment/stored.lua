--- Rows of an experiment as a store has it.
local blame = require 'crescent.blame'
local codec = require 'crescent.experiment.codec'
local rounds = require 'crescent.experiment.rounds'
local rows = require 'crescent.rows'
local units = require 'crescent.units'

local stored = {}

--- The samples of a trial by name.
local function samples_by_trial(run)
  local by_number = {}
  for _, trial in ipairs(run.trials) do by_number[trial.trial] = trial end
  return by_number
end

local function row_of(cell, trials)
  local point = codec.decode(cell.point, {})
  local row = {}
  if cell.status == 'failed' then
    row.failed = cell.message:match('[^\n]*')
  else
    local list = {}
    for i, result in ipairs(cell.results) do
      list[i] = codec.decode(result.row, trials[result.trial])
    end
    row = rounds.join(list)
  end
  for name, value in pairs(point) do row[name] = value end
  return row
end

--- The points' parameters in alphabetical order.
local function point_names(cells)
  local names, known = {}, {}
  for _, cell in ipairs(cells) do
    for name in pairs(crescent.json.decode(cell.point)) do
      if not known[name] then known[name], names[#names + 1] = true, name end
    end
  end
  table.sort(names)
  return names
end

--- What there is to know about all of the cells: how many are done, failed and missing, whether
--- they come from several texts, whether they were run in turns.
local function survey(cells)
  local seen = { done = 0, failed = 0, missing = 0, total = 0, texts = 0, interleaved = false }
  local texts = {}
  for _, cell in ipairs(cells) do
    seen.total = seen.total + 1
    local status = (cell.status == 'done' or cell.status == 'failed') and cell.status or 'missing'
    seen[status] = seen[status] + 1
    seen.interleaved = seen.interleaved or #cell.results > 1
    for _, result in ipairs(cell.results) do
      local text = result.text .. ' ' .. result.build
      if not texts[text] then texts[text], seen.texts = true, seen.texts + 1 end
    end
  end
  return seen
end

local function notes_of(seen)
  local notes = {}
  if seen.failed > 0 then
    notes[#notes + 1] = ('%s failed; their figures are missing'):format(
      units.counted(seen.failed, 'cell'))
  end
  if seen.texts > 1 then
    notes[#notes + 1] = ('the cells come from %d texts of the script or builds of crescent'):format(
      seen.texts)
  end
  return notes
end

--- Gives one row a cell of the grid, in its order: the point's parameters and what `run` gave,
--- cells that failed with `failed = 'why'`. Raises if cells are missing, unless `partial` is true,
--- which marks the rows as such.
---@param run table   # of kind 'experiment', as store:run gives it
---@param options? { partial: boolean?, points: string[]? }
---@return table rows
function stored.rows(run, options)
  options = options or {}
  local cells = {}
  for _, cell in ipairs(run.cells) do
    if cell.position then cells[#cells + 1] = cell end
  end
  local seen = survey(cells)
  local partial = seen.missing > 0
    and ('%d of %s'):format(seen.total - seen.missing, units.counted(seen.total, 'cell'))
  if partial and not options.partial then
    blame("run %d of '%s' is incomplete: %s; rows { partial = true } gives what is there, and says "
      .. 'so', run.id, run.name, partial)
  end
  local trials, list = samples_by_trial(run), {}
  for _, cell in ipairs(cells) do
    if cell.status == 'done' or cell.status == 'failed' then
      list[#list + 1] = row_of(cell, trials)
    end
  end
  return rows.of(list, {
    kind = 'experiment', title = run.name, partial = partial or nil, notes = notes_of(seen),
    points = options.points or point_names(cells), interleaved = seen.interleaved,
    run = run.id, failed = seen.failed,
    about = { model = run.model, name = run.name, run = run.id, version = run.version },
  })
end

return stored
