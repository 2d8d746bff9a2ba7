--- Promise 1: a table that shows speed shows quality or drift beside it, or says why it doesn't.
local fields = require 'crescent.reporting.fields'
local ratio = require 'crescent.reporting.ratio'

local quality = {}

local words = {
  perplexity = true, ppl = true, nll = true, kl = true, drift = true, agreement = true, top1 = true,
  loss = true, accuracy = true,
}

--- Whether a field's name says how good a model is, or how far it is from its reference.
function quality.is_quality(name)
  if name:find('max_abs_logit', 1, true) then return true end
  for word in name:gmatch('%w+') do
    if words[word] then return true end
  end
  return false
end

local function is_speed(name)
  if name:find('tokens_per_s', 1, true) then return true end
  return ratio.is_time(fields.unit_of_name(name))
end

--- Whether a column shows times or tokens per second.
function quality.is_speed(column, cells)
  if is_speed(column.name) then return true end
  for _, cell in ipairs(cells) do
    if ratio.is_time(cell.unit) then return true end
  end
  return false
end

--- What a report with these columns has to say, or nil.
---@param rows table[]
---@param shown { name: string, quality: boolean?, speed: boolean }[]
---@param reason string?   # the author's
function quality.note(rows, shown, reason)
  local has_speed = false
  for _, column in ipairs(shown) do
    if column.quality or quality.is_quality(column.name) then return nil end
    has_speed = has_speed or column.speed
  end
  if not has_speed then return nil end
  if not reason then
    local found = {}
    for _, name in ipairs(fields.names(rows)) do
      if quality.is_quality(name) then found[#found + 1] = name end
    end
    reason = #found == 0 and 'the rows have none'
      or ('the rows have %s, which the layout leaves out'):format(table.concat(found, ', '))
  end
  return 'no quality beside the times: ' .. reason
end

return quality
