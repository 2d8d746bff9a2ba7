--- What the scripts beside this one share: options, levels, limits, the one table and its JSON.
--- A ratio is a time over level 1's, a share is a limit over what was measured. Where a limit can
--- be work of its own (reading, multiplying) it is measured in turn with what is held against it;
--- else it is the best of what the machine did before and after the work.
local quoted = require('crescent.child').quoted

local tables, units = crescent.table, crescent.units

local support = {}

--- build/bench of the repository that the running script lies in, made if need be.
---@return string
function support.folder()
  local folder = (arg[0]:match('^(.*)/tests/bench/[^/]*$') or '.') .. '/build/bench'
  os.execute('mkdir -p ' .. quoted(folder))
  return folder
end

--- A folder with GPT-2's smallest shape, written once, and read, so that the page cache holds it.
---@return string
function support.saved_gpt2()
  local folder = support.folder() .. '/gpt2'
  local weights = folder .. '/model.safetensors'
  if not io.open(weights) then
    os.execute('rm -rf ' .. quoted(folder))
    crescent.preset('gpt2', { seed = 1 }):save(folder)
  end
  os.execute('cat ' .. quoted(weights) .. ' >/dev/null')
  return folder
end

--- Declares a script's options: those given, and the ones that all have.
---@param about string
---@param own table<string, table>?
function support.options(about, own)
  local declared = {
    about,
    quick = { 'fewer repetitions: some 20 s on an idle machine, and wide intervals',
      default = false },
    seconds = { 'for each comparison; default: 20, or 3 with --quick', type = 'number', above = 0 },
    json = { 'where all figures go; default: build/bench/NAME.json' },
  }
  for name, option in pairs(own or {}) do declared[name] = option end
  return crescent.options(declared)
end

-- ---- figures

--- A figure with its interval, if it has one.
---@param value number
---@param interval { low: number, high: number }?
---@param unit 'ms'|'us'|'x'|'bytes'|'share'|'GB/s'
function support.figure(value, interval, unit)
  return { value = value, low = interval and interval.low, high = interval and interval.high,
    unit = unit }
end

function support.of_samples(samples)
  return support.figure(samples.median, samples.interval, samples.unit)
end

--- A figure of what grows (or falls) with this one: fn of it and of its interval.
function support.derived(figure, unit, fn)
  local a, b = figure.low and fn(figure.low), figure.low and fn(figure.high)
  return support.figure(fn(figure.value), a and { low = math.min(a, b), high = math.max(a, b) },
    unit)
end

--- A limit over a time: the share of the limit that was reached.
function support.share(limit, time)
  return support.derived(time, 'share', function(value) return limit / value end)
end

