--- Tokens of a text and what a model makes of each; two models on one text.
local test = require 'crescent.test'
local fixtures = require 'fixtures'

local inspect = crescent.inspect
local tiny = crescent.load 'tiny'
local gpt2 = crescent.load(fixtures.model 'gpt2')
local llama = crescent.load(fixtures.model 'llama')
local text = 'In the beginning God created the heaven and the earth.\nAnd God said, Let there be '
  .. 'light: and there was light.\n'
local ids = {}
for i = 1, 30 do ids[i] = (i * 7) % gpt2.config.vocab end

--- Log probabilities of every next id after every position, as nested lists.
local function log_probabilities(model, tokens)
  return model:forward(tokens):log_softmax(-1):tolist()
end

test.group('tokens', function()
  test.case('have the losses, ranks and entropies of the model\'s logits', function()
    for _, model in ipairs { gpt2, llama } do
      local rows, log = inspect.tokens(model, { ids = ids }), log_probabilities(model, ids)
      test.equal(#rows, #ids)
      for t = 2, #ids do
        local row, before = rows[t], log[t - 1]
        local rank, entropy, best = 1, 0, 1
        for v, value in ipairs(before) do
          if value > before[row.id + 1] then rank = rank + 1 end
          if value > before[best] then best = v end
          entropy = entropy - math.exp(value) * value
        end
        test.equal({ row.position, row.id, row.rank, row.top_id }, { t, ids[t], rank, best - 1 })
        test.near(row.loss_nats, -before[row.id + 1], 1e-5)
        test.near(row.probability, math.exp(before[row.id + 1]), 1e-5)
        test.near(row.entropy_nats, entropy, 1e-4)
        test.near(row.top_probability, math.exp(before[best]), 1e-5)
      end
    end
  end)
  test.case('add up to the perplexity of crescent.eval, whatever the windows', function()
    local long = text:rep(12)
    for _, windows in ipairs { { 256, 128 }, { 50, 20 }, { 7, 7 }, { 2, 1 } } do
      local window, stride = windows[1], windows[2]
      local rows = inspect.tokens(tiny, { text = long, tokens_max = 1e6, window = window,
        stride = stride })
      local expected = crescent.eval.perplexity(tiny, { text = long, window = window,
        stride = stride })
      test.ok(#rows > window)
      local sum, losses = 0, (rows:column 'loss_nats')
      for _, loss in ipairs(losses) do sum = sum + loss end
      test.near(math.exp(sum / #losses), expected.perplexity, 1e-4 * expected.perplexity)
      test.near(rows.perplexity, expected.perplexity, 1e-4 * expected.perplexity)
      test.near(rows.nll_nats, expected.nll_nats, 1e-4 * expected.nll_nats)
      test.equal({ rows.tokens, rows.protocol }, { expected.tokens, expected.protocol })
    end
  end)
  test.case('of a model with few positions are seen in windows that fit', function()
    local long = {}
    for i = 1, 100 do long[i] = i % 96 end
    local rows = inspect.tokens(gpt2, { ids = long })
    test.equal(#rows, 100)
    test.near(rows.perplexity,
      crescent.eval.perplexity(gpt2, { ids = long, window = 48, stride = 24 }).perplexity, 1e-3)
  end)
  test.case('are shown with their spaces and what can\'t be seen', function()
    local rows = inspect.tokens(tiny, { text = 'And the\nLORD\27[1m\t' })
    local shown = table.concat((rows:column 'text'))
    test.equal(shown, 'And␣the\\nLORD\\x1b[1m\\t')
  end)
  test.case('say why the first one has no figures', function()
    local row = inspect.tokens(tiny, { text = text })[1]
    test.ok(row.loss_nats == nil)
    test.equal(row.absent.loss_nats, 'nothing stands before the first token')
  end)
  test.case('that begin a window have none either, and say what to do', function()
    local row = inspect.tokens(tiny, { text = text, window = 7, stride = 7 })[8]
    test.ok(row.loss_nats == nil)
    test.equal(row.absent.loss_nats,
      'a window begins with it: no predecessor is seen; take a stride below the window')
  end)
  test.case('sort by what surprised the model most', function()
    local rows = inspect.tokens(tiny, { text = text, sort_by = 'loss_nats', descending = true })
    for i = 2, #rows - 1 do test.ok(rows[i - 1].loss_nats >= rows[i].loss_nats) end
    test.equal(rows[#rows].position, 1)
  end)
  test.case('are cut to tokens_max, with a note before the sum', function()
    local rows = inspect.tokens(tiny, { text = text, tokens_max = 5 })
    test.equal(#rows, 5)
    test.ok(rows.notes[1]:find('^the first 5 of %d+ tokens: raise tokens_max to see more$'))
    test.ok(rows.notes[2]:find('^mean loss [%d.]+ nats over 4 tokens, perplexity [%d.]+ %(window '))
  end)
  test.case('render as any report, with reasons and notes', function()
    local markdown = inspect.tokens(tiny, { text = 'And God said' }):markdown()
    test.ok(markdown:find('nothing stands before the first token', 1, true))
    test.ok(markdown:find('mean loss ', 1, true))
    test.ok(markdown:find('| ␣God', 1, true))
  end)
  test.case('without a tokenizer are ids alone', function()
    local rows = inspect.tokens(gpt2, { ids = ids, colour = true })
    test.ok(rows[2].text == nil and rows[2].top == nil)
    test.equal(rows[2].absent,
      { text = 'the model has no tokenizer', top = 'the model has no tokenizer' })
    test.ok(tostring(rows):find('position  id  loss_nats', 1, true))
    test.ok(not tostring(rows):find('\27', 1, true))
  end)
end)

--- What stands on the terminal without its colours.
local function plain(printed) return (printed:gsub('\27%[[%d;]*m', '')) end

test.group('colours', function()
  test.case('show the text by loss, above the rows', function()
    local rows = inspect.tokens(tiny, { text = text, colour = true })
    local printed = tostring(rows)
    test.equal(plain(printed):match('^(.-)loss in nats'), text:gsub('\n', '↵\n') .. '\n')
    test.ok(plain(printed):find('loss in nats:  below 1  1 .. 2  2 .. 4  4 .. 6  6 .. 8  from 8 \n',
      1, true))
    -- Each token has the shade of its loss.
    local shades, at = { 230, 223, 216, 209, 203, 196 }, 1
    local limits = { 1, 2, 4, 6, 8, math.huge }
    for t = 2, #rows do
      local shade = 1
      while rows[t].loss_nats >= limits[shade] do shade = shade + 1 end
      local code = ('\27[38;5;16;48;5;%dm'):format(shades[shade])
      local first = printed:find('\27[38', at, true)
      test.equal(printed:sub(first, first + #code - 1), code)
      at = first + 1
    end
  end)
  test.case('are left out if not wanted', function()
    local rows = inspect.tokens(tiny, { text = text, colour = false })
    test.ok(not tostring(rows):find('\27', 1, true))
    test.equal(tostring(rows):match('^[^\n]*'), 'Tokens')
  end)
  test.case('are left out where stdout is no terminal', function()
    local path = io.popen('readlink /proc/$PPID/exe')
    local executable = path:read('*l')
    path:close()
    local pipe = io.popen(("'%s' -e \"print(crescent.inspect.tokens(crescent.load 'tiny', "
      .. "{ text = 'And God said' }))\""):format(executable))
    local printed = pipe:read('*a')
    pipe:close()
    test.equal(printed:match('^[^\n]*'), 'Tokens')
    test.ok(printed:find('\nmean loss ', 1, true) and not printed:find('\27', 1, true))
  end)
  test.case('keep characters whole that several tokens make', function()
    local rows = inspect.tokens(tiny, { text = 'God “é” said', colour = true })
    test.equal(plain(tostring(rows)):match('^[^\n]*'), 'God “é” said')
    test.ok(table.concat((rows:column 'text')):find('\239\191\189', 1, true))
  end)
  test.case('let no control character of the text reach the terminal', function()
    local rows = inspect.tokens(tiny, { text = 'God\27[2J\194\155 said\r', colour = true })
    local printed = plain(tostring(rows))
    test.ok(not printed:find('[%z\1-\9\11-\31\127]'))
    test.equal(printed:match('^[^\n]*'), 'God\\x1b[2J\\x9b said\\r')
  end)
end)

test.group('a comparison', function()
  test.case('of a model with itself agrees everywhere, exactly', function()
    local seen = inspect.compare(tiny, tiny, { text = text })
    test.equal({ seen.first, seen.top1, seen.kl_nats, seen.logit_difference_max, seen.first_layer },
      { nil, 1, 0, 0, nil })
    test.equal(seen:sentence(), ('They agree on all %d positions.'):format(#seen))
    test.equal(#seen:where 'not agree', 0)
    for _, layer in ipairs(seen.layers) do test.equal(layer.relative_difference, 0) end
    test.ok(tostring(seen):find('hidden states differ by no more than 0.001 of their norm in any '
      .. 'layer', 1, true))
  end)
  test.case('with a pruned model finds the position that looking at all of them finds', function()
    local smaller = crescent.prune.plan(tiny, { ratio = 0.3 }):apply()
    local seen = inspect.compare(tiny, smaller, { text = text })
    local tokens = tiny.tokenizer:encode(text)
    local log_a, log_b = log_probabilities(tiny, tokens), log_probabilities(smaller, tokens)
    local first
    for t = 1, #tokens do
      local best_a, best_b, kl = 1, 1, 0
      for v = 1, #log_a[t] do
        if log_a[t][v] > log_a[t][best_a] then best_a = v end
        if log_b[t][v] > log_b[t][best_b] then best_b = v end
        kl = kl + math.exp(log_a[t][v]) * (log_a[t][v] - log_b[t][v])
      end
      local row = seen[t]
      test.equal({ row.top_id_a, row.top_id_b, row.agree },
        { best_a - 1, best_b - 1, best_a == best_b })
      test.near(row.kl_nats, kl, 1e-4)
      test.near(row.top_probability_a, math.exp(log_a[t][best_a]), 1e-5)
      test.near(row.top_probability_b, math.exp(log_b[t][best_b]), 1e-5)
      if tokens[t + 1] then
        test.near(row.loss_nats_a, -log_a[t][tokens[t + 1] + 1], 1e-4)
        test.near(row.loss_nats_b, -log_b[t][tokens[t + 1] + 1], 1e-4)
      end
      if best_a ~= best_b and not first then first = t end
    end
    test.ok(first)
    test.equal(seen.first.position, first)
    test.equal(seen[#seen].absent.loss_nats_a, 'the text ends here')
    local row = seen[first]
    local name = ("'%s' %%(%%d"):format(row.top_a:gsub('%p', '%%%0'))
    test.ok(seen:sentence():find(('^They first disagree after token %d, \'.*\': the first model '
      .. 'says %s'):format(first, name)))
    test.ok(tostring(seen):find(seen:sentence(), 1, true))
  end)
  test.case('sums up to what crescent.eval.agreement says', function()
    local smaller = crescent.prune.plan(llama, { ratio = 0.5 }):apply()
    local seen = inspect.compare(llama, smaller, { ids = ids })
    local expected = crescent.eval.agreement(smaller, llama, { ids = ids, window = #ids })
    test.near(seen.kl_nats, expected.kl_nats, 1e-6)
    test.near(seen.top1, expected.top1, 1e-9)
    test.near(seen.logit_difference_max, expected.max_abs_logit, 1e-5)
    test.equal(seen.tokens, expected.tokens)
  end)
  test.case('names the first layer whose hidden states differ', function()
    local smaller = crescent.prune.plan(gpt2, { list = { { 2, 1 } } }):apply()
    local seen = inspect.compare(gpt2, smaller, { ids = ids })
    local a = gpt2:forward(ids, { hidden = true }).hidden
    local b = smaller:forward(ids, { hidden = true }).hidden
    test.equal(#seen.layers, 3)
    for place, row in ipairs(seen.layers) do
      test.equal(row.layer, place - 1)
      test.near(row.relative_difference, ((a[place] - b[place]):norm() / a[place]:norm()):item(),
        1e-6)
    end
    test.equal(seen.first_layer, 2)
    test.ok(tostring(seen):find('of their norm from layer 2 on; layer by layer: .layers', 1, true))
  end)
  test.case('of models with unlike layers does without them, and says why', function()
    local shorter = crescent.prune.plan(gpt2, { what = 'layers', count = 1 }):apply()
    local seen = inspect.compare(gpt2, shorter, { ids = ids })
    test.ok(seen.layers == nil)
    test.equal(seen.absent.layers, 'the models have 2 and 1 layers')
    test.ok(tostring(seen):find('\nno layer by layer: the models have 2 and 1 layers', 1, true))
    test.equal(#seen, #ids)
  end)
  test.case('without a tokenizer names ids', function()
    local smaller = crescent.prune.plan(gpt2, { ratio = 0.5 }):apply()
    local seen = inspect.compare(gpt2, smaller, { ids = ids })
    test.ok(seen:sentence():find('^They first disagree after token %d+: the first model says id '
      .. '%d+ %(%d'))
  end)
  test.case('reads a file as its text', function()
    fixtures.with_file(text, function(path)
      test.equal(#inspect.compare(tiny, tiny, { file = path }),
        #inspect.compare(tiny, tiny, { text = text }))
    end)
  end)
end)
