-- library.lua FOLDER: adds what is written in Lua to the reference page and the stubs that
-- crescent_docs wrote there. What `./dev docs` runs.
local help = require 'crescent.help'

--- What scripts call: functions, and modules with all their functions.
local functions = {
  'crescent.experiment', 'crescent.options', 'crescent.report.layout', 'crescent.report.book',
  'crescent.report.folder', 'crescent.report.recommend', 'crescent.report.summary',
  'crescent.report.pareto', 'crescent.report.heat', 'crescent.report.levels',
  'crescent.report.pruning', 'crescent.report.profile', 'crescent.report.compare',
  'crescent.inspect.heads', 'crescent.inspect.layers', 'crescent.inspect.weights',
  'crescent.inspect.attention', 'crescent.inspect.tokens', 'crescent.inspect.compare',
}
local modules = {
  'crescent.rows', 'crescent.units', 'crescent.table', 'crescent.statistics', 'crescent.test',
}

local function value_of(name)
  local value = _G
  for part in name:gmatch('[^.]+') do value = value[part] end
  return value
end

--- The documentation without the name above it, as it was written.
local function doc_of(name)
  local text = help(name)
  local doc = text:match('^[^\n]*\n(.*)$')
  if not doc then error(name .. ': ' .. text, 0) end
  return (doc:gsub('^  ', ''):gsub('\n  ', '\n'))
end

local function arguments_of(fn)
  local names = {}
  for i = 1, math.huge do
    local name = debug.getlocal(fn, i)
    if not name then break end
    names[i] = name
  end
  return table.concat(names, ', ')
end

local function append(path, text)
  local file = assert(io.open(path, 'a'))
  file:write(text)
  assert(file:close())
end

local page, stubs, tables = { '\n## Written in Lua\n' }, {}, {}
for _, name in ipairs(functions) do
  local doc = doc_of(name)
  local prose, notes = doc:match('^(.-)\n(@.*)$')
  page[#page + 1] = ('### %s\n\n%s\n%s'):format(name, prose or doc,
    notes and '\n```text\n' .. notes .. '\n```\n' or '')
  local owner = name:match('^(.*)%.')
  if owner ~= 'crescent' and not tables[owner] and owner ~= 'crescent.inspect' then
    tables[owner], stubs[#stubs + 1] = true, owner .. ' = {}\n'
  end
  stubs[#stubs + 1] = ('---%s\nfunction %s(%s) end\n'):format(doc:gsub('\n', '\n---'), name,
    arguments_of(value_of(name)))
end
for _, name in ipairs(modules) do
  page[#page + 1] = ('### %s\n\n```text\n%s\n```\n'):format(name, doc_of(name))
end
append(arg[1] .. '/reference.md', table.concat(page, '\n'))
append(arg[1] .. '/crescent.lua', '\n' .. table.concat(stubs, '\n'))
