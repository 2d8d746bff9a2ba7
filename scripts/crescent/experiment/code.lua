--- The text that gives an experiment its results: the script with what it requires, and a hash of
--- its code that comments, blanks and what stands under `report` don't change.
local hash = require 'crescent.experiment.hash'

local code = {}

--- Where the text begins at `at` that is no code: the end of a long bracket, or nil.
local function end_of_long(text, at)
  local equals = text:match('^%[(=*)%[', at)
  if not equals then return end
  local _, last = text:find(']' .. equals .. ']', at, true)
  return last or #text
end

local function end_of_string(text, at)
  local quote, place = text:sub(at, at), at + 1
  while place <= #text do
    local char = text:sub(place, place)
    if char == '\\' then
      place = place + 1
    elseif char == quote or char == '\n' then
      return place
    end
    place = place + 1
  end
  return #text
end

--- The tokens of Lua code without what is between them, comments and blanks.
local function tokens_of(text)
  local tokens, at = {}, 1
  if text:sub(1, 1) == '#' then at = (text:find('\n', 1, true) or #text) + 1 end
  while at <= #text do
    local last
    if text:find('^%-%-', at) then -- a comment
      at = (end_of_long(text, at + 2) or (text:find('\n', at, true) or #text + 1) - 1) + 1
    elseif text:find('^%s', at) then
      at = text:find('%S', at) or #text + 1
    else
      if text:find('^["\']', at) then
        last = end_of_string(text, at)
      else
        last = end_of_long(text, at) or select(2, text:find('^[%w_]+', at)) or at
      end
      tokens[#tokens + 1] = text:sub(at, last)
      at = last + 1
    end
  end
  return tokens
end

local depth_of = { ['{'] = 1, ['('] = 1, ['['] = 1, ['}'] = -1, [')'] = -1, [']'] = -1,
  ['function'] = 1, ['do'] = 1, ['if'] = 1, ['repeat'] = 1, ['end'] = -1, ['until'] = -1 }

--- Marks what stands under `report` in a table that begins at `at`: nothing measured depends on it.
--- Gives the place where the table ends.
local function mark_report(tokens, at, marked)
  local depth, inside = 0, false
  while tokens[at] do
    local token, before = tokens[at], tokens[at - 1]
    local ends = depth == 1 and (token == ',' or token == ';')
    if depth == 1 and token == '}' then inside = false end
    if depth == 1 and token == 'report' and tokens[at + 1] == '='
      and (before == '{' or before == ',' or before == ';') then
      inside = true
    end
    marked[at] = inside or nil
    if ends then inside = false end
    depth = depth + (depth_of[token] or 0)
    if depth == 0 then return at end
    at = at + 1
  end
  return at
end

--- The tokens of Lua code, a line each, without those of experiments' `report`: two texts with the
--- same ones measure the same.
---@param text string
---@return string
function code.tokens(text)
  local tokens, marked, kept = tokens_of(text), {}, {}
  local at = 1
  while at <= #tokens do
    if tokens[at] == 'experiment' then
      local opens = at + (tokens[at + 1] == '(' and 2 or 1)
      if tokens[opens] == '{' then at = mark_report(tokens, opens, marked) end
    end
    at = at + 1
  end
  for i, token in ipairs(tokens) do
    if not marked[i] then kept[#kept + 1] = token end
  end
  return table.concat(kept, '\n')
end

local function read(path)
  local file = io.open(path, 'rb')
  if not file then return end
  local text = file:read('*a')
  file:close()
  return text
end

--- The text of the chunk that a function is from, and its file; nil of what is typed at the prompt.
local function chunk_of(fn)
  local source = debug.getinfo(fn, 'S').source
  if source:sub(1, 1) == '@' then return read(source:sub(2)), source:sub(2) end
  if source == '=-e' then return arg[0] end
  if source:sub(1, 1) ~= '=' then return source end
end

--- The file of a module that scripts require, nil of our own library and of what is built in.
local function file_of_module(name)
  if type(name) ~= 'string' or package.preload[name] or name:match('^crescent') then return end
  return package.searchpath(name, package.path)
end

--- The files of criteria that are written in Lua.
local function criterion_files()
  local files = {}
  -- Where the engine keeps them; asking crescent.prune.criteria would load it.
  for name, criterion in pairs(debug.getregistry()['crescent.prune.criteria'] or {}) do
    local source = debug.getinfo(criterion.score, 'S').source
    if source:sub(1, 1) == '@' then files['criterion ' .. name] = source:sub(2) end
  end
  return files
end

--- Texts by module, the script's own as 'script', and the tokens of each.
local function collect(spec)
  local text, path = chunk_of(spec.run)
  local files = { script = text or '(typed at the prompt)' }
  -- What has no text is told by what it was compiled to.
  local tokens = { script = text and code.tokens(text) or string.dump(spec.run, true) }
  local taken = { [path or ''] = true }
  local function add(name, file)
    local content = file and not taken[file] and read(file)
    if not content then return end
    taken[file] = true
    files[name], tokens[name] = content, code.tokens(content)
  end
  for name in pairs(package.loaded) do add(name, file_of_module(name)) end
  for name, file in pairs(criterion_files()) do add(name, file) end
  return files, tokens
end

local function sorted(names)
  local list = {}
  for name in pairs(names) do list[#list + 1] = name end
  table.sort(list)
  return list
end

--- The code behind an experiment as it is now: { hash, files = { [module] = text } }.
---@param spec { run: function }
---@return { hash: string, files: table<string, string> }
function code.of(spec)
  local files, tokens = collect(spec)
  local parts = {}
  for _, name in ipairs(sorted(tokens)) do
    parts[#parts + 1] = name .. '\n' .. tokens[name]
  end
  return { hash = hash(table.concat(parts, '\n\n')), files = files }
end

return code
