--- Documents as Markdown (GitHub's, for its tables); charts stand as text in a fence.
local tables = require 'crescent.table'

--- What Markdown or HTML would take for its own is escaped; nothing of a report is meant as markup.
local function escaped(text)
  return (text:gsub('%c', ' '):gsub('[\\`*<%[%]]', '\\%0'):gsub('&(#?%w+;)', '\\&%1'))
end

local function table_text(block)
  local spec = { titles = {}, align = {}, rows = {} }
  for i, column in ipairs(block.columns) do
    spec.titles[i], spec.align[i] = escaped(column.title), column.align
  end
  for r, row in ipairs(block.rows) do
    spec.rows[r] = {}
    for i, cell in ipairs(row) do
      local text = escaped(cell.text)
      spec.rows[r][i] = cell.best and '**' .. text .. '**' or text
    end
  end
  local text = tables.markdown(spec)
  return block.title and ('**%s**\n\n%s'):format(escaped(block.title), text) or text
end

--- A fence longer than any run of backquotes in the text.
local function fenced(text)
  local fence = '```'
  while text:find(fence, 1, true) do fence = fence .. '`' end
  return ('%stext\n%s\n%s\n'):format(fence, text:gsub('%s+$', ''), fence)
end

local writers = {
  heading = function(block, in_book)
    return ((in_book and not block.part) and '### ' or '## ') .. escaped(block.text) .. '\n'
  end,
  text = function(block) return escaped(block.text) .. '\n' end,
  note = function(block)
    return block.warning and ('- **warning: %s**\n'):format(escaped(block.text))
      or ('- %s\n'):format(escaped(block.text))
  end,
  table = table_text,
  chart = function(block) return fenced(require 'crescent.chart.text'(block.chart)) end,
}

--- Renders a document as Markdown.
---@param document table   # as crescent.reporting.document says
---@return string
return function(document)
  local out, before, in_book = {}, nil, false
  for _, block in ipairs(document.blocks) do in_book = in_book or block.part == true end
  if document.title then out[1], before = '# ' .. escaped(document.title) .. '\n', 'title' end
  for _, block in ipairs(document.blocks) do
    -- Notes are one list.
    if before and not (before == 'note' and block.kind == 'note') then out[#out + 1] = '\n' end
    out[#out + 1] = writers[block.kind](block, in_book)
    before = block.kind
  end
  return table.concat(out)
end
