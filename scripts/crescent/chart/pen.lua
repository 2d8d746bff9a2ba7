--- Writes SVG elements one a line, with coordinates of one decimal, so that equal charts are equal
--- files.
local markup = require 'crescent.markup'
local palette = require 'crescent.chart.palette'

local pen = {}
pen.__index = pen

--- A coordinate as text.
local function number(value)
  local text = ('%.1f'):format(value)
  return text == '-0.0' and '0.0' or text
end
pen.number = number

--- About how wide a text is in pixels. Nothing here can ask a font: digits and most letters of a
--- sans-serif take 0.56 of its size, East Asian characters and emoji all of it.
---@param text string
---@param size number
---@return number
function pen.width(text, size)
  local _, wide = text:gsub('[\227-\244][\128-\191]+', '')
  return (markup.characters(text) * 0.56 + wide * 0.46) * size
end

function pen.new() return setmetatable({}, pen) end

--- Adds a line; numbers among the arguments become coordinates.
function pen:add(format, ...)
  local arguments = { ... }
  for i, value in ipairs(arguments) do
    if type(value) == 'number' then arguments[i] = number(value) end
  end
  self[#self + 1] = format:format(unpack(arguments))
end

--- Adds a text; what is longer than `columns` characters is cut, and whole on hovering.
---@param options { class: string?, anchor: 'start'|'middle'|'end'|nil, columns: integer?,
---  turned: number? }
function pen:text(x, y, text, options)
  local shown = options.columns and markup.clip(text, options.columns) or text
  local attributes = ''
  if options.class then attributes = (' class="%s"'):format(options.class) end
  if options.anchor then
    attributes = ('%s text-anchor="%s"'):format(attributes, options.anchor)
  end
  if options.turned then
    attributes = ('%s transform="rotate(%s %s %s)"'):format(attributes, number(options.turned),
      number(x), number(y))
  end
  local whole = shown ~= text and ('<title>%s</title>'):format(markup.escape(text)) or ''
  self:add('<text x="%s" y="%s"%s>%s%s</text>', x, y, attributes, whole, markup.escape(shown))
end

function pen:line(class, x1, y1, x2, y2)
  self:add('<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>', class, x1, y1, x2, y2)
end

--- Adds a line through points { x, y, x, y, ... }.
function pen:polyline(class, points)
  self:add('<polyline class="%s" points="%s"/>', class, pen.points(points))
end

--- Coordinates as SVG has them: 'x,y x,y'.
function pen.points(points)
  local parts = {}
  for i = 1, #points, 2 do
    parts[#parts + 1] = ('%s,%s'):format(number(points[i]), number(points[i + 1]))
  end
  return table.concat(parts, ' ')
end

--- A series' mark as an element.
function pen.mark(place, class, x, y, radius)
  local shape, points = palette.shape(place), {}
  if #shape == 0 then
    return ('<circle class="%s" cx="%s" cy="%s" r="%s"/>'):format(class, number(x), number(y),
      number(radius))
  end
  for i = 1, #shape, 2 do
    points[i], points[i + 1] = x + radius * shape[i], y + radius * shape[i + 1]
  end
  return ('<polygon class="%s" points="%s"/>'):format(class, pen.points(points))
end

return pen
