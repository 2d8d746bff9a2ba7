--- Documents as one HTML file that needs nothing else: no network, no fonts, no other files. It is
--- well-formed XML too.
local html_table = require 'crescent.render.html_table'
local markup = require 'crescent.markup'
local svg = require 'crescent.chart.svg'

local escape = markup.escape
-- Nothing is loaded, whatever stands in a report.
local policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
  .. 'img-src data:'

--- Identifiers that are unique in the page.
local function new_ids()
  local used = {}
  return function(base)
    local id, n = base, 1
    while used[id] do
      n = n + 1
      id = ('%s-%d'):format(base, n)
    end
    used[id] = true
    return id
  end
end

--- Numbers things of a kind: 'table.1'. No heading's identifier has a dot.
local function new_numbers()
  local counts = {}
  return function(kind)
    counts[kind] = (counts[kind] or 0) + 1
    return ('%s.%d'):format(kind, counts[kind])
  end
end

--- 'criterion: taylor' is criterion-taylor.
local function slug(text)
  local made = text:lower():gsub('[^%w]+', '-'):gsub('^-', ''):gsub('-$', '')
  return made ~= '' and made or 'section'
end

local function add_head(out, title)
  out[#out + 1] = '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
    .. '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
  out[#out + 1] = ('<meta http-equiv="Content-Security-Policy" content="%s"/>'):format(
    escape(policy))
  out[#out + 1] = '<meta name="generator" content="crescent"/>'
  out[#out + 1] = ('<title>%s</title>\n<style>\n%s</style>\n</head>\n<body>'):format(escape(title),
    require 'crescent.render.html_style')
end

--- The headings with their identifiers and levels; with several a list of contents. In a book that
--- list has its parts alone, which stand a level above other headings.
local function contents_of(blocks, new_id)
  local headings, has_parts = {}, false
  for _, block in ipairs(blocks) do
    if block.kind == 'heading' then
      headings[#headings + 1], has_parts = block, has_parts or block.part
    end
  end
  local list, about = {}, {}
  for _, block in ipairs(headings) do
    local id = new_id(slug(block.text))
    about[block] = { id = id, level = (has_parts and not block.part) and 3 or 2 }
    if about[block].level == 2 then
      list[#list + 1] = ('<li><a href="#%s">%s</a></li>'):format(id, escape(block.text))
    end
  end
  if #list < 2 then return about, nil end
  return about, ('<nav aria-label="contents">\n<ul>\n%s\n</ul>\n</nav>'):format(
    table.concat(list, '\n'))
end

local add = {}

function add.heading(out, block, page)
  local id, level = page.headings[block].id, page.headings[block].level
  out[#out + 1] = ('<h%d id="%s"><a href="#%s">%s</a></h%d>'):format(level, id, id,
    escape(block.text), level)
end

function add.text(out, block) out[#out + 1] = ('<p>%s</p>'):format(escape(block.text)) end

function add.note(out, block)
  if block.warning then
    out[#out + 1] = ('<p class="note warning" role="note"><strong>Warning:</strong> %s</p>'):format(
      escape(block.text))
  else
    out[#out + 1] = ('<p class="note">%s</p>'):format(escape(block.text))
  end
end

function add.table(out, block, page) html_table.add(out, block, page.number 'table') end

function add.chart(out, block, page)
  local chart = block.chart
  out[#out + 1] = '<figure>\n<div class="scroll">'
  out[#out + 1] = (svg(chart, { inline = true }):gsub('\n$', ''))
  out[#out + 1] = '</div>\n<details>\n<summary>Values</summary>'
  html_table.add(out, html_table.of_chart(chart), page.number 'values')
  out[#out + 1] = '</details>\n</figure>'
end

--- Renders a document as a page: `render(document)` gives the text of a file.
---
--- Tables sort by a click on a column's title, charts show exact values on hovering and in a table
--- below each, light and dark follow the reader's system.
---@param document table    # as crescent.report.document says
---@return string html
return function(document)
  local title = (document.title or '') ~= '' and document.title or 'Report'
  local out, page = {}, { number = new_numbers() }
  add_head(out, title)
  out[#out + 1] = ('<header>\n<h1>%s</h1>\n</header>'):format(escape(title))
  local contents
  page.headings, contents = contents_of(document.blocks, new_ids())
  out[#out + 1] = contents
  out[#out + 1] = '<main>'
  for _, block in ipairs(document.blocks) do add[block.kind](out, block, page) end
  out[#out + 1] = '</main>'
  out[#out + 1] = ('<script>\n%s</script>\n</body>\n</html>\n'):format(
    require 'crescent.render.html_script')
  return table.concat(out, '\n')
end
