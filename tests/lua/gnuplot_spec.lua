--- Charts as files that gnuplot draws.
local test = require 'crescent.test'
local charts = require 'charts'
local ffi = require 'ffi'
local gnuplot = require 'crescent.chart.gnuplot'

ffi.cdef [[ int setenv(const char *name, const char *value, int overwrite); ]]

local line = { kind = 'line', series = { { name = 's', points = { { x = 1, y = 1 },
  { x = 2, y = 3 } } } } }

--- Runs fn with a path that ends in `suffix`; gives what stands there afterwards, or nil.
local function drawn(suffix, fn)
  local path = os.tmpname()
  os.remove(path)
  path = path .. suffix
  local ok, problem = pcall(fn, path)
  local file = io.open(path, 'rb')
  local text = file and file:read '*a'
  if file then file:close() end
  os.remove(path)
  local left = io.open(path .. '.partial')
  if left then left:close() end
  if not ok then error(problem, 0) end
  test.ok(not left, 'a part of the file is left')
  return text
end

test.group('a mistake is told:', function()
  test.case('a path with another suffix', function()
    local says = 'crescent.chart.gnuplot: expected a path that ends in .png, .svg or .pdf, got '
    test.raises(function() gnuplot(line, 'chart.jpg') end, says .. "'chart.jpg'")
    test.raises(function() gnuplot(line) end, says .. 'nil')
  end)
  test.case('a path with a line break', function()
    test.raises(function() gnuplot(line, 'a\nb.png') end,
      'crescent.chart.gnuplot: expected a path without control characters, got "a\\\nb.png"')
  end)
  test.case('a chart that is none', function()
    test.raises(function() gnuplot({ kind = 'pie' }, 'chart.png') end, "crescent.chart: kind: "
      .. "expected 'bar', 'heat', 'line' or 'scatter', got 'pie'")
  end)
  test.case('a machine without gnuplot', function()
    local path = os.getenv 'PATH'
    ffi.C.setenv('PATH', '/nowhere', 1)
    local ok, problem = pcall(test.raises, function() gnuplot(line, 'chart.png') end,
      'crescent.chart.gnuplot: gnuplot is not installed; on Debian: apt-get install gnuplot-nox')
    ffi.C.setenv('PATH', path, 1)
    if not ok then error(problem, 0) end
  end)
end)

if os.execute('command -v gnuplot >/dev/null') ~= 0 then
  print 'skipped: gnuplot is not installed; on Debian: apt-get install gnuplot-nox'
  return
end

--- Whether the bytes are a file of that kind with something in it.
local function is_picture(suffix, bytes)
  if suffix == '.png' then
    local width, height = bytes:byte(19) * 256 + bytes:byte(20), bytes:byte(23) * 256
      + bytes:byte(24)
    return bytes:sub(1, 8) == '\137PNG\r\n\26\n' and width == 1440 and height == 880
  end
  if suffix == '.pdf' then return bytes:sub(1, 5) == '%PDF-' and bytes:find('%%EOF', -10, true) end
  return bytes:find('^<%?xml') and bytes:find('</svg>%s*$')
end

test.group('gnuplot', function()
  for _, suffix in ipairs { '.png', '.svg', '.pdf' } do
    test.case(('draws every kind of chart as %s'):format(suffix), function()
      for _, kind in ipairs { 'line', 'bar', 'scatter', 'heat' } do
        local bytes = drawn(suffix, function(path) gnuplot(charts[kind], path) end)
        test.ok(bytes and #bytes > 4000 and is_picture(suffix, bytes), kind)
      end
    end)
  end
  test.case('takes texts as they are, whatever they mean to it', function()
    local hostile = 'a\'b"c\\n`touch never` @x {/Bold z}_1^2 %d 50 % $0\nnext'
    local text = drawn('.svg', function(path)
      gnuplot({ kind = 'bar', title = hostile, x = { name = hostile }, y = { name = hostile },
        reference = { y = 2, label = hostile }, series = {
          { name = hostile, points = { { x = hostile, y = 1 } } },
          { name = hostile, points = { { x = 'b', y = 2 } } } } }, path)
    end)
    local shown = 'a\'b"c\\n`touch never` @x {/Bold z}_1^2 %d 50 % $0 next'
    local plain = text:gsub('&quot;', '"'):gsub('&apos;', "'"):gsub('&#39;', "'")
      :gsub('&amp;', '&'):gsub('\194\160', ' ')
    local count, from = 0, 1
    while true do
      local _, last = plain:find(shown, from, true)
      if not last then break end
      count, from = count + 1, last + 1
    end
    -- The title, both axes, the reference, two series; a category is cut.
    test.equal(count, 6)
    test.ok(plain:find(shown:sub(1, 39) .. '…', 1, true))
  end)
  test.case('draws what has no values, or none that fit', function()
    for _, kind in ipairs { 'line', 'bar', 'scatter' } do
      for _, log in ipairs { false, true } do
        for _, points in ipairs { {}, { { x = 1, y = 0 / 0 } }, { { x = 1, y = -1 } },
          { { x = 1e308, y = 1e308 }, { x = 1e-308, y = -1e308 } } } do
          test.ok(drawn('.svg', function(path)
            gnuplot({ kind = kind, x = { log = log }, y = { log = log },
              series = { { name = 'a', points = points }, { name = 'b', points = {} } } }, path)
          end))
        end
      end
    end
    test.ok(drawn('.svg', function(path) gnuplot({ kind = 'heat', values = {} }, path) end))
    test.ok(drawn('.svg', function(path) gnuplot({ kind = 'heat', values = { { 7 } } }, path) end))
    test.ok(drawn('.svg', function(path)
      gnuplot({ kind = 'heat', crossed = { { true, false } } }, path)
    end))
  end)
  test.case('says what it complains of, and leaves nothing', function()
    test.raises(function() gnuplot(line, '/nowhere/chart.png') end, 'crescent.chart.gnuplot: '
      .. '/nowhere/chart.png: gnuplot says: cannot open file; output not changed system error: '
      .. 'No such file or directory')
  end)
end)
