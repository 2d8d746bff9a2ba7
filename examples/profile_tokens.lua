-- Where does the time of every token go? Profiles a generation and writes it as a page.
local opt = crescent.options {
  'Profiles a generation: by section, layer and component, token by token.',
  { 'prompt', 'what the model continues', default = 'And it came to pass' },
  model = { 'a model folder, or the name of an embedded model', default = 'tiny' },
  tokens = { 'new tokens', default = 100, type = 'integer', at_least = 2 },
  page = { 'the report', default = 'profile_tokens.html' },
  quick = { 'few tokens', default = false },
}

local model = crescent.load(opt.model)
local profile = crescent.profile.run(model, {
  prompt = opt.prompt,
  tokens = opt.quick and 12 or opt.tokens,
  mode = 'standard',
  cost_s = opt.quick and 0.2 or 2,
})
print(profile)

-- The context grows with every token, and the time with it: how much?
local steps = profile.latency_ms.values
local third = math.floor(#steps / 3)
local first = crescent.statistics.samples({ unpack(steps, 1, third) }, { unit = 'ms' })
local last = crescent.statistics.samples({ unpack(steps, #steps - third + 1) }, { unit = 'ms' })
print(('the first third of the tokens: %s each; the last: %s'):format(tostring(first),
  tostring(last)))

print('written: ' .. crescent.report.profile():render(profile, { to = opt.page })[1])
