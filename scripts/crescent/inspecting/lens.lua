--- The logit lens: the model's own final norm and head, applied to what leaves an earlier layer.
--- nostalgebraist 2020, "interpreting GPT: the logit lens" (LessWrong).
local parts = require 'crescent.inspecting.parts'

local near_enough = 1e-2 -- of the logits' spread: how well the last layer must give the logits

--- The final norm as a function of hidden states (T, C), or nil.
local function norm_of(config, weight)
  local scale, shift = weight 'ln_f.weight' or weight 'norm.weight', weight 'ln_f.bias'
  if not scale then return nil end
  if config.norm == 'layer_norm' then
    return function(x) return x:layer_norm(scale, shift, { eps = config.norm_eps }) end
  end
  return function(x)
    return x / ((x * x):mean(-1, { keepdim = true }) + config.norm_eps):sqrt() * scale
  end
end

--- Makes a function from hidden states (T, C) to logits (T, V), proven on the last layer: nil and a
--- reason where it doesn't give the model's own logits. The tensors that it keeps are the caller's
--- scope's.
---@param seen { hidden: crescent.Tensor[], logits: crescent.Tensor }
---@return (fun(hidden: crescent.Tensor): crescent.Tensor)?, string?
return function(model, seen)
  local weight = parts.finder(model)
  local norm = norm_of(model.config, weight)
  local head = weight 'lm_head.weight' or weight 'wte.weight' or weight 'embed_tokens.weight'
  if not norm or not head then
    return nil, 'no final norm and head by the names of gpt2 or llama'
  end
  local columns = head:transpose()                                            -- (C, V)
  local function logits_of(hidden) return norm(hidden):matmul(columns) end
  local apart = (logits_of(seen.hidden[#seen.hidden]) - seen.logits):abs():max():item()
  local proven = apart <= near_enough * seen.logits:std():item() -- false of NaN as well
  if not proven then
    return nil, "the final norm and head, applied to the last layer, don't give the model's logits"
  end
  return logits_of
end
