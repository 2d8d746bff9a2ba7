--- Heat maps: a grid of numbers with crossed cells, as blocks on a terminal and as SVG. Layers x
--- heads of a plan, or any rows x columns of a report.
local units = require 'crescent.units'

local heat = {}

local shades = { '░', '▒', '▓', '█' }
local crossed_mark, empty_mark, missing_mark = '×', '·', ' '
local columns_max = 64 -- on a terminal; wider rows are folded, a cell then stands for several

local function is_number(value)
  return type(value) == 'number' and value == value and math.abs(value) ~= math.huge
end

--- The smallest and largest number of a grid.
local function range_of(values)
  local low, high = math.huge, -math.huge
  for _, row in ipairs(values or {}) do
    for _, value in ipairs(row) do
      if is_number(value) then low, high = math.min(low, value), math.max(high, value) end
    end
  end
  if low > high then return nil end
  return low, high
end

local function place(value, low, high)
  return high > low and (value - low) / (high - low) or 1
end

local function rows_of(map) return map.values or map.crossed or {} end

--- How many cells row r has.
local function length(map, r)
  return math.max(map.values and map.values[r] and #map.values[r] or 0,
    map.crossed and map.crossed[r] and #map.crossed[r] or 0)
end

--- One cell of a terminal stands for cells first .. last: their mean, and the share crossed.
local function folded(map, r, first, last)
  local sum, count, crossed = 0, 0, 0
  for c = first, last do
    local value = map.values and map.values[r] and map.values[r][c]
    if is_number(value) then sum, count = sum + value, count + 1 end
    if map.crossed and map.crossed[r] and map.crossed[r][c] then crossed = crossed + 1 end
  end
  return count > 0 and sum / count or nil, crossed / (last - first + 1)
end

local function row_label(map, r)
  return map.row_labels and map.row_labels[r] or tostring(r)
end

--- Draws the map with one block a cell; `×` where most of a cell is crossed.
function heat.text(map)
  local low, high = range_of(map.values)
  local lines, widest = {}, 0
  for r = 1, #rows_of(map) do widest = math.max(widest, #row_label(map, r)) end
  local longest = 0
  for r = 1, #rows_of(map) do longest = math.max(longest, length(map, r)) end
  local each = math.max(1, math.ceil(longest / columns_max))
  if map.title then lines[1] = map.title end
  for r = 1, #rows_of(map) do
    local cells, n = {}, length(map, r)
    for first = 1, n, each do
      local value, share = folded(map, r, first, math.min(n, first + each - 1))
      local mark = value and shades[math.min(#shades, 1 + math.floor(place(value, low, high)
        * #shades))] or map.values and missing_mark or empty_mark
      cells[#cells + 1] = share > 0.5 and crossed_mark or mark
    end
    local label = row_label(map, r)
    lines[#lines + 1] = (' '):rep(widest - #label) .. label .. '  ' .. table.concat(cells)
  end
  local legend = ('rows: %s, columns: %s'):format(map.row_name or 'row',
    map.column_name or 'column')
  if each > 1 then legend = ('%s, %d to a block'):format(legend, each) end
  if low then
    legend = ('%s; %s %s to %s %s'):format(legend, shades[1], units.number(low), shades[#shades],
      units.number(high))
  end
  if map.crossed then legend = legend .. '; × goes' end
  lines[#lines + 1] = legend
  return table.concat(lines, '\n')
end

local function escaped(text)
  return (tostring(text):gsub('[&<>"]',
    { ['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;' }))
end

--- From pale to dark blue, even for the eye: interpolated in lightness.
local function colour(share)
  local function mix(from, to) return math.floor(from + (to - from) * share + 0.5) end
  return ('rgb(%d,%d,%d)'):format(mix(222, 8), mix(235, 48), mix(247, 107))
end

--- Draws the map as SVG that stands alone: a square a cell with its value on hover, a cross where
--- it goes. Text takes the colour of the page around it.
function heat.svg(map)
  local low, high = range_of(map.values)
  local longest = 0
  for r = 1, #rows_of(map) do longest = math.max(longest, length(map, r)) end
  local cell = math.max(2, math.min(18, math.floor(960 / math.max(1, longest))))
  local left, top = 56, 34
  local width = left + cell * longest + 12
  local height = top + cell * #rows_of(map) + 34
  local out = {}
  local function add(format, ...) out[#out + 1] = format:format(...) end
  add('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
    .. 'font-family="sans-serif" font-size="11" fill="currentColor">', width, height, width, height)
  add('<title>%s</title>', escaped(map.title or 'heat map'))
  add('<text x="%d" y="16" font-size="13">%s</text>', left, escaped(map.title or ''))
  for r = 1, #rows_of(map) do
    local y = top + (r - 1) * cell
    add('<text x="%d" y="%.1f" text-anchor="end">%s</text>', left - 6, y + cell * 0.75,
      escaped(row_label(map, r)))
    for c = 1, length(map, r) do
      local value = map.values and map.values[r] and map.values[r][c]
      local x = left + (c - 1) * cell
      local goes = map.crossed and map.crossed[r] and map.crossed[r][c]
      local shown = is_number(value)
      add('<rect x="%d" y="%d" width="%d" height="%d" fill="%s" stroke="white" stroke-width="%s">'
        .. '<title>%s %s, %s %d: %s%s</title></rect>', x, y, cell, cell,
        shown and colour(place(value, low, high)) or 'none', cell > 4 and '1' or '0',
        escaped(map.row_name or 'row'), escaped(row_label(map, r)),
        escaped(map.column_name or 'column'), c, shown and units.exact(value) or 'no value',
        goes and ', goes' or '')
      if goes then
        add('<path d="M%d %dl%d %dm0 -%dl-%d %d" stroke="#c0392b" stroke-width="1.5" '
          .. 'fill="none"/>', x + 1, y + 1, cell - 2, cell - 2, cell - 2, cell - 2, cell - 2)
      end
    end
  end
  local bottom = height - 12
  if low then
    add('<text x="%d" y="%d">%s, from %s (pale) to %s (dark)%s</text>', left, bottom,
      escaped(map.column_name or 'column'), units.number(low), units.number(high),
      map.crossed and '; crossed: goes' or '')
  end
  out[#out + 1] = '</svg>'
  return table.concat(out, '\n') .. '\n'
end

local methods = {}

--- Writes the map as a picture; the path ends in .svg.
function methods.save(map, path)
  if type(path) ~= 'string' or not path:match('%.svg$') then
    error(('map:save: expected a path that ends in .svg, got %s'):format(
      type(path) == 'string' and "'" .. path .. "'" or tostring(path)), 2)
  end
  local file, reason = io.open(path, 'wb')
  if not file then error('map:save: ' .. reason, 2) end
  file:write(heat.svg(map))
  local done, problem = file:close()
  if not done then error('map:save: ' .. tostring(problem), 2) end
end

methods.svg, methods.text = heat.svg, heat.text

local class = {
  __name = 'heat map',
  __index = methods,
  __tostring = heat.text,
}

--- Makes a map that prints as blocks and saves as SVG.
---@param spec { title: string?, values: number[][]?, crossed: boolean[][]?, row_name: string?,
---  column_name: string?, row_labels: string[]? }
return setmetatable(heat, {
  __call = function(_, spec) return setmetatable(spec, class) end,
})
