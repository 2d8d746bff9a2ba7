--- crescent.prune.ledger: what pruning says beside what it did.
local quoted = require('crescent.child').quoted
local units = require 'crescent.units'
local tables = require 'crescent.table'

local window_default, stride_default = 256, 128
local resident_tokens = 8 -- of the one forward pass of a process of its own
local unseen = 0.005 -- of a quantity: less is no shrinking

-- What a process of its own runs: it loads one model, uses it once, and says what it takes. The
-- embedded model goes first, so that what the program takes without the model is known as well:
-- Pss counts shared pages by their users, and other processes that use LibTorch come and go.
local resident_script = [[
local function use(folder)
  local model, ids = crescent.load(folder), {}
  for i = 1, math.min(tonumber(arg[2]), model.config.positions_max) do ids[i] = i % 2 end
  model:forward(ids)
  return model
end
local function taken()
  collectgarbage()
  local memory = crescent.memory()
  return memory.pss_bytes or memory.rss_bytes, memory.pss_bytes and 'Pss' or 'RSS'
end
use('tiny'):close()
local without = taken()
local model = use(arg[1])
local with, kind = taken()
crescent.process.channel():send(('%.0f %.0f %s'):format(with, with - without, kind))
]]

--- Runs fn with a new folder that is gone afterwards.
local function with_folder(fn)
  local folder = os.tmpname()
  os.remove(folder)
  local ok, result = pcall(fn, folder)
  for _, ending in ipairs { '.before', '.after' } do
    os.execute('rm -rf ' .. quoted(folder .. ending))
  end
  if not ok then error(result, 0) end
  return result
end

--- What a process of its own takes with that folder's model: { all, model, kind }, or nil and why.
local function resident(folder)
  local child = crescent.process.spawn { crescent.process.executable(), '--threads',
    crescent.threads(), '-e', resident_script, folder, resident_tokens }
  local said = child:receive()
  if not said then
    return nil, ('the process of its own %s: %s'):format(child.ended.reason, child:output())
  end
  child:close()
  local all, model, kind = said:match('^(%d+) (%-?%d+) (%a+)$')
  return { all = tonumber(all), model = tonumber(model), kind = kind }
end

--- Adds a line with both figures, how they compare, and what that means.
local function add(ledger, line, format, before, after, says)
  ledger.rows[#ledger.rows + 1] = {
    line = line, before = before, after = after,
    ratio = type(before) == 'number' and before ~= 0 and after / before or nil,
    text_before = before and format(before) or '-', text_after = after and format(after) or '-',
    says = says,
  }
end

local function bytes(value) return units.format(value, 'bytes') end
local function scaled(value) return units.format(value, 'count') end

local function shrunk(before, after, otherwise)
  if after < before * (1 - unseen) then
    return ('%s less'):format(units.percent(1 - after / before))
  end
  if after > before * (1 + unseen) then
    return ('grew by %s'):format(units.percent(after / before - 1))
  end
  return 'did not shrink: ' .. otherwise
end

local function count_parameters(ledger, before, after)
  local was, is = crescent.prune.figures(before), crescent.prune.figures(after)
  local zeros = is.params - is.params_nonzero
  add(ledger, 'parameters', units.grouped, was.params, is.params,
    shrunk(was.params, is.params, 'no weight was removed'))
  local says = shrunk(was.params_nonzero, is.params_nonzero, 'as many are not zero')
  if is.params == was.params and is.params_nonzero < was.params_nonzero then
    says = ('only the mask changed: %s are zero and all are still there'):format(
      units.grouped(zeros))
  end
  add(ledger, 'of them not zero', units.grouped, was.params_nonzero, is.params_nonzero, says)
  add(ledger, 'FLOPs a token', scaled, was.flops_per_token, is.flops_per_token,
    shrunk(was.flops_per_token, is.flops_per_token, 'zeros are multiplied too'))
  return was, is
end

