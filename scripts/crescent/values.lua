--- What any two values have in common.
local values = {}

--- Whether the value is a Tensor.
function values.is_tensor(value)
  local meta = type(value) == 'userdata' and debug.getmetatable(value)
  return type(meta) == 'table' and rawget(meta, '__name') == 'Tensor'
end

--- Tensors as plain tables; everything else as it is.
function values.plain(value)
  if not values.is_tensor(value) then return value end
  return { shape = value.shape, dtype = value.dtype, values = value:tolist() }
end

--- Whether values are equal: tables and tensors by what is in them (two Samples with one median are
--- `==`, and yet not the same), NaN to itself.
---@param a any
---@param b any
---@param seen? table   # of the call above: pairs that are being compared
---@return boolean
function values.equal(a, b, seen)
  if rawequal(a, b) then return true end
  if values.is_tensor(a) and values.is_tensor(b) then a, b = values.plain(a), values.plain(b) end
  if type(a) ~= 'table' or type(b) ~= 'table' then return a == b or (a ~= a and b ~= b) end
  seen = seen or {}
  if seen[a] == b then return true end
  seen[a] = b
  for key, value in pairs(a) do
    if not values.equal(value, b[key], seen) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

return values
