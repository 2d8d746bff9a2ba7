--- Random whole numbers that are the same on every machine and with every version of LuaJIT.
local bit = require 'bit'

--- SplitMix64, after Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators",
--- OOPSLA 2014.
---@param seed integer
---@return fun(n: integer): integer   # uniform in 1 .. n
return function(seed)
  local state = 0ULL + seed
  return function(n)
    state = state + 0x9e3779b97f4a7c15ULL
    local z = state
    z = bit.bxor(z, bit.rshift(z, 30)) * 0xbf58476d1ce4e5b9ULL
    z = bit.bxor(z, bit.rshift(z, 27)) * 0x94d049bb133111ebULL
    z = bit.bxor(z, bit.rshift(z, 31))
    -- 53 bits as a double in [0, 1): the bias is below n / 2^53.
    return math.floor(tonumber(bit.rshift(z, 11)) * 2 ^ -53 * n) + 1
  end
end
