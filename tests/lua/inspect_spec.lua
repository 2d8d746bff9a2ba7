--- Heads, layers, weights and attention, each against figures that are worked out here one number
--- at a time.
local test = require 'crescent.test'
local fixtures = require 'fixtures'

local inspect = crescent.inspect
local gpt2 = crescent.load(fixtures.model 'gpt2')
local llama = crescent.load(fixtures.model 'llama')            -- 4 heads read 2 key/value heads
local text_model = crescent.load(fixtures.model 'gpt2_text')
local ids = {}
for i = 1, 12 do ids[i] = (i * 7) % gpt2.config.vocab end
local text = 'To be, or not to be, that is the question.'

--- The means over the queries of one head, from its matrix as nested lists.
local function means_of(matrix)
  local T = #matrix
  local sums = { entropy_nats = 0, top_weight = 0, distance = 0, to_first = 0, to_previous = 0,
    to_itself = 0 }
  for q = 1, T do
    local top = 0
    for k = 1, q do
      local weight = matrix[q][k]
      if weight > 0 then sums.entropy_nats = sums.entropy_nats - weight * math.log(weight) / T end
      sums.distance = sums.distance + weight * (q - k) / T
      top = math.max(top, weight)
    end
    sums.top_weight = sums.top_weight + top / T
    if q > 1 then
      sums.to_first = sums.to_first + matrix[q][1] / (T - 1)
      sums.to_previous = sums.to_previous + matrix[q][q - 1] / (T - 1)
      sums.to_itself = sums.to_itself + matrix[q][q] / (T - 1)
    end
  end
  return sums
end

