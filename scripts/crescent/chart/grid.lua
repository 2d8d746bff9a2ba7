--- The grid of a heat map, read once for every way of drawing it. A map is { values[r][c],
--- crossed[r][c], row_labels, column_labels, row_name, column_name, name, unit, title }.
local scale = require 'crescent.chart.scale'

local grid = {}

local function is_number(value)
  return type(value) == 'number' and value == value and math.abs(value) ~= math.huge
end

--- The largest index of a list that may have holes.
local function length_of(list)
  local last = 0
  for key in pairs(type(list) == 'table' and list or {}) do
    if type(key) == 'number' then last = math.max(last, key) end
  end
  return last
end

--- What is in `from` at a row and a column.
local function at(from, r, c) return from and from[r] and from[r][c] end

local function label(labels, i)
  return labels and labels[i] ~= nil and tostring(labels[i]) or tostring(i)
end

--- One cell that stands for columns first .. last: their mean, the share crossed, how many.
local function folded(map, r, first, last)
  local sum, count, crossed = 0, 0, 0
  for c = first, last do
    local value = at(map.values, r, c)
    if is_number(value) then sum, count = sum + value, count + 1 end
    if at(map.crossed, r, c) then crossed = crossed + 1 end
  end
  return { value = count > 0 and sum / count or nil, crossed = crossed / (last - first + 1),
    first = first, last = last }
end

--- Reads a map into rows of cells, several columns to a cell where there are more than
--- `columns_max`.
---@param map table
---@param columns_max integer
---@return table   # { rows = { { label, cells } }, low, high, columns, each,
---   smallest (but for zero), share = fun(value) }
function grid.read(map, columns_max)
  local made = { rows = {}, columns = length_of(map.column_labels) }
  local count = math.max(length_of(map.values), length_of(map.crossed))
  local lengths = {}
  for r = 1, count do
    lengths[r] = math.max(length_of(map.values and map.values[r]),
      length_of(map.crossed and map.crossed[r]))
    made.columns = math.max(made.columns, lengths[r])
  end
  made.each = math.max(1, math.ceil(made.columns / columns_max))
  local low, high = math.huge, -math.huge
  for r = 1, count do
    local row = { label = label(map.row_labels, r), cells = {} }
    -- A row without labels above it ends where its own values do.
    local length = map.column_labels and made.columns or lengths[r]
    for first = 1, length, made.each do
      local cell = folded(map, r, first, math.min(length, first + made.each - 1))
      row.cells[#row.cells + 1] = cell
      if cell.value then
        low, high = math.min(low, cell.value), math.max(high, cell.value)
        if cell.value ~= 0 then
          made.smallest = math.min(made.smallest or math.huge, math.abs(cell.value))
        end
      end
    end
    made.rows[r] = row
  end
  if low <= high then made.low, made.high = low, high end
  --- Gives where a value stands between the lowest, 0, and the highest, 1.
  function made.share(value)
    -- Halves, because the span of the largest doubles is none.
    local span = high / 2 - low / 2
    return span > 0 and (value / 2 - low / 2) / span or 1
  end
  return made
end

--- What the values are, with their unit: 'time (ms)'.
function grid.value_title(map)
  return scale.title({ name = map.name, unit = map.unit }, { unit = map.unit })
end

--- The label of a column, or of the first and last that one cell stands for.
function grid.column_label(map, cell)
  local first = label(map.column_labels, cell.first)
  if cell.last == cell.first then return first end
  return ('%s .. %s'):format(first, label(map.column_labels, cell.last))
end

return grid
