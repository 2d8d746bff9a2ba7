--- Documents: what stands between layouts, which make one of rows, and renderers, which make text
--- of one and know nothing else.
---
--- ```
--- document = { title = 'text'|nil, blocks = { block, ... } }
--- block = { kind = 'heading', text =, part = true|nil }   -- a part of a book stands above groups
---       | { kind = 'text', text = }
---       | { kind = 'note', text =, warning = true|nil }
---       | { kind = 'table', title = 'text'|nil, group = { name =, value = }|nil,
---           columns = { { name =, title =, align = 'left'|'right',
---             better = 'lower'|'higher'|nil } },
---           rows = { { cell, ... }, ... },
---           pivot = { columns = 'criterion', value = 'perplexity', keys = { ... } }|nil }
---       | { kind = 'chart', chart = chart }
--- cell  = { text = '1.48 ± 0.32 ms',      -- what people read
---           value = 1.48,                 -- number or text: sorts, stands in CSV; nil if missing
---           low =, high =, unit =,        -- of Samples: the interval of the median
---           ratio =, ratio_low =, ratio_high =,   -- against the baseline, where there is one
---           verdict = 'faster'|'slower'|'less'|'more'|'no difference'|'cannot tell'|nil,
---           best = true|nil,              -- of its column, beyond doubt
---           reason = 'why it is missing'|nil }
--- chart = { kind = 'line'|'bar'|'scatter'|'heat', title =,
---           x = { name =, title =, unit =, log = bool,
---             better = 'lower'|'higher'|nil (a front's direction) }, y = {...},
---           series = { { name = 'taylor', points = {
---             { x = number|string, y = number, low =, high =, label = 'shown on hovering',
---               front = true|nil } } } },
---           reference = { y = number, label = }|nil }
--- heat  = { kind = 'heat', title =, values = { { number|nil } }, row_labels =, column_labels =,
---           row_name =, column_name =, name =, unit =, crossed = { { bool } }|nil }
--- ```
--- Renderers are `require 'crescent.render.NAME'`: function(document, options) -> text.
local document = {}

--- A document without blocks.
function document.new(title) return { title = title, blocks = {} } end

local function add(made, block)
  table.insert(made.blocks, block)
  return block
end

function document.heading(made, text) return add(made, { kind = 'heading', text = text }) end
function document.text(made, text) return add(made, { kind = 'text', text = text }) end
function document.note(made, text) return add(made, { kind = 'note', text = text }) end
function document.warning(made, text)
  return add(made, { kind = 'note', text = text, warning = true })
end
function document.chart(made, chart) return add(made, { kind = 'chart', chart = chart }) end

--- Adds a table without rows yet.
function document.table(made, title, columns, group)
  return add(made, { kind = 'table', title = title, columns = columns, group = group, rows = {} })
end

--- The blocks of a kind, in order.
function document.each(made, kind)
  local found = {}
  for _, block in ipairs(made.blocks) do
    if block.kind == kind then found[#found + 1] = block end
  end
  return found
end

return document
