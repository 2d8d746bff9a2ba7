--- The tokens of Lua text that may end anywhere, as completion needs them.
local keywords = {}
for word in ('and break do else elseif end false for function goto if in local nil not or repeat '
  .. 'return then true until while'):gmatch('%a+') do keywords[word] = true end

local opens = { ['('] = true, ['{'] = true, ['['] = true }
local closes = { [')'] = true, ['}'] = true, [']'] = true }

--- Behind the quoted string that begins at `at`, or nil if the text ends in it.
local function behind_quoted(text, at)
  local quote = text:sub(at, at)
  while true do
    at = text:find('[\\' .. quote .. ']', at + 1)
    if not at then return end
    if text:sub(at, at) == quote then return at + 1 end
    at = at + 1
  end
end

--- Behind a string in long brackets or a comment at `at`; false if there is none, nil if the text
--- ends in it.
local function behind_skipped(text, at)
  local dashes, level = text:match('^(%-?%-?)%[(=*)%[', at)
  if level and dashes ~= '-' then
    local _, last = text:find(']' .. level .. ']', at, true)
    return last and last + 1
  end
  if text:sub(at, at + 1) ~= '--' then return false end
  local newline = text:find('\n', at, true)
  return newline and newline + 1
end

local function add(tokens, kind, text, value)
  local token = { kind = kind, text = text, value = value, keyword = keywords[text] }
  tokens[#tokens + 1] = token
  if kind == 'open' then
    table.insert(tokens.open, #tokens)
  elseif kind == 'close' then
    token.match = table.remove(tokens.open) or 0
  end
end

--- Splits Lua text into { kind, text, value, match } with kind 'name', 'string', 'number', 'open',
--- 'close' (`match` is the place of its opening bracket) or 'other'. The field `open` of the list
--- has the places of the brackets that are open at the end, outermost first. Nil if the text ends
--- inside a string or a comment.
---@param text string
---@return table?
return function(text)
  local tokens, at = { open = {} }, 1
  while at <= #text do
    local char = text:sub(at, at)
    local name = text:match('^[%a_][%w_]*', at)
    local number = text:match('^%d[%w.]*', at)
    local behind = behind_skipped(text, at)
    if behind == nil then return end
    if behind then
      if char == '[' then add(tokens, 'string', '[[') end
      at = behind
    elseif name or number then
      add(tokens, name and 'name' or 'number', name or number, tonumber(number))
      at = at + #(name or number)
    elseif char == '"' or char == "'" then
      behind = behind_quoted(text, at)
      if not behind then return end
      add(tokens, 'string', char, text:sub(at + 1, behind - 2))
      at = behind
    else
      local kind = opens[char] and 'open' or closes[char] and 'close' or 'other'
      local dots = text:match('^%.%.+', at)
      add(tokens, kind, dots or char)
      at = at + #(dots or char)
    end
    if not text:find('%S', at) then break end
    at = text:find('%S', at)
  end
  return tokens
end
