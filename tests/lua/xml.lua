--- Reads XML far enough to check it: tags that close in order, attributes in quotes, entities that
--- are known. A page or a picture that passes is well-formed but for what its names mean.
local xml = {}

local known_entities = { amp = true, lt = true, gt = true, quot = true, ['#39'] = true }

local function check_text(text)
  if text:find '<' then return 'a bare <' end
  for entity in text:gmatch '&([^;]*);?' do
    if not known_entities[entity] then return 'a bare &' end
  end
end

--- Reads the attributes of a tag into a table, or gives nil and what is wrong.
local function attributes_of(text)
  local attributes, at = {}, 1
  while true do
    at = text:match('^%s*()', at)
    if at > #text then return attributes end
    local name, value, after = text:match('^([%a_][%w:._-]*)="([^"]*)"()', at)
    if not name then return nil, 'not an attribute: ' .. text:sub(at) end
    if attributes[name] then return nil, 'twice: ' .. name end
    local problem = check_text(value)
    if problem then return nil, problem end
    attributes[name], at = value, after
  end
end

--- Gives a list of elements { name, attributes, text = what follows the opening tag } in order, or
--- raises what is not well-formed.
---@param text string
function xml.elements(text)
  local open, elements, at = {}, {}, 1
  text = text:gsub('^<!DOCTYPE html>\n', '')
  while true do
    local from = text:find('<', at, true)
    local problem = check_text(text:sub(at, (from or #text + 1) - 1))
    if problem then error(problem .. ' in ' .. text:sub(at, (from or #text) - 1)) end
    if #elements > 0 and not elements[#elements].text then
      elements[#elements].text = text:sub(at, (from or #text + 1) - 1)
    end
    if not from then break end
    local slash, name, rest, empty, after = text:match('^<(/?)([%a][%w]*)(.-)(/?)>()', from)
    if not name then error('not a tag: ' .. text:sub(from, from + 60)) end
    if slash == '/' then
      local last = table.remove(open)
      if last ~= name then error(('</%s> closes <%s>'):format(name, tostring(last))) end
    else
      local attributes, wrong = attributes_of(rest)
      if not attributes then error(wrong .. ' in <' .. name) end
      elements[#elements + 1] = { name = name, attributes = attributes }
      if empty == '' then open[#open + 1] = name end
    end
    at = after
  end
  if #open > 0 then error('open at the end: ' .. table.concat(open, ' ')) end
  return elements
end

--- The elements of a name, of a class if one is given.
function xml.find(elements, name, class)
  local found = {}
  for _, element in ipairs(elements) do
    local classes = ' ' .. (element.attributes.class or '') .. ' '
    if element.name == name and (not class or classes:find(' ' .. class .. ' ', 1, true)) then
      found[#found + 1] = element
    end
  end
  return found
end

return xml
