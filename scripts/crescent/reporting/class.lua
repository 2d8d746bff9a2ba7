--- What every layout is, written by an author or ready-made: something that builds a document of
--- rows and renders it.
local blame = require 'crescent.blame'
local build = require 'crescent.reporting.build'
local check_keys = require 'crescent.keys'
local write = require 'crescent.reporting.write'

local class = {}

local methods = {}

--- Makes the document of rows, for a renderer of one's own.
---@param rows table[]
---@param options? { title: string?, partial: boolean? }
---@return table   # as crescent.reporting.document says
function methods.build(self, rows, options) return self.make(rows, options or {}) end

--- Renders rows: gives the text, or writes files and gives their paths.
---
--- ```lua
--- layout:render(rows, { to = { 'heads.html', 'heads.csv' } })
--- ```
--- Files appear whole or not at all. Charts alone go to .png, .svg and .pdf: one to that file,
--- several to FILE-1.png, FILE-2.png ...
---@param rows table[]
---@param options? table   # `to` a path or a list of them, by suffix (.txt .md .csv .json .jsonl
---  .html .png .svg .pdf); `format` 'text' (default), 'md', 'csv', 'json', 'jsonl', 'html'; `title`
---  in place of the layout's; `partial` true to render an incomplete sweep
---@return string|string[]   # the text, or the paths that were written
function methods.render(self, rows, options)
  local place = 'crescent.report.layout: render'
  if options ~= nil and type(options) ~= 'table' then
    blame('%s: options: expected a table, got %s', place, type(options))
  end
  options = options or {}
  check_keys(place, options, { 'to', 'format', 'title', 'partial' }, 'option')
  if options.title ~= nil and type(options.title) ~= 'string' then
    blame('%s: title: expected a text, got %s', place, type(options.title))
  end
  write.check_format(options.format, place)
  local targets = options.to ~= nil and write.targets(options.to, options.format, place)
  local made = self.make(rows, options)
  if not targets then return write.text(made, options.format) end
  return write.files(made, targets, place)
end

local meta = {
  __name = 'layout',
  __index = methods,
  __tostring = function(self) return self.about end,
}

--- A layout by what it does: make(rows, options) gives a document.
---@param about string   # how it prints
function class.new(about, make) return setmetatable({ make = make, about = about }, meta) end

--- The layout that an author's table means.
function class.layout(spec)
  local read = build.read(spec)
  local names = {}
  for i, one in ipairs(read.columns) do names[i] = one.name end
  local parts = { read.title and ("layout '%s'"):format(read.title) or 'layout' }
  if #names > 0 then parts[#parts + 1] = 'columns ' .. table.concat(names, ', ') end
  if #read.pivots > 0 then parts[#parts + 1] = ('pivots %d'):format(#read.pivots) end
  if #read.charts > 0 then parts[#parts + 1] = ('charts %d'):format(#read.charts) end
  return class.new(table.concat(parts, '  '), function(rows, options)
    return build.document(read, rows, options)
  end)
end

--- The layout of rows that have none: a table of their own columns.
function class.of_rows(list)
  return class.layout { title = list.title and list.title:gsub('[{}]', '%0%0'),
    columns = require('crescent.rows').columns(list) }
end

return class
