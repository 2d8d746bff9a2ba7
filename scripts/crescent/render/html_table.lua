--- Tables of a report's page, and the table of values below each chart.
local data = require 'crescent.chart.data'
local grid = require 'crescent.chart.grid'
local markup = require 'crescent.markup'
local units = require 'crescent.units'

local html_table = {}

local escape = markup.escape
-- Longer texts are folded, others stay on one line.
local words_min = 28
local verdict_class = { faster = ' good', slower = ' bad' }

--- A value for sorting, as an attribute; nothing for what is missing.
local function value_attribute(value)
  if type(value) == 'number' then
    if not data.is_finite(value) then return '' end
    return (' data-value="%s"'):format(units.exact(value))
  end
  if value == nil then return '' end
  return (' data-value="%s"'):format(escape(value))
end

--- Splits '1.25 ms (0.83 x, faster)' into the value and what it is against the baseline.
local function parts_of(cell)
  local text = cell.text or '-'
  if not cell.ratio and not cell.verdict then return text end
  local value, aside = text:match('^(.*%S) %(([^()]*)%)$')
  if not value then return text end
  local verdict = cell.verdict
  if verdict then
    if aside == verdict then return value, '' end
    local before = #aside - #verdict - 2
    if before < 0 or aside:sub(before + 1) ~= ', ' .. verdict then return text end
    return value, aside:sub(1, before)
  end
  return value, aside
end

