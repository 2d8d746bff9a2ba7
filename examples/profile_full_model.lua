-- Profiles a model whole and pruned, at one level or all, and writes a folder with all there is.
local earlier = require 'crescent.earlier'
local measure = require 'text.measure'
local subjects = require 'text.subjects'

local modes = { -- what crescent.profile.run is asked for
  basic = { mode = 'minimal' },
  detailed = { mode = 'standard' },
  component = { mode = 'custom', collect = { 'layers', 'components' } },
  all = { mode = 'deep' },
  memory = { mode = 'custom', collect = { 'memory', 'counters' }, memory = true },
  throughput = { mode = 'minimal' },
}
local usual = { sequence_length = 64, generated_tokens = 32, iterations = 10,
  pruning_levels = { 0, 30, 50, 70 } }
local quick = { sequence_length = 16, generated_tokens = 8, iterations = 2,
  pruning_levels = { 0, 50 } }
local function get(opt, name) return opt[name] or (opt.quick and quick or usual)[name] end

return crescent.experiment {
  name = 'profile_full_model',
  doc = 'Profiles a model, whole and pruned: time by part, memory, throughput, and what quality is '
    .. 'left.\nWrites a folder: report, figures, charts, and the command that makes it again.',
  options = measure.options('profile_full_model', {
    model = { 'a model folder, an embedded model or a preset', default = 'tiny' },
    sequence_length = { 'tokens of the prompt; default: 64, with --quick 16', type = 'integer',
      at_least = 1 },
    generated_tokens = { 'new tokens behind it; default: 32, with --quick 8', type = 'integer',
      at_least = 2 },
    batch_size = { 'prompts at once in prefill; tokens are generated for one', default = 1,
      at_least = 1, type = 'integer' },
    pruning_levels = { 'percent of heads and neurons that go; default: 0,30,50,70, with --quick '
      .. '0,50', type = 'integer', list = true, at_least = 0, at_most = 99, identity = false },
    iterations = { 'generations that count, of every cell in turn with the others, and of its '
      .. 'profile; default: 10, with --quick 2', type = 'integer', at_least = 1 },
    warmup = { 'generations before each of them that do not count', default = 1, type = 'integer',
      at_least = 1 },
    profile_mode = { 'basic: time by section; detailed: by layer and component, with statistics; '
      .. 'component: without these; all: down to operations; memory: by section; throughput: '
      .. 'tokens a second',
      default = 'detailed',
      choices = { 'basic', 'detailed', 'component', 'all', 'memory', 'throughput' } },
    optimization_level = { 'the level that it runs at', default = 1, identity = false,
      choices = crescent.levels.available() },
    test_all_optimization_levels = { 'runs it at every level', default = false, identity = false },
    compare_with_previous = { 'holds each profile against the newest earlier one of the same work '
      .. 'in the store; --fresh measures anew', default = false, identity = false },
    quick = { 'less of all that is not given, and little text', default = false },
  }),
  grid = function(opt)
    subjects.expect(opt.model, get(opt, 'sequence_length') + get(opt, 'generated_tokens'))
    local ratios = {}
    for i, percent in ipairs(get(opt, 'pruning_levels')) do ratios[i] = percent / 100 end
    return { ratio = ratios, level = opt.test_all_optimization_levels
      and crescent.levels.available() or { opt.optimization_level } }
  end,
  order = { 'ratio', 'level' },
  rounds = function(opt) return get(opt, 'iterations') end,
  run = function(point, opt, ctx)
    local whole = subjects.load(ctx, opt.model)
    local pruned = point.ratio == 0 and whole or ctx.once('without ' .. point.ratio, function()
      return subjects.pruned(whole, point.ratio, opt.quick and 256 or 2048)
    end)
    local model = pruned:optimize { level = point.level }
    local work = { prompt = subjects.ids(model, get(opt, 'sequence_length')),
      tokens = get(opt, 'generated_tokens'), warmup = opt.warmup }
    local row = measure.generation(model, work)
    if opt.batch_size > 1 or opt.profile_mode == 'throughput' then
      measure.throughput(row, model, work, opt.batch_size)
    end
    if ctx.round > 1 then return row end
    measure.quality(row, model, whole:optimize { level = 0 }, opt.quick and 10 or 100)
    measure.profile(row, model, work, { spec = modes[opt.profile_mode], store = ctx.store,
      trials = get(opt, 'iterations'), cost_s = opt.quick and 0.2 or 2,
      name = ('profile_full_model %s %g level %d'):format(opt.model, point.ratio, point.level) })
    return row
  end,
  report = function(rows, opt)
    local profiles = measure.profiles(rows, function(row)
      return ('%g percent removed, level %d'):format(100 * row.ratio, row.level)
    end)
    local parts, said = {}, {}
    for _, one in ipairs(opt.compare_with_previous and profiles or {}) do
      local found, reason = earlier(rows.about.store, one.run, { measure = 'token_ms' })
      local title = one[1] .. ', against the previous run'
      parts[#parts + 1] = found and { crescent.report.compare(), found, title = title }
        or ('%s: %s.'):format(title, reason)
      said[#said + 1] = ('%s: %s'):format(title, found and found:sentence() or reason)
    end
    for _, one in ipairs(profiles) do
      parts[#parts + 1] = { crescent.report.profile(), one[2], title = 'Profile: ' .. one[1] }
    end
    measure.write(rows, 'profile_full_model', {
      title = 'Profile of ' .. opt.model, parts = parts, profiles = profiles,
      layout = { title = 'What pruning and levels do to {model}', x = 'ratio', by = 'level',
        text = measure.work_text(get(opt, 'sequence_length'), get(opt, 'generated_tokens'),
          get(opt, 'iterations'), opt.batch_size),
        column = { 'ratio', title = 'removed', format = 'percent' }, baseline = { ratio = 0 } },
    }, opt)
    if #said > 0 then print(table.concat(said, '\n')) end
  end,
}
