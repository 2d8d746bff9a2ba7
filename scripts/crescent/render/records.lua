--- The tables of a document as machines read them: records by column name, shared by the renderers
--- of CSV, JSON and JSON lines.
local records = {}

--- Values that stand beside a cell's own, and what is appended to the column's name for them.
local extras = {
  { 'low', '_low' }, { 'high', '_high' }, { 'ratio', '_ratio' }, { 'ratio_low', '_ratio_low' },
  { 'ratio_high', '_ratio_high' }, { 'verdict', '_verdict' },
}

local function any_has(rows, place, key)
  for _, row in ipairs(rows) do
    if row[place][key] ~= nil then return true end
  end
  return false
end

--- The columns that a table takes: { name, place, key } in order; no name comes twice.
local function columns_of(block)
  local columns, seen = {}, {}
  local function add(name, place, key)
    local unique, count = name, 1
    while seen[unique] do
      count = count + 1
      unique = ('%s_%d'):format(name, count)
    end
    seen[unique] = true
    columns[#columns + 1] = { name = unique, place = place, key = key }
  end
  for place, column in ipairs(block.columns) do
    add(column.name, place, 'value')
    for _, extra in ipairs(extras) do
      if any_has(block.rows, place, extra[1]) then
        add(column.name .. extra[2], place, extra[1])
      end
    end
  end
  return columns
end

local function of_table(block)
  local columns = columns_of(block)
  local made = { title = block.title, group = block.group, block = block, names = {}, rows = {} }
  for i, column in ipairs(columns) do made.names[i] = column.name end
  for r, row in ipairs(block.rows) do
    local record = { values = {}, absent = {} }
    for _, column in ipairs(columns) do
      local cell = row[column.place]
      record.values[column.name] = cell[column.key]
      if column.key == 'value' and cell.value == nil and cell.reason then
        record.absent[column.name] = cell.reason
      end
    end
    made.rows[r] = record
  end
  return made
end

--- A pivot as the rows that it was made of: one for each cell that is there.
local function of_pivot(block)
  local pivot, down = block.pivot, block.columns[1].name
  local long = { title = block.title, group = block.group, rows = {},
    columns = { { name = down }, { name = pivot.columns }, { name = pivot.value } } }
  for _, row in ipairs(block.rows) do
    for i, key in ipairs(pivot.keys) do
      local cell = row[i + 1]
      if cell.value ~= nil or cell.reason then
        if type(key) == 'boolean' then key = tostring(key) end
        table.insert(long.rows, { row[1], { value = key }, cell })
      end
    end
  end
  return of_table(long)
end

local function of_chart(chart)
  local made = { title = chart.title, names = {}, rows = {} }
  local function add(values) table.insert(made.rows, { values = values, absent = {} }) end
  if chart.kind == 'heat' then
    made.names = { 'x', 'y', 'value' }
    for r, label in ipairs(chart.row_labels) do
      for c, column_label in ipairs(chart.column_labels) do
        add { x = column_label, y = label, value = chart.values[r][c] }
      end
    end
    return made
  end
  made.names = { 'series', 'x', 'y', 'low', 'high' }
  for _, series in ipairs(chart.series) do
    for _, point in ipairs(series.points) do
      add { series = series.name, x = point.x, y = point.y, low = point.low, high = point.high }
    end
  end
  return made
end

--- The tables, in order; of a document that has none, its charts as points.
---@param document table
---@param long? boolean   # pivots as one row a cell
---@return { title: string?, group: table?, names: string[],
---  rows: { values: table, absent: table }[] }[]
function records.of(document, long)
  local tables_, charts, heading = {}, {}, nil
  for _, block in ipairs(document.blocks) do
    if block.kind == 'heading' then heading = block.text end
    if block.kind == 'table' then
      local made = (long and block.pivot and of_pivot or of_table)(block)
      -- A group says in its own column what its heading says.
      if not block.group then made.title = made.title or heading end
      tables_[#tables_ + 1] = made
    end
    if block.kind == 'chart' then charts[#charts + 1] = of_chart(block.chart) end
  end
  return #tables_ > 0 and tables_ or charts
end

local function has(list, name)
  for _, one in ipairs(list) do
    if one == name then return true end
  end
  return false
end

--- What tells the rows of several tables apart: the group's field and, where there are titles, the
--- table's title. Nothing is needed if there is one table without a group.
---@return { name: string, value: any }[]
function records.marks(made, all)
  local marks, titled = {}, false
  for _, other in ipairs(all) do titled = titled or other.title ~= nil end
  if #all > 1 and titled then marks[1] = { name = 'table', value = made.title or '' } end
  local group = made.group
  if group and not has(made.names, group.name) then
    marks[#marks + 1] = { name = group.name, value = group.value }
  end
  return marks
end

return records
