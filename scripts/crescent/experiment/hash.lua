--- Hashes of texts: FNV-1a of 64 bits (Fowler, Noll and Vo), which says whether texts are equal
--- where nobody tries to make different ones look so.
local bit = require 'bit'

local basis, prime = 0xcbf29ce484222325ULL, 0x100000001b3ULL

--- Gives 16 hexadecimal digits.
---@param text string
---@return string
local function hash(text)
  local value = basis
  for i = 1, #text do value = bit.bxor(value, text:byte(i) + 0ULL) * prime end
  return bit.tohex(value)
end

return hash
