--- Options that a script declares are its flags, their types and its `--help`.
local blame = require 'crescent.blame'
local usage = require 'crescent.usage'

local types = { string = true, number = true, integer = true, boolean = true }
local declaration_keys = {
  'default', 'type', 'choices', 'required', 'many', 'list', 'at_least', 'above', 'at_most',
  'nonempty', 'identity', 'group',
}

local function dashed(name) return '--' .. name:gsub('_', '-') end

local function quoted(list)
  local parts = {}
  for place, item in ipairs(list) do
    parts[place] = (type(item) == 'number' and '%s' or "'%s'"):format(item)
  end
  return table.concat(parts, ' or ')
end

--- Reads one declaration. A mistake in it is the script's.
local function declare(name, doc, spec)
  local function wrong(format, ...)
    blame('crescent.options: %s: ' .. format, name, ...)
  end
  local known = {}
  for _, key in ipairs(declaration_keys) do known[key] = true end
  for key in pairs(spec) do
    if type(key) == 'string' and not known[key] then
      wrong("unknown key '%s'%s", key, crescent.did_you_mean(key, declaration_keys))
    end
  end
  local default = spec.default
  if spec.list and type(default) == 'table' then default = default[1] end
  local kind = spec.type or (default ~= nil and type(default)) or 'string'
  if not types[kind] then
    wrong("expected a type of 'string', 'number', 'integer' or 'boolean', got '%s'", kind)
  end
  if spec.many and kind == 'boolean' then
    wrong("expected a type that takes a value, because of 'many'; got 'boolean'")
  end
  if spec.list and (spec.many or kind == 'boolean') then
    wrong("'list' is for an option of one value that is no boolean")
  end
  return {
    name = name, doc = doc or '', kind = kind, default = spec.default, choices = spec.choices,
    required = spec.required, many = spec.many, list = spec.list,
    group = spec.group,
    nonempty = spec.nonempty, at_least = spec.at_least, above = spec.above, at_most = spec.at_most,
  }
end

--- An argument that takes all further ones is the last.
local function check_many(positional)
  for place, option in ipairs(positional) do
    if option.many and place < #positional then
      blame("crescent.options: %s: 'many' is for options and the last argument; '%s' comes behind "
        .. 'it', option.name, positional[place + 1].name)
    end
  end
end

--- { about, options (by name, sorted), positional (in order), by_name }
local function read_declarations(declarations)
  local parsed = { options = {}, positional = {}, by_name = {} }
  for key, spec in pairs(declarations) do
    if type(key) == 'string' then
      if type(spec) ~= 'table' then
        blame("crescent.options: %s: expected { 'what it is', default = ... }, got %s", key,
          type(spec))
      end
      local option = declare(key, spec[1], spec)
      parsed.by_name[key] = option
      table.insert(parsed.options, option)
    end
  end
  table.sort(parsed.options, function(a, b) return a.name < b.name end)
  for _, item in ipairs(declarations) do
    if type(item) == 'string' then
      parsed.about = item
    else
      if type(item) ~= 'table' or type(item[1]) ~= 'string' then
        blame("crescent.options: expected { 'name', 'what it is' } for an argument, got %s",
          type(item) == 'table' and 'a table without a name' or type(item))
      end
      local option = declare(item[1], item[2], item)
      option.is_argument = true
      parsed.by_name[option.name] = option
      table.insert(parsed.positional, option)
    end
  end
  check_many(parsed.positional)
  return parsed
end

