-- Ours beside PyTorch and llama.cpp: the same shapes and threads, in turns (ours, peer, ours,
-- peer). Each peer is a process of its own, which has ended before ours goes on.
local clock = require 'crescent.clock'
local quoted = require('crescent.child').quoted
local support = require 'support'

local opt = support.options('Measures PyTorch and llama.cpp beside crescent.', {
  torch_python = { 'the Python that has PyTorch', default = 'python3' },
  llama_python = { 'the Python that has llama.cpp', default = 'python3' },
  prompt = { 'tokens before the decoded ones', default = 32, type = 'integer' },
  tokens = { 'decoded tokens', default = 100, type = 'integer', at_least = 2 },
  prefill = { 'tokens of each prefill', default = { 64, 512 }, list = true, type = 'integer' },
  rounds = { 'of turns; default: 7, or 2 with --quick', type = 'integer', at_least = 1 },
})

local here = arg[0]:match('^(.*)/[^/]*$') or '.'
local peers = {
  { name = 'PyTorch', script = 'torch_peer.py', python = opt.torch_python,
    install = { 'torch', 'numpy' } },
  { name = 'llama.cpp', script = 'llama_peer.py', python = opt.llama_python,
    install = { 'llama-cpp-python', 'gguf', 'numpy' } },
}

--- Runs a peer's script. @return what it answered, or nil and what it said instead.
local function ask(peer, ...)
  local words = { quoted(peer.python), '-B', quoted(here .. '/peers/' .. peer.script) }
  for _, word in ipairs { ... } do words[#words + 1] = quoted(tostring(word)) end
  local pipe = io.popen(table.concat(words, ' ') .. ' 2>&1')
  local said = pipe:read '*a'
  pipe:close()
  local last = said:match '([^\n]*)\n*$'
  local ok, answer = pcall(crescent.json.decode, last)
  if ok and type(answer) == 'table' then return answer end
  return nil, said
end

--- Those that are there: { peer, width } each. Says how to get the others.
local function contenders()
  local list = {}
  for _, peer in ipairs(peers) do
    local found, said = ask(peer, 'version')
    if found and found.version then
      peer.version = found.version
      for _, width in ipairs(found.widths) do list[#list + 1] = { peer = peer, width = width } end
    else
      print(('%s is not there: %s'):format(peer.name, found and
        ('%s has no module %s'):format(peer.python, found.missing) or said:gsub('%s+$', '')))
      print(('  to install it: %s -m venv DIR && DIR/bin/pip install %s; then --%s-python '
        .. 'DIR/bin/python'):format(peer.python, table.concat(peer.install, ' '),
        peer.script:match '^%a+'))
      if peer.name == 'llama.cpp' then
        print('  (it is compiled with native instructions meanwhile, which takes minutes)')
      end
    end
  end
  return list
end

--- What a peer's script measures, of one of our levels.
local function measure_ours(model, repeats)
  local result = { decode_ms = {}, prefill_ms = {} }
  local prompt = support.ids(model, opt.prompt)
  for i = 0, repeats do -- the first one warms up
    local made = model:generate(prompt, { tokens = opt.tokens, ignore_eos = true })
    if i > 0 then result.decode_ms[i] = made.decode_ms / (opt.tokens - 1) end
    result.ids = made.ids
  end
  for _, tokens in ipairs(opt.prefill) do
    local ids, times = support.ids(model, tokens), {}
    local session = model:session { tokens = tokens }
    for i = 0, repeats do
      session:truncate(0)
      local begin = clock.seconds()
      session:feed(ids, { last = true })
      if i > 0 then times[i] = 1e3 * (clock.seconds() - begin) end
    end
    session:close()
    result.prefill_ms[tostring(tokens)] = times
  end
  return result
end

local function median(values) return crescent.statistics.quantile(values, 0.5) end

--- The times of each work in one turn: { ['decode'] = ms, ['prefill 64'] = ms }.
local function times_of(result)
  local times = { decode = median(result.decode_ms) }
  for tokens, values in pairs(result.prefill_ms) do times['prefill ' .. tokens] = median(values) end
  return times
end

local function equal_ids(a, b)
  local equal = 0
  for i, id in ipairs(a) do equal = equal + (b[i] == id and 1 or 0) end
  return equal
end

local list = contenders()
if #list == 0 then os.exit(1) end
local folder = support.saved_gpt2()
local ours = {}
for _, level in ipairs(support.levels(crescent.load(folder))) do ours[level.width] = level end
local works = { 'decode' }
for _, tokens in ipairs(opt.prefill) do works[#works + 1] = 'prefill ' .. tokens end

local repeats = opt.quick and 1 or 3
for _ = 1, opt.rounds or (opt.quick and 2 or 7) do
  for _, contender in ipairs(list) do
    local level = ours[contender.width]
    local mine = level and measure_ours(level.model, repeats)
    local theirs, said = ask(contender.peer, folder, '--width', contender.width, '--threads',
      crescent.threads(), '--prompt', opt.prompt, '--tokens', opt.tokens, '--repeat', repeats,
      '--prefill', unpack(opt.prefill))
    if not theirs then error(('%s: %s'):format(contender.peer.name, said), 0) end
    contender.turns = contender.turns or {}
    table.insert(contender.turns, { ours = mine, theirs = theirs })
  end
end

local spec = { titles = { 'work', 'width', 'ours', 'peer', '', 'ours / peer' },
  align = { 'left', 'left', 'left', 'left', 'left', 'left' }, rows = {} }
local rows = {}
for _, work in ipairs(works) do
  for _, contender in ipairs(list) do
    local mine, theirs, ratios = {}, {}, {}
    for i, turn in ipairs(contender.turns) do
      theirs[i] = times_of(turn.theirs)[work]
      if turn.ours then
        mine[i] = times_of(turn.ours)[work]
        ratios[i] = mine[i] / theirs[i]
      end
    end
    local function figure(values, unit)
      return #values > 0
        and support.of_samples(crescent.statistics.samples(values, { unit = unit })) or nil
    end
    local level = ours[contender.width]
    local row = { work = work, width = contender.width, level = level and level.name,
      peer = contender.peer.name, ours_ms = figure(mine, 'ms'), peer_ms = figure(theirs, 'ms'),
      ratio = figure(ratios, 'x') }
    rows[#rows + 1] = row
    spec.rows[#rows] = { work .. (work == 'decode' and ', a token' or ''), row.width,
      support.cell(row.ours_ms), support.cell(row.peer_ms),
      contender.peer.name .. ' ' .. contender.peer.version, support.cell(row.ratio) }
  end
end
print(('%s, %s; %s'):format(crescent.machine({ measure = false }).cpu,
  crescent.units.counted(crescent.threads(), 'thread'), 'GPT-2 124M shapes, random weights'))
print(crescent.table.text(spec))
for _, contender in ipairs(list) do
  local turn = contender.turns[1]
  if turn.ours then
    print(('%s %s: %d of %d greedy ids are ours'):format(contender.peer.name, contender.width,
      equal_ids(turn.ours.ids, turn.theirs.ids), #turn.ours.ids))
  end
end
support.write(opt, 'peers', { name = 'peers', rows = rows, contenders = list,
  machine = crescent.machine { measure = false } })
