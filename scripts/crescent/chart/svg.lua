--- Charts as SVG: frame, axes and legend. What stands inside the frame is in svg_marks.lua and
--- svg_heat.lua. Exact values show on hovering, by <title> elements alone.
local data = require 'crescent.chart.data'
local markup = require 'crescent.markup'
local palette = require 'crescent.chart.palette'
local pen = require 'crescent.chart.pen'

local title_size, text_size = 15, 12
local width_default, height_default = 720, 400
local margin = 16
local label_columns_max = 24

--- Opens the picture. A screen reader takes the title; the values are in the table below it.
local function open(out, title, size, inline)
  local name = markup.escape(title ~= '' and title or 'chart')
  out[#out + 1] = ('<svg xmlns="http://www.w3.org/2000/svg" class="%s" role="img" '
    .. 'aria-label="%s" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f">'):format(
    size.width > width_default and 'chart wide' or 'chart', name, size.width, size.height,
    size.width, size.height)
  out[#out + 1] = ('<title>%s</title>'):format(name)
  if inline then return end
  out[#out + 1] = '<style>\n' .. palette.alone() .. '</style>'
  out:add('<polygon class="paper" points="%s"/>',
    pen.points { 0, 0, size.width, 0, size.width, size.height, 0, size.height })
end

--- Breaks the legend into lines: each a list of { series, x }.
local function legend_lines(made, width)
  local lines, x = { {} }, 0
  for _, series in ipairs(made.series) do
    local label = markup.clip(series.name, 36)
    local taken = 22 + pen.width(label, text_size) + 18
    if x > 0 and x + taken > width then lines[#lines + 1], x = {}, 0 end
    table.insert(lines[#lines], { series = series, x = x })
    x = x + taken
  end
  return lines
end

local function draw_legend(out, lines, made, left, top)
  for i, line in ipairs(lines) do
    local y = top + (i - 1) * 18
    for _, entry in ipairs(line) do
      local x, place = left + entry.x, entry.series.place
      out:add('<g class="s%s">', tostring(palette.colour_of(place)))
      if made.kind == 'bar' then
        out:add('<rect class="bar" x="%s" y="%s" width="11" height="11"/>', x + 2, y - 10)
      else
        if made.kind == 'line' then out:line('line', x, y - 4, x + 16, y - 4) end
        out[#out + 1] = pen.mark(place, 'mark', x + 8, y - 4, 4)
      end
      out[#out + 1] = '</g>'
      out:text(x + 22, y, entry.series.name, { columns = 36 })
    end
  end
end

--- How labels of categories stand: every nth, turned where they are too wide for their parts.
local function category_labels(scale, width)
  local each = width * scale.band
  local widest = 0
  for _, tick in ipairs(scale.ticks) do
    widest = math.max(widest, pen.width(markup.clip(tick.text, label_columns_max), text_size))
  end
  if widest + 8 <= each then return { every = 1, height = 20 } end
  local every = math.max(1, math.ceil(18 / each))
  return { every = every, turned = -32, height = 16 + widest * 0.53 }
end

--- Where everything stands: the plot's edges, from the texts around it.
local function arrange(made, options)
  -- A page has margins of its own.
  local edge = options.inline and 2 or margin
  local place = { width = options.width, height = options.height, left = edge }
  local widest = 0
  for _, tick in ipairs(made.y.ticks) do
    widest = math.max(widest, pen.width(tick.text, text_size))
  end
  place.x1 = edge + math.max(widest + 8, 28)
  place.x2 = options.width - edge - 8
  local y = edge
  if (made.title or '') ~= '' then y = y + title_size + 6 place.title = y - 6 end
  if #made.series > 1 then
    place.legend = y + 16
    place.legend_lines = legend_lines(made, place.width - 2 * edge)
    y = y + 18 * #place.legend_lines + 4
  end
  if made.y_title ~= '' then
    place.y_title = y + 16
    y = y + 22
  end
  place.y1 = y + 10
  place.labels = made.x.categories and category_labels(made.x, place.x2 - place.x1)
    or { every = 1, height = 20 }
  local below = place.labels.height + (made.x_title ~= '' and 20 or 0) + 17 * #made.notes + 10
  -- Long labels get room of their own, not the plot's.
  if place.labels.turned then place.height = place.height + place.labels.height - 20 end
  place.y2 = place.height - below
  return place
end

local function draw_y_axis(out, made, place)
  local height = place.y2 - place.y1
  for _, tick in ipairs(made.y.ticks) do
    local y = place.y2 - tick.at * height
    out:line('grid', place.x1, y, place.x2, y)
    out:text(place.x1 - 8, y + 4, tick.text, { class = 'tick', anchor = 'end' })
  end
end

local function draw_x_axis(out, made, place)
  local width, labels = place.x2 - place.x1, place.labels
  out:line('axis', place.x1, place.y2, place.x2, place.y2)
  for i, tick in ipairs(made.x.ticks) do
    local x = place.at_x(tick.at)
    if (i - 1) % labels.every == 0 then
      if not made.x.categories then out:line('axis', x, place.y2, x, place.y2 + 4) end
      out:text(x + (labels.turned and 4 or 0), place.y2 + 17, tick.text, { class = 'tick',
        anchor = labels.turned and 'end' or 'middle', turned = labels.turned,
        columns = label_columns_max })
    end
  end
  local y = place.y2 + labels.height + 16
  if made.x_title ~= '' then
    out:text(place.x1 + width / 2, y, made.x_title, { anchor = 'middle', columns = 90 })
    y = y + 20
  end
  for i, note in ipairs(made.notes) do
    out:text(place.x1, y + (i - 1) * 17, note, { class = 'note' })
  end
end

local function draw_reference(out, made, place)
  if not made.reference then return end
  local y = place.y(made.reference.y)
  out:line('reference', place.x1, y, place.x2, y)
  if made.reference.label then
    out:text(place.x2, y - 5, made.reference.label, { class = 'note halo', anchor = 'end',
      columns = 60 })
  end
end

local function draw_axes(made, options)
  local out, place = pen.new(), arrange(made, options)
  local inset = made.x.categories and 0 or 14
  local width, height = place.x2 - place.x1 - 2 * inset, place.y2 - place.y1
  function place.at_x(share) return place.x1 + inset + share * width end
  function place.x(value) return place.at_x(made.x.place(value)) end
  function place.y(value) return place.y2 - made.y.place(value) * height end
  place.band = made.x.categories and width * made.x.band
  open(out, made.title or made.y_title, place, options.inline)
  if place.title then
    out:text(place.left, place.title, made.title, { class = 'title', columns = 80 })
  end
  if place.legend then draw_legend(out, place.legend_lines, made, place.left, place.legend) end
  if place.y_title then
    out:text(place.left, place.y_title, made.y_title, { columns = 100 })
  end
  draw_y_axis(out, made, place)
  draw_x_axis(out, made, place)
  if made.count == 0 then
    out:text((place.x1 + place.x2) / 2, (place.y1 + place.y2) / 2, 'no values',
      { class = 'note', anchor = 'middle' })
  end
  require('crescent.chart.svg_marks')(out, made, place)
  draw_reference(out, made, place)
  out[#out + 1] = '</svg>'
  return table.concat(out, '\n') .. '\n'
end

--- Draws a chart as SVG text, for a file of its own or inside a page.
---
--- ```lua
--- local svg = require 'crescent.chart.svg'
--- print(svg { kind = 'line', x = { name = 'ratio' }, y = { name = 'perplexity' },
---   series = { { name = 'taylor', points = { { x = 0, y = 21.4 }, { x = 0.5, y = 30.1 } } } } })
--- ```
--- Missing values, those that are not finite and those below a logarithmic axis leave gaps, and a
--- line below the chart counts them. Raises `crescent.chart: PLACE: expected WHAT, got FOUND`.
---@param chart table      # as crescent.reporting.document says
---@param options? { width: integer?, height: integer?, inline: boolean? }   # pixels, default 720 x
---  400; `inline` leaves colours to the page, which takes them from crescent.chart.palette
---@return string svg
return function(chart, options)
  options = options or {}
  local made = data.read(chart)
  local size = { width = options.width or width_default, height = options.height or height_default,
    inline = options.inline }
  if made.kind == 'heat' then return require('crescent.chart.svg_heat')(chart, size, open) end
  return draw_axes(made, size)
end
