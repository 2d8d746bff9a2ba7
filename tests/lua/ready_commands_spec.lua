--- The ready commands, as a user runs them: what each flag does, and the folder that is written.
local fixtures = require 'fixtures'
local test = require 'crescent.test'
local xml = require 'xml'

local function output_of(command)
  local pipe = io.popen(('{ %s; } 2>&1 </dev/null; printf "\\n%%d" $?'):format(command))
  local said, code = pipe:read('*a'):match '^(.*)\n(%d+)$'
  pipe:close()
  return said, tonumber(code)
end

local examples = output_of('cd ' .. fixtures.path '../../examples' .. ' && pwd'):gsub('%s+$', '')
local folder = output_of 'mktemp -d':gsub('%s+$', '')

--- Runs an example in a folder of its own: what it says, and its exit code.
local function run(name, flags)
  return output_of(("cd %s && '%s' --threads 1 '%s/%s.lua' %s"):format(folder,
    crescent.process.executable(), examples, name, flags))
end

local function expect(said, ...)
  for _, text in ipairs { ... } do
    if not said:find(text, 1, true) then
      error(('expected %s in\n%s'):format(text, said), 2)
    end
  end
end

local function read(path)
  local file = io.open(folder .. '/' .. path, 'rb')
  if not file then return nil end
  local text = file:read '*a'
  file:close()
  return text
end

local function json(path) return crescent.json.decode((assert(read(path), path))) end

