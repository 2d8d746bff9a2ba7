--- Charts on a terminal: lines and points as a grid of characters with a letter for each series,
--- bars lying down with their values, heat maps as blocks.
local data = require 'crescent.chart.data'
local markup = require 'crescent.markup'
local units = require 'crescent.units'

local width_default, width_min = 80, 40
local rows = 16
local line_mark, several_mark, reference_mark, step_mark = '·', '*', '┄', '┈'
local letters = 'abcdefghijklmnopqrstuvwxyz'

local function padded(text, target, left)
  local space = (' '):rep(target - markup.characters(text))
  return left and text .. space or space .. text
end

local function rounded(value) return math.floor(value + 0.5) end

local function letter_of(series)
  local i = (series.place - 1) % #letters + 1
  return letters:sub(i, i)
end

--- Rows x columns of characters, row 1 on top; what is written later wins.
local function new_grid(width, height)
  local grid = { width = width, height = height }
  for r = 1, height do
    grid[r] = {}
    for c = 1, width do grid[r][c] = ' ' end
  end
  return grid
end

--- A function from a share of width and height to a cell.
local function cell_of(grid, x, y)
  local c = math.max(1, math.min(grid.width, 1 + rounded(x * (grid.width - 1))))
  local r = math.max(1, math.min(grid.height, grid.height - rounded(y * (grid.height - 1))))
  return r, c
end

--- Dots between two cells.
local function join(grid, r1, c1, r2, c2, mark)
  local steps = math.max(math.abs(r2 - r1), math.abs(c2 - c1))
  for i = 1, steps - 1 do
    local r, c = rounded(r1 + (r2 - r1) * i / steps), rounded(c1 + (c2 - c1) * i / steps)
    if grid[r][c] == ' ' then grid[r][c] = mark end
  end
end

local function draw_lines(grid, made, at)
  for _, series in ipairs(made.series) do
    for i = 2, #series.points do
      local a, b = series.points[i - 1], series.points[i]
      if a.y and b.y then
        local r1, c1 = at(a)
        local r2, c2 = at(b)
        join(grid, r1, c1, r2, c2, line_mark)
      end
    end
  end
end

--- A front's steps, as the points' own front says: across, then up or down, or the other way.
local function draw_fronts(grid, made, at)
  for _, front in ipairs(data.fronts(made)) do
    for i = 2, #front do
      local r1, c1 = at(front[i - 1])
      local r2, c2 = at(front[i])
      local r, c = r1, c2
      if data.vertical_first(made) then r, c = r2, c1 end
      join(grid, r1, c1, r, c, step_mark)
      if grid[r][c] == ' ' then grid[r][c] = step_mark end
      join(grid, r, c, r2, c2, step_mark)
    end
  end
end

--- Writes the letters; whether two series meet in a cell.
local function draw_points(grid, made, at)
  local owner, met = {}, false
  for _, series in ipairs(made.series) do
    for _, p in ipairs(series.points) do
      if p.y then
        local r, c = at(p)
        local key, mark = r * grid.width + c, letter_of(series)
        if p.front then mark = mark:upper() end
        if owner[key] and owner[key] ~= series then mark, met = several_mark, true end
        owner[key], grid[r][c] = series, mark
      end
    end
  end
  return met
end

--- The values beside an axis by row or column: { [position] = text }, the first of two that meet.
local function positions(ticks, of)
  local by = {}
  for _, tick in ipairs(ticks) do
    if tick.at >= -1e-9 and tick.at <= 1 + 1e-9 then
      local position = of(tick.at)
      by[position] = by[position] or tick.text
    end
  end
  return by
end

