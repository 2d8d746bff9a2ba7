--- crescent.inspect.layers
local answer = require 'crescent.inspecting.answer'
local input = require 'crescent.inspecting.input'
local lens = require 'crescent.inspecting.lens'
local parts = require 'crescent.inspecting.parts'
local units = require 'crescent.units'

local name = 'crescent.inspect.layers'

--- Parameters, bytes and squares of the weights of every layer, and the squares by part.
local function sums_of(model)
  local sums = {}
  for index = 1, #model.layers do
    sums[index] = { params = 0, bytes = 0, squares = 0, attention = 0, ffn = 0 }
  end
  for _, entry in ipairs(model:weights()) do
    local part, layer = parts.of(entry.name)
    local sum = layer and sums[layer]
    if sum then
      crescent.scope(function()
        local weight = model:weight(entry.name)
        local norm = weight:float():norm():item()
        sum.params, sum.bytes = sum.params + weight.numel, sum.bytes + entry.bytes
        sum.squares = sum.squares + norm * norm
        if sum[part] then sum[part] = sum[part] + norm * norm end
      end)
    end
  end
  return sums
end

--- What one layer does to the hidden states of a text, means over the tokens.
---@param before crescent.Tensor  # (T, C)
---@param after crescent.Tensor   # (T, C)
local function change_of(before, after)
  local norm_before, norm_after = before:norm(2), after:norm(2)               -- (T)
  return {
    norm_in = norm_before:mean():item(), norm_out = norm_after:mean():item(),
    change = ((after - before):norm(2) / norm_before):mean():item(),
    cosine = ((before * after):sum(2) / (norm_before * norm_after)):mean():item(),
  }
end

--- How near a layer's own prediction is to the final one, means over the tokens.
---@param final crescent.Tensor  # (T, V) log probabilities
local function agreement_of(logits, final)
  local log = logits:log_softmax(-1)
  return {
    lens_top1 = log:argmax(-1):eq(final:argmax(-1)):float():mean():item(),
    -- Rounding of the last layer, which is the final one, may fall below 0.
    lens_kl_nats = math.max(0, (final:exp() * (final - log)):sum(-1):mean():item()),
  }
end

local fields = {
  'layer', 'original_layer', 'heads', 'kv_heads', 'ffn_width', 'params', 'share_of_params', 'bytes',
  'attention_norm', 'ffn_norm', 'weight_norm', 'norm_in', 'norm_out', 'change', 'cosine',
  'lens_top1', 'lens_kl_nats',
}
local hidden_figures = { 'norm_in', 'norm_out', 'change', 'cosine' }
local lens_figures = { 'lens_top1', 'lens_kl_nats' }

local function copy_into(row, figures)
  for figure, value in pairs(figures) do row[figure] = value end
end

local function explain(row, figures, reason)
  for _, figure in ipairs(figures) do row.absent[figure] = reason end
end

--- Adds to the rows what the layers do with a text.
local function look(model, tokens, rows, with_lens)
  crescent.scope(function()
    local seen = input.forward(name, model, tokens.ids, { hidden = true })
    local logits_of, reason
    if with_lens then logits_of, reason = lens(model, seen) else reason = 'lens = false' end
    local final = logits_of and seen.logits:log_softmax(-1)
    for index, row in ipairs(rows) do
      crescent.scope(function()
        local after = seen.hidden[index + 1]
        copy_into(row, change_of(seen.hidden[index], after))
        if logits_of then copy_into(row, agreement_of(logits_of(after), final)) end
      end)
      if not logits_of then explain(row, lens_figures, reason) end
    end
  end)
end

local function rows_of(model)
  local rows = {}
  for index, sum in ipairs(sums_of(model)) do
    local layer = model.layers[index]
    rows[index] = {
      layer = index, original_layer = layer.original_layer,
      heads = layer.heads, kv_heads = layer.kv_heads, ffn_width = layer.ffn_width,
      params = sum.params, share_of_params = sum.params / model.params, bytes = sum.bytes,
      attention_norm = math.sqrt(sum.attention), ffn_norm = math.sqrt(sum.ffn),
      weight_norm = math.sqrt(sum.squares), absent = {},
    }
  end
  return rows
end

local function columns_of(rows, tokens)
  local columns = { 'layer' }
  for _, row in ipairs(rows) do
    if row.original_layer ~= row.layer then columns[2] = 'original_layer' end
  end
  local function add(list)
    for _, column in ipairs(list) do columns[#columns + 1] = column end
  end
  add { 'heads', 'ffn_width', { 'params', format = units.grouped },
    { 'share_of_params', title = 'share', format = 'percent' }, 'bytes', 'attention_norm',
    'ffn_norm' }
  if tokens then
    add(hidden_figures)
    add(lens_figures)
  end
  return columns
end

--- Shows what every layer holds, and what it does to a text's hidden states: one row a layer.
---
--- ```lua
--- print(crescent.inspect.layers(model, { text = 'In the beginning God created' }))
--- print(crescent.inspect.layers(model):sort('params'))
--- ```
--- `attention_norm`, `ffn_norm` and `weight_norm` are Frobenius norms of the layer's tensors (the
--- last with its norms). With a text, means over its tokens: `norm_in` and `norm_out`, Euclidean,
--- of the hidden states; `change`, |out - in| / |in|; `cosine` between both; and by the logit lens
--- (nostalgebraist 2020), which applies the final norm and head to what leaves the layer,
--- `lens_top1`, the share of positions whose most likely token is already the final one, and
--- `lens_kl_nats`, KL(final || layer's). Before it is used, the lens is proven to give the model's
--- own logits on the last layer.
--- Cost: reads all weights once; with a text one forward pass that keeps its hidden states, and the
--- head once a layer; `lens = false` saves the latter.
--- Raises on unknown options, more than one source of text, ids outside the vocabulary.
---@param model crescent.Model
---@param options? { text: string?, file: string?, ids: integer[]?, tokens_max: integer?,
---  lens: boolean?, sort_by: string?, descending: boolean? }   # tokens_max default: 256
---@return crescent.Rows
local function layers(model, options)
  options = input.check(name, { model, names = { 'model' } }, options,
    { lens = 'flag', fields = fields })
  local tokens = input.tokens(name, model, options, 0)
  local rows = rows_of(model)
  if tokens then
    look(model, tokens, rows, options.lens ~= false)
  else
    for _, row in ipairs(rows) do
      local reason = "no text was given: { text = 'In the beginning' }"
      explain(row, hidden_figures, reason)
      explain(row, lens_figures, reason)
    end
  end
  return answer.of(name, rows, options, {
    kind = 'layers', title = 'Layers', columns = columns_of(rows, tokens),
    notes = tokens and tokens.notes,
  })
end

return layers
