--- What the Lua library's files say of themselves, read from their text: nothing is loaded or run.
local embedded = require 'crescent.embedded'

local source = {}

--- Gives the text of a library file such as 'crescent/units.lua', or nil. A file below
--- CRESCENT_LUA_PATH stands in front of the embedded one, as it does for `require`.
---@param file string
---@return string?
function source.text(file)
  local folder = os.getenv('CRESCENT_LUA_PATH')
  local handle = folder and io.open(folder .. '/' .. file)
  if not handle then return embedded(file) end
  local text = handle:read('*a')
  handle:close()
  return text
end

--- Gives the lines of a text.
---@param text string
---@return string[]
function source.lines(text)
  local lines = {}
  for line in (text .. '\n'):gmatch('(.-)\n') do lines[#lines + 1] = line end
  return lines
end

--- Gives the `---` comment that ends above a line, or nil.
---@param lines string[]
---@param line integer
---@return string?
function source.comment_above(lines, line)
  local first = line
  while first > 1 and lines[first - 1]:match('^%s*%-%-%-') do first = first - 1 end
  if first == line then return end
  local out = {}
  for place = first, line - 1 do
    out[#out + 1] = lines[place]:gsub('^%s*%-%-%- ?', ''):gsub('%s+$', '')
  end
  return table.concat(out, '\n')
end

--- Gives the first sentence of a documentation.
---@param doc string
---@return string
function source.first_sentence(doc)
  local prose = (doc:gsub('\n@.*', ''):gsub('\n\n.*', ''):gsub('\n', ' '))
  return prose:match('^(.-%.)%s') or prose
end

--- Gives what a module of the library consists of: { about, functions = { name, args, doc } }, or
--- nil if there is no such file. A module that is a function has none below it.
---@param name string    # 'crescent.units'
---@param owner? string  # the table whose functions are meant; default: the one that is returned
---@return table?
function source.module(name, owner)
  local text = source.text(name:gsub('%.', '/') .. '.lua')
  if not text then return end
  local lines = source.lines(text)
  local about = 1
  while lines[about] and lines[about]:match('^%-%-%-') do about = about + 1 end
  owner = owner or text:match('\nreturn ([%w_]+)%s*$')
  local module = { about = source.comment_above(lines, about) or '', functions = {} }
  for place, line in ipairs(lines) do
    local of, member, args = line:match('^function ([%w_]+)%.([%w_]+)(%b())')
    if of and of == owner then
      local doc = source.comment_above(lines, place) or ''
      table.insert(module.functions, { name = member, args = args, doc = doc })
    end
  end
  return module
end

return source
