--- crescent.inspect.attention
local answer = require 'crescent.inspecting.answer'
local heat = require 'crescent.heat'
local input = require 'crescent.inspecting.input'
local units = require 'crescent.units'

local name = 'crescent.inspect.attention'
local fields = { 'position', 'id', 'text', 'entropy_nats', 'key', 'weight', 'strongest' }

--- The attention of one head, (T, T), rows are queries.
local function attention_of(model, tokens, layer, head)
  return crescent.scope(function()
    local all = input.forward(name, model, tokens.ids, { attention = true }).attention
    return all[layer][head]:clone()
  end)
end

--- The strongest keys of a query: { { position, id, text, weight }, ... }.
local function strongest(tokens, query, weights, positions, top)
  local keys = {}
  for place = 1, math.min(top, query) do
    local position = positions[query][place]
    if position <= query then -- a weight that is rounded to 0 is no stronger than a masked one
      keys[#keys + 1] = { position = position, id = tokens.ids[position],
        text = tokens.texts and tokens.texts[position], weight = weights[query][place] }
    end
  end
  return keys
end

--- '5 ␣God 0.61  1 In 0.22'
local function keys_text(keys)
  local words = {}
  for place, key in ipairs(keys) do
    words[place] = ('%d%s %s'):format(key.position, key.text and ' ' .. key.text or '',
      units.number(key.weight, 2))
  end
  return table.concat(words, '  ')
end

local function rows_of(attention, tokens, top)
  local rows, T = {}, #tokens.ids
  crescent.scope(function()
    local log = attention:clamp(1e-30, 1):log() -- 0 log 0 is 0: the logarithm must be finite
    local entropies = (0 - (attention * log):sum(2)):tolist()
    local weights, positions = attention:topk(math.min(top, T))
    weights, positions = weights:tolist(), positions:tolist()
    for query = 1, T do
      local keys = strongest(tokens, query, weights, positions, top)
      rows[query] = {
        position = query, id = tokens.ids[query], text = tokens.texts and tokens.texts[query],
        entropy_nats = entropies[query], key = keys[1].position, weight = keys[1].weight,
        keys = keys, strongest = keys_text(keys),
        absent = input.absent_texts(tokens, { 'text' }),
      }
    end
  end)
  return rows
end

--- The lower triangle as a heat map; labels keep plain spaces, which are one byte wide.
local function map_of(attention, tokens, layer, head)
  local values, labels = attention:tolist(), {}
  for query, row in ipairs(values) do
    for key = query + 1, #row do row[key] = nil end
    labels[query] = tokens.texts and ('%d %s'):format(query, (tokens.texts[query]:gsub('␣', ' ')))
      or tostring(query)
  end
  return heat {
    title = ('Attention of layer %d, head %d'):format(layer, head), values = values,
    row_name = 'query', column_name = 'key', row_labels = labels,
  }
end

--- Shows where one attention head looks: one row a query token, with its strongest keys.
---
--- ```lua
--- local text = 'In the beginning God created the heaven and the earth.'
--- local seen = crescent.inspect.attention(model, { layer = 2, head = 1, text = text })
--- print(seen)
--- print(seen:map())            -- tokens x tokens; seen:map():save('head.svg') writes a picture
--- ```
--- `entropy_nats` is that of the query's weights, 0 .. ln(position); `key` and `weight` are the
--- strongest key's position and weight, `keys` the `top` strongest (default 3) as a list of
--- { position, id, text, weight }, `strongest` the same to read. Spaces of tokens are shown as ␣.
--- `seen:map()` gives the whole matrix as a heat map.
--- Cost: one forward pass that keeps L H T T attention weights.
--- Raises on unknown options, a layer or head that isn't there, a text that is missing or empty.
---@param model crescent.Model
---@param options { layer: integer, head: integer, text: string?, file: string?, ids: integer[]?,
---  top: integer?, tokens_max: integer?, sort_by: string?, descending: boolean? }
---@return crescent.Rows
local function attention(model, options)
  options = input.check(name, { model, names = { 'model' } }, options,
    { layer = 'place', head = 'place', top = 'count', fields = fields })
  local layer = input.place(name, 'layer', options.layer, #model.layers, "the model's layers")
  local heads = model.layers[layer].heads
  if heads == 0 then input.refuse(name, 'layer %d has no heads', layer) end
  local head = input.place(name, 'head', options.head, heads, ('the heads of layer %d'):format(
    layer))
  local tokens = input.tokens(name, model, options, 1)
  local matrix = attention_of(model, tokens, layer, head)
  local columns = { 'position', 'id' }
  if tokens.texts then columns[3] = { 'text', align = 'left' } end
  columns[#columns + 1] = 'entropy_nats'
  columns[#columns + 1] = { 'strongest', title = 'strongest keys', align = 'left' }
  return answer.of(name, rows_of(matrix, tokens, options.top or 3), options, {
    kind = 'attention', title = ('Attention of layer %d, head %d'):format(layer, head),
    columns = columns, notes = tokens.notes,
  }, { map = function() return map_of(matrix, tokens, layer, head) end })
end

return attention
