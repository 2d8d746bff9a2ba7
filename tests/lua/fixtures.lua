--- Where the tests' files are: beside this folder. Modules next to a script are found by require.
local fixtures = {}

local here = (arg[0]:match('^(.*)/[^/]*$') or '.')

--- Path below tests/fixtures.
function fixtures.path(name) return here .. '/../fixtures/' .. name end

--- Path of a small GPT-2 or Llama with expected values.
function fixtures.model(name) return fixtures.path('models/' .. name) end

--- Expected values that the reference implementation gave for a model.
function fixtures.expected(name)
  local file = assert(io.open(fixtures.model(name) .. '/expected.json'))
  local text = file:read('*a')
  file:close()
  return crescent.json.decode(text)
end

--- Runs fn with the path of a folder that doesn't exist yet and is gone afterwards.
function fixtures.with_folder(fn)
  local folder = os.tmpname()
  os.remove(folder)
  local ok, problem = pcall(fn, folder)
  for _, name in ipairs {
    'config.json', 'generation_config.json', 'model.safetensors', 'merges.txt', 'tokenizer.json',
    'tokenizer_config.json', 'vocab.json', 'pytorch_model.bin', 'special_tokens_map.json',
  } do os.remove(folder .. '/' .. name) end
  os.remove(folder)
  if not ok then error(problem, 0) end
end

--- Runs fn with the path of a file that holds `text`.
function fixtures.with_file(text, fn)
  local path = os.tmpname()
  local file = assert(io.open(path, 'wb'))
  file:write(text)
  file:close()
  local ok, problem = pcall(fn, path)
  os.remove(path)
  if not ok then error(problem, 0) end
end

return fixtures
