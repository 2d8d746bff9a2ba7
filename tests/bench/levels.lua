-- Measures decode, prefill and load at every level: each as a share of what this machine allows,
-- and against level 0.
local units, tables = crescent.units, crescent.table

local opt = crescent.options {
  'Measures decode, prefill and load at every level.',
  preset = { 'shape of the model, one of crescent.presets()', default = 'gpt2' },
  prompt = { 'tokens before the decoded ones', default = 32, type = 'integer' },
  tokens = { 'decoded tokens', default = 64, type = 'integer' },
  prefill = { 'tokens of a prefill', default = 512, type = 'integer' },
  seconds = { 'for each measurement; a comparison takes twice that', default = 10 },
  json = { 'also writes all samples to this file' },
}

local model = crescent.preset(opt.preset, { seed = 1 })
local levels = {}
for _, level in ipairs(crescent.levels.available()) do
  levels[#levels + 1] = { name = 'level ' .. level, model = model:optimize { level = level } }
end

local work = {
  decode = { prompt = opt.prompt, tokens = opt.tokens },
  prefill = { tokens = opt.prefill },
}
local all, rows = { preset = opt.preset, machine = crescent.machine() }, {}

local function share(measured)
  return measured.share_of_limit and units.percent(measured.share_of_limit) or '-'
end

local function rate(measured)
  return measured.tokens_per_s and units.number(measured.tokens_per_s) or '-'
end

for _, measure in ipairs { 'decode', 'prefill' } do
  local candidates, found = {}, { single = {} }
  for i, level in ipairs(levels) do
    candidates[i] = { level.name, level.model }
    local how = { time_s_max = opt.seconds }
    for name, value in pairs(work[measure]) do how[name] = value end
    found.single[i] = crescent.bench[measure](level.model, how)
  end
  found.compared = crescent.bench.compare {
    measure = measure,
    candidates = candidates,
    baseline = levels[1].name,
    with = work[measure],
    tolerance = 1e-3,
    time_s_max = 2 * opt.seconds,
  }
  for i, level in ipairs(levels) do
    local row, measured = found.compared.rows[i], found.single[i]
    rows[#rows + 1] = {
      measure, level.name, tostring(measured.latency_ms), rate(measured), share(measured),
      units.number(row.ratio, 3), row.baseline and 'baseline' or row.verdict,
      units.number(row.drift, 2),
    }
  end
  all[measure] = found
end

-- A load is the same at every level: it maps the file, and a level is chosen afterwards.
local folder = os.tmpname()
os.remove(folder)
model:save(folder)
local ok, loaded = pcall(crescent.bench.load, folder, { time_s_max = opt.seconds })
for _, file in ipairs { 'config.json', 'model.safetensors' } do os.remove(folder .. '/' .. file) end
os.remove(folder)
if not ok then error(loaded, 0) end
all.load = loaded
rows[#rows + 1] = { 'load', 'every level', tostring(loaded.latency_ms), '-', '-', '-', '-', '-' }

print(model)
print(tables.text {
  titles = { 'measure', 'level', 'time', 'tokens/s', 'of the limit', 'ratio', 'verdict', 'drift' },
  align = { 'left', 'left', [7] = 'left' },
  rows = rows,
})
for _, measure in ipairs { 'decode', 'prefill' } do print(all[measure].compared:sentence()) end
print(('Decode is held against reading %s at %s GB/s, prefill against %s GFLOP/s.'):format(
  units.format(all.decode.single[1].bytes_per_token, 'bytes'),
  units.number(all.decode.single[1].bandwidth_gb_s),
  units.number(all.prefill.single[1].peak_gflop_s)))

local told = {}
for _, found in ipairs { all.decode.compared, all.prefill.compared, loaded } do
  for _, warning in ipairs(found.warnings) do
    if not told[warning] then print('warning: ' .. warning) end
    told[warning] = true
  end
end

if opt.json then
  local file = assert(io.open(opt.json, 'w'))
  assert(file:write(crescent.json.encode(all, { indent = 1 }), '\n'))
  file:close()
end
