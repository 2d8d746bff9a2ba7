--- Scales and one formatter: no other file formats a unit by hand.
local units = {}

local scales = {
  bytes = { { 1024 ^ 3, 'GiB' }, { 1024 ^ 2, 'MiB' }, { 1024, 'KiB' }, { 1, 'B' } },
  count = { { 1e9, 'B' }, { 1e6, 'M' }, { 1e3, 'k' }, { 1, '' } },
  ns = { { 1e9, 's' }, { 1e6, 'ms' }, { 1e3, 'us' }, { 1, 'ns' } },
}

--- Formats a value with the largest scale that it reaches: `units.format(123456, 'bytes')` is '120.6 KiB'.
---@param value number
---@param scale 'bytes'|'count'|'ns'
---@return string
function units.format(value, scale)
  for _, step in ipairs(scales[scale]) do
    if math.abs(value) >= step[1] or step[1] == 1 then
      local text = step[1] == 1 and ('%d'):format(value) or ('%.1f'):format(value / step[1])
      return step[2] == '' and text or text .. ' ' .. step[2]
    end
  end
end

return units
