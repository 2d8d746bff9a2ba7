--- Charts as PNG, SVG and PDF files, drawn by gnuplot. What it is told is in gnuplot_script.lua.
local blame = require 'crescent.blame'
local data = require 'crescent.chart.data'
local quoted = require 'crescent.child'.quoted
local script = require 'crescent.chart.gnuplot_script'

-- Texts are literal (`noenhanced`): an underscore in a name is an underscore.
local terminals = {
  png = "pngcairo noenhanced size 1440,%d font 'sans,11' fontscale 1.8 linewidth 3.2 "
    .. "pointscale 2.4 background '#ffffff'",
  svg = "svg noenhanced size 720,%d font 'sans,12' background '#ffffff'",
  pdf = "pdfcairo noenhanced size 7.2in,%.1fin font 'sans,10' linewidth 1.6",
}
local heights = { png = 880, svg = 440, pdf = 4.4 }

--- Runs a command of the shell: whether it succeeded, and what it said.
local function run(command)
  local pipe = assert(io.popen(command .. ' 2>&1; echo "exit $?"'))
  local said = pipe:read('*a')
  pipe:close()
  local text, status = said:match('^(.*)exit (%d+)\n$')
  return status == '0', (text or said):gsub('%s+$', '')
end

--- gnuplot's complaint without where in its script it was: nobody sees that.
local function complaint(said)
  local text = said:match('line %d+: (.+)$') or said
  return text ~= '' and text:gsub('%s*\n%s*', ' ') or 'no output'
end

--- Draws a chart with gnuplot, into a file that is there whole or not at all.
---
--- ```lua
--- require('crescent.chart.gnuplot')({ kind = 'line', x = { name = 'ratio' },
---   y = { name = 'perplexity' },
---   series = { { name = 'taylor', points = { { x = 0, y = 21.4 } } } } }, 'chart.pdf')
--- ```
--- Raises `crescent.chart.gnuplot: gnuplot is not installed; on Debian: apt-get install
--- gnuplot-nox`, what gnuplot itself complains of, and `crescent.chart: PLACE: expected WHAT, got
--- FOUND`.
---@param chart table    # as crescent.reporting.document says
---@param path string    # ends in .png, .svg or .pdf
return function(chart, path)
  local suffix = type(path) == 'string' and path:match('%.(%a+)$')
  local terminal = terminals[suffix and suffix:lower()]
  if not terminal then
    blame('crescent.chart.gnuplot: expected a path that ends in .png, .svg or .pdf, got %s',
      type(path) == 'string' and "'" .. path .. "'" or type(path))
  end
  local made = data.read(chart)
  -- gnuplot would take '|NAME' for a command to write to.
  local whole = path:match('^/') and path or './' .. path
  local partial = whole .. '.partial'
  if path:find('[%z\1-\31]') then
    blame('crescent.chart.gnuplot: expected a path without control characters, got %q', path)
  end
  if not run('command -v gnuplot') then
    blame('crescent.chart.gnuplot: gnuplot is not installed; on Debian: apt-get install '
      .. 'gnuplot-nox')
  end
  local name = os.tmpname()
  local file = assert(io.open(name, 'wb'))
  file:write(script(made, terminal:format(heights[suffix:lower()]), partial))
  file:close()
  local ok, said = run('gnuplot ' .. quoted(name))
  os.remove(name)
  local problem = not ok and complaint(said) or nil
  if ok then
    local renamed, reason = os.rename(partial, whole)
    if not renamed then problem = reason end
  end
  if problem then
    os.remove(partial)
    blame('crescent.chart.gnuplot: %s: gnuplot says: %s', path, problem)
  end
end
