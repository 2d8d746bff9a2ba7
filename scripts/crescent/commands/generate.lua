--- `crescent generate DIR 'prompt'`: continues a text, token by token as it comes.

local attempt = require('crescent.command').attempt

return function()
  local opt = crescent.options {
    'Continues a prompt with a model.',
    { 'dir', "model folder, or 'tiny' for the embedded one", required = true },
    { 'prompt', 'text to continue', required = true, nonempty = true },
    tokens = { 'new tokens at most', default = 100, type = 'integer', at_least = 1 },
    temperature = { '0 takes the likeliest token', default = 0, at_least = 0 },
    top_k = { 'sample among so many likeliest tokens', type = 'integer', at_least = 0 },
    top_p = {
      'sample among the likeliest tokens of this probability', type = 'number', above = 0,
      at_most = 1,
    },
    repetition_penalty = {
      'divides the logits of tokens seen; 1 is none', type = 'number', above = 0,
    },
    seed = { 'of the sampling; 1 if not given', type = 'integer', at_least = 0, at_most = 2 ^ 53 },
    stop = { 'end in front of this text', many = true, nonempty = true },
    ignore_eos = { 'go on past an end-of-text token', default = false },
    level = {
      'optimisation level', type = 'integer', choices = crescent.levels.available(),
    },
  }
  local model = attempt('generate', crescent.load, opt.dir)
  if opt.level then model = model:optimize { level = opt.level } end
  local begun = false
  --- The prompt stands in front of the first token, so that a refused one leaves nothing.
  local function write(text)
    if not begun then io.write(opt.prompt) end
    begun = true
    io.write(text)
    io.flush()
  end
  attempt('generate', model.generate, model, opt.prompt, {
    tokens = opt.tokens,
    temperature = opt.temperature,
    top_k = opt.top_k,
    top_p = opt.top_p,
    repetition_penalty = opt.repetition_penalty,
    seed = opt.seed,
    stop = opt.stop,
    ignore_eos = opt.ignore_eos,
    on_token = write,
  })
  write('\n')
end
