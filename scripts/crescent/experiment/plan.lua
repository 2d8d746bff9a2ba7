--- Which cells an experiment has, what the store knows of them, and which are to be run now.
local blame = require 'crescent.blame'
local clock = require 'crescent.clock'
local codec = require 'crescent.experiment.codec'
local context = require 'crescent.experiment.context'
local grid = require 'crescent.experiment.grid'
local hash = require 'crescent.experiment.hash'
local units = require 'crescent.units'

local plan = {}

--- The model that a cell is about: what `model` says, where that is a model's folder or name.
local function model_of(name, load, known)
  if type(name) ~= 'string' then return '', '' end
  if not known[name] then
    local ok, model = pcall(load, name)
    -- What can't be loaded may be a preset, or no model at all: the script knows.
    if not ok and model == 'interrupted' then error(model, 0) end
    known[name] = { name, ok and model:hash() or '' }
  end
  return known[name][1], known[name][2]
end

--- The cells of the whole grid: { identity, point, model, model_hash, label, seed }.
---@param spec table
---@param opt table
---@param identity table              # the options that make it another experiment
---@param load fun(path: string): any # loads a model
---@return table[] cells, string[] names
function plan.cells(spec, opt, identity, load)
  local points, names = grid.points(spec, opt)
  local prefix = table.concat({ spec.name, tostring(spec.version),
    codec.json(identity, 'crescent.experiment: the options') }, '\n')
  local own_model = spec.options and spec.options.model and opt.model
  local cells, known, seen = {}, {}, {}
  for i, point in ipairs(points) do
    local text = codec.json(point, ('crescent.experiment: point %d'):format(i))
    local model, model_hash = model_of(point.model or own_model, load, known)
    local name = hash(table.concat({ prefix, text, model_hash }, '\n'))
    if seen[name] then
      blame('crescent.experiment: points %d and %d are the same: %s', seen[name], i, text)
    end
    seen[name] = i
    cells[i] = { identity = name, point = text, model = model, model_hash = model_hash,
      label = grid.label(point, names), values = point, seed = context.seed(text), number = i }
  end
  return cells, names
end

--- Adds what the store knows to each cell.
function plan.join(cells, stored)
  local by_identity, new = {}, { status = 'pending', results = {} }
  for _, known in ipairs(stored) do by_identity[known.identity] = known end
  for _, cell in ipairs(cells) do
    local known = by_identity[cell.identity] or new
    cell.id, cell.status, cell.duration_ms = known.id, known.status, known.duration_ms
    cell.message, cell.results, cell.rounds_done = known.message, known.results, {}
    for _, result in ipairs(known.results) do cell.rounds_done[result.round] = true end
  end
end

--- How many cells have results of another text of the script than this one, and of another build.
function plan.foreign(cells, text, build)
  local texts, builds = 0, 0
  for _, cell in ipairs(cells) do
    local other_text, other_build = false, false
    for _, result in ipairs(cell.results) do
      other_text = other_text or result.text ~= text
      other_build = other_build or result.build ~= build
    end
    texts, builds = texts + (other_text and 1 or 0), builds + (other_build and 1 or 0)
  end
  return texts, builds
end

--- '3 cells come from another text of the script', or nil.
function plan.foreign_text(cells, text, build)
  local texts, builds = plan.foreign(cells, text, build)
  local parts = {}
  local function add(count, what)
    if count == 0 then return end
    parts[#parts + 1] = ('%s %s from another %s'):format(units.counted(count, 'cell'),
      count == 1 and 'comes' or 'come', what)
  end
  add(texts, 'text of the script')
  add(builds, 'build of crescent')
  return #parts > 0 and table.concat(parts, ', ') or nil
end

--- Whether a cell is to be run: of a status that was asked for, or not done and not failed, with
--- rounds that are missing.
local function is_due(cell, sweep, rounds)
  if sweep.only then return cell.status == sweep.only end
  if cell.status == 'done' then
    for round = 1, rounds do
      if not cell.rounds_done[round] then return true end
    end
    return false
  end
  return cell.status ~= 'failed'
end

--- The parameters that any point has.
local function names_of(cells)
  local names, known = {}, {}
  for _, cell in ipairs(cells) do
    for name in pairs(cell.values) do
      if not known[name] then known[name], names[#names + 1] = true, name end
    end
  end
  return names
end

--- The cells that this process is to run, in the grid's order.
---@param cells table[]
---@param sweep table   # the options of every experiment
---@param rounds integer
function plan.due(cells, sweep, rounds)
  local wanted = sweep.where and require 'crescent.predicate'(sweep.where, '--where')
  local due, names = {}, wanted and names_of(cells)
  for i, cell in ipairs(cells) do
    local mine = not sweep.shard or (i - 1) % sweep.shard.parts == sweep.shard.part - 1
    if mine and (not wanted or wanted(cell.values, names)) and is_due(cell, sweep, rounds)
      and #due < (sweep.limit or math.huge) then
      due[#due + 1] = cell
    end
  end
  return due
end

local function count(cells)
  local counts = { pending = 0, running = 0, done = 0, failed = 0, stale = 0 }
  for _, cell in ipairs(cells) do counts[cell.status] = counts[cell.status] + 1 end
  return counts
end
plan.count = count

--- '40 cells: 12 done, 1 failed, 27 pending'.
function plan.summary(cells)
  local counts, parts = count(cells), {}
  for _, status in ipairs { 'done', 'failed', 'stale', 'running', 'pending' } do
    if counts[status] > 0 then parts[#parts + 1] = ('%d %s'):format(counts[status], status) end
  end
  return ('%s: %s'):format(units.counted(#cells, 'cell'), table.concat(parts, ', '))
end

--- How long the steps will take, from the cells that were run; nil if none was.
function plan.estimate_s(cells, steps)
  local spent, known = 0, 0
  for _, cell in ipairs(cells) do
    if cell.duration_ms then spent, known = spent + cell.duration_ms, known + 1 end
  end
  return known > 0 and spent / known * steps / 1e3 or nil
end

--- What --dry-run prints; `foreign` is of foreign_text.
function plan.text(spec, cells, due, steps, foreign)
  local lines = { ("experiment '%s' version %d"):format(spec.name, spec.version),
    plan.summary(cells) }
  local estimate = plan.estimate_s(cells, steps)
  local takes = estimate and 'about ' .. clock.readable(estimate)
    or 'nothing is known of how long that takes'
  lines[3] = #due == 0 and 'nothing is left to run'
    or ('to run now: %s%s, %s'):format(units.counted(#due, 'cell'),
      steps > #due and (' in %d steps'):format(steps) or '', takes)
  for i = 1, math.min(#due, 10) do lines[#lines + 1] = '  ' .. due[i].label end
  if #due > 10 then lines[#lines + 1] = ('  ... %d more'):format(#due - 10) end
  if foreign then
    lines[#lines + 1] = ('%s; the sweep will ask for --accept or --fresh'):format(foreign)
  end
  return table.concat(lines, '\n')
end

return plan