--- What a cell with a value shows: the value, its interval, what it is against the baseline.
local function content(cell)
  local value, aside = parts_of(cell)
  local out = { escape(value) }
  if cell.best then
    out[#out + 1] = ' <span class="star" role="img" aria-label="best of its column" '
      .. 'title="best of its column">★</span>'
  end
  if data.is_finite(cell.low) and data.is_finite(cell.high) then
    out[#out + 1] = ('<small title="interval of the median">%s .. %s</small>'):format(
      units.number(cell.low), units.number(cell.high))
  end
  if aside or cell.verdict then
    local title = ''
    if data.is_finite(cell.ratio_low) and data.is_finite(cell.ratio_high) then
      title = (' title="%s .. %s times the baseline"'):format(units.number(cell.ratio_low),
        units.number(cell.ratio_high))
    end
    local verdict = cell.verdict and ('<span class="verdict%s">%s</span>'):format(
      verdict_class[cell.verdict] or '', escape(cell.verdict)) or ''
    local space = aside and aside ~= '' and verdict ~= '' and ' ' or ''
    out[#out + 1] = ('<small%s>%s%s%s</small>'):format(title, escape(aside or ''), space, verdict)
  end
  return table.concat(out)
end

--- What a cell without a value shows: why, on hovering and below the table, where its text doesn't
--- say so already.
local function missing_content(cell, footnotes)
  local text, reason = cell.text or '-', cell.reason
  if text == '-' then text = '–' end
  if not reason then return escape(text) end
  local shown = ('<abbr title="%s">%s</abbr>'):format(escape(reason), escape(text))
  if text ~= '–' then return shown end
  return shown .. footnotes.mark(reason)
end

--- Numbered footnotes below one table, one for each reason.
local function new_footnotes(id)
  local made, letters = { list = {} }, {}
  function made.mark(reason)
    if not letters[reason] then
      made.list[#made.list + 1] = reason
      letters[reason] = #made.list
    end
    return ('<sup><a href="#%s.%d">%d</a></sup>'):format(id, letters[reason], letters[reason])
  end
  return made
end

local function head(column)
  local class = column.align == 'right' and ' class="right"' or ''
  local better = column.better and (' data-better="%s"'):format(escape(column.better)) or ''
  local says = column.better and ('<small>%s is better</small>'):format(escape(column.better)) or ''
  return ('<th scope="col"%s%s><span>%s</span>%s</th>'):format(class, better,
    escape(column.title or column.name or ''), says)
end

local function is_missing(cell)
  return cell.value == nil or type(cell.value) == 'number' and not data.is_finite(cell.value)
end

local function body_cell(column, cell, footnotes)
  local classes, missing = {}, is_missing(cell)
  local text = cell.text or ''
  if column.align == 'right' then classes[1] = 'right' end
  if column.align ~= 'right' and markup.characters(text) >= words_min then
    classes[#classes + 1] = 'words'
  end
  if cell.best and not missing then classes[#classes + 1] = 'best' end
  if missing then classes[#classes + 1] = 'missing' end
  local class = #classes > 0 and (' class="%s"'):format(table.concat(classes, ' ')) or ''
  return ('<td%s%s>%s</td>'):format(class, value_attribute(cell.value),
    missing and missing_content(cell, footnotes) or content(cell))
end

--- Writes a table block; each row has as many cells as there are columns.
---@param out string[]   # lines are added to it
---@param block table    # as crescent.reporting.document says
---@param id string      # for its footnotes
function html_table.add(out, block, id)
  local footnotes = new_footnotes(id)
  local label = block.title and block.title ~= '' and block.title or 'table'
  out[#out + 1] = ('<div class="scroll" role="region" aria-label="%s" tabindex="0">'):format(
    escape(label))
  out[#out + 1] = ('<table id="%s">'):format(id)
  if (block.title or '') ~= '' then
    out[#out + 1] = ('<caption>%s</caption>'):format(escape(block.title))
  end
  local heads = {}
  for c, column in ipairs(block.columns) do heads[c] = head(column) end
  out[#out + 1] = ('<thead><tr>%s</tr></thead>\n<tbody>'):format(table.concat(heads))
  for _, row in ipairs(block.rows) do
    local cells = {}
    for c, column in ipairs(block.columns) do
      cells[c] = body_cell(column, row[c] or {}, footnotes)
    end
    out[#out + 1] = ('<tr>%s</tr>'):format(table.concat(cells))
  end
  out[#out + 1] = '</tbody>\n</table>\n</div>'
  for i, reason in ipairs(footnotes.list) do
    out[#out + 1] = ('<p class="note" id="%s.%d"><sup>%d</sup> %s</p>'):format(id, i, i,
      escape(reason))
  end
end

local function figure(value)
  if not data.is_finite(value) then return { text = value == nil and '-' or tostring(value) } end
  return { text = units.exact(value), value = value }
end

local function title_of(axis, otherwise)
  local title = axis and (axis.title or axis.name) or otherwise
  return axis and axis.unit and axis.unit ~= '' and ('%s (%s)'):format(title, axis.unit) or title
end

--- A text as a cell; nothing as an empty one.
local function words(value)
  local text = tostring(value or '')
  return { text = text, value = text }
end

--- What the table of a chart's points may have: { title, align, cell of a point }.
local function point_columns(chart)
  local function category(point) return type(point.x) == 'string' end
  local categories = false
  for _, series in ipairs(chart.series) do
    for _, point in ipairs(series.points) do categories = categories or category(point) end
  end
  return {
    { 'series', 'left', function(_, series) return words(series.name) end, #chart.series > 1 },
    { title_of(chart.x, 'x'), categories and 'left' or 'right', function(point)
      return category(point) and words(point.x) or figure(point.x)
    end, true },
    { title_of(chart.y, 'y'), 'right', function(point) return figure(point.y) end, true },
    { 'low', 'right', function(point) return figure(point.low) end, 'low' },
    { 'high', 'right', function(point) return figure(point.high) end, 'high' },
    { 'Pareto front', 'left', function(point) return words(point.front and 'yes') end, 'front' },
    { 'about', 'left', function(point) return words(point.label) end, 'label' },
  }
end

--- Whether any point has a field.
local function any_has(chart, name)
  for _, series in ipairs(chart.series) do
    for _, point in ipairs(series.points) do
      if point[name] then return true end
    end
  end
  return false
end

--- The points of a chart with their exact values; columns that no point fills are left out.
local function points_table(chart)
  local made, shown = { columns = {}, rows = {} }, {}
  for _, column in ipairs(point_columns(chart)) do
    local wanted = column[4]
    if wanted == true or type(wanted) == 'string' and any_has(chart, wanted) then
      shown[#shown + 1] = column
      made.columns[#shown] = { title = column[1], align = column[2] }
    end
  end
  for _, series in ipairs(chart.series) do
    for _, point in ipairs(series.points) do
      local cells = {}
      for c, column in ipairs(shown) do cells[c] = column[3](point, series) end
      made.rows[#made.rows + 1] = cells
    end
  end
  return made
end

local function heat_table(chart)
  local read = grid.read(chart, math.huge)
  local made = { columns = { { title = chart.row_name or 'row', align = 'left' } }, rows = {} }
  for c = 1, read.columns do
    made.columns[c + 1] = { title = grid.column_label(chart, { first = c, last = c }),
      align = 'right' }
  end
  for r, row in ipairs(read.rows) do
    local cells = { { text = row.label, value = tonumber(row.label) or row.label } }
    for c = 1, read.columns do
      local cell = row.cells[c] or { crossed = 0 }
      cells[c + 1] = figure(cell.value)
      if cell.crossed > 0 then cells[c + 1].text = cells[c + 1].text .. ' ×' end
    end
    made.rows[r] = cells
  end
  return made
end

--- The exact values of a chart as a table block.
---@param chart table
---@return table block
function html_table.of_chart(chart)
  local made = chart.kind == 'heat' and heat_table(chart) or points_table(chart)
  made.kind = 'table'
  return made
end

return html_table
