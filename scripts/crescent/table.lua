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

--- What is wrong with a list of cells, or nil.
local function problem_of_cells(cells, place)
  if type(cells) ~= 'table' then
    return ('%s: expected a list of strings, got %s'):format(place, type(cells))
  end
  for i, cell in ipairs(cells) do
    if type(cell) ~= 'string' then
      return ('%s: expected strings, got %s at position %d'):format(place, type(cell), i)
    end
  end
end

--- What is wrong with a table in the form that all functions here take, or nil.
local function problem_of(spec)
  if type(spec) ~= 'table' then
    return 'expected { titles = {...}, rows = {...} }, got ' .. type(spec)
  end
  local problem = problem_of_cells(spec.titles, 'titles')
  if problem then return problem end
  if type(spec.rows) ~= 'table' then return 'rows: expected a list, got ' .. type(spec.rows) end
  for r, row in ipairs(spec.rows) do
    local place = ('rows[%d]'):format(r)
    problem = problem_of_cells(row, place)
    if problem then return problem end
    if #row ~= #spec.titles then
      return ('%s: expected %d cells, as many as titles, got %d'):format(place, #spec.titles, #row)
    end
  end
end

--- Tells a mistake on the line of whoever called the function of that name.
local function check(name, spec)
  local problem = problem_of(spec)
  if problem then error(('crescent.table.%s: %s'):format(name, problem), 3) end
end

--- Aligns a table with two spaces between columns; no line ends in a space.
---@param spec { titles: string[], align: table<integer, 'left'|'right'>?, rows: string[][] }
---@return string
function tables.text(spec)
  check('text', spec)
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
  check('markdown', spec)
  local escaped = { titles = {}, rows = {} }
  for i, title in ipairs(spec.titles) do escaped.titles[i] = (title:gsub('|', '\\|')) end
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
  local lines = { line(escaped.titles), '| ' .. table.concat(rule, ' | ') .. ' |' }
  for _, row in ipairs(escaped.rows) do lines[#lines + 1] = line(row) end
  return table.concat(lines, '\n') .. '\n'
end

--- Writes a table as CSV (RFC 4180, lines end in \n).
---@param spec table  # as for `text`
---@return string
function tables.csv(spec)
  check('csv', spec)
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
