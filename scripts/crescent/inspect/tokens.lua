--- crescent.inspect.tokens
local answer = require 'crescent.inspecting.answer'
local input = require 'crescent.inspecting.input'
local paint = require 'crescent.inspecting.paint'
local rows_library = require 'crescent.rows'
local units = require 'crescent.units'

local name = 'crescent.inspect.tokens'
local window_default = 256
local rows_at_once = 64 -- of logits: bounds the memory of a large vocabulary

--- Windows over the text as crescent.eval.perplexity has them: { first, last, target }, the first
--- token whose loss counts in this window.
local function windows_over(total, window, stride)
  local windows, scored_to = {}, 0
  for first = 1, total - 1, stride do
    local last = math.min(first + window - 1, total)
    windows[#windows + 1] = { first = first, last = last,
      target = math.max(first + 1, scored_to + 1) }
    scored_to = last
    if last == total then break end
  end
  return windows
end

--- Figures of the predictions of tokens first .. first + #targets - 1, into the rows.
---@param logits crescent.Tensor  # (N, V), of the positions in front of the targets
local function measure(rows, first, logits)
  local N, V = logits.shape[1], logits.shape[2]
  local places = {}
  for i = 1, N do places[i] = (i - 1) * V + rows[first + i - 1].id + 1 end
  local log = logits:log_softmax(-1)
  local found = log:reshape(-1):index(1, places)                              -- (N)
  local rank = log:gt(found:unsqueeze(2)):sum(2):tolist()
  local probabilities = log:exp()
  local entropy = (0 - (probabilities * log:clamp(-1e30, 0)):sum(2)):tolist() -- 0 * -inf is 0
  local top, top_places = log:max(-1)
  found, top, top_places = found:tolist(), top:tolist(), top_places:tolist()
  for i = 1, N do
    local row = rows[first + i - 1]
    row.loss_nats, row.probability = -found[i], math.exp(found[i])
    row.rank, row.entropy_nats = rank[i] + 1, entropy[i]
    row.top_id, row.top_probability = top_places[i] - 1, math.exp(top[i])
  end
end

