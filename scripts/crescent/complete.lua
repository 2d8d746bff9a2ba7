--- What Tab offers: globals, fields, methods, the option names of a call, names behind `?`, and the
--- prompt's commands behind `:`.
--- Nothing is called to find out. What a call would give is told by the api tables, and so are the
--- fields of native values; only the plain views of a model (config, layers) are read.
local commands = require 'crescent.prompt.commands'
local results = require 'crescent.results'
local source = require 'crescent.prompt.source'
local tokens_of = require 'crescent.prompt.tokens_of'

local keywords = {
  'and', 'break', 'do', 'else', 'elseif', 'end', 'false', 'for', 'function', 'goto', 'if', 'in',
  'local', 'nil', 'not', 'or', 'repeat', 'return', 'then', 'true', 'until', 'while',
}

local by_name, by_value, classes

--- The documented function's value, if it is there without running anything.
local function raw_lookup(name)
  local value = _G
  for part in name:gmatch('[^.]+') do
    if type(value) ~= 'table' then return end
    value = rawget(value, part)
  end
  return value
end

--- 'Model' -> { generate = entry, params = entry }
local function read_api()
  if by_name then return end
  by_name, by_value, classes = {}, {}, {}
  for _, entry in ipairs(crescent.api()) do
    by_name[entry.name] = entry
    local value = not entry.name:find(':', 1, true) and raw_lookup(entry.name)
    if value then by_value[value] = entry end
    local subject, member = entry.name:match('^(%l+)[.:]([%w_]+)$')
    if subject and subject ~= 'crescent' then
      local class = subject:sub(1, 1):upper() .. subject:sub(2)
      classes[class] = classes[class] or {}
      classes[class][member] = entry
    end
  end
end

local function meta_of(value)
  local meta = debug.getmetatable(value)
  return type(meta) == 'table' and meta or {}
end

--- What is known of an expression is one of { value }, { type } (as LuaLS writes it), { entry } of
--- a documented function, { module } of the Lua library that isn't loaded.

local function class_of(known)
  if type(known.value) == 'userdata' then return classes[rawget(meta_of(known.value), '__name')] end
  return known.type and classes[known.type:match('^crescent%.(%a+)%??$')]
end

--- The plain table behind a value: its own, or what a view shows.
local function plain_of(known)
  if type(known.value) == 'table' then return known.value end
  return type(known.value) == 'userdata' and rawget(meta_of(known.value), '__view') or nil
end

--- '{ text: string?, ids: integer[] }' -> { text = 'string?', ids = 'integer[]' }
local function fields_of(type_text)
  local body = type_text and type_text:match('^{(.*)}$')
  if not body then return end
  local fields = {}
  body = body:gsub('%b{}', function(inner) return (inner:gsub(',', '\0')) end)
  for name, of in body:gmatch('([%a_][%w_]*):%s*([^,]+)') do
    fields[name] = of:gsub('%z', ','):gsub('%s+$', '')
  end
  return fields
end

