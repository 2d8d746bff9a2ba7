--- What ready layouts share: options, and a layout that is chosen by what the rows have.
local blame = require 'crescent.blame'
local build = require 'crescent.reporting.build'
local check_keys = require 'crescent.keys'
local class = require 'crescent.reporting.class'
local document = require 'crescent.reporting.document'

local ready = {}

--- Options that every ready layout of rows takes: they stand in place of what it would choose.
local passed = {
  'title', 'text', 'notes', 'columns', 'charts', 'group_by', 'baseline', 'sort_by', 'no_quality',
}

--- Options of a ready layout, checked; `own` are its own names.
function ready.options(name, own, options)
  local place = 'crescent.report.' .. name
  if options ~= nil and type(options) ~= 'table' then
    blame('%s: expected a table of options, got %s', place, type(options))
  end
  check_keys(place, options or {}, own, 'option')
  return options or {}
end

--- Refuses an option that is no field's name.
function ready.expect_name(name, options, key)
  if type(options[key]) == 'string' then return end
  blame("crescent.report.%s: %s: expected a field's name, got %s", name, key,
    options[key] == nil and 'nothing' or type(options[key]))
end

--- Makes a ready layout: function(options) -> layout.
---@param name string
---@param own string[]   # options beside those that all take
---@param spec_of fun(rows: table, options: table): table   # what crescent.report.layout takes
---@param check? fun(options: table)
function ready.layout(name, own, spec_of, check)
  local known = {}
  for _, key in ipairs(own) do known[#known + 1] = key end
  for _, key in ipairs(passed) do known[#known + 1] = key end
  return function(given)
    local options = ready.options(name, known, given)
    if check then check(options) end
    return class.new(('layout %s'):format(name), function(rows, render)
      rows = build.list_of(rows, 'crescent.report.' .. name)
      local spec = #rows > 0 and spec_of(rows, options) or { columns = {} }
      for _, key in ipairs(passed) do
        if options[key] ~= nil then spec[key] = options[key] end
      end
      return build.document(build.read(spec), rows, render)
    end)
  end
end

--- Adds what a layout makes of rows below a heading; notes that stand there already are left out.
---@param made table   # the document
---@param part { heading: string?, spec: table, rows: table[] }
function ready.add(made, part)
  local said = {}
  for _, block in ipairs(document.each(made, 'note')) do said[block.text] = true end
  if part.heading then document.heading(made, part.heading) end
  for _, block in ipairs(build.document(build.read(part.spec), part.rows, {}).blocks) do
    if block.kind ~= 'note' or not said[block.text] then table.insert(made.blocks, block) end
  end
end

return ready
