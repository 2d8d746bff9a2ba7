-- Where does a token's time go? Puts the parts at levels 0 and 1 side by side.
local opt = crescent.options {
  "Shows what each part of a token takes, at levels 0 and 1.",
  model = { 'a model folder, or the name of an embedded model', default = 'tiny' },
  tokens = { 'decoded tokens of a trial', default = 50, type = 'integer', at_least = 2 },
  trials = { 'so many generations', default = 5, type = 'integer', at_least = 1 },
  trace = { 'also write the timeline at level 1 to this file, for Perfetto', nonempty = true },
  quick = { 'one trial', default = false },
}
local units = crescent.units

local model = crescent.load(opt.model)
local profiles = {}
for level = 0, 1 do
  profiles[level] = crescent.profile.run(model:optimize { level = level }, {
    prompt = { 1, 2, 3, 4, 5, 6, 7, 8 },
    tokens = opt.tokens,
    trials = opt.quick and 1 or opt.trials,
    cost_s = opt.quick and 0.5 or 2,
  })
end

--- The parts of a decode step, those of the layers summed over them: name -> ms a token.
local function parts_of(profile)
  local parts, order = {}, {}
  local function take(node, steps)
    for _, child in ipairs(node.children) do
      if child.kind == 'layers' then
        take(child, steps)
      else
        if not parts[child.name] then order[#order + 1] = child.name end
        parts[child.name] = (parts[child.name] or 0) + child.time_ms / steps
      end
    end
  end
  for _, section in ipairs(profile.summary.children) do
    if section.name == 'decode' then take(section, section.count) end
  end
  return parts, order
end

local reference = parts_of(profiles[0])
local fused, order = parts_of(profiles[1])
local rows = {}
for i, name in ipairs(order) do
  local before, after = reference[name] or 0, fused[name]
  rows[i] = { name, units.format(before, 'ms'), units.format(after, 'ms'),
    before > 0 and units.number(after / before, 2) or '-' }
end
print(crescent.table.text {
  titles = { 'a decode step', 'level 0', 'level 1', 'ratio' }, align = { 'left' }, rows = rows,
})
print(('\nFirst token after %s at level 0, %s at level 1; then %s and %s a token.'):format(
  tostring(profiles[0].ttft_ms), tostring(profiles[1].ttft_ms),
  tostring(profiles[0].latency_ms), tostring(profiles[1].latency_ms)))
local drift = crescent.eval.agreement(model, model:optimize { level = 0 },
  { text = 'In the beginning God created the heaven and the earth.' })
print(('Drift: a logit differs by at most %s.'):format(units.number(drift.max_abs_logit, 2)))
if opt.trace then print(crescent.profile.trace(profiles[1], opt.trace)) end
for _, warning in ipairs(profiles[1].warnings) do print('warning: ' .. warning) end