--- What a function makes of the times of some rows of a comparison, each over the baseline's, block
--- by block: the machine's mood goes out of it.
---@param unit 'x'|'share'
function support.by_block(unit, fn, ...)
  local rows, blocks, values = { ... }, 0, {}
  for _, row in ipairs(rows) do blocks = math.max(blocks, #row.block_logs) end
  for block = 1, blocks do
    local times = {}
    for i, row in ipairs(rows) do times[i] = math.exp(row.block_logs[block] or 0) end
    values[block] = fn(unpack(times))
  end
  return support.of_samples(crescent.statistics.samples(values, { unit = unit, confidence = 0.99 }))
end

local function quotient(a, b) return a / b end

--- How the times of one row stand to another's, whichever is the baseline.
function support.ratio(row, to)
  if row == to then return support.figure(1, nil, 'x') end
  return support.by_block('x', quotient, row, to)
end

--- The share of a limit that was measured in turn with the work.
function support.share_in_turn(limit, row)
  return support.by_block('share', quotient, limit, row)
end

local formats = {
  bytes = function(value) return units.format(value, 'bytes') end,
  share = function(value) return units.number(value, 3) end,
  x = function(value) return units.number(value, 3) .. ' x' end,
}

--- '25.81 ms (25.10 .. 26.44)'; '-' for nothing.
function support.cell(figure)
  if not figure then return '-' end
  local format = formats[figure.unit]
    or function(value) return units.number(value) .. ' ' .. figure.unit end
  if not figure.low or figure.low == figure.high then return format(figure.value) end
  local function bare(value) return (format(value):gsub(' [^%d ]+$', '')) end
  local ends = figure.unit == 'bytes' and format or bare
  return ('%s (%s .. %s)'):format(format(figure.value), ends(figure.low), ends(figure.high))
end

-- ---- limits

--- What the machine can do: the best of two of its measurements.
function support.best_of(first, second)
  local function peak(kind, field)
    local one, two = first[kind] or {}, second[kind] or {}
    return math.max(one[field] or 0, two[field] or 0)
  end
  local best = {
    fp32_gflop_s = math.max(first.fp32_gflop_s, second.fp32_gflop_s),
    bf16_gflop_s = peak('bf16', 'gflop_s'),
    int8_gop_s = peak('int8', 'gop_s'), int8_by = first.int8 and first.int8.by,
    read_bandwidth = {},
  }
  for i, row in ipairs(first.read_bandwidth) do
    local again = second.read_bandwidth[i] or row -- less memory may be free by then
    best.read_bandwidth[i] = { bytes = row.bytes,
      gb_s = math.max(row.all_threads_gb_s, again.all_threads_gb_s) }
  end
  return best
end

--- Bandwidth at a working set, interpolated on a log scale as crescent's own limits are.
---@return number  # GB/s
function support.bandwidth(limits, bytes)
  local before
  for _, row in ipairs(limits.read_bandwidth) do
    if row.bytes >= bytes then
      if not before then return row.gb_s end
      local share = math.log(bytes / before.bytes) / math.log(row.bytes / before.bytes)
      return before.gb_s + share * (row.gb_s - before.gb_s)
    end
    before = row
  end
  return before.gb_s
end

--- The matrix peak for weights of that width: of its own instructions where there are some that
--- multiply such numbers as they are, else of fp32.
function support.peak(limits, width)
  if width == 'bf16' then return math.max(limits.fp32_gflop_s, limits.bf16_gflop_s) end
  local narrow = width ~= 'fp32' and limits.int8_by ~= 'vpmaddwd'
  return math.max(limits.fp32_gflop_s, narrow and limits.int8_gop_s or 0)
end

--- What reading so many bytes takes, in ms.
---@param working_set number?  # of which they are a part; default: they are all
function support.read_ms(limits, bytes, working_set)
  return bytes / support.bandwidth(limits, working_set or bytes) / 1e6
end

-- ---- models

--- A model at every level that this build has, also by name: { name, width, how, model, bytes }
--- each, the bytes being those that a token reads.
---@param options { reference: boolean?, widths: string[]? }?  # level 0 too; widths of level 3
function support.levels(model, options)
  options = options or {}
  local list = {}
  local function add(name, width, how)
    local entry = { name = name, width = width, how = how, model = model:optimize(how) }
    entry.bytes = support.bytes_of_a_token(entry.model)
    list[#list + 1], list[name] = entry, entry
  end
  for _, level in ipairs(crescent.levels.available()) do
    if level == 3 then
      for _, width in ipairs(options.widths or { 'bf16', 'int8', 'int4' }) do
        add('level 3 ' .. width, width, { level = 3, weights = width })
      end
    elseif level > 0 or options.reference then
      add('level ' .. level, 'fp32', { level = level })
    end
  end
  return list
end

--- Levels as the candidates of a comparison, and reading the bytes of a token of each, once for all
--- that have as many; `level.reading` becomes the name of that candidate.
function support.candidates(levels)
  local list = {}
  for i, level in ipairs(levels) do list[i] = { level.name, level.model } end
  return support.with_reading(list, levels)
end

--- Adds to candidates what reading the bytes of a token of each level takes.
function support.with_reading(list, levels)
  local known = {}
  for _, candidate in ipairs(list) do known[candidate[1]] = true end
  for _, level in ipairs(levels) do
    level.reading = ('reading %d bytes'):format(level.bytes)
    if not known[level.reading] then
      list[#list + 1] = { level.reading, { bytes = level.bytes } }
      known[level.reading] = true
    end
  end
  return list
end

--- Bytes of weights that a token reads at batch 1, as the model's level stores them.
function support.bytes_of_a_token(model)
  return crescent.bench.decode(model, { prompt = 1, tokens = 1, samples_min = 1,
    time_s_max = 1e-3 }).bytes_per_token
end

--- FLOPs of a prefill of so many tokens.
function support.flops_of_prefill(model, tokens)
  return crescent.bench.prefill(model, { tokens = tokens, samples_min = 1,
    time_s_max = 1e-3 }).flops
end

--- So many token ids that any model has.
function support.ids(model, count)
  local ids = {}
  for i = 1, count do ids[i] = i * 7919 % model.config.vocab end
  return ids
end

--- A function that decodes one token of each of `batch` sequences behind `context` tokens, and the
--- bytes of their cache.
function support.step(model, context, batch)
  local session = model:session { tokens = context + 1, batch = batch }
  local prompt, next_ids = support.ids(model, context), { 1 }
  if batch and batch > 1 then
    local one = prompt
    prompt, next_ids = {}, {}
    for row = 1, batch do prompt[row], next_ids[row] = one, { row } end
  end
  session:feed(prompt, { last = true })
  return function()
    session:feed(next_ids, { last = true })
    session:truncate(context)
  end, session.bytes
end

--- Writes a value to the JSON file that the options name, and says where it is.
---@param name string  # of the file if they name none
function support.write(opt, name, value)
  local path = opt.json or ('%s/%s.json'):format(support.folder(), name)
  local file = assert(io.open(path, 'w'))
  assert(file:write(crescent.json.encode(value, { indent = 1 }), '\n'))
  file:close()
  print('wrote ' .. path)
end

-- ---- a run

local run_methods = {}

--- Begins a script's work: measures the machine.
---@param name string   # of the JSON file
function support.start(name, opt)
  local machine = crescent.machine()
  for _, limit in ipairs { 'read_bandwidth', 'all_threads_gb_s', 'fp32_gflop_s' } do
    if machine.absent[limit] then error('no limit: ' .. machine.absent[limit], 0) end
  end
  return setmetatable({
    name = name, opt = opt, rows = {}, warnings = {}, told = {}, details = {},
    machine = machine, seconds = opt.seconds or (opt.quick and 3 or 20),
  }, { __index = run_methods })
end

--- crescent.bench.compare, whose rows are found by name and have `time`, a figure.
function run_methods:compare(spec)
  spec.time_s_max = spec.time_s_max or self.seconds
  local made = crescent.bench.compare(spec)
  self.details[#self.details + 1] = made
  for _, warning in ipairs(made.warnings) do self:warn(warning) end
  local by_name = {}
  for _, row in ipairs(made.rows) do
    row.time, by_name[row.name] = support.of_samples(row.latency_ms), row
  end
  return by_name
end

function run_methods:warn(text)
  if not self.told[text] then table.insert(self.warnings, text) end
  self.told[text] = true
end

--- Adds a row: { measure, ours, level_1, limit, share, ratio }. `ours` and `level_1` are figures,
--- `limit` one too or a number in their unit, `share` limit / ours unless given. Each may be a
--- function of the machine's limits, which are only known at the end.
function run_methods:add(row) self.rows[#self.rows + 1] = row end

--- A row with the limits put in.
local function settled(row, limits)
  local function value(field)
    if type(field) == 'function' then return field(limits) end
    return field
  end
  local made = { measure = row.measure, ours = value(row.ours), level_1 = value(row.level_1),
    limit = value(row.limit), ratio = value(row.ratio) }
  made.share = value(row.share) or made.limit and support.share(made.limit, made.ours)
  return made
end

--- Measures the machine again, fills in limits and shares, prints the table and writes the JSON.
function run_methods:finish()
  local limits = support.best_of(self.machine, crescent.machine { refresh = true })
  local rows, spec = {}, {
    titles = { 'measure', 'ours', 'level 1', 'limit', 'of the limit', 'ratio' },
    align = { 'left', 'left', 'left', 'left', 'left', 'left' }, rows = {},
  }
  for i, row in ipairs(self.rows) do
    local made = settled(row, limits)
    rows[i], spec.rows[i] = made, { made.measure }
    local limit = made.limit
    if type(limit) == 'number' then limit = support.figure(limit, nil, made.ours.unit) end
    for place, figure in pairs { made.ours, made.level_1 or false, limit or false,
      made.share or false, made.ratio or false } do
      spec.rows[i][place + 1] = support.cell(figure)
    end
  end
  print(('%s, %s'):format(self.machine.cpu, units.counted(self.machine.threads, 'thread')))
  print(tables.text(spec))
  print(('Limits: %s GB/s at 256 MB, %s GFLOP/s in fp32; the best of before and after the work.')
    :format(units.number(support.bandwidth(limits, 256e6)), units.number(limits.fp32_gflop_s)))
  for _, warning in ipairs(self.warnings) do print('warning: ' .. warning) end
  support.write(self.opt, self.name, { name = self.name, rows = rows, limits = limits,
    machine = self.machine, details = self.details, warnings = self.warnings })
end

return support
