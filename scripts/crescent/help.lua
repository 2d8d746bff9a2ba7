--- Documentation by name: of native functions from the api tables, of functions written in Lua from
--- the comment above them.
local results = require 'crescent.results'
local source = require 'crescent.prompt.source'

local require = require

--- A module of ours, also where the prompt's user has lost the global that modules need.
local function loaded(name)
  local theirs = rawget(_G, 'require')
  rawset(_G, 'require', require)
  local ok, module = pcall(require, name)
  rawset(_G, 'require', theirs)
  if not ok then error(module, 0) end
  return module
end

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
  if argument.doc == '' then return argument.expected end
  if argument.expected == 'a value' then return argument.doc end -- then only the words say what
  return argument.expected .. '; ' .. argument.doc
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

--- Documentation as it was written, two spaces to the right.
local function indented(doc) return ('  ' .. doc:gsub('\n', '\n  '):gsub('\n  %f[\n%z]', '\n')) end

local function source_lines(file)
  if file:sub(1, 1) ~= '@' then
    local text = source.text(file:sub(2))
    return text and source.lines(text)
  end
  local handle = io.open(file:sub(2))
  if not handle then return end
  local text = handle:read('*a')
  handle:close()
  return source.lines(text)
end

--- The `---` comment above a Lua function, in its words.
local function docstring(fn)
  local info = debug.getinfo(fn, 'S')
  local lines = info.what == 'Lua' and source_lines(info.source)
  local doc = lines and source.comment_above(lines, info.linedefined)
  return doc and indented(doc)
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

