--- Profiles: sums, work, statistics, windows, traces.
local test = require 'crescent.test'
local fixtures = require 'fixtures'

local model = crescent.load(fixtures.model 'gpt2')
local prompt = { 5, 17, 42, 7 }

local function run(options)
  options.prompt = options.prompt or prompt
  options.tokens = options.tokens or 6
  options.cost_s = options.cost_s or 0
  local profiled = options.model or model
  options.model = nil
  return crescent.profile.run(profiled, options)
end

local function contains(text, part)
  test.ok(text:find(part, 1, true), ("expected '%s' in:\n%s"):format(part, text))
end

--- The error of fn must end like that.
local function fails(fn, ending)
  local ok, problem = pcall(fn)
  test.ok(not ok, 'expected an error: ' .. ending)
  contains(tostring(problem) .. '\n', ending)
end

local function child(node, name)
  for _, c in ipairs(node.children) do if c.name == name then return c end end
end

local function adds_up(node)
  if #node.children == 0 then return end
  local sum = 0
  for _, c in ipairs(node.children) do
    test.ok(c.time_ms <= node.time_ms * (1 + 1e-9), c.name .. ' exceeds ' .. node.name)
    sum = sum + c.time_ms
    adds_up(c)
  end
  test.near(sum, node.time_ms, 1e-9 * node.time_ms + 1e-9)
end

test.case('every tree adds up, in every mode, at every level', function()
  for _, mode in ipairs { 'minimal', 'standard', 'deep' } do
    for _, level in ipairs(crescent.levels.available()) do
      local profile = run { mode = mode, model = model:optimize { level = level } }
      adds_up(profile.tree)
      adds_up(profile.summary)
      test.equal(child(profile.tree, 'decode').count, 5)
      test.equal(child(profile.tree, 'sample').count, 6)
      test.equal(child(profile.tree, 'prefill').count, 1)
    end
  end
end)

