-- What the ready commands share: options, measurements of a cell, and the folder that they write.
local subjects = require 'text.subjects'

local measure = {}

--- The command's own options, and those of what it writes.
---@param name string   # of the command
---@param own table     # declarations as of crescent.options
function measure.options(name, own)
  own.visualize = { 'writes every chart as a file too', default = true, identity = false }
  own.trace_export = { 'writes timelines for Perfetto', default = false, identity = false }
  own.export_csv = { 'writes the figures as CSV', default = true, identity = false }
  own.output_dir = { ('the folder; default: profile_output/%s-DATE'):format(name),
    nonempty = true, identity = false }
  return own
end

--- A single value of a round: those of all rounds become the Samples of a cell.
local function one(value, unit) return crescent.statistics.samples({ value }, { unit = unit }) end

--- Generates once; `warmup` times before, without counting. A token's time is the median of the
--- run: its tokens share the moment, runs don't.
---@param work { prompt: integer[], tokens: integer, warmup: integer }
function measure.generation(model, work)
  for _ = 2, work.warmup do -- crescent.profile.run begins with one that doesn't count
    model:generate(work.prompt, { tokens = work.tokens, ignore_eos = true })
  end
  local run = crescent.profile.run(model, { mode = 'minimal', prompt = work.prompt,
    tokens = work.tokens, cost_s = 0, idle_s = 0.2 })
  return {
    first_token_ms = run.ttft_ms, token_ms = one(run.latency_ms.median, 'ms'),
    energy_j = run.energy_j, absent = { energy_j = run.absent and run.absent.energy_j },
  }
end

