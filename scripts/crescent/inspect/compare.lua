--- crescent.inspect.compare
local answer = require 'crescent.inspecting.answer'
local input = require 'crescent.inspecting.input'
local rows_library = require 'crescent.rows'
local units = require 'crescent.units'

local name = 'crescent.inspect.compare'
local fields = {
  'position', 'id', 'text', 'next_id', 'next', 'loss_nats_a', 'loss_nats_b', 'kl_nats', 'agree',
  'top_a', 'top_id_a', 'top_probability_a', 'top_b', 'top_id_b', 'top_probability_b',
  'logit_difference',
}
local rows_at_once = 64       -- of logits: bounds the memory of a large vocabulary
local context_tokens = 12     -- shown in front of the first disagreement
local differs_from = 1e-3     -- relative difference of hidden states that is more than rounding

--- Refuses models that can't mean the same by an id.
local function check_vocabularies(a, b)
  if a.config.vocab ~= b.config.vocab then
    input.refuse(name, 'the vocabularies differ: %d and %d ids; only models that share one can be '
      .. 'compared', a.config.vocab, b.config.vocab)
  end
end

--- Refuses a text that both models' tokenizers read differently; one tokenizer alone is enough.
local function check_tokenizers(tokens, b)
  if not tokens.source then return end
  local there, by_b = pcall(function() return b.tokenizer:encode(tokens.source) end)
  if not there then return end
  for i = 1, math.max(#tokens.all, #by_b) do
    if tokens.all[i] ~= by_b[i] then
      input.refuse(name, 'the tokenizers differ: token %d of the text is %s for the first model '
        .. 'and %s for the second', i, tokens.all[i] or 'none', by_b[i] or 'none')
    end
  end
end

--- Adds to rows first .. first + N - 1 how both models go on from there.
---@param logits_a crescent.Tensor  # (N, V)
---@param logits_b crescent.Tensor  # (N, V)
local function measure(rows, first, logits_a, logits_b)
  local N, V = logits_a.shape[1], logits_a.shape[2]
  -- In double: between equal models the rounding of float32 would give a divergence below zero.
  local log_a = logits_a:to('float64'):log_softmax(-1)
  local log_b = logits_b:to('float64'):log_softmax(-1)
  local kl = (log_a:exp() * (log_a - log_b)):sum(2):tolist()
  local apart = (logits_a - logits_b):abs():max(2):tolist()
  local top_a, place_a = log_a:max(2)
  local top_b, place_b = log_b:max(2)
  top_a, place_a, top_b, place_b = top_a:tolist(), place_a:tolist(), top_b:tolist(),
    place_b:tolist()
  local targets = {}
  for i = 1, N do targets[i] = (i - 1) * V + (rows[first + i - 1].next_id or 0) + 1 end
  local loss_a = log_a:reshape(-1):index(1, targets):tolist()
  local loss_b = log_b:reshape(-1):index(1, targets):tolist()
  for i = 1, N do
    local row = rows[first + i - 1]
    if row.next_id then row.loss_nats_a, row.loss_nats_b = -loss_a[i], -loss_b[i] end
    row.kl_nats, row.logit_difference = kl[i], apart[i]
    row.top_id_a, row.top_probability_a = place_a[i] - 1, math.exp(top_a[i])
    row.top_id_b, row.top_probability_b = place_b[i] - 1, math.exp(top_b[i])
    row.agree = place_a[i] == place_b[i]
  end
end

--- Differences of the hidden states: one row a layer, and 0 for what enters the first.
local function layer_rows(hidden_a, hidden_b)
  local made = {}
  for place, a in ipairs(hidden_a) do
    crescent.scope(function()
      local b = hidden_b[place]
      local lengths = a:norm(2) * b:norm(2)                                   -- (T)
      made[place] = {
        layer = place - 1, relative_difference = ((a - b):norm() / a:norm()):item(),
        cosine = ((a * b):sum(2) / lengths):mean():item(),
      }
    end)
  end
  return made
end

--- Why hidden states can't be held against each other, or nil.
local function unlike(a, b)
  if #a.layers ~= #b.layers then
    return ('the models have %d and %d layers'):format(#a.layers, #b.layers)
  elseif a.config.d_model ~= b.config.d_model then
    return ('the models are %d and %d wide'):format(a.config.d_model, b.config.d_model)
  end
end

local function new_rows(tokens)
  local rows = {}
  for i, id in ipairs(tokens.ids) do
    rows[i] = { position = i, id = id, text = tokens.texts and tokens.texts[i],
      next_id = tokens.ids[i + 1], next = tokens.texts and tokens.texts[i + 1],
      absent = input.absent_texts(tokens, { 'text', 'next', 'top_a', 'top_b' }) }
  end
  for _, figure in ipairs { 'next_id', 'next', 'loss_nats_a', 'loss_nats_b' } do
    rows[#rows].absent[figure] = 'the text ends here'
  end
  return rows
end

--- Runs both models; gives the rows, and those of the layers, or nil and why not.
local function run(a, b, tokens)
  local rows, layers, reason = new_rows(tokens), nil, unlike(a, b)
  crescent.scope(function()
    local with = { hidden = reason == nil }
    local seen_a = input.forward(name, a, tokens.ids, with)
    local seen_b = input.forward(name, b, tokens.ids, with)
    if not reason then layers = layer_rows(seen_a.hidden, seen_b.hidden) end
    local logits_a = with.hidden and seen_a.logits or seen_a
    local logits_b = with.hidden and seen_b.logits or seen_b
    for first = 1, #rows, rows_at_once do
      local last = math.min(first + rows_at_once - 1, #rows)
      crescent.scope(function()
        measure(rows, first, logits_a:slice(1, first, last), logits_b:slice(1, first, last))
      end)
    end
  end)
  for _, row in ipairs(rows) do
    row.top_a, row.top_b = input.text_of(tokens, row.top_id_a), input.text_of(tokens, row.top_id_b)
  end
  return rows, layers, reason
end

--- The first position after which the favourites differ, or nil.
local function first_of(rows, tokens)
  for i, row in ipairs(rows) do
    if not row.agree then
      local ids = {}
      for place = math.max(1, i - context_tokens + 1), i do ids[#ids + 1] = tokens.ids[place] end
      return {
        position = i, context_ids = ids,
        context = tokens.decode and input.printable(tokens.decode(ids)):gsub('␣', ' ') or nil,
        top_id_a = row.top_id_a, top_id_b = row.top_id_b, top_a = row.top_a, top_b = row.top_b,
        top_probability_a = row.top_probability_a, top_probability_b = row.top_probability_b,
      }
    end
  end
end

--- Sums over the rows.
local function summary_of(rows)
  local sum, agreeing = { kl_nats = 0, logit_difference_max = 0, tokens = #rows }, 0
  for _, row in ipairs(rows) do
    sum.kl_nats = sum.kl_nats + row.kl_nats / #rows
    if row.agree then agreeing = agreeing + 1 end
    sum.logit_difference_max = math.max(sum.logit_difference_max, row.logit_difference)
  end
  sum.top1 = agreeing / #rows
  return sum
end

local function sentence_of(first, rows, tokens)
  if not first then
    return ('They agree on all %s.'):format(units.counted(#rows, 'position'))
  end
  return ('They first disagree after token %d%s: the first model says %s (%s), the second %s (%s).')
    :format(first.position,
      first.context and (", '%s%s'"):format(first.position > context_tokens and '...' or '',
        first.context) or '',
      input.named(tokens, first.top_id_a), units.percent(first.top_probability_a),
      input.named(tokens, first.top_id_b), units.percent(first.top_probability_b))
end

local function layers_sentence(summary, reason)
  if reason then return 'no layer by layer: ' .. reason end
  if not summary.first_layer then
    return ('hidden states differ by no more than %g of their norm in any layer'):format(
      differs_from)
  end
  return ('hidden states differ by more than %g of their norm from %s on; layer by layer: .layers')
    :format(differs_from, summary.first_layer == 0 and 'the embedding'
      or 'layer ' .. summary.first_layer)
end

local function notes_of(tokens, rows, summary, reason)
  local notes = { unpack(tokens.notes) }
  notes[#notes + 1] = summary.said
  notes[#notes + 1] = ('the same favourite at %s of %s, KL(first || second) %s nats, largest logit '
    .. 'difference %s'):format(units.percent(summary.top1), units.counted(#rows, 'position'),
    units.number(summary.kl_nats), units.number(summary.logit_difference_max))
  notes[#notes + 1] = layers_sentence(summary, reason)
  return notes
end

local function columns_of(tokens)
  local columns = { 'position' }
  local function add(list)
    for _, column in ipairs(list) do columns[#columns + 1] = column end
  end
  add(tokens.texts and { { 'text', align = 'left' }, { 'next', align = 'left' } }
    or { 'id', 'next_id' })
  add { 'loss_nats_a', 'loss_nats_b', 'kl_nats', 'agree' }
  local top = tokens.texts and 'top_%s' or 'top_id_%s'
  for _, which in ipairs { 'a', 'b' } do
    add { { top:format(which), align = tokens.texts and 'left' or 'right' },
      { 'top_probability_' .. which, title = 'p_' .. which } }
  end
  add { 'logit_difference' }
  return columns
end

--- Shows where two models first disagree on a text: one row a position, how both go on from there.
---
--- ```lua
--- local smaller = crescent.prune.plan(model, { ratio = 0.3 }):apply()
--- local text = 'In the beginning God created the heaven and the earth.'
--- local seen = crescent.inspect.compare(model, smaller, { text = text })
--- print(seen:where 'not agree')
--- print(seen:sentence(), seen.layers)
--- ```
--- A row is about what follows its token: `next`, the token that does; `loss_nats_a` and
--- `loss_nats_b`, -ln of what either model gives it; `kl_nats`, KL(a || b); `top_a` and `top_b`,
--- the favourites, with `top_probability_a` and `top_probability_b`; whether they `agree`; and
--- `logit_difference`, the largest.
--- The answer has `first`, the first disagreement with the `context` before it (nil if there is
--- none), `sentence()`, which says so, and of all rows `kl_nats`, `top1` and `logit_difference_max`
--- as crescent.eval.agreement(b, a) gives them. Of models with as many layers it has `layers`, else
--- nil with its reason in `absent`: what enters the first (layer 0) and leaves each, as
--- `relative_difference`, |a - b| / |a| over all tokens, and mean `cosine`; `first_layer` is the
--- first that differs by more than 1e-3.
--- Cost: one forward pass of each model, both keeping hidden states; T V logits in double.
--- Raises on unknown options, different vocabularies or tokenizers, a missing or empty text.
---@param a crescent.Model
---@param b crescent.Model
---@param options { text: string?, file: string?, ids: integer[]?, tokens_max: integer?,
---  sort_by: string?, descending: boolean? }   # tokens_max default: 256
---@return crescent.Rows
local function compare(a, b, options)
  options = input.check(name, { a, b, names = { 'a', 'b' } }, options, { fields = fields })
  check_vocabularies(a, b)
  local tokens = input.tokens(name, a, options, 1,
    math.min(a.config.positions_max, b.config.positions_max))
  check_tokenizers(tokens, b)
  local rows, layers, reason = run(a, b, tokens)
  local summary = summary_of(rows)
  summary.first = first_of(rows, tokens)
  summary.said = sentence_of(summary.first, rows, tokens)
  function summary.sentence() return summary.said end
  for _, row in ipairs(layers or {}) do
    local same = row.relative_difference <= differs_from -- false of NaN as well
    if not same and not summary.first_layer then summary.first_layer = row.layer end
  end
  summary.layers = layers and rows_library.of(layers, { kind = 'layer differences',
    title = 'Hidden states', columns = { 'layer', 'relative_difference', 'cosine' } })
  summary.absent = reason and { layers = reason } or nil
  return answer.of(name, rows, options, {
    kind = 'comparison', title = 'Two models', columns = columns_of(tokens),
    notes = notes_of(tokens, rows, summary, reason),
  }, summary)
end

return compare
