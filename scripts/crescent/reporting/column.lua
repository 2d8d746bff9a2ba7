--- Columns of tables: what an author writes about one, read and checked, and the cells it gives.
local blame = require 'crescent.blame'
local fields = require 'crescent.reporting.fields'
local units = require 'crescent.units'

local column = {}

local keys = { 'title', 'format', 'value', 'better', 'align', 'baseline', 'quality' }
local format_names = { 'percent', 'bytes', 'count', 'ms', 'number' }

local named_formats = {
  percent = units.percent,
  bytes = function(value)
    return (value < 0 and '-' or '') .. units.format(math.abs(value), 'bytes')
  end,
  count = function(value) return units.format(value, 'count') end,
  ms = function(value) return units.format(value, 'ms') end,
  number = function(value) return units.number(value) end,
}

local function shown(value)
  return type(value) == 'string' and ("'%s'"):format(value) or tostring(value)
end

--- Reads `format`: gives function(value, row) -> text and whether it takes numbers alone.
function column.formatter(format, place)
  if format == nil then return nil end
  if type(format) == 'function' then return format, false end
  if named_formats[format] then return named_formats[format], true end
  if type(format) ~= 'string' then
    blame("%s: format: expected a text such as '%%.2f', a function or a name, got %s", place,
      type(format))
  end
  if not format:find('%', 1, true) then
    blame("%s: format: unknown name '%s'%s", place, format,
      crescent.did_you_mean(format, format_names))
  end
  if not pcall(string.format, format, 1.5) then
    blame("%s: format: '%s' does not format one number", place, format)
  end
  -- A text in place of the number is refused by all but '%s'.
  return function(value) return format:format(value) end, not pcall(string.format, format, 'text')
end

local function check_choice(place, key, value, ...)
  if value == nil then return end
  for _, choice in ipairs { ... } do if value == choice then return end end
  blame("%s: %s: expected '%s', got %s", place, key, table.concat({ ... }, "' or '"), shown(value))
end

--- Reads one entry of `columns`. `place` is what errors begin with, up to 'columns[2]'.
function column.read(spec, place)
  if type(spec) == 'string' then spec = { spec } end
  if type(spec) ~= 'table' then
    blame("%s: expected a name or { 'name', title = ... }, got %s", place, type(spec))
  end
  for key in pairs(spec) do
    if key ~= 1 then
      local known = false
      for _, name in ipairs(keys) do known = known or key == name end
      if not known then
        blame("%s: unknown key %s%s", place, shown(key),
          type(key) == 'string' and crescent.did_you_mean(key, keys) or '')
      end
    end
  end
  if type(spec[1]) ~= 'string' or spec[1] == '' then
    blame("%s: expected a name or { 'name', title = ... }, got %s in place of the name", place,
      spec[1] == nil and 'nothing' or shown(spec[1]))
  end
  if spec.title ~= nil and type(spec.title) ~= 'string' then
    blame('%s: title: expected a text, got %s', place, type(spec.title))
  end
  if spec.value ~= nil and type(spec.value) ~= 'function' then
    blame('%s: value: expected function(row), got %s', place, type(spec.value))
  end
  check_choice(place, 'better', spec.better, 'lower', 'higher')
  check_choice(place, 'align', spec.align, 'left', 'right')
  for _, key in ipairs { 'baseline', 'quality' } do
    if spec[key] ~= nil and type(spec[key]) ~= 'boolean' then
      blame('%s: %s: expected true or false, got %s', place, key, type(spec[key]))
    end
  end
  local format, numeric = column.formatter(spec.format, place)
  return {
    name = spec[1], title = spec.title or spec[1], value = spec.value, better = spec.better,
    align = spec.align, baseline = spec.baseline, quality = spec.quality, place = place,
    format = format, format_text = spec.format, numeric = numeric,
  }
end

--- The value of a row in a column; nil and the reason where there is none.
function column.value(self, row, index)
  local value
  if self.value then
    local ok, result = pcall(self.value, row)
    if result == 'interrupted' then error(result, 0) end -- Ctrl-C is the host's
    if ok then
      value = result
    else
      -- A function of what is missing has nothing to count with.
      local reason = fields.reason(row, self.name)
      if not reason then
        blame("%s '%s': value: row %d: %s", self.place, self.name, index, tostring(result))
      end
      return nil, reason
    end
  else
    value = fields.at(row, self.name)
  end
  if value == nil then return nil, fields.reason(row, self.name) end
  return value
end

local function guess(name, value, is_point)
  if is_point then return units.short(value) end
  local last = name:match('[^.]+$')
  if last:find('_bytes') or last:find('^bytes') then return named_formats.bytes(value) end
  return units.number(value)
end

local function formatted(self, value, row, is_point)
  if not self.format then return guess(self.name, value, is_point) end
  local ok, text = pcall(self.format, value, row)
  if ok and type(text) == 'number' then text = units.number(text) end
  if ok and type(text) == 'string' then return text end
  blame("%s '%s': format: %s", self.place, self.name, ok
    and 'expected a text, got ' .. type(text) or tostring(text))
end

local function samples_cell(self, samples, row)
  local text
  local scale = self.format_text
  if (scale == 'ms' or scale == 'bytes') and samples.unit ~= scale and samples.unit ~= '' then
    blame("%s '%s': format: '%s' of Samples in %s", self.place, self.name, scale, samples.unit)
  end
  if not self.format then
    text = tostring(samples)
  else
    text = formatted(self, samples.median, row)
    if #samples.values > 1 then text = text .. ' ± ' .. formatted(self, samples.mad, row) end
    -- A format that has a name writes the unit itself.
    local writes_unit = self.format_text == 'ms' or self.format_text == 'bytes'
      or type(self.format_text) == 'function'
    if samples.unit ~= '' and not writes_unit then text = text .. ' ' .. samples.unit end
  end
  return { text = text, value = samples.median, low = samples.interval.low,
    high = samples.interval.high, unit = samples.unit, samples = samples }
end

local function list_text(value)
  local parts = {}
  for i, item in ipairs(value) do
    if type(item) == 'table' then return nil end
    parts[i] = type(item) == 'number' and units.number(item) or tostring(item)
  end
  return #parts > 0 and table.concat(parts, ' ') or nil
end

--- The cell of a row: { text, value, low, high, unit, samples, reason }; without `text` if missing.
---@param is_point boolean?   # the column is one of the parameters that were varied
function column.cell(self, row, index, is_point)
  local value, reason = column.value(self, row, index)
  if value == nil then return { reason = reason } end
  if fields.is_samples(value) then return samples_cell(self, value, row) end
  if type(value) == 'cdata' then value = tonumber(value) end
  if type(value) == 'number' then
    return { text = formatted(self, value, row, is_point), value = value }
  end
  if self.numeric then
    blame("%s '%s': format: %s formats numbers, row %d has %s", self.place, self.name,
      shown(self.format_text), index, type(value) == 'string' and shown(value) or type(value))
  end
  local plain = value
  if type(value) == 'boolean' then plain = value and 'yes' or 'no' end
  if type(value) == 'table' then
    local meta = getmetatable(value)
    plain = type(meta) == 'table' and meta.__tostring and tostring(value) or list_text(value)
  end
  if type(plain) ~= 'string' then
    blame("%s '%s': expected a number, a text or Samples, row %d has a %s; value = function(row) "
      .. 'can make one of it', self.place, self.name, index, type(value))
  end
  return { text = self.format and formatted(self, value, row) or plain, value = plain }
end

return column
