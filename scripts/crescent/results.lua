--- How results print, and how they become CSV, JSON and Markdown. One entry a kind; a kind that
--- is not here can't be made (bindings/registry.h, set_result).
local compare_text = require 'crescent.compare_text'
local energy = require 'crescent.energy_text'
local profile_text = require 'crescent.profile_text'
local self_test_text = require 'crescent.self_test_text'
local store_text = require 'crescent.store_text'
local tables = require 'crescent.table'
local units = require 'crescent.units'

local results = {}

local function plain(value) return tostring(value) end
local function count(value) return units.grouped(value) end
local function scaled(value) return units.format(value, 'count') end
local function bytes(value) return units.format(value, 'bytes') end
local function decimal_bytes(value) return units.format(value, 'decimal_bytes') end
local function number(value) return units.number(value) end
local function words(value) return table.concat(value, ' ') end
local function yes_or_no(value) return value and 'yes' or 'no' end
local function change_in_bytes(value) return (value > 0 and '+' or '') .. bytes(value) end
local function shape(value) return '(' .. table.concat(value, ', ') .. ')' end

--- Columns of the kinds that are tables: { field, format, align, title }.
local columns = {
  presets = {
    { 'name', plain, 'left' }, { 'params', count }, { 'embedding', scaled },
    { 'positions', scaled },
    { 'norm', scaled }, { 'attention', scaled }, { 'ffn', scaled }, { 'head', scaled },
    { 'layers', count }, { 'heads', count }, { 'd_model', count }, { 'positions_max', count },
    { 'vocab', count },
  },
  weights = {
    { 'name', plain, 'left' }, { 'shape', shape }, { 'dtype', plain, 'left' }, { 'bytes', bytes },
  },
  file = {
    { 'name', plain, 'left' }, { 'shape', shape }, { 'dtype', plain, 'left' }, { 'bytes', bytes },
    { 'offset', count },
  },
  health = {
    { 'name', plain, 'left' }, { 'elements', count }, { 'nan', count }, { 'infinite', count },
    { 'abs_max', number }, { 'mean', number }, { 'deviation', number },
  },
  machine = {
    { 'bytes', decimal_bytes, nil, 'working set' },
    { 'one_thread_gb_s', number, nil, 'GB/s, one thread' },
    { 'all_threads_gb_s', number, nil, 'GB/s, all threads' },
  },
  removed = {
    { 'kind', plain, 'left' }, { 'layer', count }, { 'index', count }, { 'score', number },
    { 'params', count },
  },
  criteria = {
    { 'name', plain, 'left' }, { 'kinds', words, 'left' },
    { 'needs_data', yes_or_no, 'left', 'data' },
    { 'doc', plain, 'left' },
  },
  ids = { { 'id', plain } },
  values = { { 'value', number } },
  levels = { { 'level', plain } },
  versions = { { 'name', plain, 'left' }, { 'version', plain, 'left' } },
  tensors = {
    { 'name', plain, 'left' }, { 'shape', shape }, { 'dtype', plain, 'left' }, { 'bytes', bytes },
  },
  captured = {
    { 'name', plain, 'left' }, { 'count', count }, { 'shape', shape }, { 'dtype', plain, 'left' },
  },
  energy_doctor = energy.columns,
  passes = {
    { 'name', plain, 'left' }, { 'on', yes_or_no, 'left' }, { 'layers', count },
    { 'bytes', change_in_bytes }, { 'changed', plain, 'left' }, { 'source', plain, 'left' },
  },
}

--- Those that print with notes below: profiles, comparisons, self-tests.
local noted = { profile_text, compare_text, self_test_text }

for _, texts in ipairs { profile_text, compare_text, self_test_text, store_text } do
  for kind, list in pairs(texts.columns) do columns[kind] = list end
end

--- The columns of a kind, some of which depend on what is in the result; nil of what is no table.
local function columns_of(kind, result)
  local list = columns[kind]
  return type(list) == 'function' and list(result) or list
end

--- The keys of a table in alphabetical order.
local function names_of(values)
  local names = {}
  for name in pairs(values) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- Rows { [field] = value } of a plain list.
local function each_as(field)
  return function(list)
    local rows = {}
    for i, value in ipairs(list) do rows[i] = { [field] = value } end
    return rows
  end
end

--- Rows of { logits = tensor, hidden = { tensors } }: a list of equal tensors is one row.
local function captured_rows(captured)
  local rows = {}
  for _, name in ipairs(names_of(captured)) do
    local value = captured[name]
    local list = type(value) == 'table' and value or { value }
    rows[#rows + 1] = { name = name, count = #list, shape = list[1] and list[1].shape,
      dtype = list[1] and list[1].dtype }
  end
  return rows
end

