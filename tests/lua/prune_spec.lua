--- Pruning from Lua: options, plans, criteria of a script's own, the ledger, maps.
local test = require 'crescent.test'
local fixtures = require 'fixtures'

local gpt2 = crescent.load(fixtures.model 'gpt2')
local llama = crescent.load(fixtures.model 'llama')
local text_model = crescent.load(fixtures.model 'gpt2_text')
local text = ('To be, or not to be, that is the question. '):rep(8)
local ids = {}
for i = 1, 24 do ids[i] = (i * 7) % gpt2.config.vocab end
local heads = gpt2.layers[1].heads
local all_heads = heads * #gpt2.layers

local function plan(options, model) return crescent.prune.plan(model or gpt2, options) end

--- The message without the place in front of it.
local function message(fn, ...)
  local ok, problem = pcall(fn, ...)
  test.equal(ok, false)
  return (tostring(problem):gsub('^[^ ]*:%d+: ', ''))
end

local function refuses(options, wanted, model)
  test.equal(message(plan, options, model), 'crescent.prune.plan: ' .. wanted)
end

local function largest_difference(a, b) return (a - b):abs():max():item() end

test.group('a plan', function()
  test.case('removes the share that was asked for', function()
    local made = plan { ratio = 0.5 }
    test.equal(made.counts.heads.removed, all_heads / 2)
    test.equal(made.counts.heads.of, all_heads)
    test.equal(#made:rows(), all_heads / 2)
    test.equal(made.criterion, 'magnitude')
  end)
  test.case('expects what applying it gives', function()
    local made = plan { what = { 'heads', 'neurons' }, ratio = { heads = 0.5, neurons = 0.25 } }
    local smaller = made:apply()
    test.equal(smaller.params, made.after.params)
    test.equal(smaller.bytes, made.after.bytes)
    test.ok(made.after.params < made.before.params)
    test.equal(made.before.params, gpt2.params)
  end)
  test.case('leaves the model alone', function()
    local hash = gpt2:hash()
    plan { ratio = 0.5 }:apply()
    test.equal(gpt2:hash(), hash)
  end)
  test.case('of nothing gives the same logits bit for bit', function()
    test.equal(largest_difference(plan { ratio = 0 }:apply():forward(ids), gpt2:forward(ids)), 0)
  end)
  test.case('masks as it removes', function()
    for _, model in ipairs { gpt2, llama } do
      for _, what in ipairs { 'heads', 'neurons', 'layers' } do
        local made = crescent.prune.plan(model, { what = what, count = 1 })
        local removed, masked = made:apply():forward(ids), made:mask():forward(ids)
        test.ok(largest_difference(removed, masked) <= 1e-5 * masked:std():item())
        test.equal(made:mask().params, model.params)
      end
    end
  end)
  test.case('takes a list, counted from 1 and from the end', function()
    local rows = plan { list = { { 1, 2 }, { -1, -1 } } }:rows()
    test.equal(rows[1].layer, 1)
    test.equal(rows[1].index, 2)
    test.equal(rows[2].layer, #gpt2.layers)
    test.equal(rows[2].index, heads)
    local layers = plan { what = 'layers', list = { -1 } }
    test.equal(#layers:apply().layers, #gpt2.layers - 1)
  end)
  test.case('keeps under a limit of parameters and of bytes', function()
    local most = math.floor(gpt2.params * 0.9)
    test.ok(plan { what = 'neurons', params_max = most }:apply().params <= most)
    local bytes = math.floor(gpt2.bytes * 0.9)
    test.ok(plan { what = 'neurons', bytes_max = bytes }:apply().bytes <= bytes)
  end)
  test.case('leaves protected layers whole', function()
    local smaller = plan { ratio = 0.5, per = 'layer', protect_layers = { 1 } }:apply()
    test.equal(smaller.layers[1].heads, heads)
    test.ok(smaller.layers[2].heads < heads)
  end)
  test.case('may take all heads of a layer, which then runs', function()
    local list = {}
    for head = 1, heads do list[head] = { 1, head } end
    local smaller = plan { list = list, keep_heads_min = 0 }:apply()
    test.equal(smaller.layers[1].heads, 0)
    test.equal(smaller:generate(ids, { tokens = 3, ignore_eos = true }).new_tokens, 3)
  end)
  test.case('goes by whole groups if asked, and says so', function()
    local made = crescent.prune.plan(llama, { count = 1, groups = true })
    test.equal(made.counts.groups.removed, 1)
    test.ok(made.notes[1]:find('whole groups go', 1, true))
    local single = crescent.prune.plan(llama, { count = 1 })
    test.ok(single.notes[1]:find('single query heads go', 1, true))
  end)
  test.case('reads back from its file, for the same model alone', function()
    local path = os.tmpname()
    local made = plan { ratio = 0.3, criterion = 'random', seed = 3 }
    made:save(path)
    local again = crescent.prune.load(path, gpt2)
    test.equal(again:apply():hash(), made:apply():hash())
    test.equal(again.seed, 3)
    local problem = message(crescent.prune.load, path, llama)
    os.remove(path)
    test.equal(problem, ('crescent.prune.load: the plan was made for the model with hash %s, this '
      .. 'one has %s; make a plan for this model'):format(gpt2:hash(), llama:hash()))
    test.equal(message(made.apply, made, llama), ('plan:apply: the plan was made for the model '
      .. 'with hash %s, this one has %s; make a plan for this model'):format(gpt2:hash(),
        llama:hash()))
  end)
  test.case('prints what goes, what is expected, and where rules were taken', function()
    local shown = tostring(plan { what = { 'heads', 'neurons' }, ratio = 0.3 })
    test.ok(shown:find('go, by magnitude', 1, true))
    test.ok(shown:find('parameters', 1, true))
    test.ok(shown:find('the read bandwidth measured here', 1, true))
    test.ok(shown:find('note: several kinds are ranked by score per parameter', 1, true))
  end)
  test.case('can be pruned again, and saves and loads', function()
    local once = plan { ratio = 0.25 }:apply()
    local twice = crescent.prune.plan(once, { what = 'neurons', ratio = 0.5 }):apply()
    fixtures.with_folder(function(folder)
      twice:save(folder)
      local loaded = crescent.load(folder)
      test.equal(loaded:hash(), twice:hash())
      test.equal(largest_difference(loaded:forward(ids), twice:forward(ids)), 0)
      test.equal(loaded.layers[1].original_heads[1], twice.layers[1].original_heads[1])
    end)
    fixtures.with_folder(function(folder)
      twice:save(folder, { masked = true })
      local padded = crescent.load(folder)
      test.equal(padded.params, gpt2.params)
      test.ok(largest_difference(padded:forward(ids), twice:forward(ids)) < 1e-4)
    end)
  end)
  test.case('goes in steps, with a function between them', function()
    local seen = {}
    local made = plan { ratio = 0.5, steps = 2, between = function(model, step)
      seen[#seen + 1] = { model.params, step }
    end }
    test.equal(#seen, 1)
    test.equal(seen[1][2], 1)
    test.ok(seen[1][1] < gpt2.params)
    test.equal(made.counts.heads.removed, all_heads / 2)
  end)
  test.case('goes on from the model that between gives', function()
    local made = plan { ratio = 0.5, steps = 2, between = function(model)
      return crescent.prune.plan(model, { what = 'weights', ratio = 0.5 }):apply()
    end }
    local figures = crescent.prune.figures(made:apply())
    test.ok(figures.params_nonzero < 0.9 * figures.params)
    test.equal(message(made.save, made, os.tmpname()), 'plan:save: `between` gave models with '
      .. "other weights, which the plan doesn't hold; save the model that plan:apply() gives")
  end)
end)

test.group('single weights', function()
  test.case('become zero, and nothing else changes', function()
    local made = plan { what = 'weights', ratio = 0.5 }
    local masked = made:apply()
    test.equal(masked.params, gpt2.params)
    test.equal(crescent.prune.figures(gpt2).params_nonzero
      - crescent.prune.figures(masked).params_nonzero, made.counts.weights.removed)
    test.ok(made.notes[1]:find('only the mask changes', 1, true))
  end)
  test.case('go two of every four', function()
    local made = plan { what = 'weights', pattern = '2:4' }
    test.equal(made.counts.weights.removed, made.counts.weights.of / 2)
  end)
end)

test.group('a criterion', function()
  test.case('sees text, and the plan says which', function()
    local made = crescent.prune.plan(text_model, { ratio = 0.25, criterion = 'taylor',
      data = { text = text, tokens = 64, window = 16 } })
    test.equal(made.data.source, 'text')
    test.equal(made.data.tokens, 64)
    test.equal(made.data.window, 16)
    test.equal(#made.data.hash, 16)
  end)
  test.case('may be any that is listed', function()
    for _, row in ipairs(crescent.prune.criteria()) do
      for _, what in ipairs(row.kinds) do
        local made = plan { what = what, ratio = what == 'layers' and 0.5 or 0.25,
          criterion = row.name, data = { ids = ids, window = 12 } }
        test.ok(made.counts[what].removed > 0)
      end
    end
  end)
  test.case('may be a weighted mean of ranks', function()
    local made = plan { ratio = 0.25, criterion = { magnitude = 1, taylor = 3 },
      data = { ids = ids } }
    test.equal(made.criterion, 'combined of ranks: 1 magnitude + 3 taylor')
  end)
  test.case('written in Lua sees what it names', function()
    local seen = {}
    crescent.prune.criterion('spec_all', { needs = { 'weights', 'gradients', 'activations' },
      doc = 'All that there is.', score = function(unit)
        seen[unit.kind] = unit
        return unit.kind == 'neuron' and unit.weights.down:norm() or 1
      end })
    for _, what in ipairs { 'heads', 'neurons', 'layers' } do
      plan { what = what, count = 1, criterion = 'spec_all', data = { ids = ids, window = 12 } }
    end
    local width, dim = gpt2.config.d_model, gpt2.layers[1].head_dim
    local function shape(tensor) return table.concat(tensor.shape, ' ') end
    test.equal(shape(seen.head.weights.q), dim .. ' ' .. width)
    test.equal(shape(seen.head.gradients.o), width .. ' ' .. dim)
    test.equal(shape(seen.head.activations.output), #ids .. ' ' .. dim)
    test.equal(shape(seen.neuron.activations.output), tostring(#ids))
    test.equal(shape(seen.layer.activations.input), #ids .. ' ' .. width)
  end)
  test.case('written in Lua equals the built-in one that it repeats', function()
    crescent.prune.criterion('spec_magnitude', { needs = { 'weights' }, score = function(head)
      local w = head.weights
      return (w.down * w.down):sum() + (w.up * w.up):sum()
    end })
    local mine = plan { what = 'neurons', count = 5, criterion = 'spec_magnitude' }
    local built_in = plan { what = 'neurons', count = 5 }
    for i, row in ipairs(mine:rows()) do test.equal(row.layer, built_in:rows()[i].layer) end
  end)
  test.case('that goes wrong names unit and reason', function()
    local results = { spec_nil = nil, spec_nan = 0 / 0, spec_text = 'high' }
    for name, got in pairs { spec_nil = 'nil', spec_nan = 'nan', spec_text = "'high'" } do
      crescent.prune.criterion(name, { score = function(head)
        if head.layer == 2 and head.index == 1 then return results[name] end
        return 1
      end })
      refuses({ ratio = 0.5, criterion = name }, ("criterion '%s': expected a number or a tensor "
        .. 'of one element, got %s for head 1 of layer 2'):format(name, got))
    end
  end)
  test.case('can only read what it names', function()
    crescent.prune.criterion('spec_needs', { score = function(head) return head.weights end })
    test.ok(message(plan, { ratio = 0.5, criterion = 'spec_needs' }):find(
      "criterion 'spec_needs' reads weights without naming it in `needs`", 1, true))
  end)
  test.case("can't take a name that is taken", function()
    local taken = 'crescent.prune.criterion: argument 1 \'name\': expected a new name, got '
    test.equal(message(crescent.prune.criterion, 'taylor', { score = print }),
      taken .. "'taylor', which crescent has already")
    crescent.prune.criterion('spec_twice', { score = print })
    test.equal(message(crescent.prune.criterion, 'spec_twice', { score = print }),
      taken .. "'spec_twice', which is taken")
    local misspelt = { score = print, needs = { 'wieghts' } }
    test.equal(message(crescent.prune.criterion, 'spec_x', misspelt),
      "crescent.prune.criterion: option 'needs': expected names out of weights, activations, "
      .. "gradients, got 'wieghts' (did you mean 'weights'?)")
  end)
end)

test.group('wrong use is refused:', function()
  test.case('ratios outside of 0 .. 1', function()
    refuses({ ratio = 1.5 },
      "option 'ratio': expected a number from 0 to 1 (a share of what there is), got 1.5")
    refuses({ what = { 'heads', 'neurons' }, ratio = { heads = -1, neurons = 0 } },
      "option 'ratio': expected a number from 0 to 1 for heads, got -1")
  end)
  test.case('none or two of the options that say how much', function()
    local one = "expected exactly one of the options 'ratio', 'count', 'list', 'params_max' and "
      .. "'bytes_max', got "
    refuses({}, one .. 'none')
    refuses({ ratio = 0.5, count = 3 }, one .. "'ratio', 'count'")
  end)
  test.case('units that are not there or named twice', function()
    refuses({ list = { { 1, heads + 1 } } }, ("option 'list': expected heads of layer 1 from 1 to "
      .. '%d (or negative, from the end), got %d'):format(heads, heads + 1))
    refuses({ list = { { 0, 1 } } }, ("option 'list': expected layers from 1 to %d (or negative, "
      .. 'from the end), got 0'):format(#gpt2.layers))
    refuses({ list = { { 1, 2 }, { 1, 2 } } },
      "option 'list': expected every unit once, got head 2 of layer 1 twice")
  end)
  test.case('criteria without the text they need', function()
    refuses({ ratio = 0.5, criterion = 'taylor' }, "criterion 'taylor' looks at a text: give data "
      .. '= { file = }, { text = } or { ids = }')
    refuses({ ratio = 0.5, criterion = 'taylor', data = {} },
      "option 'data': expected exactly one of file, text and ids, got none")
    refuses({ ratio = 0.5, criterion = 'taylor', data = { txt = '' } },
      "option 'data': expected keys out of file, text, ids, tokens, window, got 'txt' (did you "
      .. "mean 'text'?)")
  end)
  test.case('criteria that are not there or can not do it', function()
    refuses({ ratio = 0.5, criterion = 'tailor' }, "option 'criterion': no criterion is named "
      .. "'tailor' (did you mean 'taylor'?); crescent.prune.criteria() lists them")
    refuses({ what = 'neurons', ratio = 0.5, criterion = 'entropy', data = { ids = ids } },
      "criterion 'entropy' can't score neurons; crescent.prune.criteria() says what each one can")
  end)
  test.case('options that do not fit together', function()
    refuses({ pattern = '2:4', ratio = 0.5 },
      "option 'pattern': expected '2:4' with what = 'weights' only, got '2:4'")
    refuses({ per = 'row', ratio = 0.5 },
      "option 'per': expected 'row' with what = 'weights' only, got 'row'")
    refuses({ what = 'layers', per = 'layer', ratio = 0.5 }, "option 'per': expected 'model' with "
      .. "layers, with a list, with a limit, and with one ratio for several kinds, got 'layer'")
    refuses({ what = { 'heads', 'weights' }, ratio = 0.5 }, "option 'ratio': expected a table "
      .. "with a number for each kind, since weights and units can't be ranked together, got one "
      .. 'number')
    refuses({ what = 'weights', pattern = '2:4', ratio = 0.5 }, 'expected exactly one of the '
      .. "options 'ratio', 'count', 'list', 'params_max' and 'bytes_max' (none beside pattern = "
      .. "'2:4', which is a half), got 'ratio'")
    refuses({ what = 'weights', params_max = 5 }, "option 'params_max': expected units that can be "
      .. 'removed, got weights, which only become zero')
    refuses({ ratio = 0.5, steps = 2, what = 'weights' },
      "option 'steps': expected 1 with weights, got 2")
    refuses({ what = { 'heads', 'heads' }, ratio = 0.5 },
      "option 'what': expected every kind once, got 'heads' twice")
  end)
  test.case('plans that would leave too little', function()
    refuses({ ratio = 1 }, ('%d of %d heads were to go, only %d may: look at keep_heads_min, '
      .. 'protect_layers and the last layer, which stays'):format(all_heads, all_heads,
      all_heads - #gpt2.layers))
    refuses({ what = 'layers', ratio = 1 }, ('%d of %d layers were to go, only %d may: look at '
      .. 'keep_heads_min, protect_layers and the last layer, which stays'):format(#gpt2.layers,
      #gpt2.layers, #gpt2.layers - 1))
  end)
end)

test.group('a map', function()
  test.case('shows scores, and crosses what goes', function()
    local map = plan { list = { { 1, 1 } }, criterion = 'magnitude' }:map()
    local shown = tostring(map)
    test.ok(shown:find('×', 1, true))
    test.ok(shown:find('rows: layer, columns: head', 1, true))
    local svg = map:svg()
    local _, rects = svg:gsub('<rect ', '')
    local _, crosses = svg:gsub('<path ', '')
    test.equal(rects, all_heads)
    test.equal(crosses, 1)
    test.ok(svg:find('^<svg ') and svg:find('</svg>\n$'))
  end)
  test.case('saves as SVG only', function()
    local map = plan { ratio = 0.5 }:map()
    test.ok(message(map.save, map, 'heads.png'):find(
      "map:save: expected a path that ends in .svg, got 'heads.png'", 1, true))
  end)
end)

test.group('the ledger', function()
  local function line(ledger, name)
    for _, row in ipairs(ledger.rows) do if row.line == name then return row end end
  end
  test.case('says what shrank, and counts what is really written', function()
    local smaller = plan { what = { 'heads', 'neurons' }, ratio = 0.5 }:apply()
    local ledger = crescent.prune.ledger(gpt2, smaller, { timed = false, resident = false,
      data = { ids = ids, window = 16 } })
    test.equal(line(ledger, 'parameters').after, smaller.params)
    test.ok(line(ledger, 'file, written').after < line(ledger, 'file, written').before)
    test.ok(line(ledger, 'KL from before, nats').after > 0)
    test.ok(line(ledger, 'perplexity').says:find('times, over %d+ tokens'))
    test.equal(ledger.absent.decode_ms, 'timed = false')
  end)
  test.case('says plainly that a mask removes nothing', function()
    local masked = plan { what = 'weights', ratio = 0.5 }:apply()
    local ledger = crescent.prune.ledger(gpt2, masked, { timed = false, resident = false })
    test.equal(line(ledger, 'parameters').says, 'did not shrink: no weight was removed')
    test.ok(line(ledger, 'of them not zero').says:find('^only the mask changed: '))
    test.equal(line(ledger, 'file, written').says, 'did not shrink: zeros are written too')
    test.equal(ledger.absent.perplexity, 'give data = { file = }, { text = } or { ids = }')
  end)
  test.case('measures a process of its own, and speed with a verdict', function()
    local smaller = plan { ratio = 0.5 }:apply()
    local ledger = crescent.prune.ledger(gpt2, smaller, { time_s_max = 0.2, tokens = 8, prompt = 4,
      prefill = 8 })
    test.ok(line(ledger, 'of it the model').before)
    test.ok(line(ledger, 'decode, a token').verdict)
    test.ok(tostring(ledger):find('prefill, 8 tokens', 1, true))
  end)
end)