--- The tables in which a field of `value` is looked for, without calling an __index.
local function owners_of(value)
  local owners = {}
  while type(value) == 'table' and #owners < 8 do
    owners[#owners + 1] = value
    value = rawget(meta_of(value), '__index')
  end
  return owners
end

local function field_of(known, name)
  local class = class_of(known)
  if class then
    local entry = class[name]
    if not entry or entry.kind == 'function' then return entry and { entry = entry } end
    local gives = { type = entry.returns }
    local is_view = entry.returns:match('^crescent%.') and not class_of(gives)
    if not is_view or known.value == nil then return gives end
    local good, value = pcall(function() return known.value[name] end)
    return good and { value = value } or gives
  end
  local fields = fields_of(known.type)
  if fields then return fields[name] and { type = fields[name] } end
  local plain = plain_of(known)
  if not plain then return end
  for _, owner in ipairs(owners_of(plain)) do
    local value = rawget(owner, name)
    if value ~= nil then return { value = value, entry = by_value[value] } end
  end
  if plain == crescent and package.preload['crescent.' .. name] then
    return { module = 'crescent.' .. name }
  end
end

local function item_of(known, index)
  local plain = plain_of(known)
  if plain then
    local value = rawget(plain, index)
    if value ~= nil then return { value = value } end
  end
  local of = known.type and known.type:match('^(.*)%[%]%??$')
  return of and { type = of }
end

--- Follows the steps from a base as far as it can be told.
local function follow(chain)
  if not chain then return end
  local known = chain.base and field_of({ value = _G }, chain.base) or chain.known
  for _, step in ipairs(chain) do
    if not known then return end
    if step.field then known = field_of(known, step.field)
    elseif step.index ~= nil then known = item_of(known, step.index)
    elseif step.call then known = known.entry and { type = known.entry.returns }
    else return end
  end
  return known
end

local callable = { name = true, string = true, close = true }

--- The expression that ends with token `i`: { base or known, steps from left to right... }, and
--- where it begins. Nil where it isn't a chain of fields, indices and calls.
local function chain_ending(tokens, i)
  local chain = {}
  while tokens[i] do
    local token = tokens[i]
    local open = token.kind == 'close' and token.match or i
    local before = tokens[open - 1]
    local follows = before and callable[before.kind] and not before.keyword
    if token.kind == 'name' then
      if token.keyword then return end
      if not before or (before.text ~= '.' and before.text ~= ':') then
        chain.base = token.text
        return chain, i
      end
      table.insert(chain, 1, { field = token.text })
      i = i - 2
    elseif token.text == ']' then
      local inner = i - open == 2 and tokens[i - 1]
      table.insert(chain, 1, { index = inner and inner.value })
      i = open - 1
    elseif follows and (token.kind == 'close' or token.kind == 'string') then
      table.insert(chain, 1, { call = true })
      i = open - 1
    elseif token.text == ')' then
      local inner, first = chain_ending(tokens, i - 1)
      if first == open + 1 then chain.known = follow(inner) end
      return chain, open
    elseif token.kind == 'string' then
      chain.known = { type = 'string' }
      return chain, i
    else
      return
    end
  end
end

local function add_matching(words, names, start, before)
  for name in pairs(names) do
    if type(name) == 'string' and name:sub(1, #start) == start and name:match('^[%a_][%w_]*$') then
      words[#words + 1] = before .. name
    end
  end
end

--- The Lua library's modules are fields of `crescent` that load on first use.
local function add_modules(words, start, before)
  local modules = {}
  for name in pairs(package.preload) do
    local module = name:match('^crescent%.([%w_]+)$')
    if module and (before ~= '' or rawget(crescent, module) == nil) then modules[module] = true end
  end
  add_matching(words, modules, start, before)
end

local function functions_in(owner)
  local names = {}
  for name, value in next, owner do
    if type(value) == 'function' then names[name] = true end
  end
  return names
end

local function is_string(known)
  return type(known.value) == 'string' or known.type == 'string' or known.type == 'string?'
end

local function add_members(words, known, separator, start)
  local class, plain = class_of(known), plain_of(known)
  local is_method = separator == ':'
  if class then
    local names = {}
    for name, entry in pairs(class) do
      if (entry.kind == 'function') == is_method then names[name] = true end
    end
    add_matching(words, names, start, '')
  elseif plain then
    for _, owner in ipairs(owners_of(plain)) do
      add_matching(words, is_method and functions_in(owner) or owner, start, '')
    end
    local kind = rawget(meta_of(known.value), '__name')
    if is_method and kind and results[kind] then add_matching(words, results.methods, start, '') end
    if plain == crescent and not is_method then add_modules(words, start, '') end
  elseif known.module then
    local names = {}
    for _, fn in ipairs(source.module(known.module).functions) do names[fn.name] = true end
    add_matching(words, names, start, '')
  elseif is_method and is_string(known) then
    add_matching(words, string, start, '')
  elseif not is_method then
    add_matching(words, fields_of(known.type) or {}, start, '')
  end
end

--- The documented function whose options table is open at the end, and where the table begins.
local function open_options(tokens)
  local inner = tokens.open[#tokens.open]
  if not inner or tokens[inner].text ~= '{' then return end
  local known = follow(chain_ending(tokens, inner - 1))
  local outer = tokens.open[#tokens.open - 1]
  if not (known and known.entry) and outer and tokens[outer].text == '(' then
    known = follow(chain_ending(tokens, outer - 1))
  end
  return known and known.entry, inner
end

--- Behind a `?`: whole documented names, or members of what stands there.
local function documented(text)
  local asked = text:match('^%?%s*([%w_.:%[%]]*)$')
  if not asked then return end
  local words = {}
  for name in pairs(by_name) do
    if name:sub(1, #asked) == asked then words[#words + 1] = name end
  end
  local module = asked:match('^crescent%.([%w_]*)$')
  if module then add_modules(words, module, 'crescent.') end
  if #words > 0 then return words, #asked end
  local before, separator, start = asked:match('^(.*)([.:])([%w_]*)$')
  if before then
    local tokens = tokens_of(before)
    local known = tokens and follow(chain_ending(tokens, #tokens))
    if known then add_members(words, known, separator, start) end
    return words, #start
  end
  if asked ~= '' then add_matching(words, _G, asked, '') end
  return words, #asked
end

--- The entry without the prompt's command in front: what `:help` takes is what `?` takes. Nil where
--- a command takes no names.
local function without_command(text)
  local command, rest = text:match('^:%s*(%a*)!?%s+(.*)$')
  if not command then return text end
  if command == 'help' then return '?' .. rest end
  return command == 'time' and rest or nil
end

local function candidates(text)
  local start_of_command = text:match('^:(%a*)$')
  if start_of_command then return commands.beginning_with(start_of_command), #start_of_command end
  text = without_command(text)
  if not text then return {}, 0 end
  local words, replaced = documented(text)
  if words then return words, replaced end
  local start = text:match('[%a_][%w_]*$') or ''
  local tokens = tokens_of(text:sub(1, #text - #start))
  if not tokens then return {}, 0 end
  words = {}
  local last = tokens[#tokens]
  local separator = last and (last.text == '.' or last.text == ':') and last.text
  if separator then
    local known = follow(chain_ending(tokens, #tokens - 1))
    if known then add_members(words, known, separator, start) end
    return words, #start
  end
  if text:sub(1, #text - #start):match('[.%w_]$') then return {}, 0 end
  local entry, inner = open_options(tokens)
  local is_key = entry and (#tokens == inner or last.text == ',' or last.text == ';')
  if is_key then
    for _, option in ipairs(entry.options) do
      if option.name:sub(1, #start) == start then words[#words + 1] = option.name .. ' = ' end
    end
    return words, #start
  end
  if start == '' then return {}, 0 end
  add_matching(words, _G, start, '')
  for _, word in ipairs(keywords) do
    if word:sub(1, #start) == start then words[#words + 1] = word end
  end
  return words, #start
end

--- Completes the end of `text`.
---@param text string       # what is in front of the cursor, earlier lines of the entry too
---@return string[] words   # sorted, each once
---@return integer replaced # how many bytes at the end of `text` a word takes the place of
local function complete(text)
  read_api()
  local words, replaced = candidates(text)
  table.sort(words)
  for place = #words, 2, -1 do
    if words[place] == words[place - 1] then table.remove(words, place) end
  end
  return words, replaced
end

return complete
