--- Commands of the prompt: lines that begin with a colon.
local show = require 'crescent.show'
local help = require 'crescent.help'
local time = require 'crescent.prompt.timing'
local typed = require 'crescent.prompt.typed'
local units = require 'crescent.units'

local commands = {}

--- { name, what stands behind it, what it does, run(argument, forced, fn, is_expression) }
local list, by_name = {}, {}

local function add(name, argument, doc, run)
  local command = { name = name, argument = argument, doc = doc, run = run }
  list[#list + 1] = command
  by_name[name] = command
end

--- ':save! FILE' -> 'save', true, 'FILE'
local function parts_of(text)
  local name, mark, argument = text:match('^:%s*([%w_]*)(!?)%s*(.-)%s*$')
  return name, mark == '!', argument
end

local function listed()
  local lines, widest = {}, 0
  for _, command in ipairs(list) do
    widest = math.max(widest, #command.name + #command.argument + 2)
  end
  for _, command in ipairs(list) do
    local head = (':%s %s'):format(command.name, command.argument)
    lines[#lines + 1] = ('%-' .. widest .. 's  %s'):format(head, command.doc)
  end
  return table.concat(lines, '\n')
end

add('help', '[NAME]', 'lists the commands; with a name it is ?NAME', function(argument)
  local command = by_name[argument:match('^:?(.*)$')]
  if command then
    print((':%s %s  %s'):format(command.name, command.argument, command.doc))
  elseif argument ~= '' then
    print(help(argument))
  else
    print(listed() .. '\n\n?name shows documentation: ?crescent, ?crescent.load, ?model:generate. '
      .. 'Tab completes names,\nfields, options and commands. _ is the last value. exit or Ctrl-D '
      .. 'ends.')
  end
end)

--- A file name as people write it, quoted or not.
local function file_of(argument)
  return argument:match("^'(.*)'$") or argument:match('^"(.*)"$') or argument
end

add('save', 'FILE.lua', 'writes what ran without error as a script; :save! replaces a file',
  function(argument, forced)
    local path = file_of(argument)
    if path == '' then error(':save: expected a file: :save FILE.lua', 0) end
    if typed.count() == 0 then error(':save: nothing ran without error yet', 0) end
    local there = io.open(path)
    if there then there:close() end
    if there and not forced then
      error((':save: %s exists; to replace it: :save! %s'):format(path, argument), 0)
    end
    local script = typed.script()
    local file, problem = io.open(path, 'w')
    if file then
      local written, why = file:write(script)
      local closed, later = file:close()
      problem = not written and why or not closed and later or nil
    end
    if problem then error(':save: ' .. problem, 0) end
    print(('%s saved in %s'):format(units.counted(typed.count(), 'statement'),
      path))
  end)

add('sql', 'SELECT ...', "gives a statement's rows from the store of runs; it changes nothing",
  function(argument)
    if argument == '' then
      error(':sql: expected a statement: :sql SELECT * FROM runs', 0)
    end
    local ok, problem = pcall(function()
      local store = crescent.store.open()
      local rows = store:query(argument)
      store:close()
      print(show(rows))
    end)
    if ok then return end
    if problem == 'interrupted' then error(problem, 0) end
    error(':sql: ' .. tostring(problem):gsub('^[%w_/.]+:%d+: ', '', 1)
      :gsub('^crescent%.store%.open: ', '', 1):gsub('^store:query: ', '', 1), 0)
  end)

add('time', 'EXPR', 'runs an expression or a statement, and says how long that takes',
  function(argument, _, fn, is_expression)
    if not fn then error(':time: expected an expression or a statement, got nothing', 0) end
    time(fn, is_expression)
    -- What a statement changed stays, so that a saved script needs it.
    if not is_expression then typed.add(argument, false) end
  end)

local function names()
  local all = {}
  for place, command in ipairs(list) do all[place] = ':' .. command.name end
  return all
end

--- Gives what is completed behind the colon: the commands that begin so.
---@param start string
---@return string[]
function commands.beginning_with(start)
  local words = {}
  for _, command in ipairs(list) do
    if command.name:sub(1, #start) == start then
      words[#words + 1] = command.name .. (command.name == 'help' and '' or ' ')
    end
  end
  return words
end

--- Gives the code that an entry runs, if its command runs any: the prompt compiles it.
---@param text string
---@return string?
function commands.code(text)
  local name, _, argument = parts_of(text)
  return name == 'time' and argument ~= '' and argument or nil
end

--- Runs an entry that begins with a colon.
---@param text string
---@param fn function?            # the code of `commands.code`, compiled
---@param is_expression boolean   # whether fn gives nil and then the values of an expression
function commands.run(text, fn, is_expression)
  local name, forced, argument = parts_of(text)
  local command = by_name[name]
  if not command or forced and name ~= 'save' then
    local given = ':' .. name .. (forced and '!' or '')
    error(("unknown command '%s'%s; :help lists the commands"):format(given,
      crescent.did_you_mean(given, names())), 0)
  end
  command.run(argument, forced, fn, is_expression)
end

return commands
