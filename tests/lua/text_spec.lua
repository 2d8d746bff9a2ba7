--- Tokenizers.
local test = require 'crescent.test'
local fixtures = require 'fixtures'

local tokenizer = crescent.tokenizer(fixtures.path 'tokenizers/gpt2_bpe')

test.group('a tokenizer', function()
  test.case('says what it is', function()
    test.equal(tokenizer.kind, 'byte-level BPE')
    test.equal(tokenizer.size, 1000)
    test.equal(tostring(tokenizer), 'byte-level BPE  1000 tokens')
  end)
  test.case('encodes and decodes to the same text, whatever the bytes', function()
    for _, text in ipairs { 'To be, or not to be', ' \n\t ', 'ŋ → 水', '' } do
      test.equal(tokenizer:decode(tokenizer:encode(text)), text)
    end
  end)
  test.case('encodes like the reference', function()
    local expected = fixtures.expected 'gpt2_text'
    test.equal(tokenizer:encode(expected.prompts[1].text), expected.prompts[1].input_ids)
  end)
  test.case('knows special tokens, and leaves them out when asked', function()
    local id = tokenizer:id('<|endoftext|>')
    test.equal(id, 999)
    test.equal(tokenizer:encode('<|endoftext|>'), { 999 })
    test.equal(tokenizer:decode({ 999 }, { skip_special = true }), '')
    test.ok(tokenizer:id('no such token') == nil)
  end)
  test.case('of a model is that of its folder', function()
    local model = crescent.load(fixtures.model 'gpt2_text')
    test.equal(model.tokenizer:encode('To be'), tokenizer:encode('To be'))
  end)
  test.case('of a model survives its handle', function()
    local model = crescent.load(fixtures.model 'gpt2_text')
    local own = model.tokenizer
    own:close()
    test.equal(#model:generate('To be', { tokens = 1, ignore_eos = true }).ids, 1)
    test.equal(tostring(own), 'closed tokenizer')
  end)
end)
