--- What commands share: a failure is told in a line, without a traceback, and ends with 1.
local command = {}

--- A message without its place in our code and without the function's name in front.
local function plain(problem)
  return (tostring(problem):gsub('^[%w_/.]+:%d+: ', '', 1):gsub('^crescent[%w_.]+: ', '', 1))
end

--- Ends the process because the command line is wrong, with 2.
---@param name string   # of the command
---@param message string
function command.refuse(name, message)
  io.stdout:flush()
  io.stderr:write('crescent ', name, ': ', message, '\nTry `crescent ', name, ' --help`.\n')
  os.exit(2)
end

--- Calls fn and gives what it returns. Ctrl-C is the host's.
---@param name string   # of the command
---@param fn function
function command.attempt(name, fn, ...)
  local ok, result = pcall(fn, ...)
  if ok then return result end
  if result == 'interrupted' then error(result, 0) end
  io.stdout:flush()
  io.stderr:write('crescent ', name, ': ', plain(result), '\n')
  os.exit(1)
end

return command
