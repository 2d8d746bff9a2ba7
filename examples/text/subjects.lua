-- Models by folder, by embedded name or by preset, and what can be said of each. A preset has random
-- weights and no tokenizer: its times are those of a trained model, and its quality is none.
local verses = require 'text.verses'

local subjects = {}

--- The published shape of that name, or nil.
function subjects.preset(name)
  for _, preset in ipairs(crescent.presets()) do
    if preset.name == name then return preset end
  end
end

--- Loads it for a cell of an experiment, which keeps it.
function subjects.load(ctx, name)
  local ok, model = pcall(ctx.load, name)
  if ok then return model end
  if model == 'interrupted' or not subjects.preset(name) then error(model, 0) end
  return ctx.once('preset ' .. name, function() return crescent.preset(name) end)
end

--- How many positions it has; nil and why it can't be loaded.
function subjects.positions(name)
  local ok, model = pcall(crescent.load, name)
  if ok then return model.config.positions_max end
  if model == 'interrupted' then error(model, 0) end
  local preset = subjects.preset(name)
  if preset then return preset.positions_max end
  return nil, (tostring(model):gsub('^.-crescent%.load: ', ''))
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

--- What a changed model still is: perplexity on unseen verses, and agreement with the reference.
function subjects.quality(model, reference, count)
  local window = math.min(128, model.config.positions_max)
  local text = subjects.has_text(model) and verses.unseen(count)
  local data = text and { text = text, window = window }
    or { ids = subjects.ids(model, 4 * window), window = window }
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
