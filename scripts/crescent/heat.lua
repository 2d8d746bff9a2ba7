--- Heat maps: a grid of numbers with crossed cells, as blocks on a terminal and as SVG. Layers x
--- heads of a plan, or any rows x columns of a report.
local grid = require 'crescent.chart.grid'
local markup = require 'crescent.markup'
local units = require 'crescent.units'

local heat = {}

local shades = { '░', '▒', '▓', '█' }
local crossed_mark, empty_mark, missing_mark = '×', '·', ' '
local columns_max = 64 -- on a terminal; wider rows are folded, a cell then stands for several

--- The block of one cell.
local function block(map, read, cell)
  if cell.crossed > 0.5 then return crossed_mark end
  if not cell.value then return map.values and missing_mark or empty_mark end
  return shades[math.min(#shades, 1 + math.floor(read.share(cell.value) * #shades))]
end

--- What rows, columns and shades are.
local function legend(map, read)
  local text = ('rows: %s, columns: %s'):format(map.row_name or 'row',
    map.column_name or 'column')
  local labels = map.column_labels
  if labels and #labels > 0 then
    text = ('%s %s%s'):format(text, labels[1], #labels > 1 and ' to ' .. labels[#labels] or '')
  end
  if read.each > 1 then text = ('%s, %d to a block'):format(text, read.each) end
  if read.low then
    text = ('%s; %s%s %s to %s %s'):format(text, map.name and map.name .. ' ' or '', shades[1],
      units.number(read.low, 3), shades[#shades], units.number(read.high, 3))
    if map.unit and map.unit ~= '' then text = text .. ' ' .. map.unit end
  end
  return map.crossed and text .. '; × goes' or text
end

--- Draws the map with one block a cell; `×` where most of a cell is crossed.
function heat.text(map)
  local read, lines, widest = grid.read(map, columns_max), {}, 0
  for _, row in ipairs(read.rows) do widest = math.max(widest, markup.characters(row.label)) end
  if map.title then lines[1] = map.title end
  for _, row in ipairs(read.rows) do
    local cells = {}
    for c, cell in ipairs(row.cells) do cells[c] = block(map, read, cell) end
    lines[#lines + 1] = (('%s%s  %s'):format((' '):rep(widest - markup.characters(row.label)),
      row.label, table.concat(cells)):gsub(' +$', ''))
  end
  lines[#lines + 1] = legend(map, read)
  return table.concat(lines, '\n')
end

--- Draws the map as SVG that stands alone.
function heat.svg(map)
  local chart = setmetatable({ kind = 'heat' }, { __index = map })
  return require('crescent.chart.svg')(chart)
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
