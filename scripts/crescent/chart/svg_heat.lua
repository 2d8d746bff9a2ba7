--- Heat maps as SVG: a square a cell with its value on hover, a cross where it goes.
local grid = require 'crescent.chart.grid'
local markup = require 'crescent.markup'
local palette = require 'crescent.chart.palette'
local pen = require 'crescent.chart.pen'
local units = require 'crescent.units'

local margin, text_size = 16, 12
-- Below 8 pixels nobody hits a cell.
local cell_min, cell_max = 8, 64
local columns_max = 110

local function with_unit(text, map)
  return map.unit and map.unit ~= '' and text .. ' ' .. map.unit or text
end

local function hover_text(map, row, cell)
  local value = cell.value and with_unit(units.exact(cell.value), map) or 'no value'
  local text = ('%s %s, %s %s: %s'):format(map.row_name or 'row', row.label,
    map.column_name or 'column', grid.column_label(map, cell), value)
  if cell.last > cell.first then text = text .. ' in the mean' end
  if cell.crossed == 1 then return text .. ', goes' end
  if cell.crossed > 0 then return ('%s, %s goes'):format(text, units.percent(cell.crossed)) end
  return text
end

local function step_of(share)
  return math.min(palette.heat_steps, 1 + math.floor(share * palette.heat_steps))
end

local function draw_cell(out, read, map, row, cell, x, y, width, height)
  local class = cell.value and 'h' .. step_of(read.share(cell.value)) or 'none'
  out:add('<g class="point"><title>%s</title><rect class="cell %s" x="%s" y="%s" width="%s" '
    .. 'height="%s"/></g>', markup.escape(hover_text(map, row, cell)), class, x, y, width, height)
  local text = cell.value and read.text(cell.value) or map.values and '–' or ''
  if cell.crossed <= 0.5 and width >= 40 and pen.width(text, 11) + 4 <= width then
    local on_dark = cell.value and step_of(read.share(cell.value)) > palette.heat_steps * 0.5
    out:text(x + width / 2, y + height / 2 + 4, text, { anchor = 'middle',
      class = on_dark and 'inside strong' or 'inside' })
  end
  if cell.crossed > 0.5 then
    local inset = math.min(3, width / 5)
    local w, h = width - 2 * inset, height - 2 * inset
    out:add('<path class="cross" d="M%s %sl%s %sm0 %sl%s %s"/>', x + inset, y + inset, w, h, -h, -w,
      h)
  end
end

--- Gives numbers one form in all of a map, with at least three digits of the largest.
local function formatter(read)
  local largest = math.max(math.abs(read.low or 0), math.abs(read.high or 0))
  if largest ~= 0 and (largest < 1e-3 or largest >= 1e6) then
    return function(value) return units.number(value, 3) end
  end
  local decimals = largest == 0 and 0 or math.max(0, 2 - math.floor(math.log10(largest)))
  -- One more where the smallest would show no digit that counts.
  if read.smallest and decimals < 1 - math.floor(math.log10(read.smallest)) then
    decimals = decimals + 1
  end
  local format = ('%%.%df'):format(decimals)
  return function(value) return format:format(value) end
end

--- The widest of some texts, at most `columns` characters of each.
local function widest_of(texts, columns)
  local widest = 0
  for _, text in ipairs(texts) do
    widest = math.max(widest, pen.width(markup.clip(text, columns), text_size))
  end
  return widest
end

--- Column labels above the map: every nth, so that they don't touch; turned where they are words.
local function column_labels(map, read)
  local longest = { cells = {} }
  for _, row in ipairs(read.rows) do
    if #row.cells > #longest.cells then longest = row end
  end
  local texts = {}
  for i, cell in ipairs(longest.cells) do
    local first = { first = cell.first, last = cell.first }
    texts[i] = grid.column_label(map, first)
  end
  return texts
end

