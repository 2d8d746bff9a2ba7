-- Loads the embedded model, lets it talk, and measures how well it predicts and how fast it runs.
local opt = crescent.options {
  'Shows what crescent does, on the embedded model.',
  quick = { 'less text, less time', default = false },
}

-- The last 5 % of the King James verses, one a line: text that the model never saw.
local verses = io.popen [[
  bible -f gen1:1-rev22:21 | sed -E 's/^[0-9]?[A-Za-z]+[0-9]+:[0-9]+ //' | tail -n +29548]]
local held_out = verses:read('*a')
verses:close()
assert(#held_out == 199071, "the command `bible` gave another text: install Debian's bible-kjv")

local model = crescent.load('tiny')
print(model)

local prompt = 'And it came to pass'
local said = model:generate(prompt, { tokens = 80, temperature = 0.8, top_k = 40, seed = 1 })
print('\n' .. prompt .. said.text .. '\n')

local quality = crescent.eval.perplexity(model,
  { text = opt.quick and held_out:sub(1, 4000) or held_out, window = 256, stride = 128 })

-- Nothing is timed before level 1's logits are proven equal to those of the reference.
local speed = crescent.bench.compare {
  measure = 'decode',
  candidates = { { 'level 0', model:optimize { level = 0 } }, { 'level 1', model } },
  baseline = 'level 0',
  with = { prompt = 32, tokens = 64 },
  tolerance = 1e-3,
  time_s_max = opt.quick and 1 or 15,
}

local units = crescent.units
local level_0, level_1 = speed.rows[1], speed.rows[2]
print(crescent.table.text {
  titles = { 'measured', 'value', 'how' },
  align = { 'left', 'right', 'left' },
  rows = {
    { 'parameters', units.grouped(model.params), 'stored as ' .. model.dtype },
    { 'perplexity', units.number(quality.perplexity, 5),
      units.grouped(quality.tokens) .. ' held-out tokens' },
    { 'level 0', tostring(level_0.latency_ms), 'a token, in the reference' },
    { 'level 1', tostring(level_1.latency_ms), 'a token, all heads at once, with a cache' },
    { 'ratio', units.number(level_1.ratio, 3), level_1.verdict },
    { 'drift', units.number(level_1.drift, 2), 'largest difference of a logit over their spread' },
  },
})
print(('\nOn unseen verses the model is as unsure as between %s equally likely tokens. %s')
  :format(units.number(quality.perplexity, 4), speed:sentence()))
for _, warning in ipairs(speed.warnings) do print('warning: ' .. warning) end
