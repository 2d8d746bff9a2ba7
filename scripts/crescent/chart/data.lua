--- What a chart shows, read once for every way of drawing it: checked, with categories numbered and
--- what has no place counted. A chart is what crescent.reporting.document says.
local blame = require 'crescent.blame'
local scale = require 'crescent.chart.scale'
local units = require 'crescent.units'

local data = {}

local kinds = { 'bar', 'heat', 'line', 'scatter' }

local function is_finite(value)
  return type(value) == 'number' and value == value and math.abs(value) ~= math.huge
end
data.is_finite = is_finite

local function shown(value)
  return type(value) == 'string' and ("'%s'"):format(value) or type(value)
end

local function expect(place, what, kind, value, optional)
  if type(value) == kind or optional and value == nil then return end
  blame('crescent.chart: %s: expected %s, got %s', place, what, shown(value))
end

local function check_axis(name, axis)
  expect(name, '{ name =, title =, unit =, log = }', 'table', axis, true)
  for _, key in ipairs { 'name', 'title', 'unit' } do
    expect(('%s.%s'):format(name, key), 'a text', 'string', (axis or {})[key], true)
  end
end

local function check_point(place, point)
  expect(place, '{ x =, y = }', 'table', point)
  if type(point.x) ~= 'string' then
    expect(place .. '.x', 'a number or a text', 'number', point.x, true)
  end
  for _, key in ipairs { 'y', 'low', 'high' } do
    expect(('%s.%s'):format(place, key), 'a number', 'number', point[key], true)
  end
end

local function check(chart)
  expect('argument 1', 'a chart', 'table', chart)
  local known = false
  for _, kind in ipairs(kinds) do known = known or kind == chart.kind end
  if not known then
    blame("crescent.chart: kind: expected 'bar', 'heat', 'line' or 'scatter', got %s%s",
      shown(chart.kind), type(chart.kind) == 'string' and crescent.did_you_mean(chart.kind, kinds)
      or '')
  end
  expect('title', 'a text', 'string', chart.title, true)
  if chart.kind == 'heat' then
    return expect('values', 'a list of rows', 'table', chart.values or chart.crossed)
  end
  check_axis('x', chart.x)
  check_axis('y', chart.y)
  expect('series', 'a list of series', 'table', chart.series)
  for s, series in ipairs(chart.series) do
    local place = ('series[%d]'):format(s)
    expect(place, '{ name =, points = }', 'table', series)
    expect(place .. '.points', 'a list of points', 'table', series.points)
    for p, point in ipairs(series.points) do
      check_point(('%s.points[%d]'):format(place, p), point)
    end
  end
end

