--- Colours and shapes of charts. They are CSS custom properties, so that a page can set its own,
--- and light and dark both read; where custom properties are unknown the light colours stand.
local palette = {}

-- Okabe and Ito 2008, "Color Universal Design: How to make figures and presentations that are
-- friendly to colorblind people". Their yellow is left out: on white nobody sees it as a line.
-- Black, which would vanish on dark paper, is the last and takes the ink's colour.
palette.series = { '#0072B2', '#E69F00', '#009E73', '#D55E00', '#CC79A7', '#56B4E9' }
-- The same hues, lighter where dark paper would swallow them.
local series_dark = { '#2F8FCB', '#E69F00', '#10B68A', '#E8702A', '#D48DB5', '#7CC7F2' }

local light = { ink = '#1b1f24', quiet = '#59636e', axis = '#8c959f', grid = '#e4e8ec',
  paper = '#ffffff', cross = '#e0433f',
  series = palette.series, band = '.18' }
local dark = { ink = '#e8eaed', quiet = '#a2abb5', axis = '#6b7580', grid = '#2c323a',
  paper = '#15181c', cross = '#ff8a80',
  series = series_dark, band = '.3' }

-- Dashes by colour: of two lines with equal values both can be seen.
local dashes = { 'none', '8 5', '2 5', '8 5 2 5', '14 5', '5 4', '14 5 2 5' }

--- How many steps the colours of a heat map have.
palette.heat_steps = 16
-- Even for the eye: interpolated in lightness within one hue; the paper's own end means little.
local heat_light = { { 226, 237, 248 }, { 8, 48, 107 } }
local heat_dark = { { 27, 45, 69 }, { 198, 224, 250 } }

local function mixed(ends, share)
  local parts = {}
  for i = 1, 3 do
    parts[i] = math.floor(ends[1][i] + (ends[2][i] - ends[1][i]) * share + 0.5)
  end
  return ('#%02x%02x%02x'):format(unpack(parts))
end

