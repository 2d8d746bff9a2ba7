--- Mistakes are told on the line of the script that made them, however deep they are found.
local library = debug.getinfo(1, 'S').source:gsub('blame%.lua$', '')
local embedded = '=crescent/'

local function is_ours(source)
  return source == '=[C]' or source:sub(1, #library) == library
    or source:sub(1, #embedded) == embedded
end

--- Raises the text, or the format with its arguments, on the nearest line outside the library.
---
--- ```lua
--- blame("crescent.report.layout: %s: unknown key '%s'", place, key)
--- ```
---@param format string
local function blame(format, ...)
  local text = select('#', ...) > 0 and format:format(...) or format
  local level = 2
  while true do
    local info = debug.getinfo(level, 'S')
    if not info then
      -- `return crescent.experiment { ... }` is a tail call: the script's line is gone.
      local script = arg and arg[0] or ''
      error((script:find('%.lua$') and script .. ': ' or '') .. text, 0)
    end
    if not is_ours(info.source) then error(text, level) end
    level = level + 1
  end
end

return blame
