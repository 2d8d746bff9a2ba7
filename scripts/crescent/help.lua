--- Documentation by name: of native functions from the api tables, of functions written in Lua from
--- the comment above them.
local embedded = require 'crescent.embedded'

local function entries()
  local by_name, names = {}, {}
  for _, entry in ipairs(crescent.api()) do
    by_name[entry.name] = entry
    names[#names + 1] = entry.name
  end
  return by_name, names
end

--- Breaks text into lines of at most 96 characters, each behind `indent`.
local function wrapped(text, indent)
  local lines, line = {}, ''
  for word in text:gmatch('%S+') do
    if #line + #word + 1 > 96 - #indent and line ~= '' then
      lines[#lines + 1] = indent .. line
      line = word
    else
      line = line == '' and word or line .. ' ' .. word
    end
  end
  lines[#lines + 1] = indent .. line
  return table.concat(lines, '\n')
end

local function signature(entry)
  local parts = {}
  local method = entry.name:find(':', 1, true)
  for place, argument in ipairs(entry.args) do
    if not (method and place == 1) then
      local name = argument.variadic and argument.name .. '...' or argument.name
      parts[#parts + 1] = argument.optional and '[' .. name .. ']' or name
    end
  end
  if #entry.options > 0 then parts[#parts + 1] = '{ options }' end
  return ('%s(%s)'):format(entry.name, table.concat(parts, ', '))
end

local function add_items(lines, title, items, describe)
  if #items == 0 then return end
  lines[#lines + 1] = '\n' .. title
  local widest = 0
  for _, item in ipairs(items) do widest = math.max(widest, #item.name) end
  for _, item in ipairs(items) do
    local head = ('  %s%s  '):format(item.name, (' '):rep(widest - #item.name))
    lines[#lines + 1] = head .. wrapped(describe(item), (' '):rep(#head)):sub(#head + 1)
  end
end

local function describe_argument(argument)
  return argument.expected .. (argument.doc ~= '' and '; ' .. argument.doc or '')
end

local function describe_option(option)
  local text = describe_argument(option)
  if option.required then return text .. ' (required)' end
  return option.default ~= '' and ('%s (default: %s)'):format(text, option.default) or text
end

local function describe_entry(entry)
  if entry.kind == 'field' then
    return ('%s   %s\n%s'):format(entry.name, entry.returns, wrapped(entry.doc, '  '))
  end
  local lines = { signature(entry), wrapped(entry.doc, '  ') }
  local args = {}
  for place, argument in ipairs(entry.args) do
    if place > 1 or not entry.name:find(':', 1, true) then args[#args + 1] = argument end
  end
  add_items(lines, 'Arguments', args, describe_argument)
  add_items(lines, 'Options', entry.options, describe_option)
  if entry.returns ~= '' then lines[#lines + 1] = '\nGives ' .. entry.returns end
  if entry.example ~= '' then
    lines[#lines + 1] = '\nExample\n  ' .. entry.example:gsub('\n', '\n  ')
  end
  return table.concat(lines, '\n')
end

local function source_lines(source)
  local text
  if source:sub(1, 1) == '@' then
    local file = io.open(source:sub(2))
    if not file then return end
    text = file:read('*a')
    file:close()
  else
    text = embedded(source:sub(2))
  end
  if not text then return end
  local lines = {}
  for line in (text .. '\n'):gmatch('(.-)\n') do lines[#lines + 1] = line end
  return lines
end

--- The `---` comment above a Lua function, in its words.
local function docstring(fn)
  local info = debug.getinfo(fn, 'S')
  local lines = info.what == 'Lua' and source_lines(info.source)
  if not lines then return end
  local first = info.linedefined
  while first > 1 and lines[first - 1]:match('^%s*%-%-%-') do first = first - 1 end
  if first == info.linedefined then return end
  local out = {}
  for place = first, info.linedefined - 1 do
    out[#out + 1] = lines[place]:gsub('^%s*%-%-%- ?', '  '):gsub('%s+$', '')
  end
  return table.concat(out, '\n')
end

--- The value of 'a.b.c', or nil.
local function lookup(name)
  local value = _G
  for part in name:gmatch('[^.:]+') do
    if type(value) ~= 'table' then return end
    local ok, item = pcall(function() return value[part] end)
    if not ok then return end
    value = item
  end
  return value
end

--- What is in a table of documented functions: `?crescent.eval`.
local function list_below(name, names, by_name)
  local lines = {}
  for _, full in ipairs(names) do
    if full:sub(1, #name + 1):match('^' .. name:gsub('%p', '%%%0') .. '[.:]$') then
      local first = by_name[full].doc:match('^.-[.:]%f[%s%z]') or by_name[full].doc
      lines[#lines + 1] = ('  %s   %s'):format(full, first)
    end
  end
  return #lines > 0 and name .. '\n' .. table.concat(lines, '\n') or nil
end

--- Gives the documentation of a function, method or field as text. At the prompt: `?crescent.load`,
--- `?model:generate`, `?load`.
---@param name string
---@return string
local function help(name)
  name = name:match('^%s*(.-)%s*$')
  if name == '' then name = 'crescent' end
  local by_name, names = entries()
  local entry = by_name[name] or by_name['crescent.' .. name]
  if entry then return describe_entry(entry) end
  -- `m:generate` with a model in m: the documentation of its class.
  local subject, rest = name:match('^([%w_]+)([.:].+)$')
  local meta = subject and debug.getmetatable(rawget(_G, subject))
  local class = type(meta) == 'table' and rawget(meta, '__name')
  entry = class and by_name[class:lower() .. rest]
  if entry then return describe_entry(entry) end
  local list = list_below(name, names, by_name)
  if list then return list end
  for _, full in ipairs { name, 'crescent.' .. name } do
    local value = lookup(full)
    local text = type(value) == 'function' and docstring(value)
    if text then return full .. '\n' .. text end
  end
  return ("no documentation for '%s'%s"):format(name, crescent.did_you_mean(name, names))
end

return help
