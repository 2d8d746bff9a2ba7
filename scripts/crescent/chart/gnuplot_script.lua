--- A chart as a script for gnuplot, with its data inline. Texts stand in single quotes, where
--- gnuplot replaces nothing, and data are numbers alone.
local data = require 'crescent.chart.data'
local grid = require 'crescent.chart.grid'
local markup = require 'crescent.markup'
local palette = require 'crescent.chart.palette'
local units = require 'crescent.units'

local ink, quiet, axis, grid_colour = '#1b1f24', '#59636e', '#8c959f', '#e4e8ec'
-- Of two lines with equal values both can be seen.
local dash_types = { 'solid', '(8, 5)', '(3, 4)', '(8, 4, 3, 4)', '(14, 5)' }
local point_types = { 7, 5, 13, 9, 11, 1, 15, 2 }
local heat_columns_max, label_columns_max = 400, 40

--- A text as a literal of gnuplot: one line, nothing in it means anything.
local function text(value)
  local line = markup.clean(tostring(value)):gsub('%s+', ' ')
  return "'" .. line:gsub("'", "''") .. "'"
end

local function number(value) return units.exact(value) end

local function colour(place)
  return palette.series[palette.colour_of(place)] or ink
end

--- Collects a script: lines, blocks of data by name, and what is plotted.
local function new_script()
  local made = { lines = {}, plots = {}, blocks = 0 }
  function made.add(format, ...) made.lines[#made.lines + 1] = format:format(...) end
  --- Adds rows of numbers, of which an empty one is a gap; gives their name.
  function made.data(rows)
    made.blocks = made.blocks + 1
    local name = '$data' .. made.blocks
    made.add('%s << END', name)
    for _, row in ipairs(rows) do
      local cells = {}
      for i, value in ipairs(row) do cells[i] = number(value) end
      made.lines[#made.lines + 1] = table.concat(cells, ' ')
    end
    made.add('END')
    return name
  end
  function made.plot(name, format, ...)
    made.plots[#made.plots + 1] = name .. ' ' .. format:format(...)
  end
  return made
end

local function tics(name, list, options)
  local parts = {}
  for i, tick in ipairs(list) do
    -- A label is a format, of which gnuplot keeps 50 bytes; two percent signs are one.
    local label = text(markup.clip(tick.text, label_columns_max)):gsub('%%', '%%%%')
    parts[i] = ('%s %s'):format(label, number(tick.value))
  end
  return ('set %s %s (%s)'):format(name, options, table.concat(parts, ', '))
end

local function add_frame(out, terminal, path, title)
  out.add('set encoding utf8')
  out.add('set terminal %s', terminal)
  out.add('set output %s', "'" .. path:gsub("'", "''") .. "'")
  if (title or '') ~= '' then out.add('set title %s', text(title)) end
  out.add("set tics nomirror textcolor rgb '%s'", quiet)
  out.add("set border 3 linecolor rgb '%s'", axis)
end

local function add_axes(out, made)
  local x, y = made.x, made.y
  out.add("set grid ytics linetype 1 linecolor rgb '%s'", grid_colour)
  local margin = x.categories and 0 or 0.02 * (x.high - x.low)
  if x.log then
    out.add('set logscale x')
    out.add('set xrange [%s:%s]', number(x.low / 1.05), number(x.high * 1.05))
  else
    out.add('set xrange [%s:%s]', number(x.low - margin), number(x.high + margin))
  end
  if y.log then out.add('set logscale y') end
  out.add('set yrange [%s:%s]', number(y.low), number(y.high))
  local turned = x.categories and #x.ticks > 6
  out.lines[#out.lines + 1] = tics('xtics', x.ticks, turned and 'rotate by -30' or 'norotate')
  out.lines[#out.lines + 1] = tics('ytics', y.ticks, 'norotate')
  local below = { text(made.x_title) }
  for _, note in ipairs(made.notes) do below[#below + 1] = text(note) end
  out.add('set xlabel %s', table.concat(below, ' . "\\n" . '))
  out.add('set ylabel %s', text(made.y_title))
  if #made.series > 1 then
    out.add('set key outside top center horizontal')
  else
    out.add('unset key')
  end
  if made.reference then
    local at = number(made.reference.y / y.factor)
    out.add("set arrow from graph 0, first %s to graph 1, first %s nohead dashtype 2 "
      .. "linecolor rgb '%s' front", at, at, quiet)
    if made.reference.label then
      out.add("set label %s at graph 0.99, first %s right offset 0, 0.6 textcolor rgb '%s' front",
        text(made.reference.label), at, quiet)
    end
  end
end

--- A series' title; without one it is not in the legend.
local function titled(series) return 'title ' .. text(series.name) end

--- Rows of the points that `row` gives one of, with an empty row for each gap.
local function rows_of(points, row)
  local rows = {}
  for _, p in ipairs(points) do
    local made = row(p)
    if made or rows[#rows] and #rows[#rows] > 0 then rows[#rows + 1] = made or {} end
  end
  return rows
end

--- Intervals as arrows with flat ends: error bars would punch a hole where their point is.
local function add_whiskers(out, made, points, at, line_colour)
  local rows = rows_of(points, function(p)
    return p.low and { at(p), p.low / made.y.factor, p.high / made.y.factor }
  end)
  if #rows == 0 then return end
  out.plot(out.data(rows), "using 1:2:(0):($3-$2) with vectors heads size screen 0.004, 90 "
    .. "linecolor rgb '%s' notitle", line_colour)
end

local function add_points(out, made, series, style)
  local rows = rows_of(series.points, function(p)
    return p.y and { p.x / made.x.factor, p.y / made.y.factor }
  end)
  if #rows == 0 then rows = { { made.x.low, 0 / 0 } } end
  out.plot(out.data(rows), "using 1:2 with %s linecolor rgb '%s' pointtype %d pointsize 0.8 %s",
    style, colour(series.place), point_types[(series.place - 1) % #point_types + 1],
    titled(series))
end

local function x_of(made) return function(p) return p.x / made.x.factor end end

--- Points whose interval has a neighbour on either side are in a band, others have a whisker.
local function add_lines(out, made)
  for _, series in ipairs(made.series) do
    local points, alone = series.points, {}
    local band = rows_of(points, function(p)
      return p.low and { p.x / made.x.factor, p.low / made.y.factor, p.high / made.y.factor }
    end)
    if #band > 0 then
      out.plot(out.data(band), "using 1:2:3 with filledcurves fillcolor rgb '%s' fillstyle "
        .. 'transparent solid 0.18 noborder notitle', colour(series.place))
    end
    for i, p in ipairs(points) do
      local before, after = points[i - 1], points[i + 1]
      if p.low and not (before and before.low) and not (after and after.low) then
        alone[#alone + 1] = p
      end
    end
    add_whiskers(out, made, alone, x_of(made), colour(series.place))
  end
  for _, series in ipairs(made.series) do
    local dash_type = dash_types[(series.place - 1) % #dash_types + 1]
    add_points(out, made, series, 'linespoints dashtype ' .. dash_type)
  end
end

local function add_scatter(out, made)
  for _, front in ipairs(data.fronts(made)) do
    local rows = {}
    for i, p in ipairs(front) do
      local x, y = p.x / made.x.factor, p.y / made.y.factor
      local last = rows[#rows]
      if i > 1 then
        rows[#rows + 1] = data.vertical_first(made) and { last[1], y } or { x, last[2] }
      end
      rows[#rows + 1] = { x, y }
    end
    out.plot(out.data(rows), "using 1:2 with lines linecolor rgb '%s' notitle", ink)
    local points = {}
    for i, p in ipairs(front) do points[i] = { p.x / made.x.factor, p.y / made.y.factor } end
    out.plot(out.data(points), "using 1:2 with points pointtype 6 pointsize 1.6 linecolor rgb "
      .. "'%s' notitle", ink)
  end
  for _, series in ipairs(made.series) do
    add_whiskers(out, made, series.points, x_of(made), colour(series.place))
    add_points(out, made, series, 'points')
  end
end

local function add_bars(out, made)
  local count = math.max(1, #made.series)
  local each = 0.74 / count
  local base = made.y.log and made.y.low or 0
  for s, series in ipairs(made.series) do
    local function middle(p) return p.x + (s - 0.5 - count / 2) * each end
    local rows = rows_of(series.points, function(p)
      local y = p.y and p.y / made.y.factor
      return y and { middle(p), y, middle(p) - each * 0.46, middle(p) + each * 0.46,
        math.min(y, base), math.max(y, base) }
    end)
    if #rows == 0 then rows = { { 1, base, 1, 1, base, base } } end
    out.plot(out.data(rows), "using 1:2:3:4:5:6 with boxxyerror fillstyle solid 1 noborder "
      .. "linecolor rgb '%s' %s", colour(series.place), titled(series))
    add_whiskers(out, made, series.points, middle, ink)
  end
end

local function finish(out, nothing)
  if #out.plots == 0 or nothing then
    out.add("set label 'no values' at graph 0.5, graph 0.5 center textcolor rgb '%s'", quiet)
  end
  if #out.plots == 0 then out.plots[1] = 'NaN notitle' end
  out.add('plot %s', table.concat(out.plots, ', \\\n  '))
  out.add('unset output')
  return table.concat(out.lines, '\n') .. '\n'
end

--- The colours of a heat map, from lowest to highest.
local function palette_of_heat()
  local steps = {}
  for step, value in ipairs(palette.heat_colours()) do
    steps[step] = ("%d '%s'"):format(step - 1, value)
  end
  return table.concat(steps, ', ')
end

local function heat_ticks(read, map)
  local columns, rows, longest = {}, {}, {}
  for r, row in ipairs(read.rows) do
    rows[r] = { text = row.label, value = r }
    if #row.cells > #longest then longest = row.cells end
  end
  local every = math.max(1, math.ceil(#longest / 40))
  for c = 1, #longest, every do
    columns[#columns + 1] = { text = grid.column_label(map, longest[c]), value = c }
  end
  return columns, rows, #longest
end

--- Colours go by the share of the range, so that no value is too large or too small for it.
local function add_heat(out, map)
  local read = grid.read(map, heat_columns_max)
  local columns, rows, width = heat_ticks(read, map)
  local cells, crosses = {}, {}
  for r, row in ipairs(read.rows) do
    for c = 1, width do
      local cell = row.cells[c]
      cells[#cells + 1] = { c, r, cell and cell.value and read.share(cell.value) or 0 / 0 }
      if cell and cell.crossed > 0.5 then crosses[#crosses + 1] = { c, r } end
    end
  end
  out.add('set xrange [0.5:%s]', number(math.max(1, width) + 0.5))
  out.add('set yrange [%s:0.5]', number(math.max(1, #rows) + 0.5))
  out.lines[#out.lines + 1] = tics('xtics', columns, width > 8 and 'rotate by -40' or 'norotate')
  out.lines[#out.lines + 1] = tics('ytics', rows, 'norotate')
  out.add('set tics scale 0')
  out.add('set xlabel %s', text(map.column_name or 'column'))
  out.add('set ylabel %s', text(map.row_name or 'row'))
  out.add('unset key')
  out.add('unset border')
  out.add('set palette defined (%s)', palette_of_heat())
  out.add('set cbrange [0:1]')
  if read.low then
    out.lines[#out.lines + 1] = tics('cbtics', {
      { text = units.number(read.low, 3), value = 0 },
      { text = units.number(read.high, 3), value = 1 },
    }, 'norotate')
    out.add('set cblabel %s', text(grid.value_title(map)))
    out.plot(out.data(cells), 'using 1:2:3 with image pixels')
  else
    out.add('unset colorbox')
  end
  if #crosses > 0 then
    out.plot(out.data(crosses), "using 1:2 with points pointtype 2 pointsize 2 linecolor rgb "
      .. "'#e0433f'")
  end
  return not read.low and #crosses == 0
end

local draw = { line = add_lines, bar = add_bars, scatter = add_scatter }

--- Gives the script that draws a chart, as crescent.chart.data read it, into the file `path`.
---@param made table
---@param terminal string   # with its options
---@param path string
---@return string
return function(made, terminal, path)
  local out = new_script()
  add_frame(out, terminal, path, made.title)
  if made.kind == 'heat' then return finish(out, add_heat(out, made)) end
  add_axes(out, made)
  if made.count > 0 then draw[made.kind](out, made) end
  return finish(out, made.count == 0)
end
