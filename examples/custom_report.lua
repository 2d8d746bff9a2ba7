-- A report of one's own in ten lines, over rows of any origin: here, what each layer does.
local opt = crescent.options {
  'Shows how a report is laid out, over what crescent.inspect.layers tells of a model.',
  model = { 'a model folder, or the name of an embedded model', default = 'tiny' },
  to = { 'where it goes: .html .md .csv .json .svg ...; more than once', many = true },
  quick = { 'has no effect: it is quick', default = false },
}

local rows = crescent.inspect.layers(crescent.load(opt.model),
  { text = 'In the beginning God created the heaven and the earth.' })

local layout = crescent.report.layout {
  title = 'The layers of ' .. opt.model,
  text = 'A layer changes the hidden state by `change`, the norm of what it adds over that of what '
    .. 'it gets; `lens_top1` says how often its output already names the final favourite.',
  columns = { 'layer', { 'params', format = 'count' }, { 'change', format = '%.2f' },
    { 'cosine', format = '%.3f' }, { 'lens_top1', format = 'percent', better = 'higher' } },
  charts = { { kind = 'bar', x = 'layer', y = 'change' },
    { kind = 'line', x = 'layer', y = 'lens_kl_nats' } },
}

print(layout:render(rows))
for _, path in ipairs(opt.to or {}) do
  for _, written in ipairs(layout:render(rows, { to = path })) do print('written: ' .. written) end
end
