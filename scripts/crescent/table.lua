--- Tables as text: aligned for people, Markdown, CSV. Cells are strings; this file knows no units.
local tables = {}

--- Columns that a text takes on a terminal: UTF-8 characters, not bytes.
local function width(text)
  local _, continuation = text:gsub('[\128-\191]', '')
  return #text - continuation
end

local function pad(text, target, align)
  local space = (' '):rep(target - width(text))
  return align == 'left' and text .. space or space .. text
end

local function widths_of(spec)
  local widths = {}
  for i, title in ipairs(spec.titles) do widths[i] = width(title) end
  for _, row in ipairs(spec.rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i], width(cell)) end
  end
  return widths
end

--- Aligns a table with two spaces between columns; no line ends in a space.
---@param spec { titles: string[], align: table<integer, 'left'|'right'>?, rows: string[][] }
---@return string
function tables.text(spec)
  local widths, align = widths_of(spec), spec.align or {}
  local function line(cells)
    local padded = {}
    for i, cell in ipairs(cells) do padded[i] = pad(cell, widths[i], align[i]) end
    return (table.concat(padded, '  '):gsub('%s+$', ''))
  end
  local lines = { line(spec.titles) }
  for _, row in ipairs(spec.rows) do lines[#lines + 1] = line(row) end
  return table.concat(lines, '\n')
end

--- Writes a table as Markdown.
---@param spec table  # as for `text`
---@return string
function tables.markdown(spec)
  local escaped = { titles = spec.titles, rows = {} }
  for r, row in ipairs(spec.rows) do
    escaped.rows[r] = {}
    for i, cell in ipairs(row) do escaped.rows[r][i] = (cell:gsub('|', '\\|')) end
  end
  local widths, align, rule = widths_of(escaped), spec.align or {}, {}
  for i, w in ipairs(widths) do
    widths[i] = math.max(w, 3)
    rule[i] = ('-'):rep(widths[i] - 1) .. (align[i] == 'left' and '-' or ':')
  end
  local function line(cells)
    local padded = {}
    for i, cell in ipairs(cells) do padded[i] = pad(cell, widths[i], align[i]) end
    return '| ' .. table.concat(padded, ' | ') .. ' |'
  end
  local lines = { line(spec.titles), '| ' .. table.concat(rule, ' | ') .. ' |' }
  for _, row in ipairs(escaped.rows) do lines[#lines + 1] = line(row) end
  return table.concat(lines, '\n') .. '\n'
end

--- Writes a table as CSV (RFC 4180, lines end in \n).
---@param spec table  # as for `text`
---@return string
function tables.csv(spec)
  local function line(cells)
    local quoted = {}
    for i, cell in ipairs(cells) do
      quoted[i] = cell:find('[",\n\r]') and '"' .. cell:gsub('"', '""') .. '"' or cell
    end
    return table.concat(quoted, ',')
  end
  local lines = { line(spec.titles) }
  for _, row in ipairs(spec.rows) do lines[#lines + 1] = line(row) end
  return table.concat(lines, '\n') .. '\n'
end

return tables
