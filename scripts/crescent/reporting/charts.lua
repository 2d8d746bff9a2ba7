--- Charts of a layout: what an author writes about one, read and checked, and what rows give.
local blame = require 'crescent.blame'
local check_keys = require 'crescent.keys'
local fields = require 'crescent.reporting.fields'
local grid = require 'crescent.reporting.grid'
local units = require 'crescent.units'

local charts = {}

local kinds = { 'line', 'bar', 'scatter', 'heat' }
local keys = {
  'kind', 'x', 'y', 'by', 'value', 'title', 'x_title', 'y_title', 'log', 'front', 'reference',
  'label', 'crossed',
}
--- Keys that only one kind understands.
local only = {
  front = { scatter = true }, value = { heat = true }, crossed = { heat = true },
  by = { line = true, bar = true, scatter = true }, log = { line = true, bar = true,
    scatter = true }, reference = { line = true, bar = true, scatter = true },
  label = { line = true, bar = true, scatter = true },
}

local function shown(value)
  return type(value) == 'string' and ("'%s'"):format(value)
    or value == nil and 'nothing' or type(value)
end

local function expect(place, key, value, types, words)
  for kind in types:gmatch('%a+') do
    if type(value) == kind then return end
  end
  blame('%s: %s: expected %s, got %s', place, key, words, shown(value))
end

local function check_front(front, place)
  if front == nil then return end
  expect(place, 'front', front, 'table', "{ x = 'lower', y = 'lower' }")
  for key in pairs(front) do
    if key ~= 'x' and key ~= 'y' then
      blame("%s: front: unknown key '%s'; it has x and y", place, tostring(key))
    end
  end
  for _, key in ipairs { 'x', 'y' } do
    if front[key] ~= 'lower' and front[key] ~= 'higher' then
      blame("%s: front: %s: expected 'lower' or 'higher', got %s", place, key, shown(front[key]))
    end
  end
end

local function check_reference(reference, place)
  if reference == nil then return end
  expect(place, 'reference', reference, 'table', '{ y = number, label = text }')
  expect(place .. ': reference', 'y', reference.y, 'number', 'a number')
  expect(place .. ': reference', 'label', reference.label, 'string nil', 'a text')
end

local function check_kind(spec, place)
  if type(spec) ~= 'table' then
    blame("%s: expected { kind = 'line', x = 'NAME', y = 'NAME' }, got %s", place, type(spec))
  end
  check_keys(place, spec, keys)
  local known = false
  for _, kind in ipairs(kinds) do known = known or spec.kind == kind end
  if not known then
    blame("%s: kind: expected 'line', 'bar', 'scatter' or 'heat', got %s%s", place,
      shown(spec.kind), type(spec.kind) == 'string' and crescent.did_you_mean(spec.kind, kinds)
      or '')
  end
  for key, allowed in pairs(only) do
    if spec[key] ~= nil and not allowed[spec.kind] then
      blame("%s: '%s' means nothing to a %s chart", place, key, spec.kind)
    end
  end
end

--- Reads one entry of `charts`.
function charts.read(spec, place)
  check_kind(spec, place)
  local heat = spec.kind == 'heat'
  local field_words = heat and "a field's name" or "a field's name or function(row)"
  for _, key in ipairs { 'x', 'y' } do
    expect(place, key, spec[key], heat and 'string' or 'string function', field_words)
  end
  if heat then
    expect(place, 'value', spec.value, 'string function', "a field's name or function(row)")
    expect(place, 'crossed', spec.crossed, 'string function nil', "a field's name or function(row)")
  end
  expect(place, 'by', spec.by, 'string function nil', "a field's name or function(row)")
  expect(place, 'label', spec.label, 'string function nil', "a field's name or function(row)")
  for _, key in ipairs { 'title', 'x_title', 'y_title' } do
    expect(place, key, spec[key], 'string nil', 'a text')
  end
  if spec.log ~= nil and spec.log ~= 'x' and spec.log ~= 'y' and spec.log ~= 'xy' then
    blame("%s: log: expected 'x', 'y' or 'xy', got %s", place, shown(spec.log))
  end
  check_front(spec.front, place)
  check_reference(spec.reference, place)
  local read = { place = place }
  for key, value in pairs(spec) do read[key] = value end
  return read