--- Colours by property name, in order.
local function properties(colours, heat)
  local list = {}
  for _, name in ipairs { 'ink', 'quiet', 'axis', 'grid', 'paper', 'cross', 'band' } do
    list[#list + 1] = { 'chart-' .. name, colours[name] }
  end
  for i, colour in ipairs(colours.series) do list[#list + 1] = { 'chart-' .. i, colour } end
  list[#list + 1] = { 'chart-' .. #palette.series + 1, colours.ink }
  for step = 1, palette.heat_steps do
    list[#list + 1] = { 'heat-' .. step, mixed(heat, (step - 1) / (palette.heat_steps - 1)) }
  end
  return list
end

--- A heat map's colours on white paper, from lowest to highest.
---@return string[]
function palette.heat_colours()
  local list = {}
  for step = 1, palette.heat_steps do
    list[step] = mixed(heat_light, (step - 1) / (palette.heat_steps - 1))
  end
  return list
end

local function declarations(colours, heat)
  local parts = {}
  for i, property in ipairs(properties(colours, heat)) do
    parts[i] = ('--%s:%s'):format(property[1], property[2])
  end
  return table.concat(parts, ';')
end

--- The custom properties' declarations for one theme.
---@param theme 'light'|'dark'
---@return string
function palette.declarations(theme)
  if theme == 'dark' then return declarations(dark, heat_dark) end
  return declarations(light, heat_light)
end

--- Which colour a series has: they return after the seventh; shapes return after the eighth.
---@param place integer
---@return integer
function palette.colour_of(place) return (place - 1) % (#palette.series + 1) + 1 end

--- What every chart's elements look like, for a page's or a picture's style sheet. A property is
--- said twice because a program without custom properties keeps the first.
---@return string
function palette.rules()
  local value = {}
  for _, property in ipairs(properties(light, heat_light)) do value[property[1]] = property[2] end
  local lines = {}
  local function rule(selector, property, name, more)
    lines[#lines + 1] = ('%s{%s:%s;%s:var(--%s)%s}'):format(selector, property, value[name],
      property, name, more or '')
  end
  lines[1] = '.chart{font-family:system-ui,-apple-system,"Segoe UI","Helvetica Neue",Arial,'
    .. 'sans-serif;font-size:12px;font-variant-numeric:tabular-nums}'
  rule('.chart .paper', 'fill', 'chart-paper')
  rule('.chart text', 'fill', 'chart-ink')
  rule('.chart .title', 'fill', 'chart-ink', ';font-size:15px;font-weight:600')
  rule('.chart .tick,.chart .note', 'fill', 'chart-quiet')
  rule('.chart .grid', 'stroke', 'chart-grid', ';stroke-width:1')
  rule('.chart .axis', 'stroke', 'chart-axis', ';stroke-width:1')
  rule('.chart .reference', 'stroke', 'chart-quiet', ';stroke-width:1.2;stroke-dasharray:5 4')
  rule('.chart .front', 'stroke', 'chart-ink', ';stroke-width:1.6;fill:none')
  rule('.chart .whisker', 'stroke', 'chart-ink', ';stroke-width:1.2;fill:none')
  rule('.chart .mark', 'stroke', 'chart-paper', ';stroke-width:1')
  rule('.chart .best', 'stroke', 'chart-ink', ';stroke-width:1.6')
  lines[#lines + 1] = '.chart .line{fill:none;stroke-width:2;stroke-linejoin:round;'
    .. 'stroke-linecap:round}\n.chart .band{fill-opacity:.18;stroke:none}\n'
    .. '.chart .behind{opacity:.65}\n.chart .hit{fill:#000;fill-opacity:0;stroke:none}\n'
    .. '.chart .unseen{opacity:0}\n.chart .point:hover .unseen,.chart .point:hover .behind'
    .. '{opacity:1}'
  rule('.chart .point:hover .mark', 'stroke', 'chart-ink')
  for i = 1, #palette.series + 1 do
    local name = 'chart-' .. i
    rule(('.chart .s%d .mark,.chart .s%d .band,.chart .s%d .bar'):format(i, i, i), 'fill', name)
    rule(('.chart .s%d .line,.chart .s%d .whisker.own'):format(i, i), 'stroke', name)
    if i > 1 then
      lines[#lines + 1] = ('.chart .s%d .line{stroke-dasharray:%s}'):format(i, dashes[i])
    end
  end
  rule('.chart .cell', 'stroke', 'chart-paper', ';stroke-width:1')
  rule('.chart .none', 'fill', 'chart-paper')
  lines[#lines + 1] = '.chart .inside{font-size:11px;pointer-events:none}'
  rule('.chart .inside.strong', 'fill', 'chart-paper')
  rule('.chart .halo', 'stroke', 'chart-paper', ';stroke-width:3;paint-order:stroke')
  rule('.chart .cross', 'stroke', 'chart-cross', ';stroke-width:1.5;fill:none')
  for step = 1, palette.heat_steps do rule('.chart .h' .. step, 'fill', 'heat-' .. step) end
  return table.concat(lines, '\n') .. '\n'
end

--- A style sheet for a picture that stands alone: light, or dark where the reader's system is.
---@return string
function palette.alone()
  return (':root{color-scheme:light dark}\n.chart{%s}\n@media (prefers-color-scheme:dark){'
    .. '.chart{%s}}\n%s'):format(palette.declarations 'light', palette.declarations 'dark',
    palette.rules())
end

-- Filled shapes of about equal weight on a circle of radius 1: points, or nothing for the circle.
local shapes = {
  {},
  { -0.9, -0.9, 0.9, -0.9, 0.9, 0.9, -0.9, 0.9 },
  { 0, -1.25, 1.25, 0, 0, 1.25, -1.25, 0 },
  { 0, -1.15, 1.15, 0.9, -1.15, 0.9 },
  { 0, 1.15, 1.15, -0.9, -1.15, -0.9 },
  { -0.4, -1.2, 0.4, -1.2, 0.4, -0.4, 1.2, -0.4, 1.2, 0.4, 0.4, 0.4, 0.4, 1.2, -0.4, 1.2, -0.4,
    0.4, -1.2, 0.4, -1.2, -0.4, -0.4, -0.4 },
  { 0, -1.2, 1.04, -0.6, 1.04, 0.6, 0, 1.2, -1.04, 0.6, -1.04, -0.6 },
  { -1.13, -0.57, -0.57, -1.13, 0, -0.57, 0.57, -1.13, 1.13, -0.57, 0.57, 0, 1.13, 0.57, 0.57,
    1.13, 0, 0.57, -0.57, 1.13, -1.13, 0.57, -0.57, 0 },
}

--- The outline of a series' mark: x and y by turns, around 0 with radius 1; empty for a circle.
---@param place integer
---@return number[]
function palette.shape(place) return shapes[(place - 1) % #shapes + 1] end

return palette