local function describe(option)
  local notes = {}
  if option.choices then notes[#notes + 1] = quoted(option.choices) end
  if option.default ~= nil and option.kind ~= 'boolean' then
    local default = option.default
    notes[#notes + 1] = 'default: ' .. (option.list and table.concat(default, ',')
      or tostring(default))
  elseif option.default == true then
    notes[#notes + 1] = 'on by default; --no-' .. option.name:gsub('_', '-') .. ' turns it off'
  end
  if option.many and not option.is_argument then
    notes[#notes + 1] = 'may be given more than once'
  end
  if option.required then notes[#notes + 1] = 'required' end
  if #notes == 0 then return option.doc end
  return ('%s (%s)'):format(option.doc, table.concat(notes, '; '))
end

--- The flags of one group, and of those in none, as rows for the help.
local function add_flags(rows, options, group)
  for _, option in ipairs(options) do
    if option.group == group then
      local value = option.kind ~= 'boolean' and ' ' .. option.kind:upper() or ''
      if option.list then value = value .. ',...' end
      rows[#rows + 1] = { dashed(option.name) .. value, describe(option) }
    end
  end
end

local function help_text(parsed, program)
  local line, rows, groups = { 'Usage: ' .. program, '[OPTION...]' }, {}, {}
  for _, option in ipairs(parsed.positional) do
    local name = option.name:upper() .. (option.many and '...' or '')
    line[#line + 1] = option.required and name or '[' .. name .. ']'
    rows[#rows + 1] = { name, describe(option) }
  end
  add_flags(rows, parsed.options)
  rows[#rows + 1] = { '-h, --help', 'print this text, and exit' }
  for _, option in ipairs(parsed.options) do
    if option.group and not groups[option.group] then
      groups[option.group] = true
      rows[#rows + 1] = { title = option.group }
      add_flags(rows, parsed.options, option.group)
    end
  end
  local widest, lines = 0, { table.concat(line, ' '), '' }
  for _, row in ipairs(rows) do widest = math.max(widest, row[1] and #row[1] or 0) end
  if parsed.about then table.insert(lines, 1, parsed.about .. '\n') end
  for _, row in ipairs(rows) do
    lines[#lines + 1] = row.title and '\n' .. row.title
      or ('  %-' .. widest .. 's  %s'):format(row[1], row[2]):gsub('%s+$', '')
  end
  return table.concat(lines, '\n')
end

local refuse = usage.refuse

--- 'an integer >= 1', 'a number > 0 and <= 1'
local function expected_number(option)
  local parts = {}
  local function add(sign, limit)
    local format = limit and limit % 1 == 0 and '%s %.0f' or '%s %s'
    if limit then parts[#parts + 1] = format:format(sign, limit) end
  end
  add('>=', option.at_least)
  add('>', option.above)
  add('<=', option.at_most)
  local kind = option.kind == 'integer' and 'an integer' or 'a number'
  return #parts > 0 and kind .. ' ' .. table.concat(parts, ' and ') or kind
end

local function fits(option, value)
  if not value or value ~= value then return false end
  if option.kind == 'integer' and value % 1 ~= 0 then return false end
  return value >= (option.at_least or -math.huge) and value <= (option.at_most or math.huge)
    and not (option.above and value <= option.above)
end

local function convert_one(option, label, text)
  local value = text
  if option.kind == 'number' or option.kind == 'integer' then
    value = tonumber(text)
    if not fits(option, value) then
      refuse("%s: expected %s, got '%s'", label, expected_number(option), text)
    end
  elseif option.kind == 'boolean' then
    if text ~= 'true' and text ~= 'false' then
      refuse("%s: expected true or false, got '%s'", label, text)
    end
    value = text == 'true'
  elseif option.nonempty and text == '' then
    refuse("%s: expected a text of at least one character, got ''", label)
  end
  if option.choices then
    for _, choice in ipairs(option.choices) do
      if choice == value then return value end
    end
    refuse("%s: expected %s, got '%s'", label, quoted(option.choices), text)
  end
  return value
end

--- A value, or of a list all of them, none twice.
local function convert(option, label, text)
  if not option.list then return convert_one(option, label, text) end
  local values, seen = {}, {}
  for item in (text .. ','):gmatch '%s*([^,]-)%s*,' do
    local value = convert_one(option, label, item)
    if seen[value] then refuse("%s: expected each value once, got '%s' twice", label, item) end
    values[#values + 1], seen[value] = value, true
  end
  return values
end

--- The option that '--name' or '--no-name' means, and whether it is a 'no'.
local function find_option(parsed, flag)
  local name = flag:sub(3):gsub('-', '_')
  local option = parsed.by_name[name]
  if option then return option, false end
  option = name:match('^no_') and parsed.by_name[name:sub(4)]
  if option and option.kind == 'boolean' then return option, true end
  local flags = { '--help' }
  for _, known in ipairs(parsed.options) do flags[#flags + 1] = dashed(known.name) end
  refuse("unknown option '%s'%s", flag, crescent.did_you_mean(flag, flags))
end

--- Takes a value from the command line; where there may be many, all of them as a list.
local function keep(values, option, value)
  if not option.many then
    values[option.name] = value
    return
  end
  values[option.name] = values[option.name] or {}
  table.insert(values[option.name], value)
end

--- Reads the option at `at`; gives the position of the next argument.
local function take_option(parsed, arguments, at, values)
  local argument = arguments[at]
  local flag, given = argument:match('^(%-%-[^=]+)=(.*)$')
  flag = flag or argument
  local option, negated = find_option(parsed, flag)
  if option.kind == 'boolean' then
    if negated and given then refuse('%s takes no value', flag) end
    values[option.name] = not negated and (given == nil or convert(option, flag, given))
    return at + 1
  end
  if not given then
    at = at + 1
    given = arguments[at]
    if given == nil then refuse('%s: expected a value, got nothing', flag) end
  end
  keep(values, option, convert(option, flag, given))
  return at + 1
end

local function parse(parsed, arguments)
  local values, place, at, only_positional = {}, 0, 1, false
  while at <= #arguments do
    local argument = arguments[at]
    if not only_positional and argument == '--' then
      only_positional, at = true, at + 1
    elseif not only_positional and (argument == '-h' or argument == '--help') then
      print(help_text(parsed, usage.program()))
      os.exit(0)
    elseif not only_positional and argument:sub(1, 1) == '-' and #argument > 1
      and not tonumber(argument) then
      at = take_option(parsed, arguments, at, values)
    else
      place, at = place + 1, at + 1
      local last = parsed.positional[#parsed.positional]
      local option = parsed.positional[place] or last and last.many and last
      if not option then refuse("unexpected argument '%s'", argument) end
      keep(values, option, convert(option, option.name:upper(), argument))
    end
  end
  return values
end

local function complete_values(parsed, values)
  for name, option in pairs(parsed.by_name) do
    if values[name] == nil then values[name] = option.default end
  end
  for _, list in ipairs { parsed.positional, parsed.options } do
    for _, option in ipairs(list) do
      if option.required and values[option.name] == nil then
        local label = list == parsed.options and dashed(option.name) or option.name:upper()
        refuse('%s is required: %s', label, option.doc)
      end
    end
  end
end

--- Declares the options of a script and gives their values from the command line.
---
--- ```lua
--- local opt = crescent.options {
---   'Generates text.',                                   -- what the script does
---   { 'prompt', 'text to continue', required = true },   -- an argument without a flag
---   model = { 'model folder', default = 'tiny' },        -- --model DIR
---   dtype = { 'how to store', choices = { 'float32', 'bfloat16' }, default = 'float32' },
---   verbose = { 'tell more', default = false },          -- --verbose, --no-verbose
---   share = { 'what to cut', default = 0.3, above = 0, at_most = 1 },
---   layer = { 'which', type = 'integer', at_least = 1, many = true },   -- a list of all given
---   cuts = { 'shares', default = { 0, 0.5 }, list = true },     -- --cuts 0,0.3: a table of them
---   out = { 'where to', default = 'out', identity = false },   -- doesn't make another experiment
---   { 'files', 'what to read', many = true },            -- all further arguments, as a list
--- }
--- print(opt.model)
--- ```
--- The type is that of the default, or `type` ('string', 'number', 'integer', 'boolean'). `--help`
--- prints the declarations and ends with exit code 0; a wrong command line names the nearest option
--- and ends with 2. Reading an option that was not declared is an error.
---@param declarations table
---@param arguments? string[]  # default: the script's, `arg`
---@return table values        # by name; nil where there is neither a value nor a default
local function options(declarations, arguments)
  if type(declarations) ~= 'table' then
    blame('crescent.options: expected a table of declarations, got %s', type(declarations))
  end
  local parsed = read_declarations(declarations)
  local values = parse(parsed, arguments or arg)
  complete_values(parsed, values)
  local names = {}
  for name in pairs(parsed.by_name) do names[#names + 1] = name end
  return setmetatable(values, {
    __index = function(_, name)
      if parsed.by_name[name] then return nil end
      error(("no option '%s' was declared%s"):format(
        tostring(name), crescent.did_you_mean(tostring(name), names)), 2)
    end,
  })
end

return options