local function run_window(model, rows, window)
  local ids = {}
  for i = window.first, window.last do ids[#ids + 1] = rows[i].id end
  crescent.scope(function()
    local logits = input.forward(name, model, ids)
    for target = window.target, window.last, rows_at_once do
      local last = math.min(target + rows_at_once - 1, window.last)
      crescent.scope(function()
        -- The position in front of a token predicts it.
        measure(rows, target, logits:slice(1, target - window.first, last - window.first))
      end)
    end
  end)
end

local fields = {
  'position', 'id', 'text', 'loss_nats', 'probability', 'rank', 'entropy_nats', 'top', 'top_id',
  'top_probability',
}
local figures = {
  'loss_nats', 'probability', 'rank', 'entropy_nats', 'top_id', 'top_probability', 'top',
}

local function rows_of(model, tokens, options)
  local rows = {}
  for i, id in ipairs(tokens.ids) do
    rows[i] = { position = i, id = id, text = tokens.texts and tokens.texts[i],
      absent = input.absent_texts(tokens, { 'text', 'top' }) }
  end
  for _, window in ipairs(windows_over(#rows, options.window, options.stride)) do
    run_window(model, rows, window)
  end
  for i, row in ipairs(rows) do
    if row.loss_nats then
      row.top = input.text_of(tokens, row.top_id)
    else
      local reason = i == 1 and 'nothing stands before the first token'
        or 'a window begins with it: no predecessor is seen; take a stride below the window'
      for _, figure in ipairs(figures) do row.absent[figure] = reason end
    end
  end
  return rows
end

--- Fills in window and stride, and refuses what the model can't do.
local function complete(options, model)
  local positions = model.config.positions_max
  options.window = options.window or math.min(window_default, positions)
  if options.window > positions then
    input.refuse(name, "option 'window': expected 2 .. %d (the model's positions), got %d",
      positions, options.window)
  end
  options.stride = options.stride or math.max(1, math.floor(options.window / 2))
  if options.stride > options.window then
    input.refuse(name, "option 'stride': expected 1 .. %d (the window), got %d", options.window,
      options.stride)
  end
end

--- The sum over the text, as crescent.eval.perplexity gives it.
local function total_of(rows, model, options)
  local total = { nll_nats = 0, tokens = 0 }
  for _, row in ipairs(rows) do
    if row.loss_nats then
      total.nll_nats, total.tokens = total.nll_nats + row.loss_nats, total.tokens + 1
    end
  end
  total.loss_nats_mean = total.nll_nats / total.tokens
  total.perplexity = math.exp(total.loss_nats_mean)
  total.protocol = ('window %d, stride %d, each target once in the first window that holds it '
    .. 'with a predecessor, level %d, float32'):format(options.window, options.stride, model.level)
  return total
end

--- How the answer prints: where colours are wanted, the text comes first, in its own order.
local function printer(rows, decode, colour)
  return function(list)
    local text, wanted = rows_library.text(list), colour
    if wanted == nil then wanted = paint.wanted() end
    if not wanted or not decode then return text end
    return table.concat({ paint.text(rows, decode), paint.legend(), text }, '\n')
  end
end

local function columns_of(tokens)
  local columns = { 'position', 'id' }
  if tokens.texts then columns[3] = { 'text', align = 'left' } end
  for _, column in ipairs { 'loss_nats', 'probability', 'rank', 'entropy_nats' } do
    columns[#columns + 1] = column
  end
  columns[#columns + 1] = tokens.texts and { 'top', align = 'left' } or 'top_id'
  columns[#columns + 1] = 'top_probability'
  return columns
end

--- Shows how well a model predicts every token of a text: one row a token.
---
--- ```lua
--- local seen = crescent.inspect.tokens(model, { text = 'In the beginning God created' })
--- print(seen)                                       -- on a terminal, the text in colours first
--- print(seen:sort('loss_nats', { descending = true }):take(10))
--- print(seen.perplexity, seen.protocol)
--- ```
--- `loss_nats` is -ln of the token's `probability`; `rank` 1 is the most likely one; `entropy_nats`
--- is that of the whole prediction; `top` and `top_probability` are the model's favourite. The
--- first token has nothing before it, and no figures. Spaces of tokens are shown as ␣, bytes that
--- are no character alone as U+FFFD.
--- Windows are those of crescent.eval.perplexity: `window` tokens (default 256, or the model's
--- positions) see each other, the next window starts `stride` later (default half a window), a
--- token counts in the first window that holds it with a predecessor. The answer's `perplexity`,
--- `nll_nats`, `tokens` and `protocol` are those of that function on the same tokens.
--- Colours go by loss, on a terminal and unless NO_COLOR is set; `colour`, true or false, decides.
--- Cost: one forward pass a window, and a few passes over its T V logits.
--- Raises on unknown options, a text of fewer than 2 tokens, ids outside the vocabulary.
---@param model crescent.Model
---@param options { text: string?, file: string?, ids: integer[]?, tokens_max: integer?,
---  window: integer?, stride: integer?, colour: boolean?, sort_by: string?, descending: boolean? }
---@return crescent.Rows
local function tokens(model, options)
  options = input.check(name, { model, names = { 'model' } }, options,
    { window = 'pair', stride = 'count', colour = 'flag', fields = fields })
  complete(options, model)
  local read = input.tokens(name, model, options, 2, math.huge)
  local rows = rows_of(model, read, options)
  local total = total_of(rows, model, options)
  table.insert(read.notes, ('mean loss %s nats over %s, perplexity %s (%s)'):format(
    units.number(total.loss_nats_mean), units.counted(total.tokens, 'token'),
    units.number(total.perplexity), total.protocol))
  return answer.of(name, rows, options, {
    kind = 'tokens', title = 'Tokens', columns = columns_of(read), notes = read.notes,
  }, total, printer(rows, read.decode, options.colour))
end

return tokens