--- The line of x values: each under its column, none touching another.
local function x_line(made, grid, indent)
  local columns, line, used = {}, '', 0
  local by = positions(made.x.ticks, function(at)
    local _, c = cell_of(grid, at, 0)
    return c
  end)
  for column in pairs(by) do columns[#columns + 1] = column end
  table.sort(columns)
  for _, column in ipairs(columns) do
    local text = markup.clip(by[column], 16)
    local length = markup.characters(text)
    local from = math.max(0, math.min(indent + column - 1 - math.floor(length / 2),
      indent + grid.width - length))
    if from >= used + (used > 0 and 2 or 0) then
      line = line .. (' '):rep(from - used) .. text
      used = from + length
    end
  end
  return line
end

local function legend(made, met)
  local parts, any_front = {}, #data.fronts(made) > 0
  for _, series in ipairs(made.series) do
    parts[#parts + 1] = ('%s %s'):format(letter_of(series), series.name)
  end
  if met then parts[#parts + 1] = several_mark .. ' several' end
  if any_front then parts[#parts + 1] = 'capitals: on the Pareto front' end
  return parts
end

--- Adds words to lines no wider than the chart.
local function add_folded(lines, parts, width)
  local line = ''
  for _, part in ipairs(parts) do
    part = markup.clip(part, width)
    local longer = line == '' and part or line .. '   ' .. part
    if line ~= '' and markup.characters(longer) > width then
      lines[#lines + 1], line = line, part
    else
      line = longer
    end
  end
  if line ~= '' then lines[#lines + 1] = line end
end

local function draw_grid(made, width)
  local lines, widest = {}, 1
  for _, tick in ipairs(made.y.ticks) do
    widest = math.max(widest, markup.characters(tick.text))
  end
  local grid = new_grid(width - widest - 3, rows)
  local function at(p) return cell_of(grid, made.x.place(p.x), made.y.place(p.y)) end
  if made.reference then
    local r = cell_of(grid, 0, made.y.place(made.reference.y))
    for c = 1, grid.width do grid[r][c] = reference_mark end
  end
  if made.kind == 'line' then draw_lines(grid, made, at) else draw_fronts(grid, made, at) end
  local met = draw_points(grid, made, at)
  local y_texts = positions(made.y.ticks, function(share) return (cell_of(grid, 0, share)) end)
  if made.y_title ~= '' then lines[1] = made.y_title end
  for r = 1, grid.height do
    lines[#lines + 1] = (('%s %s %s'):format(padded(y_texts[r] or '', widest),
      y_texts[r] and '┤' or '│', table.concat(grid[r])):gsub(' +$', ''))
  end
  lines[#lines + 1] = (' '):rep(widest + 1) .. '└' .. ('─'):rep(grid.width + 1)
  lines[#lines + 1] = x_line(made, grid, widest + 3)
  if made.x_title ~= '' then
    local indent = widest + 3 + math.floor((grid.width - markup.characters(made.x_title)) / 2)
    lines[#lines + 1] = (' '):rep(math.max(0, indent)) .. made.x_title
  end
  if #made.series > 1 or #data.fronts(made) > 0 then
    add_folded(lines, legend(made, met), width)
  end
  return lines
end

local eighths = { '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█' }

--- A bar of so many columns, to an eighth; something above zero never looks like nothing.
local function bar(columns)
  local parts = rounded(columns * 8)
  if parts <= 0 then return columns > 0 and eighths[1] or '' end
  local rest = parts % 8
  return eighths[8]:rep(math.floor(parts / 8)) .. (rest > 0 and eighths[rest] or '')
end

local function value_text(p)
  if not p.y then return '-' end
  local text = units.number(p.y)
  return p.low and ('%s (%s .. %s)'):format(text, units.number(p.low), units.number(p.high)) or text
end

--- A bar between the ends of the axis: to the right of zero, to the left if it is negative. Blocks
--- fill from the left only, so a negative one is drawn to the whole column.
local function bar_text(made, p, width)
  if not p.y then return '' end
  local zero = made.y.log and 0 or made.y.place(0)
  local share = made.y.place(p.y)
  if share >= zero then return (' '):rep(rounded(zero * width)) .. bar((share - zero) * width) end
  local from, to = rounded(share * width), rounded(zero * width)
  return (' '):rep(from) .. eighths[8]:rep(math.max(1, to - from))
end

--- The bars in their order: { heading }, { label, p }.
local function bar_rows(made)
  local list = {}
  for i, tick in ipairs(made.x.ticks) do
    if #made.series > 1 then list[#list + 1] = { heading = tick.text } end
    for _, series in ipairs(made.series) do
      for _, p in ipairs(series.points) do
        if p.x == i then
          list[#list + 1] = { p = p, label = #made.series > 1 and '  ' .. series.name or tick.text }
        end
      end
    end
  end
  return list
end

local function draw_bars(made, width)
  local lines, list, label_width, value_width = {}, bar_rows(made), 0, 0
  local label_max = math.floor(width * 0.35)
  for _, row in ipairs(list) do
    if row.p then
      row.label, row.value = markup.clip(row.label, label_max), value_text(row.p)
      label_width = math.max(label_width, markup.characters(row.label))
      value_width = math.max(value_width, markup.characters(row.value))
    end
  end
  local room = math.max(8, width - label_width - value_width - 4)
  local title = made.y_title
  if made.x_title ~= '' then
    title = title ~= '' and ('%s by %s'):format(title, made.x_title) or made.x_title
  end
  if title ~= '' then lines[1] = title end
  for _, row in ipairs(list) do
    if row.heading then
      lines[#lines + 1] = markup.clip(row.heading, width)
    else
      -- All values stand in one column, so that they compare.
      lines[#lines + 1] = ('%s  %s  %s'):format(padded(row.label, label_width, true),
        padded(row.value, value_width), bar_text(made, row.p, room)):gsub(' +$', '')
    end
  end
  return lines
end

--- Draws a chart with characters, for a terminal.
---
--- ```lua
--- local text = require 'crescent.chart.text'
--- print(text { kind = 'bar', x = { name = 'level' }, y = { name = 'latency', unit = 'ms' },
---   series = { { name = 'gpt2', points = { { x = 0, y = 25.8 }, { x = 1, y = 17.5 } } } } })
--- ```
--- Raises `crescent.chart: PLACE: expected WHAT, got FOUND`.
---@param chart table   # as crescent.reporting.document says
---@param options? { width: integer? }   # columns, default 80, at least 40
---@return string text   # without a newline at its end
return function(chart, options)
  local made = data.read(chart)
  if made.kind == 'heat' then return require('crescent.heat').text(chart) end
  local width = math.max(width_min, options and options.width or width_default)
  local lines = {}
  if (made.title or '') ~= '' then lines[1] = made.title end
  local body
  if made.count == 0 then
    body = { 'no values' }
  else
    body = made.kind == 'bar' and draw_bars(made, width) or draw_grid(made, width)
  end
  for _, line in ipairs(body) do lines[#lines + 1] = line end
  if made.reference and made.count > 0 then
    local unit = made.chart.y and made.chart.y.unit or ''
    local mark = made.kind == 'bar' and 'reference' or reference_mark
    add_folded(lines, { ('%s %s%s%s'):format(mark, units.number(made.reference.y),
      unit ~= '' and ' ' .. unit or '', made.reference.label and ': ' .. made.reference.label
      or '') }, width)
  end
  for _, note in ipairs(made.notes) do lines[#lines + 1] = note end
  return table.concat(lines, '\n')
end
