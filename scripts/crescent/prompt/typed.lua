--- What was typed at the prompt and ran without error, and the script that does the same.
local tokens_of = require 'crescent.prompt.tokens_of'

-- What is typed may replace these.
local select, type, rawget, getmetatable = select, type, rawget, debug.getmetatable

local typed = {}
local entries = {} -- in order: { code, values, is_expression, is_plain }

local opens = { ['function'] = true, ['do'] = true, ['if'] = true, ['repeat'] = true }
local closes = { ['end'] = true, ['until'] = true }

--- Does print say of the value what the prompt says?
local function prints_well(value)
  if type(value) == 'function' then return false end
  local meta = getmetatable(value)
  return type(value) ~= 'table' or type(meta) == 'table' and rawget(meta, '__tostring') ~= nil
end

--- Keeps an entry that ran, with the values that it printed.
---@param text string
---@param is_expression boolean
function typed.add(text, is_expression, ...)
  local entry = { code = text:gsub('^=%s*', ''):gsub('%s+$', ''), values = select('#', ...),
    is_expression = is_expression, is_plain = true }
  for place = 1, entry.values do
    if not prints_well((select(place, ...))) then entry.is_plain = false end
  end
  entries[#entries + 1] = entry
end

--- Counts the entries that are kept.
---@return integer
function typed.count() return #entries end

--- What stands outside of any block or function of the code: { ['local'] = true, ... }; `goto`
--- labels are '::'. `return` counts wherever it ends the entry itself.
local function outermost(code)
  local tokens, found, blocks, functions = tokens_of(code .. '\n'), {}, {}, 0
  for place, token in ipairs(tokens) do
    if token.keyword then
      if token.text == 'return' and functions == 0 then found['return'] = true end
      if #blocks == 0 then found[token.text] = true end
      if opens[token.text] then
        blocks[#blocks + 1] = token.text
        if token.text == 'function' then functions = functions + 1 end
      elseif closes[token.text] and table.remove(blocks) == 'function' then
        functions = functions - 1
      end
    elseif token.text == ':' and tokens[place - 1] and tokens[place - 1].text == ':' then
      found['::'] = true
    end
  end
  return found, tokens
end

--- How an entry uses `_`: nil, 'now', or 'later' if a function in it may do so when it is called.
local function use_of_last(entry)
  local code = (entry.is_expression and 'return ' or '') .. entry.code
  local outer = loadstring('local _ return function(...) ' .. code .. '\nend')
  local inner = outer and outer()
  local place = 1
  while inner and debug.getupvalue(inner, place) do
    if debug.getupvalue(inner, place) == '_' then
      for _, token in ipairs(tokens_of(entry.code .. '\n')) do
        if token.text == 'function' then return 'later' end
      end
      return 'now'
    end
    place = place + 1
  end
end

--- Marks the entries whose first value something reads as `_`. Gives whether anything does.
local function mark_last(list)
  local uses, giver, always = false, nil, false
  for _, entry in ipairs(list) do
    local use = use_of_last(entry)
    uses = uses or use ~= nil
    always = always or use == 'later'
    if use and giver then giver.sets_last = true end
    if entry.values > 0 then
      giver = entry
      entry.sets_last = always
    end
  end
  return uses
end

--- The code with what goes behind it, on a line of its own where the code ends in a comment.
local function followed_by(code, rest)
  return code .. (tokens_of(code) and rest or '\n' .. rest)
end

--- A call that does what the entry does.
local function in_function(entry)
  local code = (entry.is_expression and 'return ' or '') .. entry.code
  return followed_by('(function(...) ' .. code, ' end)(...)')
end

--- An expression that has the entry's values.
local function expression_of(entry)
  local code = entry.is_expression and entry.code or entry.code:match('^return%f[%W]%s*(.*)$')
  local plain = code and code:gsub('%s*;$', '')
  return plain and loadstring('f(' .. plain .. '\n)') and plain or in_function(entry)
end

local function block(code) return followed_by('do ' .. code, ' end') end

--- A statement stays what it was: its locals end with it, and so does its `return`.
local function statement(entry)
  local found, tokens = outermost(entry.code)
  if found['return'] then
    local call = expression_of(entry)
    return block(loadstring(call) and call or in_function(entry))
  end
  -- A line that begins with a bracket would be taken for arguments of the line above.
  local first = tokens[1]
  if found['local'] or found['::'] or first and first.text == '(' then return block(entry.code) end
  return entry.code
end

--- What prints the entry's values, and keeps the first as `_` where that is read.
local function printing(entry)
  local value, lines = expression_of(entry), {}
  if entry.sets_last and entry.values == 1 and value ~= '_' then
    lines[1] = '_ = ' .. value
    value = '_'
  elseif entry.sets_last and entry.values > 1 then
    value = followed_by('(function(...) _ = ... return ... end)(' .. value, ')')
  end
  local call = entry.is_plain and 'print(' or entry.values == 1 and 'print(crescent.show('
    or 'print_each('
  lines[#lines + 1] = followed_by(call .. value, call:find('show(', 1, true) and '))' or ')')
  return table.concat(lines, '\n')
end

--- As a statement, if it is one: a call that gave nothing.
local function line_of(entry)
  if entry.values > 0 then return printing(entry) end
  return loadstring(entry.code) and statement(entry) or nil
end

local function header()
  local versions = crescent.versions()
  local with = { 'crescent ' .. versions.crescent }
  for _, name in ipairs { 'LuaJIT', 'LibTorch' } do
    if versions[name] then with[#with + 1] = name .. ' ' .. versions[name] end
  end
  return ('-- Typed at the prompt, %s UTC.\n-- %s'):format(os.date('!%Y-%m-%d %H:%M'),
    table.concat(with, ', '))
end

local print_each = [[
--- Prints every value as the prompt does.
local function print_each(...)
  for place = 1, select('#', ...) do print(crescent.show((select(place, ...)))) end
end]]

--- Gives a script that does what was typed: expressions that printed are printed, `_` is a local.
---@return string
function typed.script()
  local lines, needs_each = {}, false
  local uses_last = mark_last(entries)
  for _, entry in ipairs(entries) do
    lines[#lines + 1] = line_of(entry)
    needs_each = needs_each or not entry.is_plain and entry.values > 1
  end
  if uses_last then table.insert(lines, 1, 'local _') end
  if needs_each then table.insert(lines, 1, print_each) end
  table.insert(lines, 1, header() .. '\n')
  return table.concat(lines, '\n') .. '\n'
end

return typed
