--- Reports become text or files: which renderer a suffix means, and writing without ever leaving
--- half a file behind.
local blame = require 'crescent.blame'
local document = require 'crescent.reporting.document'

local write = {}

local renderer_of = {
  text = 'text', txt = 'text', markdown = 'markdown', md = 'markdown', csv = 'csv', json = 'json',
  jsonl = 'jsonl', html = 'html',
}
local formats = { 'text', 'txt', 'markdown', 'md', 'csv', 'json', 'jsonl', 'html' }
local pictures = { png = true, svg = true, pdf = true }
local suffixes = '.txt, .md, .csv, .json, .jsonl, .html, .png, .svg or .pdf'

--- Expects a known format.
function write.check_format(format, place)
  if format ~= nil and not renderer_of[format] then
    blame("%s: format: expected 'text', 'md', 'csv', 'json', 'jsonl' or 'html', got %s%s", place,
      type(format) == 'string' and "'" .. format .. "'" or type(format),
      type(format) == 'string' and crescent.did_you_mean(format, formats) or '')
  end
end

--- Renders a document as text in a format.
function write.text(made, format)
  return require('crescent.render.' .. renderer_of[format or 'text'])(made)
end

local function exists(path)
  local file = io.open(path, 'rb')
  if file then file:close() end
  return file ~= nil
end

local function check_folder(path, place)
  local folder = path:match('^(.*)/[^/]*$')
  if folder and folder ~= '' and not exists(folder) then
    blame("%s: to: '%s': there is no folder '%s'", place, path, folder)
  end
end

--- Beside the file, with its suffix: what draws a picture goes by that.
local function temporary(path)
  local stem, suffix = path:match('^(.*)(%.[^./]*)$')
  return ('%s.part%s'):format(stem or path, suffix or '')
end

--- Calls fill(path) for a file beside `path`, which then takes its name.
local function replace(path, place, fill)
  local part = temporary(path)
  local ok, problem = pcall(fill, part)
  if ok then ok, problem = os.rename(part, path) end
  if ok then return path end
  os.remove(part)
  if type(problem) ~= 'string' then error(problem, 0) end
  blame("%s: to: '%s': %s", place, path, (problem:gsub('^.*%.part%.?[^:]*: ', '')))
end

--- Writes a text, which gets a line break at its end if it has none.
function write.whole(path, text, place)
  if text:sub(-1) ~= '\n' and text ~= '' then text = text .. '\n' end
  return replace(path, place, function(part)
    local file, problem = io.open(part, 'wb')
    if not file then error(problem, 0) end
    local written, reason = file:write(text)
    local closed, why = file:close()
    if not (written and closed) then error(reason or why, 0) end
  end)
end

--- Draws one chart into a file, by its suffix.
function write.chart(chart, path, suffix, place)
  if suffix == 'svg' then
    return write.whole(path, require 'crescent.chart.svg'(chart), place)
  end
  return replace(path, place, function(part) require 'crescent.chart.gnuplot'(chart, part) end)
end

--- One chart is that file, several are FILE-1.png, FILE-2.png ...
local function draw_all(made, path, suffix, place)
  local blocks = document.each(made, 'chart')
  if #blocks == 1 then return { write.chart(blocks[1].chart, path, suffix, place) } end
  local paths = {}
  for i, block in ipairs(blocks) do
    local numbered = ('%s-%d.%s'):format(path:sub(1, -#suffix - 2), i, suffix)
    paths[i] = write.chart(block.chart, numbered, suffix, place)
  end
  return paths
end

--- Reads `to`: { { path, suffix, renderer }, ... }. Nothing is written if one of them is wrong.
function write.targets(to, format, place)
  local list = type(to) == 'string' and { to } or to
  if type(list) ~= 'table' or #list == 0 then
    blame('%s: to: expected a path or a list of paths, got %s', place,
      type(list) == 'table' and 'an empty list' or type(list))
  end
  local targets = {}
  for i, path in ipairs(list) do
    if type(path) ~= 'string' then
      blame('%s: to: expected paths, got %s at position %d', place, type(path), i)
    end
    local suffix = (path:match('%.([^./]+)$') or ''):lower()
    if not pictures[suffix] and not format and not renderer_of[suffix] then
      blame("%s: to: expected a path that ends in %s, got '%s'", place, suffixes, path)
    end
    check_folder(path, place)
    targets[i] = { path = path, suffix = suffix, picture = pictures[suffix] and not format,
      format = format or suffix }
  end
  return targets
end

--- Writes the document to all targets; everything is rendered before the first file is written.
---@return string[] paths
function write.files(made, targets, place)
  local texts, paths = {}, {}
  local drawn = #document.each(made, 'chart') > 0
  for i, target in ipairs(targets) do
    if not target.picture then texts[i] = write.text(made, target.format) end
    if target.picture and not drawn then
      blame("%s: to: '%s': the report has no chart", place, target.path)
    end
  end
  for i, target in ipairs(targets) do
    local written = target.picture and draw_all(made, target.path, target.suffix, place)
      or { write.whole(target.path, texts[i], place) }
    for _, path in ipairs(written) do paths[#paths + 1] = path end
  end
  return paths
end

return write
