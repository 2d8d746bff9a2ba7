--- Values as text for the prompt: what a person would want to see, folded where it is long.
local units = require 'crescent.units'

local rows_max = 20 -- of a list of rows or a nested table
local items_max = 10 -- of a list of scalars on one line
local depth_max = 4
local width_max = 100
local lines_max = 40 -- of what has its own words; beyond that its first and last ones
local lines_first, lines_last = 20, 3
local text_max = 1000 -- characters of a string; inside a table less
local text_max_inside = 80

local show_value

local function is_identifier(key) return type(key) == 'string' and key:match('^[%a_][%w_]*$') end

local function has_tostring(value)
  local meta = debug.getmetatable(value)
  return type(meta) == 'table' and rawget(meta, '__tostring') ~= nil
end

local function is_scalar(value) return type(value) ~= 'table' or has_tostring(value) end

--- The first bytes of a text, without a character that they would end in the middle of.
local function beginning(text, bytes)
  while bytes > 0 and text:byte(bytes + 1) >= 128 and text:byte(bytes + 1) < 192 do
    bytes = bytes - 1
  end
  return text:sub(1, bytes)
end

local function show_string(value, inside)
  local limit = inside and text_max_inside or text_max
  local rest = ''
  if #value > limit then
    local first = beginning(value, math.floor(limit * 0.8))
    rest = (' ... %s more bytes'):format(units.grouped(#value - #first))
    value = first
  end
  local text = ('%q'):format(value):gsub('\\\n', '\\n'):gsub('\r', '\\r'):gsub('%z', '\\0')
  if not value:find("'", 1, true) then
    text = "'" .. text:sub(2, -2):gsub('\\"', '"') .. "'"
  end
  return text .. rest
end

local function fold_lines(text)
  local _, breaks = text:gsub('\n', '')
  if breaks < lines_max then return text end
  local first, last = {}, {}
  local place, skipped = 0, breaks + 1 - lines_first - lines_last
  for line in (text .. '\n'):gmatch('(.-)\n') do
    place = place + 1
    if place <= lines_first then first[#first + 1] = line end
    if place > lines_first + skipped then last[#last + 1] = line end
  end
  return ('%s\n... %d more lines (print shows all)\n%s'):format(
    table.concat(first, '\n'), skipped, table.concat(last, '\n'))
end

local documented

--- A function by its name: an address says nothing.
local function show_function(value)
  if not documented then
    documented = {}
    for _, entry in ipairs(crescent.api()) do
      local owner = crescent
      for part in entry.name:gsub('^crescent%.', ''):gmatch('[^.]+') do
        owner = type(owner) == 'table' and rawget(owner, part) or nil
      end
      if type(owner) == 'function' then documented[owner] = entry.name end
    end
  end
  local info = debug.getinfo(value, 'S')
  if documented[value] then return 'function ' .. documented[value] end
  if info.what == 'C' then return 'function' end
  return ('function at %s:%d'):format(info.short_src, info.linedefined)
end

local function show_scalar(value, quoted, inside)
  if type(value) == 'string' and quoted then return show_string(value, inside) end
  if value ~= value then return 'nan' end -- LuaJIT tells the sign bit too, which means nothing
  if type(value) == 'string' or type(value) == 'number' then return tostring(value) end
  if type(value) == 'function' then return show_function(value) end
  return fold_lines(tostring(value))
end

--- Keys in an order that stays: positions, then other numbers, names, and the rest as it comes.
local function ordered_keys(value)
  local keys = {}
  for key in next, value do keys[#keys + 1] = key end
  local rank = { number = 1, string = 2 }
  local place = {}
  for index, key in ipairs(keys) do place[key] = index end
  table.sort(keys, function(a, b)
    local rank_a, rank_b = rank[type(a)] or 3, rank[type(b)] or 3
    if rank_a ~= rank_b then return rank_a < rank_b end
    if rank_a == 3 then return place[a] < place[b] end
    return a < b
  end)
  return keys
end

local function show_key(key)
  if is_identifier(key) then return key end
  if type(key) == 'string' then return '[' .. show_scalar(key, true, true) .. ']' end
  return '[' .. tostring(key) .. ']'
end

local function folded(count, total)
  return count < total and ('... %d more'):format(total - count) or nil
end

local function is_list(value, keys)
  return #keys > 0 and #value == #keys
end

--- The columns of a list of rows: every row a plain table of scalars by name. Nil for other lists.
local function columns_of(list)
  if #list < 2 then return end
  local columns, known = {}, {}
  for index = 1, #list do
    local row = rawget(list, index)
    if type(row) ~= 'table' or has_tostring(row) then return end
    for _, key in ipairs(ordered_keys(row)) do
      local cell = rawget(row, key)
      if not is_identifier(key) or not is_scalar(cell) then return end
      if type(cell) == 'string' and cell:find('\n') then return end
      if not known[key] then
        known[key] = true
        columns[#columns + 1] = key
      end
    end
  end
  return #columns > 0 and columns or nil
end

local function show_rows(list, columns, indent)
  local count = math.min(#list, rows_max)
  local widths, cells, numeric = {}, {}, {}
  for place, column in ipairs(columns) do
    widths[place], numeric[place] = #column, true
    for index = 1, count do
      local cell = rawget(rawget(list, index), column)
      local text = cell == nil and '' or show_scalar(cell)
      if cell ~= nil and type(cell) ~= 'number' then numeric[place] = false end
      cells[index] = cells[index] or {}
      cells[index][place] = text
      widths[place] = math.max(widths[place], #text)
    end
  end
  local function line(texts)
    local parts = {}
    for place, text in ipairs(texts) do
      local format = numeric[place] and '%' .. widths[place] .. 's' or '%-' .. widths[place] .. 's'
      parts[place] = format:format(text)
    end
    return indent .. (table.concat(parts, '  '):gsub('%s+$', ''))
  end
  local lines = { line(columns) }
  for index = 1, count do lines[#lines + 1] = line(cells[index]) end
  local rest = folded(count, #list)
  if rest then lines[#lines + 1] = indent .. rest end
  return table.concat(lines, '\n')
end

--- Everything on one line if it fits, else nil.
local function show_inline(value, keys, list, room)
  local parts, length = {}, 4
  for place, key in ipairs(keys) do
    local item = rawget(value, key)
    if not is_scalar(item) then
      if next(item) ~= nil then return end
      item = '{}'
    else
      item = show_scalar(item, true, true)
    end
    if item:find('\n') then return end
    if list and place > items_max then
      parts[place] = folded(items_max, #keys)
      break
    end
    parts[place] = key == place and item or show_key(key) .. ' = ' .. item
    length = length + #parts[place] + 2
    if length > room then return end
  end
  return '{ ' .. table.concat(parts, ', ') .. ' }'
end

local function indented(text, indent) return (text:gsub('\n', '\n' .. indent)) end

local function show_lines(value, keys, list, depth, seen)
  local indent = ('  '):rep(depth)
  local names, widest = {}, 0
  local count = math.min(#keys, rows_max)
  for place = 1, count do
    names[place] = show_key(keys[place])
    widest = math.max(widest, #names[place])
  end
  local lines = {}
  for place = 1, count do
    local item = rawget(value, keys[place])
    local text = show_value(item, depth + 1, seen)
    -- What prints in several lines goes on below where it begins.
    local begins = list and 0 or widest + 3
    if is_scalar(item) then text = indented(text, indent .. (' '):rep(2 + begins)) end
    if not list then text = names[place] .. (' '):rep(widest - #names[place]) .. ' = ' .. text end
    lines[place] = indent .. '  ' .. text .. ','
  end
  local rest = folded(count, #keys)
  if rest then lines[#lines + 1] = indent .. '  ' .. rest end
  return '{\n' .. table.concat(lines, '\n') .. '\n' .. indent .. '}'
end

function show_value(value, depth, seen)
  if is_scalar(value) then return show_scalar(value, true, depth > 0) end
  if seen[value] then return '{ cycle }' end
  if next(value) == nil then return '{}' end
  local keys = ordered_keys(value)
  if depth >= depth_max then return ('{ ... %d more }'):format(#keys) end
  local list = is_list(value, keys)
  local inline = show_inline(value, keys, list, width_max - 2 * depth)
  local columns = list and columns_of(value)
  if columns and (depth == 0 or not inline) then
    local rows = show_rows(value, columns, ('  '):rep(depth > 0 and depth + 1 or 1))
    return depth == 0 and rows or '{\n' .. rows .. '\n' .. ('  '):rep(depth) .. '}'
  end
  if inline then return inline end
  seen[value] = true
  local text = show_lines(value, keys, list, depth, seen)
  seen[value] = nil
  return text
end

--- Gives a value as text: strings quoted, tables aligned, long things folded with a count, cycles
--- marked, and whatever has a `__tostring` in its own words.
---
--- ```lua
--- print(crescent.show { 1, 2, { name = 'x' } })
--- ```
---@param value any
---@return string
local function show(value) return show_value(value, 0, {}) end

return show
