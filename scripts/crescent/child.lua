--- Another crescent: what runs in a process of its own costs this one nothing when it dies.
local child = {}

--- Gives a text as one word of the shell's.
---@param text string
---@return string
function child.quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- Runs crescent without input until it ends.
---@param arguments string[]
---@param environment? table<string, string>   # variables beside this process's own
---@return string output    # standard output and error together
---@return integer code     # exit code; 128 + N if signal N ended it, as shells say it
function child.run(arguments, environment)
  local words = {}
  for name, value in pairs(environment or {}) do
    words[#words + 1] = name .. '=' .. child.quoted(value)
  end
  words[#words + 1] = child.quoted(crescent.process.executable())
  for _, argument in ipairs(arguments) do words[#words + 1] = child.quoted(argument) end
  local pipe = io.popen(("exec 2>&1 </dev/null; %s; printf '\\n%%d' $?"):format(
    table.concat(words, ' ')))
  local output, code = pipe:read('*a'):match('^(.*)\n(%d+)$')
  pipe:close()
  return output, tonumber(code)
end

return child
