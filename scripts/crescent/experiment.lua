--- crescent.experiment: a sweep over a grid of points that is never run twice and never lost.
local blame = require 'crescent.blame'
local cell = require 'crescent.experiment.cell'
local code = require 'crescent.experiment.code'
local codec = require 'crescent.experiment.codec'
local context = require 'crescent.experiment.context'
local flags = require 'crescent.experiment.flags'
local keys = require 'crescent.keys'
local known = require 'crescent.experiment.known'
local outcome = require 'crescent.experiment.outcome'
local plan = require 'crescent.experiment.plan'
local progress = require 'crescent.experiment.progress'
local rounds = require 'crescent.experiment.rounds'
local runner = require 'crescent.experiment.runner'
local stop = require 'crescent.stop'
local stored = require 'crescent.experiment.stored'
local worker = require 'crescent.experiment.worker'

local types = {
  name = 'string', version = 'number', doc = 'string', options = 'table',
  grid = 'table or function', order = 'table', where = 'function', derive = 'function',
  run = 'function', rounds = 'number or function', report = true, on_error = 'string',
  arguments = 'table',
}
local required = { 'name', 'grid', 'run' }

local function is_whole(value, least) return value % 1 == 0 and value >= least end

--- A copy of the definition with its defaults; mistakes are told on the script's line.
local function checked(given)
  if type(given) ~= 'table' then
    blame('crescent.experiment: expected a table { name =, grid =, run = }, got %s', type(given))
  end
  local names, spec = {}, { version = 1, rounds = 1 }
  for name in pairs(types) do names[#names + 1] = name end
  keys('crescent.experiment', given, names)
  for name, value in pairs(given) do
    local expected = types[name]
    if expected ~= true and not expected:find(type(value), 1, true) then
      blame('crescent.experiment: %s: expected a %s, got %s', name, expected, type(value))
    end
    spec[name] = value
  end
  for _, name in ipairs(required) do
    if spec[name] == nil then
      blame('crescent.experiment: %s: expected a %s, got nothing', name, types[name])
    end
  end
  if not spec.name:find('%S') then
    blame('crescent.experiment: name: expected a name, got blanks')
  end
  if not is_whole(spec.version, 0) then
    blame('crescent.experiment: version: expected a whole number >= 0, got %s', spec.version)
  end
  if spec.on_error and spec.on_error ~= 'continue' and spec.on_error ~= 'stop' then
    blame("crescent.experiment: on_error: expected 'continue' or 'stop', got '%s'", spec.on_error)
  end
  return spec
end

--- How often each cell is run; of a function of the options, what it gives.
local function rounds_of(spec, opt)
  local count = spec.rounds
  if type(count) == 'function' then count = count(opt) end
  if type(count) ~= 'number' or not is_whole(count, 1) then
    blame('crescent.experiment: rounds: expected a whole number >= 1, got %s', tostring(count))
  end
  return count
end

local function build_of()
  local versions = crescent.versions()
  return ('crescent %s, LibTorch %s'):format(versions.crescent, versions.LibTorch)
end

--- How a run is called that nobody works on.
local function status_of(cells) return plan.count(cells).failed > 0 and 'failed' or 'done' end

--- What stands in the run's warnings once somebody said --accept to it.
local function acceptance(text, build)
  return ('accepted beside cells of another text or build: text %s of %s'):format(text, build)
end

local function was_accepted(run, text, build)
  local words = acceptance(text, build)
  for _, warning in ipairs(run.warnings) do
    if warning == words then return true end
  end
  return false
end

--- Cells of another text, or of another build, don't stand beside new ones unless somebody says so.
local function check_texts(sweep, cells, text, build, accept)
  local what = plan.foreign_text(cells, text, build)
  if not what then return end
  local store = crescent.store.open(sweep.path)
  local run = store:run(sweep.run)
  store:close()
  if was_accepted(run, text, build) then return what end
  if not accept then
    local path = sweep.path
    sweep:close { status = status_of(cells) }
    stop(('%s: %s; --accept goes on beside them, --fresh begins anew; where cells mean something '
      .. 'else now, raise `version`'):format(path, what))
  end
  sweep:warn(acceptance(text, build))
  return what
end

local function model_of(cells)
  local first = cells[1]
  for _, one in ipairs(cells) do
    if one.model ~= first.model or one.model_hash ~= first.model_hash then return end
  end
  if first and first.model ~= '' then return first.model, first.model_hash end
end

local function open_sweep(spec, opt, identity, sweep_options, cells)
  local model, model_hash = model_of(cells)
  local all = {}
  for name in pairs(identity) do all[name] = opt[name] end
  local ok, sweep = pcall(crescent.store.sweep, spec.name, {
    version = spec.version, options = codec.json(all, 'crescent.experiment: the options'),
    identity = codec.json(identity, 'crescent.experiment: the options'),
    model = model, model_hash = model_hash, store = sweep_options.store,
    fresh = sweep_options.fresh, accept = sweep_options.accept,
    take_over = sweep_options.take_over,
  })
  if ok then return sweep end
  if sweep == 'interrupted' then error(sweep, 0) end
  stop(known.plain(sweep))
end

--- Says what a sweep would do, and ends the process.
local function dry_run(spec, sweep_options, identity, cells, code_now)
  local run = not sweep_options.fresh and known.run(sweep_options.store, spec, identity) or nil
  plan.join(cells, run and run.cells or {})
  local accepted = sweep_options.accept
    or run and was_accepted(run, code_now.text, code_now.build)
  local due = plan.due(cells, sweep_options, spec.rounds)
  local steps = rounds.order(due, { rounds = spec.rounds })
  print(plan.text(spec, cells, due, #steps, not accepted
    and plan.foreign_text(cells, code_now.text, code_now.build)))
  os.exit(0)
end

--- Runs what is due. Gives the error that stopped it, if one did.
local function run_due(spec, opt, sweep_options, job, steps, contexts)
  local isolated = sweep_options.isolate and worker.new(spec.name, job.outlets)
  job.execute = isolated and function(task) return isolated:run(task) end
    or function(task) return cell.run(spec, opt, task, contexts) end
  local ok, problem = pcall(runner.run, job, steps)
  job.progress:wipe()
  if isolated then isolated:close() end
  if not ok then return problem end
end

--- What the sweep says when it is over: on standard error, as the report is on standard output.
local function say(text) io.stderr:write(text, '\n') end

local function say_end(cells, path, run)
  local counts = plan.count(cells)
  say(('%s (run %d in %s)'):format(plan.summary(cells), run, path))
  if counts.failed == 0 then return end
  outcome.failed = true
  for _, one in ipairs(cells) do
    if one.status == 'failed' then
      say(('%d failed, the first: %s: %s'):format(counts.failed, one.label,
        one.message:match('[^\n]*')))
      say(('to run %s again: --only failed; all of it: crescent show %d'):format(
        counts.failed == 1 and 'it' or 'them', run))
      return
    end
  end
end

local function is_layout(value)
  return type(value) == 'table' and type(value.render) == 'function'
end

--- Shows the rows as the script wants: a layout, several, or a function; default a summary.
local function report(spec, rows, opt)
  local wanted = spec.report
  if type(wanted) == 'function' then return wanted(rows, opt) end
  if wanted == nil then
    return print(crescent.report.summary():render(rows, { partial = true, title = spec.name }))
  end
  for _, layout in ipairs(is_layout(wanted) and { wanted } or wanted) do
    print(layout:render(rows, { partial = true }))
  end
end

local function check_report(wanted)
  if wanted == nil or type(wanted) == 'function' or is_layout(wanted) then return end
  local all = type(wanted) == 'table' and #wanted > 0
  for _, layout in ipairs(all and wanted or {}) do all = all and is_layout(layout) end
  if not all then
    blame('crescent.experiment: report: expected a function(rows, opt), what '
      .. 'crescent.report.layout gives, or a list of these; got %s',
      type(wanted) == 'table' and 'another table' or type(wanted))
  end
end

local function rows_of(path, run, names)
  local store = crescent.store.open(path)
  local rows = stored.rows(store:run(run), { partial = true, points = names })
  store:close()
  rows.about.store = path
  return rows
end

local function outlets_of(job)
  return {
    log = function(text) job.progress:log(text) end,
    step = function(share, note) job.progress:step(share, note) end,
  }
end

--- A worker runs the cells that it is sent. Another experiment of the same script is as the store
--- has it.
local function serve(channel, name, spec, opt, sweep_options)
  if name == spec.name then worker.serve(channel, spec, opt) end
  local store = crescent.store.open(sweep_options.store)
  local run = store:last(spec.name)
  return stored.rows(run, { partial = true })
end

--- Runs `run` on every point of a grid, each once, and stores what it gives before the next begins:
--- killed or stopped, it goes on where it was. The script's options and those of every experiment
--- (`--help` lists them) come from the command line.
---
--- ```lua
--- return crescent.experiment {
---   name = 'heads', version = 1,
---   options = { model = { 'model folder', default = 'tiny' } },
---   grid = { ratio = { 0, 0.3, 0.6 }, criterion = { 'magnitude', 'random' } },
---   where = function(point) return point.ratio > 0 or point.criterion == 'random' end,
---   run = function(point, opt, ctx)
---     local model = ctx.load(opt.model)
---     local smaller = crescent.prune.plan(model, { criterion = point.criterion,
---       ratio = point.ratio, seed = ctx.seed }):apply()
---     return { params = smaller.params,
---       decode_ms = crescent.bench.decode(smaller, { time_s_max = 1 }).latency_ms }
---   end,
--- }
--- ```
--- A grid that depends on options is a function(opt), and so is `rounds`. `where(point)` leaves
--- points out, `derive(point)` adds parameters. `run` returns a table of plain values, tables of
--- them, and Samples, which are stored whole; what is missing is nil with `absent = { name =
--- 'reason' }`.
--- `ctx` has `load(path, options)` (the last four models are kept), `once(key, make)` (what `make`
--- gave for that key in an earlier cell; the last eight are kept), `seed` (a number of the point
--- alone), `folder()` (a temporary one, gone after the cell), `store` (the file that the cells are
--- kept in, for profiles beside them), `log(...)`, `progress(share, note)`, `round` and `rounds`.
---
--- With `rounds = 5` every cell is run five times, each round in a random order of all cells, so
--- that a machine that warms up treats them alike; Samples are pooled, numbers that differ become
--- Samples. `report` is a layout, a list of them, or function(rows, opt); what stands there in the
--- script doesn't count when its text is compared with that of stored cells. `on_error` is
--- 'continue' or 'stop'.
---
--- A cell is the experiment's name and version, the options (but those declared with `identity =
--- false`), the hash of the model that `model` names, and the point.
---@param spec table
---@return table rows   # one a cell, failed ones with `failed = 'why'`
local function experiment(spec)
  spec = checked(spec)
  check_report(spec.report)
  local opt, sweep_options, identity = flags.read(spec)
  spec.rounds = rounds_of(spec, opt)
  local channel, served = worker.channel()
  if channel then return serve(channel, served, spec, opt, sweep_options) end

  local job = { retry = sweep_options.retry, on_error = sweep_options.on_error,
    rounds = spec.rounds, build = build_of() }
  job.outlets = outlets_of(job)
  local contexts = context.maker(job.outlets)
  local cells, names = plan.cells(spec, opt, identity, contexts.load)
  local text = code.of(spec)
  job.text = text.hash

  if sweep_options.dry_run then dry_run(spec, sweep_options, identity, cells, job) end

  local sweep = open_sweep(spec, opt, identity, sweep_options, cells)
  job.sweep = sweep
  plan.join(cells, sweep:declare(cells, { rounds = spec.rounds }))
  local foreign = check_texts(sweep, cells, job.text, job.build, sweep_options.accept)
  local due = plan.due(cells, sweep_options, spec.rounds)
  local steps = rounds.order(due, { rounds = spec.rounds, seed = sweep_options.shuffle })
  if foreign then say('warning: ' .. foreign .. ', accepted') end
  sweep:text(text.hash, crescent.json.encode(text.files))
  job.progress = progress.new(#steps)
  local path, run = sweep.path, sweep.run
  local problem = run_due(spec, opt, sweep_options, job, steps, contexts)
  sweep:close { status = problem and 'killed' or status_of(cells) }
  if problem then
    for _, one in ipairs(cells) do
      if one.status == 'running' then one.status = 'stale' end -- as closing the sweep did
    end
    say(('stopped: %s; run it again to go on'):format(plan.summary(cells)))
    error(problem, 0)
  end
  say_end(cells, path, run)
  local rows = rows_of(path, run, names)
  if rows.partial and not sweep_options.partial then
    say(('no report yet: %s were run; %s, --partial shows what there is'):format(rows.partial,
      sweep_options.shard and '`crescent merge` adds the other parts'
        or 'running it again adds the rest'))
    return rows
  end
  report(spec, rows, opt)
  return rows
end

return experiment
