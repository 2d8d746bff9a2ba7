-- Load: from a folder in page cache to a usable model, from a fresh process to its first token, and
-- what a process takes that holds only that model. GPT-2 124M shapes, written once below build/.
local clock = require 'crescent.clock'
local support = require 'support'

local opt = support.options('Measures load, start and memory at every level.', {
  tokens = { 'for the growth of memory, in hundreds; default: 10000, or 200 with --quick',
    type = 'integer', at_least = 100 },
})
local run = support.start('load', opt)

-- A process of its own: loads the folder, says when its first token is there and what it takes.
-- The embedded model goes first for memory, so that what the program takes without is known too.
local child_script = [[
local folder, level, weights, tokens = arg[1], tonumber(arg[2]), arg[3], tonumber(arg[4])
local channel = crescent.process.channel()
local how = { level = level, weights = weights ~= '' and weights or nil }
local prompt = {}
for i = 1, 32 do prompt[i] = i end
local function pss()
  collectgarbage()
  local memory = crescent.memory()
  return memory.pss_bytes or memory.rss_bytes, memory.session_bytes
end
local without
if tokens > 0 then
  local small = crescent.load('tiny')
  local fast = small:optimize(how)
  fast:forward(prompt)
  small:close()
  fast:close()
  without = pss()
end
local model = crescent.load(folder):optimize(how)
if tokens == 0 then
  model:generate(prompt, { tokens = 1 })
  channel:send 'there'
  return
end
local session = model:session { tokens = #prompt + 100 }
session:feed(prompt)
local function decode(count)
  for _ = 1, count / 100 do
    session:truncate(#prompt)
    session:generate { tokens = 100, ignore_eos = true }
  end
end
decode(100)
local first, kept = pss()
decode(tokens)
channel:send(('%.0f %.0f %.0f'):format(first - without, pss() - first, kept))
]]

local function spawn(folder, level, tokens)
  return crescent.process.spawn { crescent.process.executable(), '--threads', crescent.threads(),
    '-e', child_script, folder, level.how.level, level.how.weights or '', tokens }
end

local function answer_of(child)
  local said = child:receive()
  local problem = not said and ('the process of its own %s: %s'):format(child.ended.reason,
    child:output())
  child:close()
  return said or error(problem, 0)
end

--- Milliseconds from the start of a process to its first token: each level in turn, and back.
local function starts(folder, levels)
  local times, begin = {}, clock.seconds()
  for i in ipairs(levels) do times[i] = {} end
  repeat
    for step = 1, 2 * #levels do
      local i = step <= #levels and step or 2 * #levels + 1 - step
      local before = clock.seconds()
      local child = spawn(folder, levels[i], 0)
      answer_of(child)
      table.insert(times[i], 1e3 * (clock.seconds() - before))
    end
  until clock.seconds() - begin > run.seconds
  local rows = {}
  for i, level in ipairs(levels) do
    local logs = {}
    for n, ms in ipairs(times[i]) do logs[n] = math.log(ms) end
    rows[level.name] = { block_logs = logs,
      time = support.of_samples(crescent.statistics.samples(times[i], { unit = 'ms' })) }
  end
  return rows
end

local folder = support.saved_gpt2()
-- Not of that folder: pages of a file that two processes hold count half for each.
local levels = crescent.scope(function() return support.levels(crescent.preset 'gpt2') end)
for _, level in ipairs(levels) do level.model:close() end

local loaded = crescent.bench.load(folder, { time_s_max = run.seconds / 4 })
run:add { measure = 'load to a usable model', ours = support.of_samples(loaded.latency_ms),
  level_1 = support.of_samples(loaded.latency_ms) }

local begun = starts(folder, levels)
for _, level in ipairs(levels) do
  run:add {
    measure = 'fresh process to first token, ' .. level.name, ours = begun[level.name].time,
    level_1 = begun['level 1'].time, ratio = support.ratio(begun[level.name], begun['level 1']),
    limit = function(limits) return support.read_ms(limits, loaded.bytes) end,
  }
end

local taken = {}
for i, level in ipairs(levels) do
  local model, growth, session = answer_of(spawn(folder, level, opt.tokens
    or (opt.quick and 200 or 10000))):match('^(%-?%d+) (%-?%d+) (%d+)$')
  taken[i] = { model = tonumber(model), growth = tonumber(growth), session = tonumber(session) }
end
local function bytes(value) return support.figure(value, nil, 'bytes') end
for i, level in ipairs(levels) do
  run:add { measure = 'memory (Pss) with its session, ' .. level.name, ours = bytes(taken[i].model),
    level_1 = bytes(taken[1].model), limit = level.bytes + taken[i].session,
    ratio = support.figure(taken[i].model / taken[1].model, nil, 'x') }
  run:add { measure = '  growth over the tokens', ours = bytes(taken[i].growth),
    level_1 = bytes(taken[1].growth) }
end
run:finish()
