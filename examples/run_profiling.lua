-- Profiles models of published shapes over lengths of the prompt, and writes a folder of it.
local measure = require 'text.measure'
local subjects = require 'text.subjects'

local new_tokens = 16
local usual = { models = { 'tiny', 'distilgpt2', 'gpt2' }, lengths = { 32, 128, 512 },
  iterations = 5 }
local quick = { models = { 'tiny', 'decoder_tiny:1' }, lengths = { 16, 64 }, iterations = 2 }
local full = { lengths = { 32, 128, 512, 1024, 2048 }, iterations = 10 }

--- The embedded model and, smallest first, the presets that together fit into memory.
function full.models_fitting()
  local presets = crescent.presets()
  table.sort(presets, function(a, b) return a.params < b.params end)
  local names, left = { 'tiny' }, 0.6 * crescent.machine().memory_bytes
  for _, preset in ipairs(presets) do
    left = left - 4 * preset.params
    if left > 0 then names[#names + 1] = preset.name end
  end
  return names
end

local function get(opt, name)
  if opt[name] then return opt[name] end
  if opt.full and name == 'models' then return full.models_fitting() end
  return (opt.quick and quick or opt.full and full or usual)[name]
end

return crescent.experiment {
  name = 'run_profiling',
  doc = 'Profiles inference by model and length of the prompt. Presets have random weights: their '
    .. 'times are real,\nand they have no quality. Writes a folder: report, figures, charts, and '
    .. 'the command that makes it again.',
  options = measure.options('run_profiling', {
    models = { "folders, embedded models or presets, 'gpt2:2' for two layers of one; default: "
      .. 'tiny,distilgpt2,gpt2', list = true, nonempty = true, identity = false },
    lengths = { 'tokens of the prompt; what a model has no positions for is left out; default: '
      .. '32,128,512', list = true, type = 'integer', at_least = 1, identity = false },
    iterations = { 'generations that count, of every cell in turn with the others; default: 5',
      type = 'integer', at_least = 1 },
    quick = { 'tiny and one layer of decoder_tiny, short prompts, twice: seconds',
      default = false },
    full = { 'tiny and all presets that together fit into memory, prompts up to 2048, ten times: '
      .. 'hours', default = false },
  }),
  grid = function(opt)
    return { model = get(opt, 'models'), length = get(opt, 'lengths') }
  end,
  order = { 'model', 'length' },
  where = function(point)
    return point.length + new_tokens <= subjects.positions(point.model, '--models')
  end,
  rounds = function(opt) return get(opt, 'iterations') end,
  run = function(point, opt, ctx)
    local model = subjects.load(ctx, point.model)
    local work = { prompt = subjects.ids(model, point.length), tokens = new_tokens, warmup = 1 }
    local row = measure.generation(model, work)
    measure.throughput(row, model, work, 1)
    if ctx.round > 1 then return row end
    measure.quality(row, model, model:optimize { level = 0 }, opt.quick and 10 or 100)
    measure.profile(row, model, work, { spec = { mode = 'standard' }, store = ctx.store,
      trials = get(opt, 'iterations'), cost_s = opt.quick and 0.2 or 2,
      name = ('run_profiling %s length %d'):format(point.model, point.length) })
    return row
  end,
  report = function(rows, opt)
    local profiles, parts = measure.profiles(rows, function(row)
      return ('%s, prompt of %d'):format(row.model, row.length)
    end), {}
    for i, one in ipairs(profiles) do
      parts[i] = { crescent.report.profile(), one[2], title = 'Profile of ' .. one[1] }
    end
    measure.write(rows, 'run_profiling', {
      title = 'Inference by model and length', parts = parts, profiles = profiles,
      layout = { title = 'Models and lengths', x = 'length', by = 'model',
        text = measure.work_text('`length`', new_tokens, get(opt, 'iterations'), 1)
          .. ' Agreement is with the reference, level 0.' },
    }, opt)
  end,
}
