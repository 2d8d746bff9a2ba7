--- Several reports as one: parts with rows of their own under one title.
local blame = require 'crescent.blame'
local check_keys = require 'crescent.keys'
local class = require 'crescent.reporting.class'
local document = require 'crescent.reporting.document'

local place = 'crescent.report.book'
local keys = { 'title', 'parts' }

local function is_layout(value)
  return type(value) == 'table' and type(value.build) == 'function'
end

local function check(spec)
  if type(spec) ~= 'table' then
    blame("%s: expected { title = 'text', parts = { { layout, rows }, ... } }, got %s", place,
      type(spec))
  end
  check_keys(place, spec, keys)
  if type(spec.title) ~= 'string' then
    blame('%s: title: expected a text, got %s', place, type(spec.title))
  end
  if type(spec.parts) ~= 'table' then
    blame('%s: parts: expected a list, got %s', place, type(spec.parts))
  end
  for i, part in ipairs(spec.parts) do
    local is_pair = type(part) == 'table' and is_layout(part[1]) and type(part[2]) == 'table'
    if type(part) ~= 'string' and not is_pair then
      blame('%s: parts[%d]: expected { layout, rows } or a text, got %s', place, i,
        type(part) == 'table' and 'another table' or type(part))
    end
  end
end

--- Puts the blocks of a part behind those that are there, below a heading.
local function add(made, part, options)
  if type(part) == 'string' then
    document.text(made, part)
    return
  end
  local one = part[1]:build(part[2], { title = part.title, partial = options.partial })
  if one.title and one.title ~= '' then
    document.heading(made, one.title).part = true
  end
  for _, block in ipairs(one.blocks) do table.insert(made.blocks, block) end
end

--- Makes one report of several layouts, each with its own rows.
---
--- ```lua
--- crescent.report.book { title = 'GPT-2 on this machine', parts = {
---   'Measured over night.',
---   { crescent.report.levels(), rows },
---   { crescent.report.profile(), profile, title = 'Where the time goes' },
--- } }:render { to = 'gpt2.html' }
--- ```
---@param spec { title: string, parts: (string|table)[] }
---@return table   # `:render { to =, format =, partial = }` as of a layout, but without rows
return function(spec)
  check(spec)
  local book = class.new(("book '%s'"):format(spec.title), function(_, options)
    local made = document.new(options.title or spec.title)
    for _, part in ipairs(spec.parts) do add(made, part, options) end
    return made
  end)
  return {
    build = function(_, options) return book:build({}, options) end,
    render = function(_, options) return book:render({}, options) end,
  }
end
