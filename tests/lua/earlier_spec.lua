--- A stored run against the one before it.
local earlier = require 'crescent.earlier'
local test = require 'crescent.test'

local model = crescent.load 'tiny'
local path = os.tmpname()
os.remove(path)

local function profile(name, tokens, level)
  return crescent.profile.run(model:optimize { level = level or 1 }, { mode = 'minimal',
    prompt = { 1, 2, 3 }, tokens = tokens, trials = 2, cost_s = 0, idle_s = 0, store = path,
    name = name }).run
end

local first, longer = profile('a', 4), profile('a', 6)
local other, second, third = profile('b', 4), profile('a', 4), profile('a', 4, 0)

test.group('a run', function()
  test.case('is held against the newest before it of the same name and work', function()
    local made = earlier(path, second)
    test.equal({ made.baseline, made.rows[1].run, made.rows[2].run }, { first, first, second })
    test.equal(made.measure, 'token_ms')
    test.equal(earlier(path, third).baseline, second)
  end)
  test.case('is compared in the measure that is asked for', function()
    test.equal(earlier(path, second, { measure = 'ttft_ms', same_within = 0.5 }).measure, 'ttft_ms')
  end)
  test.case('has nothing before it where the work or the name is another', function()
    local made, reason = earlier(path, first)
    test.equal(made, nil)
    test.equal(reason, path .. " has no earlier run 'a' of the same work")
    test.equal((earlier(path, longer)), nil)
    test.equal(select(2, earlier(path, other)), path
      .. " has no earlier run 'b' of the same work")
  end)
  test.case('that is not there is told', function()
    test.equal({ earlier(path, 99) }, { nil, path .. ': there is no run 99' })
  end)
end)

for _, suffix in ipairs { '', '-wal', '-shm' } do os.remove(path .. suffix) end
