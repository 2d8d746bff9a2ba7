--- What stands inside a chart's frame: lines with their bands, bars with whiskers, points.
local data = require 'crescent.chart.data'
local markup = require 'crescent.markup'
local palette = require 'crescent.chart.palette'
local pen = require 'crescent.chart.pen'

local mark_radius = 4
local hit_radius = 8
-- Marks that stand closer than this show on hovering alone: the line is what one sees.
local mark_distance_min = 14
local labels_max = 12

local function open_series(out, series)
  out:add('<g class="s%s">', tostring(palette.colour_of(series.place)))
end

--- Runs of points without a gap between them.
local function runs_of(points, drawn)
  local runs, run = {}, {}
  for _, p in ipairs(points) do
    if drawn(p) then
      run[#run + 1] = p
    elseif #run > 0 then
      runs[#runs + 1], run = run, {}
    end
  end
  if #run > 0 then runs[#runs + 1] = run end
  return runs
end

local function whisker(out, class, place, x, p)
  local low, high = place.y(p.low), place.y(p.high)
  out:line(class, x, low, x, high)
  out:line(class, x - 3, low, x + 3, low)
  out:line(class, x - 3, high, x + 3, high)
end

--- The area between low and high; an interval without a neighbour is a whisker.
local function draw_bands(out, series, place)
  for _, run in ipairs(runs_of(series.points, function(p) return p.low ~= nil end)) do
    if #run == 1 then
      whisker(out, 'whisker own', place, place.x(run[1].x), run[1])
    else
      local area = {}
      for _, p in ipairs(run) do
        area[#area + 1], area[#area + 2] = place.x(p.x), place.y(p.high)
      end
      for i = #run, 1, -1 do
        area[#area + 1], area[#area + 2] = place.x(run[i].x), place.y(run[i].low)
      end
      out:add('<polygon class="band" points="%s"/>', pen.points(area))
    end
  end
end

local function draw_line(out, series, place)
  for _, run in ipairs(runs_of(series.points, function(p) return p.y ~= nil end)) do
    local points = {}
    for _, p in ipairs(run) do
      points[#points + 1], points[#points + 2] = place.x(p.x), place.y(p.y)
    end
    if #run > 1 then out:polyline('line', points) end
  end
end

--- Whether a series' marks stand too close to be told apart. A mark beside a gap stays: no line
--- shows it.
local function is_dense(series, place)
  local count = 0
  for _, p in ipairs(series.points) do count = count + (p.y and 1 or 0) end
  return count * mark_distance_min > place.x2 - place.x1
end

--- A mark with a larger area to hover over.
local function draw_mark(out, made, series, p, place, class, radius)
  local x, y = place.x(p.x), place.y(p.y)
  out:add('<g class="point"><title>%s</title>', markup.escape(data.hover_text(made, series, p)))
  out[#out + 1] = pen.mark(series.place, class, x, y, radius)
  out:add('<circle class="hit" cx="%s" cy="%s" r="%s"/></g>', x, y, hit_radius)
end

local function draw_lines(out, made, place)
  for _, series in ipairs(made.series) do
    open_series(out, series)
    draw_bands(out, series, place)
    out[#out + 1] = '</g>'
  end
  for _, series in ipairs(made.series) do
    open_series(out, series)
    draw_line(out, series, place)
    out[#out + 1] = '</g>'
  end
  for _, series in ipairs(made.series) do
    open_series(out, series)
    local dense, points = is_dense(series, place), series.points
    for i, p in ipairs(points) do
      local alone = not (points[i - 1] and points[i - 1].y) and not (points[i + 1]
        and points[i + 1].y)
      if p.y then
        draw_mark(out, made, series, p, place, dense and not alone and 'mark unseen' or 'mark',
          mark_radius)
      end
    end
    out[#out + 1] = '</g>'
  end
end

--- A Pareto front as steps: each point reaches until the next one is better.
local function draw_fronts(out, made, place)
  local vertical = data.vertical_first(made)
  for _, front in ipairs(data.fronts(made)) do
    local points = {}
    for i, p in ipairs(front) do
      local x, y = place.x(p.x), place.y(p.y)
      if i > 1 then
        points[#points + 1] = vertical and points[#points - 1] or x
        points[#points + 1] = vertical and y or points[#points - 1]
      end
      points[#points + 1], points[#points + 2] = x, y
    end
    if #front > 1 then out:polyline('front', points) end
  end
end

--- Labels beside the front's points, where there are few: they are what one looks for.
local function draw_labels(out, made, place)
  for _, front in ipairs(data.fronts(made)) do
    for _, p in ipairs(#front <= labels_max and front or {}) do
      local x, label = place.x(p.x), p.point.label
      if label ~= nil then
        local text = tostring(label):gsub('%s+', ' ')
        local left = x + 10 + pen.width(markup.clip(text, 24), 12) > place.x2
        out:text(x + (left and -9 or 9), place.y(p.y) - 7, text, { class = 'note halo',
          anchor = left and 'end' or nil, columns = 24 })
      end
    end
  end
end

local function draw_scatter(out, made, place)
  draw_fronts(out, made, place)
  draw_labels(out, made, place)
  local any_front = #data.fronts(made) > 0
  -- What stands on the front is drawn last and strongest.
  for _, on_front in ipairs { false, true } do
    for _, series in ipairs(made.series) do
      open_series(out, series)
      for _, p in ipairs(series.points) do
        if p.y and (p.front ~= nil) == on_front then
          if p.low then whisker(out, 'whisker own', place, place.x(p.x), p) end
          local class = on_front and 'mark best' or any_front and 'mark behind' or 'mark'
          draw_mark(out, made, series, p, place, class, on_front and mark_radius + 1.5
            or mark_radius)
        end
      end
      out[#out + 1] = '</g>'
    end
  end
end

--- The bars of every category side by side. A series with two values in one category has two bars:
--- neither may hide the other.
local function slots_of(made)
  local slots, slot_of = {}, {}
  for _, series in ipairs(made.series) do
    local times, first = {}, {}
    for _, p in ipairs(series.points) do
      local nth = (times[p.x] or 0) + 1
      times[p.x] = nth
      if not first[nth] then
        slots[#slots + 1] = series.place
        first[nth] = #slots
      end
      slot_of[p] = first[nth]
    end
  end
  return #slots, slot_of
end

local function draw_bar(out, made, series, p, place, x, width)
  local base = math.min(place.y2, math.max(place.y1, made.y.log and place.y2 or place.y(0)))
  local y = place.y(p.y)
  local top, height = math.min(y, base), math.abs(y - base)
  out:add('<g class="point"><title>%s</title>', markup.escape(data.hover_text(made, series, p)))
  out:add('<rect class="bar" x="%s" y="%s" width="%s" height="%s"/>', x, top, width, height)
  if p.low then whisker(out, 'whisker', place, x + width / 2, p) end
  -- Thin and empty bars still have something to hover over.
  local hit_width, hit_height = math.max(8, width), math.max(8, height)
  out:add('<rect class="hit" x="%s" y="%s" width="%s" height="%s"/></g>',
    x + (width - hit_width) / 2, top + (height - hit_height) / 2, hit_width, hit_height)
end

local function draw_bars(out, made, place)
  local count, slot_of = slots_of(made)
  local each = math.min(52, place.band * 0.74 / math.max(1, count))
  local gap = each > 6 and 2 or 0
  for _, series in ipairs(made.series) do
    open_series(out, series)
    for _, p in ipairs(series.points) do
      if p.y then
        local x = place.x(p.x) + (slot_of[p] - 1 - count / 2) * each
        draw_bar(out, made, series, p, place, x + gap / 2, each - gap)
      end
    end
    out[#out + 1] = '</g>'
  end
  if not made.y.log and made.y.low < 0 then
    out:line('axis', place.x1, place.y(0), place.x2, place.y(0))
  end
end

local draw = { line = draw_lines, bar = draw_bars, scatter = draw_scatter }

--- Draws the inside of a chart's frame.
return function(out, made, place) draw[made.kind](out, made, place) end