end

local function getter(of)
  if type(of) == 'function' then return of end
  return function(row) return fields.at(row, of) end
end

--- What a value is on an axis: a number or a text, and the interval of Samples; nil of neither.
local function placed(value)
  if fields.is_samples(value) then
    local interval = #value.values > 1 and value.interval or {}
    return value.median, interval.low, interval.high, value.unit
  end
  if type(value) == 'cdata' then value = tonumber(value) end
  if type(value) == 'boolean' then value = value and 'yes' or 'no' end
  if type(value) == 'number' and value ~= value then return nil end
  if type(value) == 'number' or type(value) == 'string' then return value end
end

local function name_of(of, title, otherwise)
  return type(of) == 'string' and of or title or otherwise
end

local function axis(of, title, otherwise, unit, log)
  local name = name_of(of, title, otherwise)
  return { name = name, title = title or name, unit = unit or fields.unit_of_name(name),
    log = log or false }
end

--- A row in a few words, for hovering: what its point says beside x, y and the series.
local function describer(self, rows)
  if self.label then
    local get = getter(self.label)
    return function(row)
      local value = placed(get(row))
      if value == nil then return nil end
      return grid.label(name_of(self.label, nil, ''), value, type(self.label) == 'string')
    end
  end
  local names = {}
  for _, name in ipairs((fields.points(rows))) do
    if name ~= self.x and name ~= self.y and name ~= self.by then names[#names + 1] = name end
  end
  return function(row)
    local parts = {}
    for _, name in ipairs(names) do
      local value = placed(fields.at(row, name))
      if value ~= nil then parts[#parts + 1] = grid.label(name, value, true) end
    end
    return #parts > 0 and table.concat(parts, ', ') or nil
  end
end

--- Keeps which rows have no place in a chart, and why, for one note below all charts.
local function leave_out(context, self, rows)
  for _, row in ipairs(rows) do
    local name, reason = nil, fields.reason(row, '')
    for _, key in ipairs { 'x', 'y', 'value' } do
      local of = self[key]
      if not name and type(of) == 'string' and fields.at(row, of) == nil then
        name, reason = of, fields.reason(row, of)
      end
    end
    local key = reason or ''
    local entry = context.left_out[key]
    if not entry then
      entry = { reason = reason, rows = {}, count = 0, names = {} }
      context.left_out[key] = entry
      table.insert(context.left_out, entry)
    end
    if not entry.rows[row] then entry.rows[row], entry.count = true, entry.count + 1 end
    if name and not entry.names[name] then
      entry.names[name] = true
      table.insert(entry.names, name)
    end
  end
end

--- Says what has no place in the charts.
function charts.note_left_out(context)
  for _, entry in ipairs(context.left_out) do
    context.note(('no place in the charts: %s%s%s'):format(units.counted(entry.count, 'row'),
      #entry.names > 0 and ' without ' .. table.concat(entry.names, ', ') or '',
      entry.reason and ' (' .. entry.reason .. ')' or ''))
  end
end

local function better_or_equal(a, b, direction)
  if direction == 'lower' then return a <= b end
  return a >= b
end

--- Marks with `front` the points that no other beats: as good in both and better in one.
function charts.mark_front(all, front)
  for _, point in ipairs(all) do
    local beaten = false
    for _, other in ipairs(all) do
      if (other.x ~= point.x or other.y ~= point.y)
        and better_or_equal(other.x, point.x, front.x)
        and better_or_equal(other.y, point.y, front.y) then
        beaten = true
      end
    end
    if not beaten then point.front = true end
  end
end

local function by_x(a, b)
  if a.x ~= b.x then return a.x < b.x end
  return a.place < b.place
end

local function title_of(self, y_name, x_name)
  return self.title or ('%s by %s'):format(y_name, x_name)
end

--- Points in series, in order of appearance; units of both axes and the rows without a place.
local function collect(self, rows)
  local get_x, get_y = getter(self.x), getter(self.y)
  local get_by = self.by and getter(self.by)
  local describe = describer(self, rows)
  local made = { series = {}, all = {}, left_out = {} }
  local by_key = {}
  for place, row in ipairs(rows) do
    local x, _, _, x_unit = placed(get_x(row))
    local y, low, high, y_unit = placed(get_y(row))
    if x == nil or type(y) ~= 'number' then
      made.left_out[#made.left_out + 1] = row
    else
      local key = get_by and placed(get_by(row))
      key = key == nil and '' or key
      if not by_key[key] then
        by_key[key] = { name = get_by and grid.label(name_of(self.by, nil, ''), key,
          type(self.by) == 'string') or '', points = {} }
        made.series[#made.series + 1] = by_key[key]
      end
      local point = { x = x, y = y, low = low, high = high, label = describe(row), place = place }
      table.insert(by_key[key].points, point)
      made.all[#made.all + 1] = point
      made.x_unit, made.y_unit = made.x_unit or x_unit, made.y_unit or y_unit
      made.texts = made.texts or type(x) ~= 'number'
    end
  end
  return made
end

local function scattered_or_lined(context, self, rows)
  local made = collect(self, rows)
  leave_out(context, self, made.left_out)
  if #made.all == 0 then return nil end
  local log_x = self.log ~= nil and self.log:find('x') ~= nil
  local log_y = self.log ~= nil and self.log:find('y') ~= nil
  local x = axis(self.x, self.x_title, 'x', made.x_unit, log_x)
  local y = axis(self.y, self.y_title, 'y', made.y_unit, log_y)
  if made.texts and (self.front or log_x) then
    blame('%s: x: expected numbers, %s has texts', self.place, x.name)
  end
  if self.front then
    charts.mark_front(made.all, self.front)
    x.better, y.better = self.front.x, self.front.y
  end
  for _, series in ipairs(made.series) do
    if series.name == '' then series.name = y.title end
    if not made.texts and self.kind ~= 'scatter' then table.sort(series.points, by_x) end
  end
  for _, point in ipairs(made.all) do point.place = nil end
  return { kind = self.kind, title = title_of(self, y.title, x.title), x = x, y = y,
    series = made.series, reference = self.reference }
end

local function heat_map(context, self, rows)
  local laid = grid.make(rows, { rows = self.y, columns = self.x, place = self.place },
    context.number_of)
  local get, get_crossed = getter(self.value), self.crossed and getter(self.crossed)
  local name = name_of(self.value, self.title, 'value')
  local made = { kind = 'heat', values = {}, row_labels = {}, column_labels = {}, row_name = self.y,
    column_name = self.x, name = name, unit = fields.unit_of_name(name),
    crossed = get_crossed and {} or nil }
  made.title = self.title or ('%s by %s and %s'):format(name, self.y, self.x)
  local any, without = false, {}
  for c, key in ipairs(laid.column_keys) do made.column_labels[c] = grid.label('', key) end
  for r, row_key in ipairs(laid.row_keys) do
    made.row_labels[r], made.values[r] = grid.label('', row_key), {}
    if made.crossed then made.crossed[r] = {} end
    for c, column_key in ipairs(laid.column_keys) do
      local row = laid.at[row_key][column_key]
      local value, _, _, unit = placed(row and get(row))
      if type(value) == 'number' then
        made.values[r][c], any, made.unit = value, true, unit or made.unit
      elseif row then
        without[#without + 1] = row
      end
      if made.crossed then made.crossed[r][c] = row ~= nil and get_crossed(row) == true end
    end
  end
  leave_out(context, { value = self.value }, without)
  return any and made or nil
end

--- Makes the chart of the rows; nil, and a note, if nothing has a place in it.
function charts.make(context, self)
  local rows = context.list
  for _, key in ipairs { 'x', 'y', 'by', 'value', 'label', 'crossed' } do
    if type(self[key]) == 'string' then
      fields.check(rows, self[key], ('%s: %s'):format(self.place, key))
    end
  end
  local make = self.kind == 'heat' and heat_map or scattered_or_lined
  local chart = make(context, self, rows)
  if not chart then
    context.note(('no chart %s: no row has both values'):format(self.title
      and "'" .. self.title .. "'" or ('of %s'):format(name_of(self.value or self.y, nil, 'y'))))
  end
  return chart
end

return charts