local function tensor_rows(tensors)
  local rows = {}
  for i, name in ipairs(names_of(tensors)) do
    local tensor = tensors[name]
    rows[i] = { name = name, shape = tensor.shape, dtype = tensor.dtype, bytes = tensor.bytes }
  end
  return rows
end

--- crescent itself first, then what it is linked with.
local function version_rows(versions)
  local rows = { { name = 'crescent', version = versions.crescent } }
  for _, name in ipairs(names_of(versions)) do
    if name ~= 'crescent' then rows[#rows + 1] = { name = name, version = versions[name] } end
  end
  return rows
end

--- How the kinds that are tables, but no lists of rows, become such lists.
local rows_by_kind = {
  file = function(file) return file.tensors end,
  machine = function(machine) return machine.read_bandwidth or {} end,
  ids = each_as 'id',
  values = each_as 'value',
  levels = each_as 'level',
  versions = version_rows,
  tensors = tensor_rows,
  captured = captured_rows,
  energy_doctor = energy.rows,
}
for _, texts in ipairs(noted) do
  for kind, rows in pairs(texts.rows) do rows_by_kind[kind] = rows end
end
--- A run is for machines what its trials are.
columns.run = function(run) return store_text.columns.trials(run.trials) end
rows_by_kind.run = function(run) return run.trials end

--- The list of rows of a result that is a table.
local function rows_of(kind, result)
  local rows = rows_by_kind[kind]
  return rows and rows(result) or result
end

local function sheet(kind, result)
  local spec = { titles = {}, align = {}, rows = {} }
  local list = columns_of(kind, result)
  for i, column in ipairs(list) do
    spec.titles[i], spec.align[i] = column[4] or column[1], column[3]
  end
  for r, row in ipairs(rows_of(kind, result)) do
    spec.rows[r] = {}
    for i, column in ipairs(list) do
      local value = row[column[1]]
      spec.rows[r][i] = value == nil and '-' or column[2](value, row, result)
    end
  end
  return spec
end

--- Lines for what is missing and for what to be careful about.
local function notes(result, lines)
  for _, name in ipairs(names_of(result.absent or {})) do
    lines[#lines + 1] = ('no %s: %s'):format(name, result.absent[name])
  end
  for _, warning in ipairs(result.warnings or {}) do lines[#lines + 1] = 'warning: ' .. warning end
  return table.concat(lines, '\n')
end

--- Formats a model's facts: what `print(model)` shows.
function results.model(facts)
  local heads = facts.heads_min == facts.heads_max and units.counted(facts.heads_max, 'head')
    or ('%d to %d heads'):format(facts.heads_min, facts.heads_max)
  local memory = bytes(facts.bytes)
  if facts.bytes_widened > 0 then
    memory = ('%s + %s widened'):format(memory, bytes(facts.bytes_widened))
  end
  if facts.bytes_transposed > 0 then
    memory = ('%s + %s transposed'):format(memory, bytes(facts.bytes_transposed))
  end
  if facts.bytes_packed > 0 then
    memory = ('%s + %s packed'):format(memory, bytes(facts.bytes_packed))
  end
  if facts.bytes_given_back > 0 then
    memory = ('%s - %s given back'):format(memory, bytes(facts.bytes_given_back))
  end
  return ('%s  %s x %s  d_model %d  %s params  %s on %s  %s  %s'):format(
    facts.family, units.counted(facts.layers, 'layer'), heads, facts.d_model,
    scaled(facts.params), facts.dtype, facts.device, memory, facts.level)
end

function results.Samples(samples)
  -- One value has no spread to speak of.
  if #samples.values == 1 then
    return samples.unit == 'ms' and units.format(samples.median, 'ms')
      or units.number(samples.median) .. ' ' .. samples.unit
  end
  return units.plus_minus(samples.median, samples.mad, samples.unit)
end

function results.presets(list) return tables.text(sheet('presets', list)) end
function results.weights(list) return tables.text(sheet('weights', list)) end
function results.health(list) return tables.text(sheet('health', list)) end
function results.removed(list) return tables.text(sheet('removed', list)) end
--- Levels 0 and 1 have none.
function results.passes(list)
  return #list > 0 and tables.text(sheet('passes', list)) or 'no passes: levels 0 (the reference, '
    .. 'formula by formula) and 1 (LibTorch, all heads at once, keys and values kept) have no plan'
end
function results.criteria(list) return tables.text(sheet('criteria', list)) end

for kind, print_it in pairs(store_text.printers) do results[kind] = print_it end

function results.plan(plan) return require('crescent.plan_text')(plan) end
function results.versions(list) return tables.text(sheet('versions', list)) end
function results.tensors(list) return tables.text(sheet('tensors', list)) end
function results.captured(made) return tables.text(sheet('captured', made)) end

--- A plain list on a line, folded as the prompt folds lists.
local function line(list)
  local parts = {}
  for i = 1, math.min(#list, 10) do parts[i] = number(list[i]) end
  if #list > 10 then parts[11] = ('... %d more'):format(#list - 10) end
  return #parts == 0 and '{}' or '{ ' .. table.concat(parts, ', ') .. ' }'
end
results.ids, results.values, results.levels = line, line, line

function results.file(file)
  local lines = { ('%s  %s  %s'):format(file.path, bytes(file.bytes),
    units.counted(#file.tensors, 'tensor')) }
  for _, key in ipairs(names_of(file.metadata)) do
    lines[#lines + 1] = ('  %s = %s'):format(key, file.metadata[key])
  end
  lines[#lines + 1] = tables.text(sheet('file', file))
  return table.concat(lines, '\n')
end

function results.generated(made)
  local speed = made.tokens_per_s and (', %s tokens/s'):format(number(made.tokens_per_s)) or ''
  return ('%s\n[%s, %d new, the first after %s%s, stopped by %s]'):format(
    made.text or line(made.ids), units.counted(made.prompt_tokens, 'prompt token'), made.new_tokens,
    units.format(made.ttft_ms, 'ms'), speed, made.stopped_by)
end

function results.perplexity(made)
  return ('perplexity %s over %s tokens (%s)'):format(number(made.perplexity), count(made.tokens),
    made.protocol)
end

function results.agreement(made)
  return ('KL %s nats, top-1 %s, largest logit difference %s over %s tokens'):format(
    number(made.kl_nats), units.percent(made.top1), number(made.max_abs_logit), count(made.tokens))
end

local function machine_lines(machine)
  local caches = {}
  for _, cache in ipairs(machine.caches) do
    caches[#caches + 1] = ('L%d %s %s'):format(cache.level, cache.type, bytes(cache.bytes))
  end
  return {
    ('%s  %d of %s, %s'):format(machine.cpu, machine.cores,
      units.counted(machine.cores_online, 'core'), units.counted(machine.threads, 'thread')),
    'isa     ' .. table.concat(machine.isa, ' '),
    'caches  ' .. table.concat(caches, ', '),
    ('memory  %s, %s available'):format(bytes(machine.memory_bytes),
      bytes(machine.memory_bytes_available)),
    ('load    %s%s'):format(number(machine.load_1min),
      machine.governor and ', governor ' .. machine.governor or ''),
    ('with    crescent %s, LibTorch %s, LuaJIT %s'):format(machine.versions.crescent,
      machine.versions.LibTorch, machine.versions.LuaJIT),
  }
end

function results.machine(machine)
  local lines = machine_lines(machine)
  if machine.fp32_gflop_s then
    lines[#lines + 1] = ('fp32    %s GFLOP/s, %s with one thread'):format(
      number(machine.fp32_gflop_s), number(machine.fp32_gflop_s_one_thread))
  elseif machine.fp32_gflop_s_one_thread then
    lines[#lines + 1] = ('fp32    %s GFLOP/s with one thread'):format(
      number(machine.fp32_gflop_s_one_thread))
  end
  for _, kind in ipairs { { 'bf16', 'gflop_s', 'GFLOP/s' }, { 'int8', 'gop_s', 'GOP/s' } } do
    local name, field, unit = unpack(kind)
    local peak = machine[name]
    if peak then
      local one = number(peak[field .. '_one_thread'])
      lines[#lines + 1] = ('%-8s%s with one thread, by %s'):format(name,
        peak[field] and ('%s %s, %s'):format(number(peak[field]), unit, one) or one .. ' ' .. unit,
        peak.by)
    end
  end
  if machine.read_bandwidth then lines[#lines + 1] = tables.text(sheet('machine', machine)) end
  return notes(machine, lines)
end

results.energy_doctor = energy.text

for _, texts in ipairs(noted) do
  for kind, lines_of in pairs(texts.printers) do
    results[kind] = function(made)
      return notes(made, lines_of(made, function() return tables.text(sheet(kind, made)) end))
    end
  end
end
for _, kind in ipairs { 'profile_memory', 'environment', 'trace' } do
  results[kind] = function(made)
    return notes(made, { tables.text(sheet(kind, made)) })
  end
end

function results.memory(memory)
  return notes(memory, {
    ('process  %s resident, %s at most'):format(
      bytes(memory.rss_bytes), bytes(memory.rss_bytes_peak)),
    ('models   %d: %s stored, %s widened, %s transposed, %s packed, %s given back'):format(
      memory.models, bytes(memory.model_bytes_stored), bytes(memory.model_bytes_widened),
      bytes(memory.model_bytes_transposed), bytes(memory.model_bytes_packed),
      bytes(memory.model_bytes_given_back)),
    ('sessions %d: %s'):format(memory.sessions, bytes(memory.session_bytes)),
    ('tensors  %d in %d storages: %s; collected at %s'):format(
      memory.tensors, memory.tensor_storages, bytes(memory.tensor_bytes),
      bytes(memory.collect_at_bytes)),
    ('Lua      %s'):format(bytes(memory.lua_bytes)),
  })
end

function results.bench(made)
  local per = made.measure == 'decode' and ' a token' or ''
  local parts = { made.measure, ('%s%s'):format(tostring(made.latency_ms), per) }
  if made.tokens_per_s then parts[#parts + 1] = number(made.tokens_per_s) .. ' tokens/s' end
  if made.level then parts[#parts + 1] = 'level ' .. made.level end
  if made.share_of_limit then
    local limit = made.bandwidth_gb_s
      and ('%s at %s GB/s'):format(bytes(made.bytes_per_token), number(made.bandwidth_gb_s))
      or ('%s GFLOP at %s GFLOP/s'):format(number(made.flops / 1e9), number(made.peak_gflop_s))
    parts[#parts + 1] = ('%s of the limit (%s: %s)'):format(
      units.percent(made.share_of_limit), units.format(made.limit_ms, 'ms'), limit)
  end
  local lines = { table.concat(parts, '  ') }
  if made.run then lines[2] = ('stored as run %d'):format(made.run) end
  return notes(made, lines)
end

--- Metamethods beside __tostring and __index, by kind.
results.metamethods = {
  Samples = {
    __lt = function(a, b) return a.median < b.median end,
    __le = function(a, b) return a.median <= b.median end,
    __eq = function(a, b) return a.median == b.median end,
  },
  -- An empty one is a list in JSON too.
  ids = { __json = 'list' },
  levels = { __json = 'list' },
  passes = { __json = 'list' },
}

local methods = {}
results.methods = methods

for kind, events in pairs(store_text.metamethods) do results.metamethods[kind] = events end
--- A stored run has its trials as rows, for reports.
results.metamethods.run = {
  __index = function(_, key)
    if key == 'rows' then
      return function(run, options)
        if run.cells then return require('crescent.experiment.stored').rows(run, options) end
        return run.trials
      end
    end
    return methods[key]
  end,
}

local function kind_of(result) return getmetatable(result).__name end

--- One cell for a machine to read: Samples stand as their median, lists with spaces between.
local function raw(value)
  if value == nil then return '' end
  if type(value) == 'number' then return units.exact(value) end
  if type(value) ~= 'table' then return tostring(value) end
  if value.median then return units.exact(value.median) end
  if value.low then return units.exact(value.low) .. ' ' .. units.exact(value.high) end
  return table.concat(value, ' ')
end

--- A result that is one row: its scalars and Samples, in alphabetical order, through `format`.
local function single_row(result, format)
  local spec = { titles = {}, rows = { {} } }
  for _, name in ipairs(names_of(result)) do
    local value = result[name]
    if type(value) ~= 'table' or value.median then
      spec.titles[#spec.titles + 1] = name
      spec.rows[1][#spec.titles] = format(value)
    end
  end
  return spec
end

local function raw_sheet(result)
  local kind = kind_of(result)
  if not columns[kind] then return single_row(result, raw) end
  local spec = { titles = {}, rows = {} }
  local list = columns_of(kind, result)
  for i, column in ipairs(list) do spec.titles[i] = column[1] end
  for r, row in ipairs(rows_of(kind, result)) do
    spec.rows[r] = {}
    for i, column in ipairs(list) do spec.rows[r][i] = raw(row[column[1]]) end
  end
  return spec
end

local function readable(value)
  return type(value) == 'number' and number(value) or tostring(value)
end

--- Gives the rows of a result that is a table: plain tables by column. Any other is one row.
function methods.rows(result)
  local kind = kind_of(result)
  return columns[kind] and rows_of(kind, result) or { result }
end

--- Gives a result as CSV: its table, or its figures as one row. Samples stand as their median.
function methods.csv(result) return tables.csv(raw_sheet(result)) end

--- Gives a result as JSON, with everything in it: all samples too.
function methods.json(result, options)
  return require('crescent').json.encode(result, options or {})
end

--- Gives a result as a Markdown table, formatted as it prints.
function methods.markdown(result)
  local kind = kind_of(result)
  return tables.markdown(columns[kind] and sheet(kind, result) or single_row(result, readable))
end

local sentences = {
  compare = compare_text.sentences.compare, compare_runs = compare_text.sentences.compare_runs,
  self_test = self_test_text.sentence,
}

--- Reads a result aloud: a comparison's verdicts in words, any other as it prints.
function methods.sentence(result)
  local sentence = sentences[kind_of(result)]
  return sentence and sentence(result) or tostring(result)
end

return results
