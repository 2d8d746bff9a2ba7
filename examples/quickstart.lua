-- A small trained model talks, is tested on text that it never saw, and is timed at two levels.
local model = crescent.load 'tiny'
print(model)
print()
print(model:generate('And it came to pass', { tokens = 80 }))
print()

-- The last 5 % of the verses were kept out of its training.
local verses = io.popen [[
  bible -f gen1:1-rev22:21 | sed -E 's/^[0-9]?[A-Za-z]+[0-9]+:[0-9]+ //' | tail -n 1555]]
local held_out = verses:read('*a')
verses:close()
assert(held_out ~= '', "no text: install Debian's bible-kjv")
print(crescent.eval.perplexity(model, { text = held_out, window = 256, stride = 128 }))
print()

-- Level 0 is the readable reference; level 1 must give the same logits before it is timed.
print(crescent.bench.compare {
  measure = 'decode', with = { prompt = 32, tokens = 64 }, tolerance = 1e-3, time_s_max = 20,
  candidates = { { 'level 0', model:optimize { level = 0 } }, { 'level 1', model:optimize { level = 1 } } },
  baseline = 'level 0',
})
