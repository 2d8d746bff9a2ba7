--- Values in texts: '{model}' stands for the field's value, or for what is so of all rows,
--- '{count}' for the number of rows, '{{' for a brace.
local blame = require 'crescent.blame'
local fields = require 'crescent.reporting.fields'
local units = require 'crescent.units'

local values_max = 6

local function shown(value)
  return type(value) == 'number' and units.number(value) or tostring(value)
end

--- The different values of a field, in order of appearance: 'tiny, gpt2'.
local function values_of(rows, name)
  local texts, seen = {}, {}
  for _, row in ipairs(rows) do
    local value = fields.at(row, name)
    local text = value ~= nil and shown(value)
    if text and not seen[text] then texts[#texts + 1], seen[text] = text, true end
  end
  if #texts > values_max then
    local rest = #texts - values_max
    texts[values_max + 1] = ('%d more'):format(rest)
    for i = #texts, values_max + 2, -1 do texts[i] = nil end
  end
  return #texts > 0 and table.concat(texts, ', ') or nil
end

local function value_text(rows, name, place)
  if name == 'count' then return ('%d'):format(#rows) end
  local text = values_of(rows, name)
  if text then return text end
  local about = rows.about or {}
  if about[name] ~= nil then return shown(about[name]) end
  local known, seen = fields.names(rows)
  if #rows == 0 or seen[name] then return '-' end
  known[#known + 1] = 'count'
  for key in pairs(about) do known[#known + 1] = key end
  blame("%s: '{%s}': no row has such a field%s", place, name, crescent.did_you_mean(name, known))
end

--- Fills in the values of a text.
---@param text string
---@param rows table[]
---@param place string   # what errors begin with
return function(text, rows, place)
  local out, at = {}, 1
  while true do
    local brace = text:find('[{}]', at)
    if not brace then break end
    out[#out + 1] = text:sub(at, brace - 1)
    local sign = text:sub(brace, brace)
    if text:sub(brace + 1, brace + 1) == sign then
      out[#out + 1], at = sign, brace + 2
    elseif sign == '}' then
      out[#out + 1], at = sign, brace + 1
    else
      local name = text:match('^{([^{}]+)}', brace)
      if not name then
        blame("%s: expected '{name}' or '{{' for a brace, got '%s'", place,
          text:sub(brace, brace + 20))
      end
      out[#out + 1] = value_text(rows, name, place)
      at = brace + #name + 2
    end
  end
  out[#out + 1] = text:sub(at)
  return table.concat(out)
end