--- The x of all points as categories, in the order in which they come, numbers by size; nil where
--- they are numbers with places of their own.
local function categories_of(chart)
  local numeric, seen, list = chart.kind ~= 'bar', {}, {}
  for _, series in ipairs(chart.series) do
    for _, point in ipairs(series.points) do
      if type(point.x) == 'string' then numeric = false end
      if point.x ~= nil and point.x == point.x and not seen[point.x] then
        seen[point.x] = true
        list[#list + 1] = point.x
      end
    end
  end
  if numeric then return nil end
  local sortable = true
  for _, x in ipairs(list) do sortable = sortable and type(x) == 'number' end
  if sortable then table.sort(list) end
  local labels, number_of = {}, {}
  for i, x in ipairs(list) do
    labels[i], number_of[x] = type(x) == 'number' and ('%.6g'):format(x) or x, i
  end
  return labels, number_of
end

--- An interval's ends, in order; nil unless both have a place.
local function interval(point, log)
  local low, high = point.low, point.high
  if not (is_finite(low) and is_finite(high)) or log and math.min(low, high) <= 0 then
    return nil
  end
  return math.min(low, high), math.max(low, high)
end

--- One series' points with what can be drawn of them: { x, y, low, high, point, front }; y is nil
--- where there is a gap. Counts what is left out.
local function read_points(chart, series, number_of, left_out)
  local list = {}
  for at, point in ipairs(series.points) do
    local x = number_of and number_of[point.x] or not number_of and point.x
    local y = is_finite(point.y) and point.y or nil
    local placed = is_finite(x) and not (chart.x and chart.x.log and not number_of and x <= 0)
    if not placed or not y then
      left_out.missing = left_out.missing + ((is_finite(x) and y) and 0 or 1)
      left_out.off_log = left_out.off_log + ((is_finite(x) and y) and 1 or 0)
    elseif chart.y and chart.y.log and y <= 0 then
      left_out.off_log, y = left_out.off_log + 1, nil
    end
    if placed then
      local low, high = interval(point, chart.y and chart.y.log)
      list[#list + 1] = { x = x, y = y, low = y and low, high = y and high, point = point, at = at,
        front = y and point.front or nil }
    end
  end
  if chart.kind == 'line' then
    table.sort(list, function(a, b)
      if a.x ~= b.x then return a.x < b.x end
      return a.at < b.at
    end)
  end
  return list
end

--- What a reader must know about points that are not drawn.
local function notes_of(left_out)
  local notes = {}
  if left_out.missing > 0 then
    notes[1] = ('%s without a value %s left out'):format(units.counted(left_out.missing, 'point'),
      left_out.missing == 1 and 'is' or 'are')
  end
  if left_out.off_log > 0 then
    notes[#notes + 1] = ('%s at or below 0 %s no place on a logarithmic axis'):format(
      units.counted(left_out.off_log, 'point'), left_out.off_log == 1 and 'has' or 'have')
  end
  return notes
end

--- All y that the axis must hold, and all x.
local function values_of(made)
  local xs, ys = {}, {}
  for _, series in ipairs(made.series) do
    for _, p in ipairs(series.points) do
      xs[#xs + 1] = p.x
      for _, value in ipairs { p.y or 'none', p.low or 'none', p.high or 'none' } do
        if value ~= 'none' then ys[#ys + 1] = value end
      end
    end
  end
  return xs, ys
end

--- Reads a chart; a mistake in it is told on the line of whoever asked for the drawing.
---@param chart table
---@return table   # the chart itself for a heat map, else { kind, title, series = { { name, place,
---  points } }, x, y (scales), x_title, y_title, reference, notes, count }
function data.read(chart)
  check(chart)
  if chart.kind == 'heat' then return chart end
  local labels, number_of = categories_of(chart)
  local left_out = { missing = 0, off_log = 0 }
  local made = { kind = chart.kind, title = chart.title, series = {}, chart = chart, count = 0 }
  for s, series in ipairs(chart.series) do
    made.series[s] = { name = tostring(series.name or ''), place = s,
      points = read_points(chart, series, number_of, left_out) }
    for _, p in ipairs(made.series[s].points) do made.count = made.count + (p.y and 1 or 0) end
  end
  local x_axis, y_axis = chart.x or {}, chart.y or {}
  local xs, ys = values_of(made)
  local reference = chart.reference
  if reference and is_finite(reference.y) and not (y_axis.log and reference.y <= 0) then
    made.reference, ys[#ys + 1] = reference, reference.y
  end
  made.x = labels and scale.categories(labels)
    or (x_axis.log and scale.log or scale.linear)(xs, { unit = x_axis.unit, ticks = 7,
      tight = true, margin = chart.kind == 'scatter' and 0.04 or 0 })
  made.y = (y_axis.log and scale.log or scale.linear)(ys, { unit = y_axis.unit, ticks = 5,
    zero = chart.kind == 'bar' })
  made.x_title = labels and (x_axis.title or x_axis.name or '') or scale.title(x_axis, made.x)
  made.y_title = scale.title(y_axis, made.y)
  made.notes = notes_of(left_out)
  return made
end

local function with_unit(value, unit)
  local text = units.exact(value)
  return unit and unit ~= '' and text .. ' ' .. unit or text
end

local function axis_name(axis, otherwise)
  return axis and (axis.title or axis.name) or otherwise
end

--- What hovering over a point shows: its series, both values exactly, the interval, its label.
function data.hover_text(made, series, p)
  local chart, point, lines = made.chart, p.point, {}
  if series.name ~= '' then lines[1] = series.name end
  local x = type(point.x) == 'number' and with_unit(point.x, chart.x and chart.x.unit)
    or tostring(point.x)
  lines[#lines + 1] = ('%s: %s'):format(axis_name(chart.x, 'x'), x)
  lines[#lines + 1] = ('%s: %s'):format(axis_name(chart.y, 'y'),
    with_unit(p.y, chart.y and chart.y.unit))
  if p.low then
    lines[#lines + 1] = ('interval: %s .. %s'):format(units.exact(p.low), units.exact(p.high))
  end
  if p.front then lines[#lines + 1] = 'on the Pareto front' end
  if point.label ~= nil then lines[#lines + 1] = tostring(point.label) end
  return table.concat(lines, '\n')
end

--- Whether the points, by x, go one way in y: as a Pareto front does.
local function one_way(list)
  local up, down = true, true
  for i = 2, #list do
    up, down = up and list[i].y >= list[i - 1].y, down and list[i].y <= list[i - 1].y
  end
  return up or down
end

--- The lists of points that a step line joins: one front over all series, or where these have
--- fronts of their own, one each.
function data.fronts(made)
  local function by_x(a, b)
    if a.x ~= b.x then return a.x < b.x end
    return a.y > b.y
  end
  local all, each = {}, {}
  for _, series in ipairs(made.series) do
    local own = {}
    for _, p in ipairs(series.points) do
      if p.front then own[#own + 1], all[#all + 1] = p, p end
    end
    table.sort(own, by_x)
    if #own > 0 then each[#each + 1] = own end
  end
  table.sort(all, by_x)
  if #all == 0 then return {} end
  return one_way(all) and { all } or each
end

--- Whether a front's step goes up or down before it goes on: where more of x is better, what lies
--- between two points is reached by the one behind.
function data.vertical_first(made)
  return made.chart.x ~= nil and made.chart.x.better == 'higher'
end

return data