--- Adds tokens a second: of prompts, so many at once, and of one generation.
function measure.throughput(row, model, work, batch_size)
  local batch = {}
  for i = 1, batch_size do batch[i] = subjects.ids(model, #work.prompt, i) end
  local function prefill() model:forward(batch, { last = true }) end
  for _ = 1, work.warmup do prefill() end
  local profiling = crescent.profile.session { mode = 'minimal' }
  profiling:window('prefill', prefill)
  local took_ms = profiling:finish().tree.children[1].time_ms
  row.prefill_tokens_per_s = one(batch_size * #work.prompt / took_ms * 1e3, 'tokens/s')
  row.decode_tokens_per_s = one(1e3 / row.token_ms.median, 'tokens/s')
end

--- Adds what the model is, and how near to the reference.
function measure.quality(row, model, reference, verses)
  row.params, row.weights_bytes = model.params, model.bytes
  local quality = subjects.quality(model, reference, verses)
  row.absent.perplexity = quality.absent and quality.absent.perplexity
  for _, name in ipairs { 'perplexity', 'top1', 'kl_nats', 'max_abs_logit' } do
    row[name] = quality[name]
  end
end

--- Profiles the work into the store of the cells, so that reports and later runs find it.
---@param how { name: string, store: string, trials: integer, spec: table, cost_s: number }
function measure.profile(row, model, work, how)
  local run = crescent.profile.run(model, { mode = how.spec.mode, collect = how.spec.collect,
    prompt = work.prompt, tokens = work.tokens, trials = how.trials, cost_s = how.cost_s,
    idle_s = 0, store = how.store, name = how.name })
  row.profile = { run = run.run, name = how.name }
  if not how.spec.memory then return end
  row.tensors_bytes_peak = 0
  for _, section in ipairs(run.memory.sections) do
    row.tensors_bytes_peak = math.max(row.tensors_bytes_peak, section.bytes_peak)
  end
  row.widened_bytes, row.cache_bytes = run.memory.weights_bytes_widened, run.memory.cache_bytes
  row.process_bytes = run.memory.pss_bytes or run.memory.rss_bytes
end

--- The profiles of the rows: { label, profile, run = its number }, ...
function measure.profiles(rows, label)
  local store, list = crescent.store.open(rows.about.store), {}
  for _, row in ipairs(rows) do
    -- The numbers of runs change when stores are merged.
    local run = row.profile and store:run(row.profile.run)
    if run and run.name == row.profile.name then
      list[#list + 1] = { label(row), store:profile(run.id), run = run.id }
    end
  end
  store:close()
  return list
end

--- What was done, in words.
function measure.work_text(prompt, tokens, iterations, batch_size)
  local text = ('A prompt of %s tokens and %d new ones, one sequence at a time; every cell %s, in '
    .. 'turn with the others.'):format(prompt, tokens, iterations == 1 and 'once'
    or iterations .. ' times')
  if batch_size == 1 then return text end
  return ('%s Prefill in tokens/s is of %d such prompts at once; tokens are generated for one '
    .. 'sequence, there is no batch in decoding.'):format(text, batch_size)
end

local columns = { -- what rows may have; `held`: against the baseline
  { 'params', format = 'count' },
  { 'weights_bytes', title = 'weights', format = 'bytes', held = true },
  { 'perplexity', better = 'lower' },
  { 'top1', title = 'same token', format = 'percent', better = 'higher' },
  { 'first_token_ms', title = 'first token', held = true },
  { 'token_ms', title = 'a token', held = true },
  { 'prefill_tokens_per_s', title = 'prefill, tokens/s' },
  { 'decode_tokens_per_s', title = 'decode, tokens/s' },
  { 'kl_nats', better = 'lower' }, { 'max_abs_logit' }, { 'energy_j', title = 'energy' },
  { 'tensors_bytes_peak', title = 'tensors at most', format = 'bytes' },
  { 'cache_bytes', title = 'cache', format = 'bytes' },
  { 'widened_bytes', title = 'widened', format = 'bytes' },
  { 'process_bytes', title = 'process', format = 'bytes' },
}

local function any(rows, name)
  for _, row in ipairs(rows) do
    if row[name] ~= nil or row.absent and row.absent[name] then return true end
  end
  return false
end

local function values_of(rows, name)
  local seen, count = {}, 0
  for _, row in ipairs(rows) do
    if not seen[row[name]] then seen[row[name]], count = true, count + 1 end
  end
  return count
end

--- Charts of a figure over `x`, or, where that was not varied, over `by`.
local function charts_of(rows, spec)
  local charts = {}
  local over_x = values_of(rows, spec.x) > 1
  for _, name in ipairs { 'perplexity', 'kl_nats', 'first_token_ms', 'token_ms',
    'prefill_tokens_per_s' } do
    if rows:where(function(row) return row[name] ~= nil end)[1] then
      charts[#charts + 1] = over_x and { kind = 'line', x = spec.x, y = name, by = spec.by }
        or { kind = 'bar', x = spec.by, y = name }
    end
  end
  if any(rows:where(function(row) return row.perplexity ~= nil end), 'token_ms') then
    charts[#charts + 1] = { kind = 'scatter', x = 'token_ms', y = 'perplexity', by = spec.by,
      front = { x = 'lower', y = 'lower' } }
  end
  return charts
end

--- The table of the rows and, in a report, its charts.
---@param spec { title: string, text: string?, x: string, column: table?, by: string,
---  baseline: table?, charts: boolean? }
function measure.layout(rows, spec)
  local base = spec.baseline and values_of(rows, spec.x) > 1 and rows:where(function(row)
    for name, value in pairs(spec.baseline) do
      if row[name] ~= value then return false end
    end
    return true
  end)[1] and spec.baseline or nil
  local shown = { spec.column or spec.x }
  for _, column in ipairs(columns) do
    local copy = {}
    for key, value in pairs(column) do copy[key] = value end
    copy.held, copy.baseline = nil, column.held and base ~= nil or nil
    if any(rows, column[1]) then shown[#shown + 1] = copy end
  end
  return crescent.report.layout { title = spec.title, text = spec.text, columns = shown,
    group_by = spec.by, sort_by = spec.x, baseline = base,
    charts = spec.charts ~= false and charts_of(rows, spec) or {} }
end

--- Prints the table, writes the folder and says what is in it.
---@param made { title: string, layout: table, parts: table[], profiles: table[] }
function measure.write(rows, name, made, opt)
  made.layout.charts = false
  print(measure.layout(rows, made.layout):render(rows, { partial = true }))
  made.layout.charts = true
  table.insert(made.parts, 1, { measure.layout(rows, made.layout), rows })
  local folder = opt.output_dir
    or ('profile_output/%s-%s'):format(name, os.date '%Y-%m-%d-%H%M%S')
  print(crescent.report.folder(folder, {
    book = crescent.report.book { title = made.title, parts = made.parts },
    rows = rows, profiles = made.profiles, charts = opt.visualize, csv = opt.export_csv,
    trace = opt.trace_export,
    command = { '--output-dir', folder, '--store', rows.about.store },
  }))
end

return measure
