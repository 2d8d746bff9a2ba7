--- What Tab offers: globals, fields, methods, the option names of a call, and names behind `?`.
--- Nothing is called and no field of a native value is read to find out: the api tables know.
local keywords = {
  'and', 'break', 'do', 'else', 'elseif', 'end', 'false', 'for', 'function', 'goto', 'if', 'in',
  'local', 'nil', 'not', 'or', 'repeat', 'return', 'then', 'true', 'until', 'while',
}

local by_name, classes

--- 'Model' -> { generate = entry, params = entry }
local function read_api()
  if by_name then return end
  by_name, classes = {}, {}
  for _, entry in ipairs(crescent.api()) do
    by_name[entry.name] = entry
    local subject, member = entry.name:match('^(%l+)[.:]([%w_]+)$')
    if subject and subject ~= 'crescent' then
      local class = subject:sub(1, 1):upper() .. subject:sub(2)
      classes[class] = classes[class] or {}
      classes[class][member] = entry
    end
  end
end

local function class_of(value)
  local meta = type(value) == 'userdata' and debug.getmetatable(value)
  return type(meta) == 'table' and rawget(meta, '__name') or nil
end

--- Follows 'a.b.c' as far as it can be told. Gives a value, or nil and the name of a class.
local function follow(chain)
  local value, class = _G, nil
  for part in chain:gmatch('[^.:]+') do
    if class then
      local entry = classes[class] and classes[class][part]
      class = entry and entry.returns:match('^crescent%.(%a+)$')
      if not class then return end
    elseif type(value) == 'table' then
      value = rawget(value, part)
      class = class_of(value)
    else
      return
    end
  end
  return value, class
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
    if module and rawget(crescent, module) == nil then modules[module] = true end
  end
  add_matching(words, modules, start, before)
end

local function members(chain, separator, start)
  local words = {}
  local value, class = follow(chain)
  if class then
    for name, entry in pairs(classes[class] or {}) do
      if (entry.kind == 'function') == (separator == ':') and name:sub(1, #start) == start then
        words[#words + 1] = name
      end
    end
  elseif type(value) == 'table' then
    add_matching(words, value, start, '')
    if value == crescent then add_modules(words, start, '') end
  elseif type(value) == 'string' and separator == ':' then
    add_matching(words, string, start, '')
  end
  return words
end

--- The documented function that a callee like `crescent.load` or `m:generate` names.
local function entry_of(callee)
  if not callee then return end
  if by_name[callee] then return by_name[callee] end
  local subject, method = callee:match('^(.-):([%w_]+)$')
  if not subject then return end
  local _, class = follow(subject)
  return class and classes[class] and classes[class][method]
end

--- The brackets that are open at the end of `text`, outermost first: { bracket, callee }. Strings
--- and comments are skipped. Nil inside a string or comment.
local function open_brackets(text)
  local stack, at = {}, 1
  while at <= #text do
    local char = text:sub(at, at)
    local long = text:match('^%-?%-?%[(=*)%[', at)
    if text:match('^%-%-', at) and not text:match('^%-%-%[=*%[', at) then
      at = text:find('\n', at, true)
      if not at then return end
    elseif long and (char == '[' or char == '-') then
      local _, last = text:find(']' .. long .. ']', at, true)
      if not last then return end
      at = last
    elseif char == '"' or char == "'" then
      repeat
        at = text:find('[\\' .. char .. ']', at + 1)
        if not at then return end
        local escaped = text:sub(at, at) == '\\'
        if escaped then at = at + 1 end
      until not escaped
    elseif char:match('[%({%[]') then
      local callee = text:sub(1, at - 1):match('([%a_][%w_.:]*)%s*$')
      stack[#stack + 1] = { bracket = char, callee = callee, at = at }
    elseif char:match('[%)}%]]') then
      stack[#stack] = nil
    end
    at = at + 1
  end
  return stack
end

--- The call whose options table is open at the end of `text`, and what stands in it so far.
local function open_options(text)
  local stack = open_brackets(text)
  if not stack then return nil, nil, true end
  local inner, outer = stack[#stack], stack[#stack - 1]
  if not inner or inner.bracket ~= '{' then return end
  local entry = entry_of(inner.callee)
  if not entry and outer and outer.bracket == '(' then entry = entry_of(outer.callee) end
  return entry, text:sub(inner.at + 1)
end

local function documented(text)
  local start = text:match('^%?%s*([%w_.:]*)$')
  if not start then return end
  local words = {}
  for name in pairs(by_name) do
    if name:sub(1, #start) == start then words[#words + 1] = name end
  end
  return words, #start
end

local function candidates(text)
  local words, replaced = documented(text)
  if words then return words, replaced end
  local entry, inside, in_string = open_options(text)
  if in_string then return {}, 0 end
  local start = text:match('[%a_][%w_]*$') or ''
  words = {}
  local before = text:sub(1, #text - #start)
  local chain, separator = before:match('([%a_][%w_.:]*)([.:])$')
  if chain then return members(chain, separator, start), #start end
  if before:match('[.:%w_]$') then return {}, 0 end
  local is_key = inside and inside:sub(1, #inside - #start):match('^%s*$')
    or inside and inside:sub(1, #inside - #start):match('[,;]%s*$')
  if entry and is_key then
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
---@return string[] words   # sorted
---@return integer replaced # how many bytes at the end of `text` a word takes the place of
local function complete(text)
  read_api()
  local words, replaced = candidates(text)
  table.sort(words)
  return words, replaced
end

return complete
