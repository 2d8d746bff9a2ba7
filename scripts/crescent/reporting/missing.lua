--- Missing values in a table: each prints its reason, in its place or as a numbered footnote.
local missing = {}

local digits = { [0] = '⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹' }
local inline_max = 32 -- characters of a reason that stands once and in its place

local function raised(number)
  return (tostring(number):gsub('%d', function(digit) return digits[tonumber(digit)] end))
end

--- Writes texts into the cells that have no value. Gives the footnotes, in order.
---@param rows table[][]   # cells; those without `text` are missing
---@return string[]
function missing.mark(rows)
  local counts, order = {}, {}
  for _, cells in ipairs(rows) do
    for _, cell in ipairs(cells) do
      if not cell.text and cell.reason then
        if not counts[cell.reason] then order[#order + 1] = cell.reason end
        counts[cell.reason] = (counts[cell.reason] or 0) + 1
      end
    end
  end
  local marks, notes = {}, {}
  for _, reason in ipairs(order) do
    if counts[reason] == 1 and #reason <= inline_max then
      marks[reason] = ('- (%s)'):format(reason)
    else
      notes[#notes + 1] = ('%s %s'):format(raised(#notes + 1), reason)
      marks[reason] = '-' .. raised(#notes)
    end
  end
  for _, cells in ipairs(rows) do
    for _, cell in ipairs(cells) do
      if not cell.text then cell.text = marks[cell.reason] or '-' end
    end
  end
  return notes
end

return missing
