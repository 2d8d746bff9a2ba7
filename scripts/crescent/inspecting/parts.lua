--- Which part of the decoder a weight belongs to, by its name in the file, and what of a layer's
--- attention belongs to each head.
local parts = {}

--- By the first word of a name behind prefix and layer: GPT-2's names, then Llama's.
local part_of_word = {
  wte = 'embedding', wpe = 'positions', ln_1 = 'norm', ln_2 = 'norm', ln_f = 'norm',
  attn = 'attention', mlp = 'ffn', lm_head = 'head',
  embed_tokens = 'embedding', norm = 'norm', input_layernorm = 'norm',
  post_attention_layernorm = 'norm', self_attn = 'attention',
}

--- Splits a weight's name: 'transformer.h.0.attn.c_attn.weight' is 'attn.c_attn.weight' of layer 1.
---@param name string
---@return string rest, integer? layer
local function split(name)
  local layer, rest = name:match('%f[%w]h%.(%d+)%.(.+)$')
  if not layer then layer, rest = name:match('%f[%w]layers%.(%d+)%.(.+)$') end
  if layer then return rest, tonumber(layer) + 1 end
  return (name:gsub('^transformer%.', ''):gsub('^model%.', ''))
end

--- Gives the part of a weight, nil of a name of no known family, and its layer if it has one.
---@param name string
---@return string? part, integer? layer
function parts.of(name)
  local rest, layer = split(name)
  return part_of_word[rest:match('^[%w_]+')], layer
end

--- Gives functions that find a model's weights by what follows prefix and layer in their names:
--- `weight(rest, layer)`, as float32 or nil.
function parts.finder(model)
  local names = {}
  for _, entry in ipairs(model:weights()) do
    local rest, layer = split(entry.name)
    names[(layer or 0) .. ' ' .. rest] = entry.name
  end
  return function(rest, layer)
    local name = names[(layer or 0) .. ' ' .. rest]
    return name and model:weight(name):float() or nil
  end
end

--- Sums of squares over everything but the outputs (or inputs) of a matrix, biases added.
local function squares_of(matrix, along, bias)
  local sums = (matrix * matrix):sum(along)
  return bias and sums + bias * bias or sums
end

local function by_head(squares, head_dim)
  return squares:reshape(-1, head_dim):sum(2):tolist()
end

--- GPT-2 keeps query, key and value in one matrix [in, out].
local function gpt2_squares(weight, index, layer)
  local queries, keys = layer.heads * layer.head_dim, layer.kv_heads * layer.head_dim
  local all = squares_of(weight('attn.c_attn.weight', index), 1, weight('attn.c_attn.bias', index))
  local function slice(first, count)
    return by_head(all:slice(1, first, first + count - 1), layer.head_dim)
  end
  return {
    q = slice(1, queries), k = slice(queries + 1, keys), v = slice(queries + keys + 1, keys),
    o = by_head(squares_of(weight('attn.c_proj.weight', index), 2), layer.head_dim),
  }
end

--- Llama keeps four matrices [out, in].
local function llama_squares(weight, index, layer)
  local function outputs(name)
    return by_head(squares_of(weight('self_attn.' .. name .. '.weight', index), 2,
      weight('self_attn.' .. name .. '.bias', index)), layer.head_dim)
  end
  return {
    q = outputs 'q_proj', k = outputs 'k_proj', v = outputs 'v_proj',
    o = by_head(squares_of(weight('self_attn.o_proj.weight', index), 1), layer.head_dim),
  }
end

--- Gives the Frobenius norm of every head's query, key, value and output slices together, biases
--- included; a key/value head counts for each head that reads it. Nil and why, of unknown names.
---@return number[]?, string?
function parts.head_norms(weight, index, layer)
  local squares
  if weight('attn.c_attn.weight', index) then
    squares = gpt2_squares(weight, index, layer)
  elseif weight('self_attn.q_proj.weight', index) then
    squares = llama_squares(weight, index, layer)
  else
    return nil, 'no attention weights by the names of gpt2 or llama'
  end
  local norms = {}
  for head = 1, layer.heads do
    local kv = layer.kv_of_head[head]
    norms[head] = math.sqrt(squares.q[head] + squares.k[kv] + squares.v[kv] + squares.o[head])
  end
  return norms
end

--- Gives the parameters that go with each head if it alone is removed: its query and output slices,
--- and its key and value slices where no other head reads them.
---@return integer[]
function parts.head_params(model, layer)
  local C, D = model.config.d_model, layer.head_dim
  local with_bias = model.config.qkv_bias and C + 1 or C
  local readers, params = {}, {}
  for head = 1, layer.heads do
    local kv = layer.kv_of_head[head]
    readers[kv] = (readers[kv] or 0) + 1
  end
  for head = 1, layer.heads do
    params[head] = D * (with_bias + C)
    if readers[layer.kv_of_head[head]] == 1 then params[head] = params[head] + 2 * D * with_bias end
  end
  return params
end

return parts
