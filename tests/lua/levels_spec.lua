--- The levels that a model runs at, their passes, and level 3's storage.
local test = require 'crescent.test'
local fixtures = require 'fixtures'

local model = crescent.load(fixtures.model 'gpt2')
local expected = fixtures.expected 'gpt2'
local prompt = expected.prompts[2]
local ids = prompt.input_ids

local function largest_difference(a, b) return (a - b):abs():max():item() end
local function named(list, name)
  for _, pass in ipairs(list) do if pass.name == name then return pass end end
end

test.group('levels', function()
  test.case('that are available all run; up to 2 they agree with the reference', function()
    local reference = model:optimize { level = 0 }
    for _, one in ipairs(expected.prompts) do
      local wanted = reference:forward(one.input_ids)
      for _, level in ipairs(crescent.levels.available()) do
        local at_level = model:optimize { level = level }
        test.equal(at_level.level, level)
        local difference = largest_difference(at_level:forward(one.input_ids), wanted)
        if level < 3 then
          test.ok(difference <= 10 * one.tolerance_max_abs)
        else
          test.ok(difference > 0 and difference < 0.2 * one.logits_std, difference)
        end
      end
    end
  end)
end)

test.group('passes', function()
  test.case('of level 2 are listed in order, with what they changed', function()
    local names, list = {}, model:optimize({ level = 2 }):passes()
    for i, pass in ipairs(list) do
      names[i] = pass.name
      test.equal(pass.on, true)
    end
    test.equal(names, { 'fuse_epilogue', 'last_rows', 'share_arena', 'transpose' })
    test.equal(named(list, 'last_rows').layers, 1)
    test.ok(named(list, 'share_arena').bytes < 0)
    test.equal(named(list, 'transpose').changed,
      '8 matrices stored as [in, out], copied as [out, in]')
    local fast = model:optimize { level = 2 }
    fast:forward(ids)
    test.equal(fast.bytes_transposed, named(list, 'transpose').bytes)
    test.equal(named(list, 'share_arena').source, 'Pisarchyk & Lee 2020, arXiv:2001.03288')
  end)
  test.case('print as a table, and are rows for CSV and JSON', function()
    local list = model:optimize({ level = 2, passes = { last_rows = false } }):passes()
    local text = tostring(list)
    test.ok(text:find('^name +on +layers +bytes +changed +source\n'), text)
    test.ok(text:find('\nlast_rows +no +0 +0 B +switched off +%-'), text)
    test.ok(text:find('\ntranspose +yes +2 +%+96.0 KiB +8 matrices'), text)
    test.equal(list:csv():match('\n(last_rows[^\n]*)'), 'last_rows,false,0,0,switched off,')
    test.equal(#crescent.json.decode(crescent.json.encode(list)), 4)
  end)
  test.case('that are switched off leave the same function', function()
    local all, fast = model:forward(ids), model:optimize { level = 2 }
    for _, name in ipairs { 'fuse_epilogue', 'last_rows', 'share_arena' } do
      local without = model:optimize { level = 2, passes = { [name] = false } }
      test.equal(named(without:passes(), name).on, false)
      test.equal(largest_difference(without:forward(ids), fast:forward(ids)), 0)
      test.ok(largest_difference(without:forward(ids), all)
        <= 10 * prompt.tolerance_max_abs)
    end
  end)
  test.case('of levels without any are an empty list that says why', function()
    for level = 0, 1 do
      local list = model:optimize({ level = level }):passes()
      test.equal(#list, 0)
      test.equal(tostring(list), 'no passes: levels 0 (the reference, formula by formula) and 1 '
        .. '(LibTorch, all heads at once, keys and values kept) have no plan')
      test.equal(crescent.json.encode(list), '[]')
    end
  end)
end)

test.group('level 3', function()
  test.case('stores int8 with a scale a row unless told otherwise', function()
    local small = crescent.load(fixtures.model 'gpt2'):optimize { level = 3 }
    local list = small:passes()
    test.equal(#list, 8)
    test.equal(named(list, 'kv').on, false)
    test.equal(named(list, 'kv').changed, 'keys and values stay as they are')
    test.equal(named(list, 'weights').changed, '8 matrices as int8')
    test.equal(named(list, 'weights').layers, 2)
    test.equal(named(list, 'head').changed,
      'output head and embedding, which are one, as int8')
    test.equal(named(list, 'transpose').changed,
      '8 matrices stored as [in, out], packed as [out, in]')
    test.equal(small.bytes_packed, 0)
    small:forward(ids)
    -- A byte a weight, and a float for each of a layer's 96 + 32 + 128 + 32 rows and of 96 ids.
    test.equal(small.bytes_packed, 2 * 12 * 32 * 32 + 96 * 32 + 4 * (2 * 288 + 96))
    test.equal(small.bytes_packed, named(list, 'weights').bytes + named(list, 'head').bytes
      + 4 * (2 * 12 * 32 * 32 + 96 * 32))
    test.equal(small.bytes_transposed, 0)
    test.ok(tostring(small):find('KiB packed.*  level 3 int8$'), tostring(small))
    test.ok(crescent.memory().model_bytes_packed >= small.bytes_packed)
    test.ok(tostring(crescent.memory()):find ' packed, ')
    test.equal(tostring(small:session { tokens = 8 }), 'session  0 of 8 tokens  level 3 int8')
  end)
  test.case('says which widths it has, and what was padded', function()
    local function words(options)
      options.level = 3
      return tostring(model:optimize(options)):match 'level 3 (.*)$'
    end
    test.equal(words { weights = 'bf16' }, 'bf16')
    test.equal(words { group = 32 }, 'int8 in groups of 32')
    test.equal(words { weights = 'int4', head = 'int8' }, 'int4, head int8')
    test.equal(words { weights = 'int4', head = 'int8', group = 32 },
      'int4, head int8 in groups of 32')
    test.equal(words { head = 'fp32', passes = { last_rows = false } },
      'int8, head fp32, without last_rows')
    local pruned = crescent.prune.plan(model, { what = 'neurons', list = { { 1, 1 } } }):apply()
    local list = pruned:optimize({ level = 3, weights = 'int4', head = 'fp32' }):passes()
    test.equal(named(list, 'weights').changed,
      '8 matrices as int4; 1 of 8 matrices padded to groups of 32')
    test.equal(named(list, 'head').on, false)
    test.ok(tostring(list):find('\nhead +no +0 +0 B +output head'), tostring(list))
  end)
  test.case('keeps its options through pruning', function()
    local small = model:optimize { level = 3, weights = 'int4', kv = 'bf16' }
    local pruned = crescent.prune.plan(small, { what = 'heads', list = { { 1, 1 } } }):apply()
    test.equal(tostring(pruned):match 'level 3 (.*)$', 'int4, cache bf16')
    test.equal(pruned:forward(ids).shape, { #ids, 96 })
  end)
  test.case('stores keys and values narrower where it is asked to', function()
    local wide = model:optimize { level = 3, kv = 'fp32' }
    test.equal(tostring(wide):match 'level 3 (.*)$', 'int8')
    local whole = wide:forward(ids)
    for kv, of_token in pairs { bf16 = 2 * 2 * 32 * 2, int8 = 2 * 2 * 4 * (32 + 4) } do
      local small = model:optimize { level = 3, kv = kv }
      test.equal(tostring(small):match 'level 3 (.*)$', 'int8, cache ' .. kv)
      local pass = named(small:passes(), 'kv')
      test.equal(pass.on, true)
      test.equal(pass.changed,
        ('keys and values as %s: %d B a token, not 512'):format(kv, of_token))
      test.equal(pass.bytes, (of_token - 512) * model.config.positions_max)
      test.ok(pass.source:find 'arXiv:')
      local session = small:session { tokens = 40 }
      test.equal(session.bytes, 40 * of_token)
      test.equal(tostring(session), 'session  0 of 40 tokens  level 3 int8, cache ' .. kv)
      local logits = small:forward(ids)
      test.equal(largest_difference(session:feed(ids), logits), 0)
      local off = largest_difference(logits, whole)
      test.ok(off > 0 and off < 0.1 * prompt.logits_std, off)
      local made = small:generate(ids, { tokens = 4, ignore_eos = true })
      test.equal(session:generate({ tokens = 4, ignore_eos = true }).ids, made.ids)
      local seen = small:forward(ids, { hidden = true, attention = true })
      test.equal(largest_difference(seen.logits, logits), 0)
      local profile = crescent.profile.run(small, { mode = 'standard', prompt = { 1, 2 },
        tokens = 2, trials = 1, cost_s = 0, idle_s = 0 })
      test.equal(profile.memory.cache_bytes % of_token, 0)
    end
  end)
  test.case('does all that level 2 does', function()
    local small = model:optimize { level = 3 }
    local made = small:generate(ids, { tokens = 4, ignore_eos = true })
    test.equal(made.new_tokens, 4)
    local session = small:session { tokens = 40 }
    session:feed(ids)
    test.equal(session:generate({ tokens = 4, ignore_eos = true }).ids, made.ids)
    local seen = small:forward(ids, { hidden = true, attention = true })
    test.equal(largest_difference(seen.logits, small:forward(ids)), 0)
    local last = small:forward(ids, { last = true })
    local apart = largest_difference(last, seen.logits:slice(1, #ids, #ids))
    test.ok(apart <= 3e-3 * prompt.logits_std, apart) -- one row's products round its inputs
    local quality = crescent.eval.perplexity(small, { ids = ids, window = 16, stride = 16 })
    test.ok(quality.protocol:find('level 3 int8, float32 activations', 1, true), quality.protocol)
    local bench = crescent.bench.decode(small, { prompt = 2, tokens = 2, samples_min = 2,
      time_s_max = 0.01 })
    local wide = crescent.bench.decode(model, { prompt = 2, tokens = 2, samples_min = 2,
      time_s_max = 0.01 })
    test.ok(bench.bytes_per_token < 0.35 * wide.bytes_per_token)
    local profile = crescent.profile.run(small, { mode = 'standard', prompt = { 1, 2 }, tokens = 2,
      trials = 1, cost_s = 0, idle_s = 0 })
    test.equal(profile.memory.weights_bytes_packed, small.bytes_packed)
    test.ok(profile.memory.arena_bytes > 0)
    test.ok(tostring(profile):find(', packed ', 1, true), tostring(profile))
  end)
  test.case('is another candidate than the same model stored otherwise', function()
    local made = crescent.bench.compare {
      candidates = { { 'int8', model:optimize { level = 3 } },
        { 'int4', model:optimize { level = 3, weights = 'int4' } } },
      baseline = 'int8', measure = 'decode', with = { prompt = 2, tokens = 4 }, time_s_max = 0.1,
    }
    test.equal(#made.rows, 2)
  end)
  test.case('keeps what the embedded model knows of a text that it has not seen', function()
    local pipe = io.popen [[bible -f rev1:1-rev8:13 | sed -E 's/^[0-9]?[A-Za-z]+[0-9]+:[0-9]+ //']]
    local text = pipe:read '*a'
    pipe:close()
    test.ok(#text > 15000, 'the command `bible` gave no text: install bible-kjv')
    local tiny = crescent.load 'tiny'
    local function perplexity(options)
      return crescent.eval.perplexity(tiny:optimize(options), { text = text, window = 256,
        stride = 256 }).perplexity
    end
    local truth = perplexity { level = 1 }
    local function worse_than(share, options)
      options.level = 3
      local ratio = perplexity(options) / truth
      test.ok(ratio < 1 + share, ('%s: %.4f'):format(options.weights, ratio))
      test.ok(ratio > 1 - share, ('%s: %.4f'):format(options.weights, ratio))
    end
    worse_than(1e-5, { weights = 'bf16' }) -- as it is stored
    worse_than(0.005, { weights = 'int8' })
    worse_than(0.005, { weights = 'int8', group = 32 })
    worse_than(0.05, { weights = 'int4' })
    worse_than(0.0005, { weights = 'bf16', kv = 'bf16' })
    worse_than(0.001, { weights = 'bf16', kv = 'int8' })
    local seen = 'And God said, Let there be light: and there was light. And God saw the light, '
      .. 'that it was good: and God divided the light from the darkness.'
    worse_than(0.05, { weights = 'int4', calibration = seen })
  end)
end)
