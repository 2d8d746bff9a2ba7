--- Documents as text for a terminal: aligned tables, charts drawn with characters.
local tables = require 'crescent.table'

local function width(text)
  local _, continuation = text:gsub('[\128-\191]', '')
  return #text - continuation
end

local function underlined(text, sign) return text .. '\n' .. sign:rep(width(text)) end

--- A cell stays on its line.
local function one_line(text) return (text:gsub('%c', ' ')) end

--- A star behind what is best; the others keep its place free, so that digits stay aligned.
local function starred(cell, column_has_best, align)
  local text = one_line(cell.text)
  if cell.best then return text .. '*' end
  return column_has_best and align == 'right' and text .. ' ' or text
end

local function table_text(block)
  local spec = { titles = {}, align = {}, rows = {} }
  for i, column in ipairs(block.columns) do
    local has_best = false
    for _, row in ipairs(block.rows) do has_best = has_best or row[i].best end
    spec.align[i] = column.align
    spec.titles[i] = one_line(column.title) .. (has_best and column.align == 'right' and ' ' or '')
    for r, row in ipairs(block.rows) do
      spec.rows[r] = spec.rows[r] or {}
      spec.rows[r][i] = starred(row[i], has_best, column.align)
    end
  end
  local text = tables.text(spec)
  return block.title and block.title .. '\n' .. text or text
end

local writers = {
  -- The title has a double line; the parts of a book have it too.
  heading = function(block) return underlined(block.text, block.part and '=' or '-') end,
  text = function(block) return block.text end,
  note = function(block) return block.warning and 'warning: ' .. block.text or block.text end,
  table = table_text,
  chart = function(block)
    return (require('crescent.chart.text')(block.chart):gsub('%s+$', ''))
  end,
}

--- Notes stand together, anything else apart; a compact text has no empty lines at all.
local function gap(before, block, compact)
  if not before then return '' end
  if compact or before.kind == 'note' and block.kind == 'note' then return '\n' end
  return before.kind == 'heading' and '\n' or '\n\n'
end

--- Renders a document as text; it ends without a line break.
---@param document table   # as crescent.reporting.document says
---@param options? { compact: boolean? }   # without empty lines, as rows print
---@return string
return function(document, options)
  local compact = options and options.compact
  local out, before = {}, nil
  if document.title then
    out[1] = compact and document.title or underlined(document.title, '=')
    before = { kind = 'title' }
  end
  for _, block in ipairs(document.blocks) do
    out[#out + 1] = gap(before, block, compact)
    out[#out + 1] = writers[block.kind](block)
    before = block
  end
  return table.concat(out)
end
