--- Wrong command lines: told in two lines, and ended with exit code 2.
local usage = {}

--- How the program that runs was called: 'crescent sweep.lua'.
---@return string
function usage.program()
  return 'crescent ' .. (arg[-1] == '-e' and '-e CODE' or arg[0] or '')
end

--- Ends the process because the command line is wrong.
---@param format string
function usage.refuse(format, ...)
  local program = usage.program()
  io.stdout:flush()
  io.stderr:write(program, ': ', format:format(...), ('\nTry `%s --help`.\n'):format(program))
  os.exit(2)
end

return usage