local function names(node, kinds, list, path)
  for _, c in ipairs(node.children) do
    if kinds[c.kind] then
      local here = path .. '/' .. c.name
      list[#list + 1] = ('%s x%d'):format(here, c.count)
      names(c, kinds, list, here)
    end
  end
  return list
end

test.case('levels 0 and 1 give the same sections, layers and components', function()
  local kinds = { section = true, layer = true, component = true }
  local lists = {}
  for level = 0, 1 do
    local profile = run { mode = 'deep', model = model:optimize { level = level } }
    lists[level] = table.concat(names(profile.tree, kinds, {}, ''), '\n')
  end
  test.equal(lists[0], lists[1])
  contains(lists[1], '/decode/layer 1/ffn.down x5')
end)

test.case('level 2 gives them too where statistics take its steps apart', function()
  local kinds = { section = true, layer = true, component = true }
  local lists = {}
  for level = 1, 2 do
    local profile = run { mode = 'deep', model = model:optimize { level = level } }
    lists[level] = names(profile.tree, kinds, {}, '')
    if level == 2 then
      contains(profile.absent['scores, scale+mask, softmax, value'], 'level 2 attends in one go')
      test.equal(profile.absent['ffn.residual'], nil)
    end
  end
  test.equal(lists[2], lists[1])
end)

test.case('level 2 names the components that it does on the way out of others', function()
  local kinds = { section = true, layer = true, component = true }
  local function list_of(level)
    local profile = run { mode = 'custom', collect = { 'components' },
      model = model:optimize { level = level } }
    return names(profile.tree, kinds, {}, ''), profile.absent
  end
  local fused, expected = { ['ffn.activation'] = 0, ['attention.residual'] = 0,
    ['ffn.residual'] = 0 }, {}
  for _, name in ipairs((list_of(1))) do
    local last = name:match '/([^/]+) x%d+$'
    if fused[last] then
      fused[last] = fused[last] + 1
    else
      expected[#expected + 1] = name
    end
  end
  for name, count in pairs(fused) do test.ok(count > 0, name) end
  local list, absent = list_of(2)
  test.equal(list, expected)
  test.equal(absent['ffn.activation'],
    'level 2 activates on the way out of the product: a part of ffn.up')
  test.equal(absent['attention.residual'],
    'level 2 adds on the way out of the product: a part of attention.output')
  test.equal(absent['ffn.residual'],
    'level 2 adds on the way out of the product: a part of ffn.down')
end)

test.case('level 2 has an arena and transposed weights among its memory', function()
  local memory = run { model = model:optimize { level = 2 } }.memory
  test.ok(memory.arena_bytes > 0)
  test.ok(memory.weights_bytes_transposed > 0)
  test.equal(memory.absent and memory.absent.arena_bytes, nil)
end)

test.case('minimal has sections alone, deep has operations', function()
  local minimal, deep = run { mode = 'minimal' }, run { mode = 'deep' }
  test.equal(#child(minimal.tree, 'decode').children, 0)
  local attention = child(child(child(deep.tree, 'decode'), 'layer 1'), 'attention')
  test.equal(child(attention, 'softmax').kind, 'operation')
  test.equal(child(attention, 'softmax').count, 5)
  contains(deep.absent['scale+mask'], 'level 1 scales and masks in the product')
  test.equal(run { mode = 'standard' }.absent['scale+mask'], nil)
end)

test.case('a profile generates what generate does', function()
  local ids = {}
  run { on_event = function(event) if event.event == 'token' then ids[#ids + 1] = event.id end end }
  test.equal(ids, model:generate(prompt, { tokens = 6, ignore_eos = true }).ids)
end)

test.case('the first token takes tokenize, prefill and the first sample', function()
  local tiny = crescent.load 'tiny'
  local profile = run { model = tiny, prompt = 'In the beginning', mode = 'minimal', trials = 3 }
  test.equal(#profile.ttft_ms.values, 3)
  test.equal(#profile.latency_ms.values, 15)
  -- An outer clock saw at least that, and not much more.
  local parts = 0
  for _, name in ipairs { 'tokenize', 'prefill' } do
    parts = parts + child(profile.tree, name).time_ms
  end
  local first = 0
  for _, value in ipairs(profile.ttft_ms.values) do first = first + value end
  test.ok(first > parts, 'a sample takes time too')
  test.ok(first < parts + child(profile.tree, 'sample').time_ms, 'but one alone')
  test.ok(first < profile.tree.time_ms)
end)

test.case('the profile and the clock of generate agree on the first token', function()
  local profiling = crescent.profile.session { mode = 'minimal' }
  local made = profiling:window('w', function()
    return model:generate(prompt, { tokens = 3, ignore_eos = true })
  end)
  local ttft_ms = profiling:finish().ttft_ms.median
  test.ok(ttft_ms <= made.ttft_ms * 1.001, ('%g ms in %g ms'):format(ttft_ms, made.ttft_ms))
  test.ok(ttft_ms >= made.ttft_ms / 2, ('%g ms in %g ms'):format(ttft_ms, made.ttft_ms))
end)

test.case('a list of your own collects that alone', function()
  local profile = run { mode = 'custom', collect = { 'layers', 'entropy' } }
  local layer = child(child(profile.tree, 'decode'), 'layer 1')
  test.equal(#layer.children, 0)
  local found = {}
  for _, row in ipairs(profile.statistics) do found[row.name] = true end
  test.equal(found, { entropy_nats = true })
  test.equal(#profile.memory.sections, 0)
end)

test.case('work is that of the description', function()
  local profile = run { mode = 'standard' }
  local decode = child(profile.tree, 'decode')
  local layer = child(decode, 'layer 1')
  -- 5 steps; qkv is a product of (32) by (32, 96), read whole in each.
  test.equal(child(layer, 'qkv').flops, 5 * 2 * 32 * 96)
  test.equal(child(layer, 'qkv').bytes, 5 * 4 * (32 * 96 + 96))
  test.ok(decode.share_of_limit > 0 and decode.share_of_limit < 1)
  test.ok(decode.gb_s > 0)
end)

test.case('sections have their work without being looked into', function()
  local minimal, deep = run { mode = 'minimal' }, run { mode = 'deep' }
  for _, name in ipairs { 'prefill', 'decode' } do
    local a, b = child(minimal.tree, name), child(deep.tree, name)
    test.equal(a.flops, b.flops)
    test.equal(a.bytes, b.bytes)
    local sum = 0
    for _, part in ipairs(b.children) do sum = sum + (part.flops or 0) end
    test.equal(sum, b.flops)
  end
end)

test.case('a profile session prints what it is', function()
  local profiling = crescent.profile.session { mode = 'minimal' }
  test.equal(tostring(profiling), 'profile session, minimal, no window is open')
  profiling:enter 'a'
  test.equal(tostring(profiling), 'profile session, minimal, a window is open')
  profiling:finish()
  test.equal(tostring(profiling), 'finished profile session')
end)

test.case('every other token, scaled up and marked', function()
  local profile = run { mode = 'custom', collect = { 'components' }, every = { token = 2 } }
  local decode = child(profile.tree, 'decode')
  adds_up(profile.tree)
  test.equal(decode.count, 5)
  test.equal(decode.estimated, false)
  test.equal(child(decode, 'head').estimated, true)
  test.equal(child(decode, 'head').count, 5)
  contains(tostring(profile), '~ estimated')
end)

test.case('statistics are those of the tensors', function()
  local profile = run { mode = 'deep', tokens = 1 }
  local seen = {}
  for _, row in ipairs(profile.statistics) do
    seen[('%s %s %s %s %s'):format(row.section, row.layer, row.site, row.head, row.name)] = row
  end
  local captured = model:forward(prompt, { hidden = true, attention = true })
  local block = captured.hidden[2]
  test.near(seen['prefill 1 block nil abs_mean'].value, block:abs():mean():item(), 1e-5)
  test.near(seen['prefill 1 block nil abs_max'].value, block:abs():max():item(), 1e-6)
  test.equal(seen['prefill 1 block nil abs_mean'].count, block.numel)
  -- Entropy of head 2 in layer 1, over the queries.
  local p = captured.attention[1][2]
  local entropy = 0
  for _, row in ipairs(p:tolist()) do
    for _, x in ipairs(row) do if x > 0 then entropy = entropy - x * math.log(x) end end
  end
  test.near(seen['prefill 1 softmax 2 entropy_nats'].value, entropy / #prompt, 1e-4)
  test.ok(seen['prefill 1 ffn.up nil negative_share'])
  test.ok(seen['prefill 1 ffn.norm nil variance_ratio'])
end)

test.case('memory is told by section', function()
  local profile = run { mode = 'standard' }
  local by_section = {}
  for _, row in ipairs(profile.memory.sections) do by_section[row.section] = row end
  test.equal(by_section.decode.sections, 5)
  test.ok(by_section.decode.allocations > 0)
  test.ok(by_section.prefill.bytes_peak > 0)
  test.ok(profile.memory.cache_bytes > 0)
  contains(profile.memory.absent.arena_bytes, 'no arena')
end)

test.case('events come in their order, each section before the token that it led to', function()
  local order = {}
  run { tokens = 2, on_event = function(event)
    order[#order + 1] = event.section or ('token %d'):format(event.index)
  end }
  test.equal(order, { 'prefill', 'sample', 'token 1', 'decode', 'sample', 'token 2' })
end)

test.case('an event function can end the run, and its errors pass', function()
  local profile = run { tokens = 6, trials = 4, on_event = function(event)
    return event.event ~= 'token' or event.index < 3
  end }
  test.equal(profile.tokens, 3)
  test.equal(profile.trials, 1)
  fails(function()
    run { on_event = function() error 'enough' end }
  end, 'enough')
end)

test.case('what profiling costs is computed and measured', function()
  local profile = run { mode = 'standard', cost_s = 0.3 }
  test.ok(profile.cost.spans > 0 and profile.cost.span_ns > 0)
  test.ok(profile.cost.share_computed > 0)
  test.ok(profile.cost.share_measured.low <= profile.cost.share_measured.high)
  contains(tostring(profile), 'profiling cost ')
  test.equal(run { cost_s = 0 }.cost.absent.share_measured, 'cost_s = 0: it was not measured')
end)

test.case('windows hold what happens in them', function()
  local profiling = crescent.profile.session { mode = 'standard' }
  local got, second = profiling:window('outer', function()
    profiling:window('inner', function() model:forward(prompt) end)
    return 'a', 'b'
  end)
  test.equal(got .. second, 'ab')
  model:forward(prompt) -- seen by nobody
  local profile = profiling:finish()
  adds_up(profile.tree)
  local inner = child(child(profile.tree, 'outer'), 'inner')
  test.equal(child(inner, 'prefill').count, 1)
  test.equal(child(child(inner, 'prefill'), 'head').flops, 2 * 4 * 32 * 96)
  test.equal(#profile.tree.children, 1)
end)

test.case('loading, tokenizing and sessions are seen in a window', function()
  local profiling = crescent.profile.session { mode = 'minimal' }
  profiling:window('all', function()
    local tiny = crescent.load 'tiny'
    local session = tiny:session { tokens = 20 }
    session:feed(tiny.tokenizer:encode 'In the beginning')
    session:generate { tokens = 3, ignore_eos = true }
  end)
  local all = child(profiling:finish().tree, 'all')
  for name, count in pairs { load = 1, tokenize = 1, prefill = 2, decode = 3, sample = 3 } do
    test.ok(child(all, name) and child(all, name).count == count, name)
  end
end)

test.case('a window that an error leaves is closed and marked, and the error goes on', function()
  local profiling = crescent.profile.session { mode = 'minimal' }
  fails(function()
    profiling:window('w', function() error 'broken' end)
  end, 'broken')
  profiling:window('w', function() end)
  local window = child(profiling:finish().tree, 'w')
  test.equal(window.count, 2)
  test.equal(window.cut, 1)
end)

test.case('windows by hand must nest', function()
  local profiling = crescent.profile.session { mode = 'minimal' }
  profiling:enter 'a'
  profiling:enter 'b'
  fails(function() profiling:leave 'a' end,
    "profiling:leave: window 'a': the innermost open window is 'b'; close that one first")
  profiling:leave 'b'
  profiling:leave 'a'
  fails(function() profiling:leave 'a' end,
    "profiling:leave: window 'a': no window is open; it was closed before, or never opened")
  local other = crescent.profile.session { mode = 'minimal' }
  profiling:enter 'a'
  fails(function() other:enter 'c' end,
    "profiling:enter: window 'c': another profile session has a window open; close that one first")
  local profile = profiling:finish() -- closes and marks what is open
  test.equal(child(profile.tree, 'a').cut, 1)
  other:close()
  fails(function() profiling:enter 'a' end, 'closed')
end)

test.case('a trace and folded stacks are written from a profile', function()
  local profile = run { mode = 'deep' }
  local path = os.tmpname()
  local made = crescent.profile.trace(profile, path)
  local file = assert(io.open(path))
  local trace = crescent.json.decode(file:read '*a')
  file:close()
  local names_seen = {}
  for _, event in ipairs(trace.traceEvents) do names_seen[event.name] = true end
  test.ok(names_seen.decode and names_seen.softmax and names_seen['layer 1'])
  test.equal(made.rolled_up, '')
  crescent.profile.folded(profile, path, { weight = 'flops' })
  file = assert(io.open(path))
  local sum = 0
  for line in file:lines() do sum = sum + tonumber(line:match '(%d+)$') end
  file:close()
  os.remove(path)
  test.equal(sum, profile.tree.flops)
  fails(function() crescent.profile.trace({}, path) end,
    "crescent.profile.trace: argument 1 'profile': expected a profile as crescent.profile.run, "
    .. 'profiling:finish or a store gives it, got a table')
end)

test.case('a profile becomes rows for machines', function()
  local profile = run { mode = 'minimal' }
  contains(profile:csv(), 'path,kind,count,time_ms,share')
  contains(profile:csv(), 'run/decode,section,5,')
  test.equal(profile:rows()[1].path, 'run')
  contains(profile:markdown(), '| path')
  test.equal(crescent.json.decode(profile:json()).mode, 'minimal')
end)

test.case('a profile takes a name for a store alone', function()
  fails(function() run { mode = 'minimal', name = 'kept' } end, "crescent.profile.run: option "
    .. "'name' names a run in a store; give store = true or a path too")
end)

test.case('a stored profile comes back as it was', function()
  local path = os.tmpname()
  os.remove(path)
  local made = run { mode = 'deep', trials = 2, store = path, name = 'kept' }
  local store = crescent.store.open(path)
  local summary = store:last 'kept'
  test.equal(summary.id, made.run)
  test.equal(summary.status, 'done')
  test.equal(summary.model_hash, model:hash())
  test.equal(#summary.trials, 2)
  test.equal(#summary.trials[1].token_ms.values, 5)
  local back = store:profile(made.run)
  for _, name in ipairs { 'tree', 'summary', 'statistics', 'mode', 'model', 'level', 'tokens',
    'prompt_tokens', 'trials' } do
    test.equal(back[name], made[name])
  end
  test.equal(back.latency_ms.values, made.latency_ms.values)
  test.equal(back.memory.sections, made.memory.sections)
  adds_up(store:profile(made.run, { trial = 2 }).tree)
  local trace = os.tmpname()
  test.ok(crescent.profile.trace(back, trace).spans > 100)
  os.remove(trace)
  local nothing, reason = store:profile(99)
  test.equal(nothing, nil)
  test.equal(reason, path .. ': there is no run 99')
  reason = select(2, store:profile(made.run, { trial = 3 }))
  test.equal(reason, ('%s: run %d has no trial 3'):format(path, made.run))
  store:close()
  for _, ending in ipairs { '', '-wal', '-shm' } do os.remove(path .. ending) end
end)

test.case('an error on the way leaves what was stored, marked', function()
  local path = os.tmpname()
  os.remove(path)
  local tokens = 0
  fails(function()
    run { trials = 3, tokens = 2, mode = 'minimal', store = path, on_event = function(event)
      if event.event == 'token' then tokens = tokens + 1 end
      if tokens == 3 then error 'in the second trial' end
    end }
  end, 'in the second trial')
  local store = crescent.store.open(path)
  test.equal(store:last().status, 'failed')
  test.equal(#store:last().trials, 1)
  store:close()
  for _, ending in ipairs { '', '-wal', '-shm' } do os.remove(path .. ending) end
end)

test.case('a replayed power trace gives joules that are marked as estimated', function()
  fixtures.with_file('0 20\n1000 20\n', function(trace)
    local profile = run { mode = 'minimal', trials = 2, power_trace = trace, idle_s = 0.05 }
    test.equal(#profile.energy_j.values, 2)
    test.equal(profile.energy_label, 'estimated')
    test.equal(profile.energy_reason, ('replayed from %s, not measured in this run'):format(trace))
    -- 20 W all the time, also when the machine is idle.
    test.near(profile.idle_w, 20, 1e-6)
    local spent = 0
    for _, joules in ipairs(profile.energy_j.values) do spent = spent + joules end
    test.ok(spent >= 20 * profile.tree.time_ms / 1e3, 'the sensor is read around what is timed')
    contains(tostring(profile), ' a trial, estimated (replayed from ')
  end)
end)

test.case('without a sensor energy is absent with a reason', function()
  local profile = run { mode = 'minimal' }
  test.ok(profile.energy_j or #profile.absent.energy_j > 10)
end)

test.case('wrong options are told', function()
  fails(function() run { mode = 'custom' } end,
    "option 'collect': expected what mode = 'custom' collects, got nothing")
  fails(function() run { collect = { 'layers' } } end,
    "option 'collect': expected mode = 'custom' beside it, got mode = 'standard'")
  fails(function() run { mode = 'custom', collect = { 'layer' } } end,
    "got 'layer' (did you mean 'layers'?)")
  fails(function() run { mode = 'custom', collect = {} } end, 'got an empty list')
  fails(function() run { every = { tokens = 2 } } end,
    "option 'every': expected { token = n, layer = n }, got 'tokens' (did you mean 'token'?)")
  fails(function() run { every = { layer = 0 } } end,
    "option 'every': expected layer to be an integer 1 .. 1000000, got 0")
  fails(function() run { tokens = 1000 } end, "option 'tokens': expected at most")
  fails(function() run { prompt = {} } end, "option 'prompt'")
  fails(function() run { store = 3 } end,
    "option 'store': expected the path of a store, or true for the default one, got 3")
end)
