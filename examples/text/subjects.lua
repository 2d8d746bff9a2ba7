-- Models by folder, embedded name or preset, and what can be said of each. A preset has random
-- weights and no tokenizer: its times are those of a trained model, and it has no quality.
local usage = require 'crescent.usage'
local verses = require 'text.verses'

local subjects = {}

--- The published shape of a name, or nil; of 'gpt2:2' that of gpt2 and the layers to keep.
function subjects.preset(name)
  local whole, layers = name:match '^(.-):(%d+)$'
  for _, preset in ipairs(crescent.presets()) do
    if preset.name == (whole or name) then return preset, tonumber(layers) end
  end
end

local function make(name)
  local preset, layers = subjects.preset(name)
  local model = crescent.preset(preset.name)
  if not layers then return model end
  local gone = {}
  for layer = layers + 1, #model.layers do gone[#gone + 1] = layer end
  return crescent.prune.plan(model, { what = 'layers', list = gone }):apply()
end

--- Loads it for a cell of an experiment, which keeps it.
function subjects.load(ctx, name)
  local ok, model = pcall(ctx.load, name)
  if ok then return model end
  if model == 'interrupted' or not subjects.preset(name) then error(model, 0) end
  return ctx.once('preset ' .. name, function() return make(name) end)
end

--- How many positions a model has. Ends the process if there is none of that name, as any wrong
--- command line does.
function subjects.positions(name, flag)
  local ok, model = pcall(crescent.load, name)
  if ok then return model.config.positions_max end
  if model == 'interrupted' then error(model, 0) end
  local preset = subjects.preset(name)
  if preset then return preset.positions_max end
  usage.refuse('%s: %s', flag or '--model', (tostring(model):gsub('^.-crescent%.load: ', '')))
end

--- Ends the process if a model can't hold so many tokens.
function subjects.expect(name, tokens)
  local positions = subjects.positions(name)
  if tokens <= positions then return end
  usage.refuse('--sequence-length and --generated-tokens: %s has %d positions, got %d tokens',
    name, positions, tokens)
end

function subjects.has_text(model) return pcall(function() return model.tokenizer end) end

--- So many token ids of the first verses; of a model without a tokenizer any. `number` gives
--- others, for the rows of a batch.
function subjects.ids(model, count, number)
  local ids, source = {}, nil
  if subjects.has_text(model) then source = model.tokenizer:encode(verses.seen(1000)) end
  local first = ((number or 1) - 1) * count
  for i = 1, count do
    local place = first + i
    ids[i] = source and source[(place - 1) % #source + 1] or place * 7919 % model.config.vocab
  end
  return ids
end

--- The model without a share of its heads and neurons. What goes is chosen by gradients on verses
--- that the model saw; where there is no text, by the size of the weights.
function subjects.pruned(model, ratio, tokens)
  local by_text = subjects.has_text(model)
  return crescent.prune.plan(model, {
    what = { 'heads', 'neurons' }, ratio = ratio, criterion = by_text and 'taylor' or 'magnitude',
    data = by_text and { text = verses.seen(100), tokens = tokens } or nil,
  }):apply()
end

--- What a changed model still is: perplexity on the last verses, and agreement with the reference;
--- without text only that, on ids.
---@param count integer   # verses
function subjects.quality(model, reference, count)
  local window = math.min(128, model.config.positions_max)
  local text = subjects.has_text(model) and verses.unseen(count)
  local data = text and { text = text, window = window }
    or { ids = subjects.ids(model, 16 * count), window = window }
  local agreement = crescent.eval.agreement(model, reference, data)
  local quality = { top1 = agreement.top1, kl_nats = agreement.kl_nats,
    max_abs_logit = agreement.max_abs_logit }
  if text then
    quality.perplexity = crescent.eval.perplexity(model, data).perplexity
  else
    quality.absent = { perplexity = 'the weights are random' }
  end
  return quality
end

return subjects
