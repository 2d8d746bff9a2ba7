--- crescent.inspect.weights
local answer = require 'crescent.inspecting.answer'
local input = require 'crescent.inspecting.input'
local parts = require 'crescent.inspecting.parts'

local name = 'crescent.inspect.weights'

local fields = {
  'name', 'layer', 'part', 'shape', 'dtype', 'bytes', 'norm', 'abs_max', 'mean', 'deviation',
  'zeros',
}
local figures = { 'norm', 'abs_max', 'mean', 'deviation', 'zeros' }

--- Reads a tensor and adds its figures to the row.
local function measure(row, weight)
  if weight.numel == 0 then
    for _, figure in ipairs(figures) do row.absent[figure] = 'the tensor has no elements' end
    return
  end
  crescent.scope(function()
    local values = weight:float()
    row.norm = values:norm():item()
    row.abs_max = values:abs():max():item()
    row.mean = values:mean():item()
    row.deviation = values:std({ unbiased = false }):item()
    row.zeros = values:eq(0):sum():item() / weight.numel
  end)
end

--- Does the name match the Lua pattern? A broken one shows only when it is used.
local function matches(text, pattern)
  local ok, found = pcall(string.find, text, pattern)
  if ok then return found ~= nil end
  input.refuse(name, "option 'match': expected a Lua pattern, got '%s': %s", pattern, found)
end

--- Shows what is in every weight tensor: one row a tensor, in the order of the forward pass.
---
--- ```lua
--- print(crescent.inspect.weights(model, { layer = 1 }))
--- print(crescent.inspect.weights(model, { match = 'mlp%..*%.weight', sort_by = 'abs_max' }))
--- ```
--- `part` is embedding, positions, norm, attention, ffn or head; `norm` the Frobenius norm,
--- `deviation` the standard deviation over all elements, `zeros` the share that is exactly 0.
--- `layer` (negative: from the end) and `match`, a Lua pattern on the name, choose tensors; only
--- those are read. Whether there are NaN or infinite numbers says crescent.inspect.health.
--- Cost: reads the chosen tensors, and widens one at a time to float32.
--- Raises on unknown options, a layer that isn't there, a broken pattern.
---@param model crescent.Model
---@param options? { layer: integer?, match: string?, sort_by: string?, descending: boolean? }
---@return crescent.Rows
local function weights(model, options)
  options = input.check(name, { model, names = { 'model' } }, options,
    { layer = 'place', match = 'text', fields = fields, no_text = true })
  local wanted = options.layer
    and input.place(name, 'layer', options.layer, #model.layers, "the model's layers")
  local rows = {}
  for _, entry in ipairs(model:weights()) do
    local part, layer = parts.of(entry.name)
    if (not wanted or layer == wanted)
      and (not options.match or matches(entry.name, options.match)) then
      local row = {
        name = entry.name, layer = layer, part = part, dtype = entry.dtype, bytes = entry.bytes,
        shape = '(' .. table.concat(entry.shape, ', ') .. ')', absent = {},
      }
      if not layer then row.absent.layer = 'it belongs to no layer' end
      if not part then row.absent.part = 'not a name of gpt2 or llama' end
      measure(row, model:weight(entry.name))
      rows[#rows + 1] = row
    end
  end
  return answer.of(name, rows, options, {
    kind = 'weights', title = 'Weights',
    columns = { 'name', 'layer', 'part', 'shape', 'dtype', 'bytes', 'norm', 'abs_max', 'mean',
      'deviation', { 'zeros', format = 'percent' } },
  })
end

return weights
