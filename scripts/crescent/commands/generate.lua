--- `crescent generate DIR 'prompt'`: continues a text, token by token as it comes.
return function()
  local opt = crescent.options {
    'Continues a prompt with a model.',
    { 'dir', "model folder, or 'tiny' for the embedded one", required = true },
    { 'prompt', 'text to continue', required = true },
    tokens = { 'new tokens at most', default = 100, type = 'integer' },
    temperature = { '0 takes the likeliest token', default = 0 },
    top_k = { 'sample among so many likeliest tokens', type = 'integer' },
    top_p = { 'sample among the likeliest tokens of this probability', type = 'number' },
    repetition_penalty = { 'divides the logits of tokens seen; 1 is none', type = 'number' },
    seed = { 'of the sampling; 1 if not given', type = 'integer' },
    level = { 'optimisation level', type = 'integer' },
  }
  local model = crescent.load(opt.dir)
  if opt.level then model = model:optimize { level = opt.level } end
  io.write(opt.prompt)
  io.flush()
  model:generate(opt.prompt, {
    tokens = opt.tokens,
    temperature = opt.temperature,
    top_k = opt.top_k,
    top_p = opt.top_p,
    repetition_penalty = opt.repetition_penalty,
    seed = opt.seed,
    on_token = function(text)
      io.write(text)
      io.flush()
    end,
  })
  print()
end