local function arrange(map, size, read)
  local edge = size.inline and 2 or margin
  local place, labels = { texts = column_labels(map, read), left = edge }, {}
  for r, row in ipairs(read.rows) do labels[r] = row.label end
  place.x = edge + math.max(widest_of(labels, 28) + 10, 28)
  local columns = math.max(1, #place.texts)
  local room = size.width - place.x - edge
  place.cell_width = math.max(cell_min, math.min(cell_max, math.floor(room / columns)))
  place.cell_height = math.max(14, math.min(26, place.cell_width))
  local widest = widest_of(place.texts, 16)
  place.turned = widest + 6 > place.cell_width and widest > 30
  place.every = place.turned and math.ceil(14 / place.cell_width)
    or math.max(1, math.ceil((widest + 6) / place.cell_width))
  place.title = edge + 12
  local top = (map.title or '') ~= '' and edge + 20 or edge
  place.names = top + 16
  place.y = place.names + 12 + (place.turned and widest * 0.62 + 10 or 16)
  place.x2 = place.x + columns * place.cell_width
  place.y2 = place.y + #read.rows * place.cell_height
  -- Columns beyond the usual width make the picture wider.
  place.width = math.max(size.width, place.x2 + edge)
  place.height = place.y2 + (read.low and 58 or 20)
  return place
end

local function draw_labels(out, map, read, place)
  out:text(place.left, place.names, ('%s \\ %s'):format(map.row_name or 'row',
    map.column_name or 'column'), { class = 'note', columns = 90 })
  for c = 1, #place.texts, place.every do
    local x = place.x + (c - 0.5) * place.cell_width
    out:text(x + (place.turned and 3 or 0), place.y - 7, place.texts[c], { class = 'tick',
      columns = 16, anchor = not place.turned and 'middle' or nil,
      turned = place.turned and -38 or nil })
  end
  for r, row in ipairs(read.rows) do
    out:text(place.x - 8, place.y + (r - 0.5) * place.cell_height + 4, row.label,
      { class = 'tick', anchor = 'end', columns = 28 })
  end
end

--- The colours from lowest to highest, and what a cross means.
local function draw_key(out, map, read, place)
  local x, y, step = place.x, place.y2 + 16, 10
  for i = 1, palette.heat_steps do
    local left = x + (i - 1) * step
    out:add('<polygon class="h%s" points="%s"/>', tostring(i),
      pen.points { left, y, left + step, y, left + step, y + 10, left, y + 10 })
  end
  out:text(x, y + 26, read.text(read.low), { class = 'tick' })
  out:text(x + palette.heat_steps * step, y + 26, read.text(read.high), { class = 'tick',
    anchor = 'end' })
  local notes = {}
  local name = grid.value_title(map)
  if name ~= '' then notes[1] = name end
  if read.each > 1 then
    notes[#notes + 1] = ('a cell is the mean of %d columns'):format(read.each)
  end
  if map.crossed then notes[#notes + 1] = 'crossed: goes' end
  out:text(x + palette.heat_steps * step + 14, y + 10, table.concat(notes, '; '),
    { class = 'note' })
end

--- Draws a heat map; `open` starts the picture as every chart's.
return function(map, size, open)
  local out, read = pen.new(), grid.read(map, columns_max)
  local place = arrange(map, size, read)
  read.text = formatter(read)
  open(out, map.title or 'heat map', place, size.inline)
  if (map.title or '') ~= '' then
    out:text(place.left, place.title, map.title, { class = 'title', columns = 80 })
  end
  if #read.rows == 0 then
    out:text(place.x, place.y, 'no values', { class = 'note' })
  else
    draw_labels(out, map, read, place)
  end
  for r, row in ipairs(read.rows) do
    for c, cell in ipairs(row.cells) do
      draw_cell(out, read, map, row, cell, place.x + (c - 1) * place.cell_width,
        place.y + (r - 1) * place.cell_height, place.cell_width, place.cell_height)
    end
  end
  if read.low then draw_key(out, map, read, place) end
  out[#out + 1] = '</svg>'
  return table.concat(out, '\n') .. '\n'
end
