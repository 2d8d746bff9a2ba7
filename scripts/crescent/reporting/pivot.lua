--- Pivots: one figure, by one field down and another across.
local blame = require 'crescent.blame'
local check_keys = require 'crescent.keys'
local column = require 'crescent.reporting.column'
local document = require 'crescent.reporting.document'
local fields = require 'crescent.reporting.fields'
local grid = require 'crescent.reporting.grid'
local quality = require 'crescent.reporting.quality'
local sheet = require 'crescent.reporting.sheet'
local units = require 'crescent.units'

local pivot = {}

local keys = { 'rows', 'columns', 'value', 'format', 'title', 'better', 'quality' }

--- Reads { rows = 'ratio', columns = 'criterion', value = 'perplexity' }.
function pivot.read(spec, place)
  if type(spec) ~= 'table' then
    blame("%s: expected { rows = 'NAME', columns = 'NAME', value = 'NAME' }, got %s", place,
      type(spec))
  end
  check_keys(place, spec, keys)
  for _, key in ipairs { 'rows', 'columns', 'value' } do
    local value = spec[key]
    if type(value) ~= 'string' and not (key == 'value' and type(value) == 'function') then
      blame("%s: %s: expected a field's name%s, got %s", place, key,
        key == 'value' and ' or function(row)' or '', value == nil and 'nothing' or type(value))
    end
  end
  local is_function = type(spec.value) == 'function'
  if is_function and type(spec.title) ~= 'string' then
    blame('%s: title: expected a text, because value is a function; got %s', place,
      type(spec.title))
  end
  local value = column.read({ is_function and spec.title or spec.value, title = spec.title,
    value = is_function and spec.value or nil, format = spec.format, better = spec.better,
    quality = spec.quality }, place)
  return { rows = spec.rows, columns = spec.columns, value = value, place = place,
    title = spec.title, from_function = is_function }
end

local function check_names(self, rows)
  fields.check(rows, self.rows, self.place .. ': rows')
  fields.check(rows, self.columns, self.place .. ': columns')
  if not self.from_function then fields.check(rows, self.value.name, self.place .. ': value') end
end

--- Columns of the table: the field down, then one for each value across.
local function columns_of(self, laid)
  local texts = false
  for _, key in ipairs(laid.row_keys) do texts = texts or type(key) ~= 'number' end
  local columns = { { name = self.rows, title = self.rows, align = texts and 'left' or 'right' } }
  for i, key in ipairs(laid.column_keys) do
    local label = grid.label(self.columns, key, true)
    columns[i + 1] = { name = label, title = label, align = 'right' }
  end
  return columns
end

--- Whether the pivot lays out by a field itself, so that it means nothing within one of its groups.
function pivot.crosses(self, name)
  return name ~= nil and (self.rows == name or self.columns == name)
end

--- Adds the pivot's table to the document.
function pivot.add(context, self, rows, group)
  check_names(self, context.rows)
  local laid = grid.make(rows, self, context.number_of)
  local cells, figures = {}, {}
  for r, row_key in ipairs(laid.row_keys) do
    cells[r] = { { text = grid.label(self.rows, row_key), value = fields.number(row_key)
      or tostring(row_key) } }
    for c, column_key in ipairs(laid.column_keys) do
      local row = laid.at[row_key][column_key]
      local cell = row and column.cell(self.value, row, context.number_of(row)) or {}
      cells[r][c + 1], figures[#figures + 1] = cell, cell
    end
  end
  local better = self.value.better
  if better then
    context.note(sheet.mark_best(figures, better, self.value.title), group and group.text)
  end
  context.shown[#context.shown + 1] = { name = self.value.name, quality = self.value.quality,
    speed = quality.is_speed(self.value, figures) }
  local title = self.title or ('%s by %s and %s'):format(self.value.name, self.rows, self.columns)
  local columns = columns_of(self, laid)
  for i = 2, #columns do columns[i].better = better end
  local block = document.table(context.document, title, columns,
    group and { name = group.name, value = group.value })
  block.pivot = { columns = self.columns, value = self.value.name, keys = laid.column_keys }
  sheet.finish(context, block, cells)
  if laid.left_out > 0 then
    context.note(("'%s' leaves out %s without %s or %s"):format(title,
      units.counted(laid.left_out, 'row'), self.rows, self.columns))
  end
end

return pivot