--- Real bytes: files that were written, and memory of processes that read them.
local function count_bytes(ledger, before, after, options)
  with_folder(function(folder)
    local sizes, taken, reasons = {}, {}, {}
    for name, model in pairs { before = before, after = after } do
      local path = folder .. '.' .. name
      model:save(path)
      sizes[name] = crescent.inspect.file(path .. '/model.safetensors').bytes
      if options.resident ~= false then
        taken[name], reasons[name] = resident(path)
      end
    end
    add(ledger, 'file, written', bytes, sizes.before, sizes.after,
      shrunk(sizes.before, sizes.after, 'zeros are written too'))
    if options.resident == false then
      ledger.absent.resident_bytes = 'resident = false'
    elseif not taken.before or not taken.after then
      ledger.absent.resident_bytes = taken.before and reasons.after or reasons.before
    else
      add(ledger, 'resident, ' .. taken.after.kind, bytes, taken.before.all, taken.after.all,
        'of a process of its own: the model, LibTorch and the program')
      add(ledger, 'of it the model', bytes, taken.before.model, taken.after.model,
        shrunk(taken.before.model, taken.after.model, 'zeros are held too'))
    end
  end)
end

local function time(ledger, before, after, measure, with, options)
  local positions = math.min(before.config.positions_max, after.config.positions_max)
  local needed = (with.prompt or 0) + with.tokens
  local name = measure .. '_ms'
  if needed > positions then
    ledger.absent[name] = ('%d tokens are more than the %d positions'):format(needed, positions)
    return
  end
  local speed = crescent.bench.compare {
    measure = measure, candidates = { { 'before', before }, { 'after', after } },
    baseline = 'before', with = with, time_s_max = options.time_s_max or 20,
  }
  local was, is = speed.rows[1], speed.rows[2]
  add(ledger, measure == 'decode' and 'decode, a token' or ('prefill, %d tokens'):format(
    with.tokens), tostring, was.latency_ms, is.latency_ms,
    ('%s: %s times (%s .. %s)'):format(is.verdict, units.number(is.ratio, 3),
      units.number(is.interval.low, 3), units.number(is.interval.high, 3)))
  local row = ledger.rows[#ledger.rows]
  row.ratio, row.interval, row.verdict = is.ratio, is.interval, is.verdict
  for _, warning in ipairs(speed.warnings or {}) do
    ledger.warnings[#ledger.warnings + 1] = measure .. ': ' .. warning
  end
end

local function judge(ledger, before, after, data)
  if not data then
    local reason = 'give data = { file = }, { text = } or { ids = }'
    ledger.absent.perplexity, ledger.absent.agreement = reason, reason
    return
  end
  local window = math.min(data.window or window_default, before.config.positions_max)
  local text = { file = data.file, text = data.text, ids = data.ids, window = window,
    stride = math.min(data.stride or stride_default, window) }
  local was = crescent.eval.perplexity(before, text)
  local is = crescent.eval.perplexity(after, text)
  add(ledger, 'perplexity', units.number, was.perplexity, is.perplexity,
    ('%s times, over %s tokens'):format(units.number(is.perplexity / was.perplexity),
      units.grouped(is.tokens)))
  text.stride = nil
  local drift = crescent.eval.agreement(after, before, text)
  add(ledger, 'KL from before, nats', units.number, nil, drift.kl_nats,
    ('the same most likely token at %s of the positions'):format(units.percent(drift.top1)))
  ledger.agreement = drift
end

local class = { __name = 'ledger' }

function class.__tostring(ledger)
  local spec = { titles = { '', 'before', 'after', 'what that means' },
    align = { 'left', 'right', 'right', 'left' }, rows = {} }
  for i, row in ipairs(ledger.rows) do
    spec.rows[i] = { row.line, row.text_before, row.text_after, row.says }
  end
  local lines, names = { tables.text(spec) }, {}
  for name in pairs(ledger.absent) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    lines[#lines + 1] = ('no %s: %s'):format(name, ledger.absent[name])
  end
  for _, warning in ipairs(ledger.warnings) do lines[#lines + 1] = 'warning: ' .. warning end
  return table.concat(lines, '\n')
end

--- See crescent.prune.ledger, which checks the arguments.
return function(before, after, options)
  options = options or {}
  local ledger = setmetatable({ rows = {}, absent = {}, warnings = {} }, class)
  ledger.figures_before, ledger.figures_after = count_parameters(ledger, before, after)
  count_bytes(ledger, before, after, options)
  if options.timed == false then
    ledger.absent.decode_ms, ledger.absent.prefill_ms = 'timed = false', 'timed = false'
  else
    time(ledger, before, after, 'decode',
      { prompt = options.prompt or 32, tokens = options.tokens or 64 }, options)
    time(ledger, before, after, 'prefill', { tokens = options.prefill or 128 }, options)
  end
  judge(ledger, before, after, options.data)
  return ledger
end