--- The records of a CSV file, by the names in its first line.
local function csv(path)
  local list, record, text = {}, {}, assert(read(path), path)
  local at = 1
  while at <= #text do
    local quoted, ending, after = text:match('^"(.-)"([,\n])()', at)
    if not quoted then quoted, ending, after = text:match('^([^",\n]*)([,\n])()', at) end
    record[#record + 1] = assert(quoted, 'no CSV from here: ' .. text:sub(at, at + 40))
    if ending == '\n' then list[#list + 1], record = record, {} end
    at = after
  end
  local names, rows = list[1], {}
  for i = 2, #list do
    test.equal(#list[i], #names)
    rows[i - 1] = {}
    for place, name in ipairs(names) do rows[i - 1][name] = list[i][place] end
  end
  return rows
end

local function check_page(path)
  local elements = xml.elements(read(path))
  test.ok(#xml.find(elements, 'svg') > 0, 'no chart in ' .. path)
  return elements
end

local function trace_events(path) return #json(path).traceEvents end

test.group('profile_full_model', function()
  local levels = #crescent.levels.available()
  local cells = 2 * levels -- with nothing removed, and with a half
  local all_done = ('%d cells: %d done'):format(cells, cells)
  local said = run('profile_full_model', '--quick --test-all-optimization-levels --trace-export '
    .. '--profile-mode basic --compare-with-previous --output-dir all/of/it --store all.db')
  test.case('measures every cell, with quality beside the times', function()
    expect(said, all_done, 'perplexity', 'same token', 'a token', 'level: 0', 'level: 1')
    local rows = json 'all/of/it/rows.json'
    test.equal(#rows, cells)
    for _, row in ipairs(rows) do
      test.equal(#row.token_ms.values, 2)
      test.equal(#row.first_token_ms.values, 2)
      test.ok(row.perplexity > 10 and row.top1 <= 1 and row.params > 1e6)
    end
    local half = rows[levels + 2]
    test.equal({ rows[1].ratio, rows[1].level, half.ratio, half.level }, { 0, 0, 0.5, 1 })
    test.ok(rows[2].max_abs_logit < 1e-3 and rows[2].top1 == 1, 'level 1 is another function')
    test.ok(half.params < 0.7 * rows[2].params and half.perplexity > rows[2].perplexity)
  end)
  test.case('writes one folder and says what is in it', function()
    check_page 'all/of/it/report.html'
    expect(read 'all/of/it/report.md', '# Profile of tiny', '## What pruning and levels do to tiny',
      '## Profile: 50 percent removed, level 1', '### Time by section')
    local rows = csv 'all/of/it/rows.csv'
    test.equal({ #rows, rows[levels + 1].ratio, rows[levels + 1].level }, { cells, '0.5', '0' })
    test.ok(tonumber(rows[1].token_ms) > 0 and tonumber(rows[1].perplexity) > 10)
    test.ok(#csv 'all/of/it/profile-0-percent-removed-level-1.csv' > 4)
    test.ok(trace_events 'all/of/it/trace-0-percent-removed-level-1.json' > 20)
    test.ok(trace_events 'all/of/it/trace-50-percent-removed-level-0.json' > 20)
    test.ok(#xml.elements(read 'all/of/it/charts/01-perplexity-by-ratio.svg') > 5)
    expect(said, 'all/of/it/report.html', 'all/of/it/charts/', 'all/of/it/reproduce.sh')
  end)
  test.case('says that there is no earlier run to compare with', function()
    expect(said, "0 percent removed, level 1, against the previous run: all.db has no earlier run "
      .. "'profile_full_model tiny 0 level 1' of the same work")
  end)
  test.case('is run again by the command it wrote, from anywhere, with nothing to measure',
    function()
      local before = read 'all/of/it/rows.json'
      local again, code = output_of(('cd / && sh %s/all/of/it/reproduce.sh'):format(folder))
      test.equal(code, 0)
      expect(again, all_done)
      test.equal(read 'all/of/it/rows.json', before)
    end)
end)

--- Runs profile_full_model several times in one process, which finds out only once what the machine
--- can do.
local function run_each(list)
  local file = assert(io.open(folder .. '/each.lua', 'w'))
  file:write(("package.path = '%s/?.lua;' .. package.path\n"):format(examples))
  for _, flags in ipairs(list) do
    file:write(([[
      arg = { [0] = '%s/profile_full_model.lua' }
      for word in ('--quick --no-visualize %s'):gmatch '%%S+' do arg[#arg + 1] = word end
      dofile(arg[0])
      print '@@@@'
    ]]):format(examples, flags))
  end
  file:close()
  local said = output_of(("cd %s && '%s' --threads 1 each.lua"):format(folder,
    crescent.process.executable()))
  local parts = {}
  for part in said:gmatch '(.-)@@@@\n' do parts[#parts + 1] = part end
  if #parts ~= #list then error(said, 2) end
  return parts
end

test.group('profile_full_model with', function()
  local again = '--store b.db --fresh --iterations 9 --pruning-levels 0 --profile-mode basic '
    .. '--compare-with-previous --no-export-csv --output-dir '
  local one = '--iterations 1 --pruning-levels 0 --profile-mode %s --store %s.db --output-dir %s'
  local said
  test.before_each(function()
    said = said or run_each { again .. 'first', again .. 'second', one:gsub('%%s', 'detailed'),
      one:gsub('%%s', 'component'), one:gsub('%%s', 'all'), one:gsub('%%s', 'memory'),
      '--profile-mode throughput --batch-size 3 --iterations 1 --pruning-levels 0,20 --warmup 2 '
        .. '--sequence-length 20 --generated-tokens 5 --store c.db --optimization-level 0 '
        .. '--output-dir batch' }
  end)
  test.case('--compare-with-previous holds a new run against the one before', function()
    expect(said[1], 'b.db has no earlier run')
    expect(said[2], '0 percent removed, level 1, against the previous run: Run')
    expect(read 'second/report.md', 'the runs were not interleaved')
    test.equal(#json 'second/rows.json'[1].token_ms.values, 9)
  end)
  test.case('--no-visualize and --no-export-csv leaves these files out', function()
    test.equal({ read 'second/rows.csv', read 'second/profile-0-percent-removed-level-1.csv',
      (output_of(('ls %s/second'):format(folder))) },
      { nil, nil, 'report.html\nreport.md\nreproduce.sh\nrows.json\n' })
  end)
  test.case('a batch takes in several prompts at once, and says what that is of', function()
    local rows = json 'batch/rows.json'
    test.equal({ #rows, rows[2].ratio, rows[1].level }, { 2, 0.2, 0 })
    test.ok(rows[1].prefill_tokens_per_s.median > 0 and rows[1].decode_tokens_per_s.median > 0)
    expect(read 'batch/report.md', 'A prompt of 20 tokens and 5 new ones',
      'Prefill in tokens/s is of 3 such prompts at once', 'there is no batch in decoding')
    local store = crescent.store.open(folder .. '/c.db')
    local profile = store:profile(rows[1].profile.run)
    store:close()
    test.equal({ profile.prompt_tokens, profile.tokens, profile.trials }, { 20, 5, 1 })
  end)
  local modes = {
    detailed = { has = 'component', lacks = 'operation' },
    component = { has = 'component', lacks = 'operation' },
    all = { has = 'operation' },
    memory = { has = 'section', lacks = 'component' },
  }
  for mode, expected in pairs(modes) do
    test.case(('mode %s shows what that is'):format(mode), function()
      local seen = {}
      for _, row in ipairs(csv(mode .. '/profile-0-percent-removed-level-1.csv')) do
        seen[row.kind] = true
      end
      test.ok(seen[expected.has], 'no ' .. expected.has)
      test.ok(not seen[expected.lacks or ''], 'a ' .. tostring(expected.lacks))
      local peak = json(mode .. '/rows.json')[1].tensors_bytes_peak
      test.equal(peak ~= nil and peak > 0, mode == 'memory')
    end)
  end
  test.case('mode basic shows sections alone', function()
    local page = read 'second/report.md'
    expect(page, 'Time by section', 'mode minimal does not record them')
  end)
end)

test.group('a wrong command line', function()
  local cases = {
    { '--pruning-levels 0,130', "--pruning-levels: expected an integer >= 0 and <= 99, got '130'" },
    { '--pruning-levels 30,30', "--pruning-levels: expected each value once, got '30' twice" },
    { '--profile-mode fast', "--profile-mode: expected 'basic' or 'detailed' or 'component' or "
      .. "'all' or 'memory' or 'throughput', got 'fast'" },
    { '--sequence-length 300', '--sequence-length and --generated-tokens: tiny has 256 positions, '
      .. 'got 332 tokens' },
    { '--model nowhere', '--model: nowhere: expected a folder, found none' },
  }
  for _, case in ipairs(cases) do
    test.case('is told: ' .. case[2], function()
      local said, code = run('profile_full_model', case[1])
      test.equal(code, 2)
      expect(said, case[2])
    end)
  end
end)

test.group('run_profiling', function()
  test.case('measures models over lengths that they have positions for', function()
    local said = run('run_profiling', '--quick --lengths 16,250 --iterations 1 --trace-export '
      .. '--no-visualize --store d.db --output-dir models')
    expect(said, '3 cells: 3 done', 'model: tiny', 'first token', 'same token',
      'the weights are random')
    check_page 'models/report.html'
    local rows = json 'models/rows.json'
    test.equal({ #csv 'models/rows.csv', rows[1].model, rows[1].length, rows[2].model,
      rows[3].length }, { 3, 'tiny', 16, 'decoder_tiny:1', 250 })
    test.ok(rows[1].perplexity > 10 and not rows[2].perplexity)
    test.ok(rows[2].top1 == 1 and rows[2].max_abs_logit < 1e-3, 'level 1 is another function')
    test.ok(trace_events 'models/trace-decoder-tiny-1-prompt-of-250.json' > 20)
    expect(read 'models/report.md', '### Time by component', '### Latency over tokens')
    local before = read 'models/rows.json'
    expect(output_of(('sh %s/models/reproduce.sh'):format(folder)), '3 cells: 3 done')
    test.equal(read 'models/rows.json', before)
  end)
  test.case('has more to do in full', function()
    local said = run('run_profiling', '--full --dry-run --store f.db')
    test.ok(tonumber(said:match '(%d+) cells') > 6, said)
  end)
  test.case('refuses a model that is none', function()
    local said, code = run('run_profiling', '--models tiny,gpt5')
    test.equal(code, 2)
    expect(said, '--models: gpt5: expected a folder, found none')
  end)
end)

os.execute('rm -rf ' .. folder)