test.group('heads', function()
  test.case('look where their attention matrices say', function()
    for _, model in ipairs { gpt2, llama } do
      local seen = model:forward(ids, { attention = true }).attention
      local rows = inspect.heads(model, { ids = ids })
      test.equal(#rows, 8)
      for _, row in ipairs(rows) do
        local expected = means_of(seen[row.layer]:tolist()[row.head])
        for figure, value in pairs(expected) do test.near(row[figure], value, 1e-5) end
      end
    end
  end)
  test.case('weigh what the magnitude criterion says, and own what pruning removes', function()
    for _, model in ipairs { gpt2, llama } do
      local by_place = {}
      for _, row in ipairs(inspect.heads(model)) do
        by_place[row.layer .. ' ' .. row.head] = row
      end
      local removed = crescent.prune.plan(model, { criterion = 'magnitude', count = 6 }):rows()
      test.equal(#removed, 6)
      for _, unit in ipairs(removed) do
        local row = by_place[unit.layer .. ' ' .. unit.index]
        test.near(row.weight_norm, unit.score, 1e-4)
        test.equal(row.share_of_params, row.params / model.params)
        local alone = crescent.prune.plan(model, { list = { { unit.layer, unit.index } } })
        test.equal(row.params, model.params - alone:apply().params)
      end
    end
  end)
  test.case('without a text have the columns of the weights, and say so of the others', function()
    local rows = inspect.heads(gpt2)
    test.ok(rows[1].entropy_nats == nil)
    test.equal(rows[1].absent.entropy_nats, "no text was given: { text = 'In the beginning' }")
    test.equal(rows[1].absent.kind, rows[1].absent.entropy_nats)
    test.equal(tostring(rows):match('^[^\n]*\n([^\n]*)'):gsub(' +', ' '),
      'layer head weight_norm params share')
  end)
  test.case('of a pruned model keep the numbers that they had', function()
    local smaller = crescent.prune.plan(gpt2, { list = { { 1, 2 }, { 2, 1 } } }):apply()
    local rows = inspect.heads(smaller)
    test.equal(#rows, 6)
    test.equal({ rows[2].layer, rows[2].head, rows[2].original_layer, rows[2].original_head },
      { 1, 2, 1, 3 })
    test.equal(rows[4].original_head, 2)
    test.ok(tostring(rows):find('original_head', 1, true))
    test.ok(not tostring(inspect.heads(gpt2)):find('original_head', 1, true))
  end)
  test.case('of a layer that lost all of them are none', function()
    local plan = crescent.prune.plan(gpt2,
      { list = { { 1, 1 }, { 1, 2 }, { 1, 3 }, { 1, 4 } }, keep_heads_min = 0 })
    local rows = inspect.heads(plan:apply(), { ids = ids })
    test.equal(#rows, 4)
    test.equal(rows[1].layer, 2)
    test.ok(rows[1].entropy_nats > 0)
  end)
  test.case('are named after where more than half of their weight goes', function()
    local kinds = {}
    for _, row in ipairs(inspect.heads(gpt2, { ids = { 5, 9, 60, 33 } })) do
      local expected = row.to_previous > 0.5 and 'previous token'
        or row.to_first > 0.5 and 'first token' or row.to_itself > 0.5 and 'itself' or 'mixed'
      test.equal(row.kind, expected)
      kinds[row.kind] = true
    end
    test.equal(kinds,
      { ['previous token'] = true, ['first token'] = true, itself = true, mixed = true })
  end)
  test.case('of a single token say that it doesn\'t tell', function()
    local row = inspect.heads(gpt2, { ids = { 5 } })[1]
    test.equal(row.entropy_nats, 0)
    test.equal(row.top_weight, 1)
    test.equal(row.absent.to_previous, "a text of 1 token doesn't tell; give at least 3")
    test.equal(row.absent.kind, row.absent.to_previous)
  end)
  test.case('come sorted if asked, and sort, filter and render as rows do', function()
    local rows = inspect.heads(gpt2, { ids = ids, sort_by = 'entropy_nats', descending = true })
    for i = 2, #rows do test.ok(rows[i - 1].entropy_nats >= rows[i].entropy_nats) end
    test.equal(rows:sort('entropy_nats')[1].entropy_nats, rows[#rows].entropy_nats)
    test.equal(#rows:where 'layer == 2', 4)
    test.ok(rows:json():find('"entropy_nats"', 1, true))
  end)
end)

--- Norm of a list of tensors together.
local function norm_of(tensors)
  local squares = 0
  for _, tensor in ipairs(tensors) do squares = squares + (tensor * tensor):sum():item() end
  return math.sqrt(squares)
end

local function euclid(values)
  local sum = 0
  for _, value in ipairs(values) do sum = sum + value * value end
  return math.sqrt(sum)
end

--- Means over the tokens of what happened between two (T, C) lists.
local function change_between(before, after)
  local made = { norm_in = 0, norm_out = 0, change = 0, cosine = 0 }
  local T = #before
  for t = 1, T do
    local a, b, apart, product = before[t], after[t], {}, 0
    for c = 1, #a do
      apart[c], product = b[c] - a[c], product + a[c] * b[c]
    end
    made.norm_in = made.norm_in + euclid(a) / T
    made.norm_out = made.norm_out + euclid(b) / T
    made.change = made.change + euclid(apart) / euclid(a) / T
    made.cosine = made.cosine + product / (euclid(a) * euclid(b)) / T
  end
  return made
end

test.group('layers', function()
  test.case('hold what the model counts', function()
    for _, model in ipairs { gpt2, llama } do
      local sum, parts = 0, model.params_by_part
      for _, row in ipairs(inspect.layers(model)) do
        sum = sum + row.params
        test.equal(row.heads, 4)
        test.equal(row.bytes, 4 * row.params)
      end
      -- What is in no layer: the final norm has a bias in GPT-2.
      local final_norm = model.config.d_model * (model == gpt2 and 2 or 1)
      test.equal(sum, parts.attention + parts.ffn + parts.norm - final_norm)
    end
  end)
  test.case('weigh what their tensors do', function()
    local row = inspect.layers(gpt2)[2]
    local function weight(name) return gpt2:weight('h.1.' .. name) end
    test.near(row.attention_norm, norm_of { weight 'attn.c_attn.weight', weight 'attn.c_attn.bias',
      weight 'attn.c_proj.weight', weight 'attn.c_proj.bias' }, 1e-4)
    test.near(row.ffn_norm, norm_of { weight 'mlp.c_fc.weight', weight 'mlp.c_fc.bias',
      weight 'mlp.c_proj.weight', weight 'mlp.c_proj.bias' }, 1e-4)
    test.ok(row.weight_norm > row.ffn_norm)
  end)
  test.case('change hidden states as these show', function()
    local hidden = llama:forward(ids, { hidden = true }).hidden
    for index, row in ipairs(inspect.layers(llama, { ids = ids })) do
      local expected = change_between(hidden[index]:tolist(), hidden[index + 1]:tolist())
      for figure, value in pairs(expected) do test.near(row[figure], value, 1e-4) end
    end
  end)
  test.case('seen through the lens end in the model\'s own prediction', function()
    for _, model in ipairs { gpt2, llama, crescent.load(fixtures.model 'llama_tied_linear') } do
      local rows = inspect.layers(model, { ids = ids })
      test.equal(rows[2].lens_top1, 1)
      test.near(rows[2].lens_kl_nats, 0, 1e-5)
      test.ok(rows[1].lens_kl_nats > 1e-3)
    end
  end)
  test.case('seen through the lens predict what a model cut off behind them does', function()
    local cut = crescent.prune.plan(gpt2, { what = 'layers', list = { 2 } }):apply()
    local expected = crescent.eval.agreement(cut, gpt2, { ids = ids, window = #ids })
    local row = inspect.layers(gpt2, { ids = ids })[1]
    test.near(row.lens_kl_nats, expected.kl_nats, 1e-4)
    test.near(row.lens_top1, expected.top1, 1e-6)
  end)
  test.case('do without the lens if asked, and say so', function()
    local row = inspect.layers(gpt2, { ids = ids, lens = false })[1]
    test.ok(row.change > 0)
    test.equal(row.absent, { lens_top1 = 'lens = false', lens_kl_nats = 'lens = false' })
  end)
  test.case('keep the number that they had', function()
    local cut = crescent.prune.plan(gpt2, { what = 'layers', list = { 1 } }):apply()
    local rows = inspect.layers(cut)
    test.equal({ #rows, rows[1].layer, rows[1].original_layer }, { 1, 1, 2 })
  end)
end)

test.group('weights', function()
  test.case('are all there, with the figures of crescent.inspect.health', function()
    local rows, health = inspect.weights(gpt2), inspect.health(gpt2)
    test.equal(#rows, #health)
    for i, row in ipairs(rows) do
      test.equal(row.name, health[i].name)
      test.near(row.abs_max, health[i].abs_max, 1e-6)
      test.near(row.mean, health[i].mean, 1e-6)
      test.near(row.deviation, health[i].deviation, 1e-6)
      test.near(row.norm, norm_of { gpt2:weight(row.name) }, 1e-4)
    end
  end)
  test.case('belong to the parts that the model counts', function()
    for _, model in ipairs { gpt2, llama } do
      local counted = {}
      for _, row in ipairs(inspect.weights(model)) do
        counted[row.part] = (counted[row.part] or 0) + row.bytes / 4
      end
      for part, params in pairs(model.params_by_part) do
        test.equal({ part, counted[part] or 0 }, { part, params })
      end
    end
  end)
  test.case('can be chosen by layer and by name', function()
    local rows = inspect.weights(gpt2, { layer = -1, match = 'mlp%..*%.weight$' })
    test.equal(rows:column 'name',
      { 'transformer.h.1.mlp.c_fc.weight', 'transformer.h.1.mlp.c_proj.weight' })
    test.equal({ rows[1].layer, rows[1].part, rows[1].shape }, { 2, 'ffn', '(32, 128)' })
    test.equal(#inspect.weights(gpt2, { match = 'nothing' }), 0)
  end)
  test.case('show which share is zero', function()
    local plan = crescent.prune.plan(gpt2, { what = 'weights', ratio = 0.25, per = 'layer' })
    local row = inspect.weights(plan:apply(), { match = 'h%.0%.mlp%.c_fc%.weight' })[1]
    test.near(row.zeros, 0.25, 1e-3)
  end)
  test.case('without elements have no figures, and say so', function()
    local plan = crescent.prune.plan(gpt2,
      { list = { { 1, 1 }, { 1, 2 }, { 1, 3 }, { 1, 4 } }, keep_heads_min = 0 })
    local row = inspect.weights(plan:apply(), { match = 'h%.0%.attn%.c_attn%.bias' })[1]
    test.ok(row.norm == nil)
    test.equal(row.absent.norm, 'the tensor has no elements')
  end)
  test.case('that are no numbers have no figures, and say where to look', function()
    local broken = crescent.load(fixtures.path 'malformed/st_nan_weights')
    local rows = inspect.weights(broken, { match = 'c_attn%.weight' })
    test.ok(rows[1].norm == nil)
    test.equal(rows[1].absent.norm,
      'not a number; crescent.inspect.health(model) says which weights are none')
    test.ok(rows:json():find('"zeros":0', 1, true))
  end)
  test.case('outside of layers say so', function()
    local row = inspect.weights(gpt2)[1]
    test.equal({ row.part, row.absent }, { 'embedding', { layer = 'it belongs to no layer' } })
  end)
end)

test.group('attention', function()
  local seen = inspect.attention(text_model, { layer = 2, head = -1, text = text, top = 2 })
  local tokens = text_model.tokenizer:encode(text)
  local heads = text_model.layers[2].heads
  local matrix = text_model:forward(tokens, { attention = true }).attention[2]:tolist()[heads]
  test.case('of a head lists the strongest keys of every query', function()
    test.equal(#seen, #tokens)
    for q, row in ipairs(seen) do
      local best = 1
      for k = 2, q do if matrix[q][k] > matrix[q][best] then best = k end end
      test.equal({ row.position, row.id, row.key }, { q, tokens[q], best })
      test.near(row.weight, matrix[q][best], 1e-6)
      test.equal(#row.keys, math.min(2, q))
      if q > 1 then test.ok(row.keys[1].weight >= row.keys[2].weight) end
      test.ok(row.strongest:find(('%d '):format(best), 1, true) == 1)
    end
  end)
  test.case('has the entropy of each row', function()
    for q, row in ipairs(seen) do
      local entropy = 0
      for k = 1, q do entropy = entropy - matrix[q][k] * math.log(matrix[q][k]) end
      test.near(row.entropy_nats, entropy, 1e-5)
    end
  end)
  test.case('draws the triangle as a heat map', function()
    local map = seen:map()
    test.equal(#map.values, #tokens)
    test.equal(#map.values[3], 3)
    test.near(map.values[3][2], matrix[3][2], 1e-6)
    test.equal(map.row_labels[1], '1 ' .. text_model.tokenizer:decode { tokens[1] })
    test.ok(tostring(map):find('rows: query, columns: key', 1, true))
    test.ok(map:svg():find('^<svg'))
  end)
  test.case('works with ids where there is no tokenizer', function()
    local rows = inspect.attention(gpt2, { layer = 1, head = 1, ids = ids })
    test.ok(rows[1].text == nil)
    test.equal(rows[1].strongest, '1 1')
    test.equal(rows:map().row_labels[2], '2')
  end)
end)

test.group('a text that is too long', function()
  local long = {}
  for i = 1, 60 do long[i] = i end
  test.case('is cut to tokens_max, with a note', function()
    local rows = inspect.attention(gpt2, { layer = 1, head = 1, ids = long, tokens_max = 5 })
    test.equal(#rows, 5)
    test.equal(rows.notes, { 'the first 5 of 60 tokens: raise tokens_max to see more' })
    test.ok(tostring(rows):find('\nthe first 5 of 60 tokens', 1, true))
  end)
  test.case('is cut to the model\'s positions, with a note', function()
    local rows = inspect.attention(gpt2, { layer = 1, head = 1, ids = long })
    test.equal(#rows, 48)
    test.equal(rows.notes, { 'the first 48 of 60 tokens: the model has no more positions' })
  end)
end)