--- Names with a line or two each, side by side: { { name, text } }. Long names have a line alone.
local function listed(items)
  local name_max = 34
  local lines, widest = {}, 0
  for _, item in ipairs(items) do
    if #item[1] <= name_max then widest = math.max(widest, #item[1]) end
  end
  for _, item in ipairs(items) do
    local indent = (' '):rep(widest + 5)
    local text = wrapped(item[2], indent)
    lines[#lines + 1] = #item[1] <= widest
      and ('  %s%s'):format(item[1], text:sub(#item[1] + 3)) or ('  %s\n%s'):format(item[1], text)
  end
  return table.concat(lines, '\n')
end

local function functions_of(module, owner, separator)
  local items = {}
  for _, fn in ipairs(module.functions) do
    local args = separator == ':' and fn.args:gsub('^%([%w_]+,?%s*', '(') or fn.args
    if fn.doc ~= '' then
      items[#items + 1] = { owner .. separator .. fn.name .. args, source.first_sentence(fn.doc) }
    end
  end
  return items
end

--- Adds the functions that are files of the Lua library: crescent.inspect.heads. What lies below a
--- function is its own business.
local function add_files_below(name, items)
  local own = source.module(name)
  if name == 'crescent' or own and #own.functions == 0 then return end
  local found = {}
  for module in pairs(package.preload) do
    if module:match('^(.*)%.[%w_]+$') == name then found[#found + 1] = module end
  end
  table.sort(found)
  for _, module in ipairs(found) do
    local fn = loaded(module)
    local doc = type(fn) == 'function' and docstring(fn)
    if doc then items[#items + 1] = { module, source.first_sentence(doc) } end
  end
end

--- What is in a table of documented functions: `?crescent.eval`.
local function list_below(name, names, by_name)
  local items = {}
  for _, full in ipairs(names) do
    if full:sub(1, #name) == name and full:match('^[.:]', #name + 1) then
      items[#items + 1] = { full, source.first_sentence(by_name[full].doc) }
    end
  end
  local module = #items == 0 and source.module(name)
  add_files_below(name, items)
  if module and #items > 0 then
    for _, item in ipairs(functions_of(module, name, '.')) do items[#items + 1] = item end
  end
  return #items > 0 and listed(items) or nil
end

--- The Lua library's own modules, for `?` alone.
local function list_modules()
  local items = {}
  for name in pairs(package.preload) do
    local module = name:match('^crescent%.[%w_]+$') and source.module(name)
    if module and module.about ~= '' then
      items[#items + 1] = { name, source.first_sentence(module.about) }
    end
  end
  table.sort(items, function(a, b) return a[1] < b[1] end)
  return listed(items)
end

--- A file of the Lua library: `?crescent.units`.
local function describe_module(name)
  local module = source.module(name)
  if not module or #module.functions == 0 then return end
  return ('%s\n%s\n\n%s'):format(name, indented(module.about),
    listed(functions_of(module, name, '.')))
end

local function field_names(values)
  local fields = {}
  for key in next, values do fields[#fields + 1] = tostring(key) end
  table.sort(fields)
  local count_max = 20
  if #fields > count_max then
    fields[count_max + 1] = ('... %d more'):format(#fields - count_max)
  end
  return table.concat(fields, ', ', 1, math.min(#fields, count_max + 1))
end

local function describe_table(name, value)
  local meta = debug.getmetatable(value)
  local kind = meta and rawget(meta, '__name')
  local what, values, methods = 'a table', value, nil
  if kind and type(value) == 'table' and results[kind] then
    what = 'a result'
    methods = listed(functions_of(source.module('crescent.results', 'methods'), name, ':'))
  elseif meta and rawget(meta, '__view') then
    what, values = 'a read-only view', meta.__view
  end
  local text = next(values) == nil and ('%s is %s without fields'):format(name, what)
    or wrapped(('%s is %s with the fields %s'):format(name, what, field_names(values)), '')
  return methods and text .. '\n' .. methods or text
end

--- A value that a variable holds: its type's documentation.
local function describe_value(name, value, names, by_name)
  local meta = debug.getmetatable(value)
  local class = type(meta) == 'table' and rawget(meta, '__name')
  if type(value) == 'userdata' and type(class) == 'string' then
    local list = list_below(class:lower(), names, by_name)
    if list then return ('%s is a crescent.%s\n%s'):format(name, class, list) end
  end
  if type(value) == 'table' or (type(meta) == 'table' and rawget(meta, '__view')) then
    return describe_table(name, value)
  end
  if type(value) == 'function' then
    for _, full in ipairs(names) do
      if not full:find(':', 1, true) and rawequal(lookup(full), value) then
        return describe_entry(by_name[full])
      end
    end
    local text = docstring(value)
    return text and name .. '\n' .. text
      or name .. ' is a function without documentation (a `---` comment above it)'
  end
  return ('%s is a %s'):format(name, type(value))
end

--- Gives the documentation of a function, method, field or module as text, or of what a variable
--- holds. At the prompt: `?crescent.load`, `?model:generate`, `?load`, `?crescent.units`, `?m`.
---@param name string
---@return string
local function help(name)
  name = name:match('^%s*(.-)%s*$'):gsub('%(%)$', '')
  if name == '' then name = 'crescent' end
  local by_name, names = entries()
  local entry = by_name[name] or by_name['crescent.' .. name]
  local below = list_below(name, names, by_name)
  if entry then return describe_entry(entry) .. (below and '\n\nSee also\n' .. below or '') end
  -- `m:generate` with a model in m: the documentation of its class.
  local subject, rest = name:match('^([%w_]+)([.:].+)$')
  local meta = subject and debug.getmetatable(rawget(_G, subject))
  local class = type(meta) == 'table' and rawget(meta, '__name')
  entry = class and by_name[class:lower() .. rest]
  if entry then return describe_entry(entry) end
  if name == 'crescent' then below = below .. '\n\nThe Lua library\n' .. list_modules() end
  if below then return name .. '\n' .. below end
  for _, full in ipairs { name, 'crescent.' .. name } do
    local text = full:match('^crescent%.') and describe_module(full)
    if text then return text end
    local value = lookup(full)
    text = type(value) == 'function' and docstring(value)
    if text then return full .. '\n' .. text end
  end
  local value = lookup(name)
  if value ~= nil then return describe_value(name, value, names, by_name) end
  if class then
    local asked, longer = class:lower() .. rest, {}
    for _, full in ipairs(names) do
      if full:sub(1, #asked) == asked then
        longer[#longer + 1] = subject .. full:match('[.:].*$')
      end
    end
    local nearest = crescent.did_you_mean(asked, names)
    return ("no documentation for '%s'%s"):format(name,
      #longer > 0 and '; there is ' .. table.concat(longer, ', ')
        or (nearest:gsub("'" .. class:lower(), "'" .. subject)))
  end
  return ("no documentation for '%s'%s"):format(name, crescent.did_you_mean(name, names))
end

return help
