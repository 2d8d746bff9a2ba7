--- crescent.inspect.heads
local answer = require 'crescent.inspecting.answer'
local input = require 'crescent.inspecting.input'
local parts = require 'crescent.inspecting.parts'
local units = require 'crescent.units'

local name = 'crescent.inspect.heads'
local tokens_to_tell = 3 -- with fewer, the previous token is the first one
local most = 0.5

--- How a head's weights lie, averaged over the queries of one text: lists by head.
---@param attention crescent.Tensor  # (H, T, T), rows sum to 1
local function figures_of(attention)
  local T = attention.shape[2]
  local queries = crescent.tensor.arange(T):unsqueeze(2)                      -- (T, 1)
  local apart = (queries - crescent.tensor.arange(T):unsqueeze(1)):abs()      -- (T, T)
  local log = attention:clamp(1e-30, 1):log() -- 0 log 0 is 0: the logarithm must be finite
  local strongest = attention:max(-1)
  local figures = {
    entropy_nats = (0 - (attention * log):sum(3)):mean(2):tolist(),
    top_weight = strongest:mean(2):tolist(),
    distance = (attention * apart):sum(3):mean(2):tolist(),
  }
  if T == 1 then return figures end
  -- The first query sees itself alone, whatever the head is.
  local behind = attention:slice(2, 2, T)                                     -- (H, T - 1, T)
  local function along(offset)
    return (behind * apart:eq(offset):tril():float():slice(1, 2, T)):sum(3):mean(2):tolist()
  end
  figures.to_first = behind:select(3, 1):mean(2):tolist()
  figures.to_previous, figures.to_itself = along(1), along(0)
  return figures
end

local function kind_of(row)
  if row.to_previous > most then return 'previous token' end
  if row.to_first > most then return 'first token' end
  if row.to_itself > most then return 'itself' end
  return 'mixed'
end

local fields = {
  'layer', 'head', 'original_layer', 'original_head', 'kind', 'entropy_nats', 'top_weight',
  'distance', 'to_first', 'to_previous', 'to_itself', 'weight_norm', 'params', 'share_of_params',
}
local text_figures = {
  'entropy_nats', 'top_weight', 'distance', 'to_first', 'to_previous', 'to_itself', 'kind',
}

--- Says of every figure of a text that is not there why.
local function explain(row, tokens)
  local reason = "no text was given: { text = 'In the beginning' }"
  if tokens then
    reason = ("a text of %s doesn't tell; give at least %d"):format(
      units.counted(#tokens.ids, 'token'), tokens_to_tell)
  end
  for _, figure in ipairs(text_figures) do
    if row[figure] == nil then row.absent[figure] = reason end
  end
end

--- The attention of one text by layer, or nil without a text.
local function attention_of(model, tokens)
  if not tokens then return nil end
  return input.forward(name, model, tokens.ids, { attention = true }).attention
end

local function rows_of(model, tokens)
  local rows, weight = {}, parts.finder(model)
  local attention = attention_of(model, tokens)
  for index, layer in ipairs(model.layers) do
    crescent.scope(function()
      local heads = layer.heads
      local norms, reason
      if heads > 0 then norms, reason = parts.head_norms(weight, index, layer) end
      local params = parts.head_params(model, layer)
      local figures = attention and heads > 0 and figures_of(attention[index]) or {}
      for head = 1, heads do
        local row = {
          layer = index, head = head,
          original_layer = layer.original_layer, original_head = layer.original_heads[head],
          params = params[head], share_of_params = params[head] / model.params,
          weight_norm = norms and norms[head], absent = { weight_norm = reason },
        }
        for figure, by_head in pairs(figures) do row[figure] = by_head[head] end
        if tokens and #tokens.ids >= tokens_to_tell then row.kind = kind_of(row) end
        explain(row, tokens)
        rows[#rows + 1] = row
      end
    end)
  end
  return rows
end

--- Did heads or layers go, so that numbers are no longer those of the file?
local function is_renumbered(rows)
  for _, row in ipairs(rows) do
    if row.layer ~= row.original_layer or row.head ~= row.original_head then return true end
  end
  return false
end

local function columns_of(rows, tokens)
  local columns = { 'layer', 'head' }
  local function add(list)
    for _, column in ipairs(list) do columns[#columns + 1] = column end
  end
  if is_renumbered(rows) then add { 'original_layer', 'original_head' } end
  if tokens then
    add { { 'kind', align = 'left' }, 'entropy_nats', 'top_weight', 'distance', 'to_first',
      'to_previous', 'to_itself' }
  end
  add { 'weight_norm', { 'params', format = units.grouped },
    { 'share_of_params', title = 'share', format = 'percent' } }
  return columns
end

--- Shows what every attention head does with a text, and what it holds: one row a head.
---
--- ```lua
--- local heads = crescent.inspect.heads(model, { text = 'In the beginning God created' })
--- print(heads:sort('entropy_nats'):take(5))
--- print(heads:where "kind == 'previous token'")
--- ```
--- Without a text there are the weights' columns alone. Of a text, means over its queries:
--- `entropy_nats` of a query's weights, 0 (one key) .. ln T; `top_weight`, the largest; `distance`
--- in tokens to what is looked at, by weight; and of the queries behind the first token the weight
--- `to_first`, `to_previous` and `to_itself`. `kind` is 'previous token', 'first token' or 'itself'
--- where more than half of the weight goes there (asked in this order), else 'mixed': a rule of
--- thumb on this text, not a proof. `weight_norm` is the Frobenius norm of a head's query, key,
--- value and output slices with their biases; `params` what removing it alone removes.
--- `original_layer` and `original_head` are the numbers from before pruning.
--- Cost: one forward pass that keeps L H T T attention weights; without a text, a read of the
--- attention's matrices. Attention entropy of heads: Clark et al. 2019, arXiv:1906.04341.
--- Raises on unknown options, more than one source of text, ids outside the vocabulary.
---@param model crescent.Model
---@param options? { text: string?, file: string?, ids: integer[]?, tokens_max: integer?,
---  sort_by: string?, descending: boolean? }   # tokens_max default: 256
---@return crescent.Rows
local function heads(model, options)
  options = input.check(name, { model, names = { 'model' } }, options, { fields = fields })
  local tokens = input.tokens(name, model, options, 0)
  local rows = rows_of(model, tokens)
  return answer.of(name, rows, options, {
    kind = 'heads', title = 'Attention heads', columns = columns_of(rows, tokens),
    notes = tokens and tokens.notes,
  })
end

return heads
