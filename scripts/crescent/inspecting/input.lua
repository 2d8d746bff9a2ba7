--- What the functions of crescent.inspect share: options, tokens, and how a mistake is told.
local blame = require 'crescent.blame'
local units = require 'crescent.units'

local input = {}

--- Raises on the caller's line, with the function's name in front.
function input.refuse(name, format, ...)
  blame('%s: %s', name, select('#', ...) > 0 and format:format(...) or format)
end

--- A value as messages of native functions show it.
local function shown(value)
  if value == nil then return 'nothing' end
  if type(value) == 'string' then
    return #value > 60 and ("'%s...'"):format(value:sub(1, 57)) or ("'%s'"):format(value)
  end
  if type(value) == 'number' then
    return value % 1 == 0 and ('%.0f'):format(value) or tostring(value)
  end
  if type(value) == 'boolean' then return tostring(value) end
  local class = type(value) == 'userdata' and getmetatable(value)
  return 'a ' .. (type(class) == 'string' and class:lower() or type(value))
end

local function is_whole(value) return type(value) == 'number' and value % 1 == 0 end

--- Kinds of options: what is expected, in words, and whether a value is that.
local kinds = {
  text = { 'a string', function(value) return type(value) == 'string' end },
  ids = { 'a list of token ids', function(value) return type(value) == 'table' end },
  count = { 'an integer >= 1', function(value) return is_whole(value) and value >= 1 end },
  pair = { 'an integer >= 2', function(value) return is_whole(value) and value >= 2 end },
  place = { 'an integer', is_whole },
  flag = { 'true or false', function(value) return type(value) == 'boolean' end },
}

--- Options that say what text is looked at; every function that takes one has them.
local text_options = { text = 'text', file = 'text', ids = 'ids', tokens_max = 'count' }
local row_options = { sort_by = 'text', descending = 'flag' }

--- Checks what rows are to be sorted by, before anything costs time.
local function check_order(name, options, fields)
  if options.sort_by == nil and options.descending ~= nil then
    input.refuse(name, "option 'descending': expected it beside sort_by, got it alone")
  elseif options.sort_by ~= nil then
    for _, field in ipairs(fields) do
      if field == options.sort_by then return end
    end
    input.refuse(name, "option 'sort_by': expected a field of the rows, got '%s'%s",
      options.sort_by, crescent.did_you_mean(options.sort_by, fields))
  end
end

--- Checks a call's models and options. `known` has the options besides those of text and rows, by
--- name with their kind; `known.no_text` leaves the former out, `known.fields` lists what rows can
--- be sorted by.
---@return table options  # a copy with `tokens_max` filled in
function input.check(name, models, given, known)
  for i, model in ipairs(models.names) do
    if getmetatable(models[i]) ~= 'Model' then
      input.refuse(name, "argument %d '%s': expected a model, got %s", i, model, shown(models[i]))
    end
  end
  if given ~= nil and type(given) ~= 'table' then
    input.refuse(name, 'argument %d: expected a table of options, got %s', #models.names + 1,
      shown(given))
  end
  local by_name, names, options = {}, {}, { tokens_max = 256 }
  for _, group in ipairs { known, row_options, known.no_text and {} or text_options } do
    for option, kind in pairs(group) do
      if kinds[kind] then
        by_name[option] = kinds[kind]
        names[#names + 1] = option
      end
    end
  end
  for option, value in pairs(given or {}) do
    local kind = by_name[option]
    if not kind then
      input.refuse(name, "unknown option '%s'%s", tostring(option),
        crescent.did_you_mean(tostring(option), names))
    elseif not kind[2](value) then
      input.refuse(name, "option '%s': expected %s, got %s", option, kind[1], shown(value))
    end
    options[option] = value
  end
  check_order(name, options, known.fields)
  return options
end

--- The position in a list of `count` that an option means: from 1, or from the end if negative.
function input.place(name, option, value, count, of_what)
  if value == nil then
    input.refuse(name, "option '%s' is required: 1 .. %d (%s)", option, count, of_what)
  end
  if value ~= 0 and math.abs(value) <= count then
    return value > 0 and value or count + 1 + value
  end
  input.refuse(name, "option '%s': expected 1 .. %d (%s), or -1 from the end, got %d", option,
    count, of_what, value)
end

local function read_file(name, path)
  local file, reason = io.open(path, 'rb')
  local text
  if file then
    text, reason = file:read('*a')
    file:close()
  end
  if not text then
    if reason:sub(1, #path + 2) == path .. ': ' then reason = reason:sub(#path + 3) end
    input.refuse(name, "option 'file': expected a readable text file, got '%s': %s", path, reason)
  end
  return text
end

--- The model's tokenizer, or nil and why there is none.
local function tokenizer_of(model)
  local ok, found = pcall(function() return model.tokenizer end)
  if ok then return found end
  return nil, (tostring(found):gsub('^[^\n:]+:%d+: ', ''))
end

local function encoded(name, model, text)
  local tokenizer, reason = tokenizer_of(model)
  if not tokenizer then
    input.refuse(name, '%s; give token ids instead: { ids = { 1, 2, 3 } }', reason)
  end
  return tokenizer:encode(text)
end

local function check_ids(name, model, ids)
  local vocab = model.config.vocab
  for position, id in ipairs(ids) do
    if not is_whole(id) or id < 0 then
      input.refuse(name, "option 'ids': expected a list of token ids (integers >= 0), got %s at "
        .. 'position %d', shown(id), position)
    elseif id >= vocab then
      input.refuse(name, 'token id %d at position %d is outside the vocabulary: expected 0 .. %d',
        id, position, vocab - 1)
    end
  end
end

--- Which of text, file and ids were given: "'text'", "'text' and 'ids'" or 'none', and how many.
local function sources_of(options)
  local given = {}
  for _, option in ipairs { 'file', 'text', 'ids' } do
    if options[option] ~= nil then given[#given + 1] = ("'%s'"):format(option) end
  end
  return #given > 0 and table.concat(given, ' and ') or 'none', #given
end

--- How many of `total` tokens are looked at, and why not more.
local function limit(options, total, positions)
  local used = math.min(total, options.tokens_max, positions)
  if used == total then return used end
  local which = ('the first %s of %s'):format(units.grouped(used),
    units.counted(total, 'token'))
  if used < options.tokens_max then
    return used, ('%s: the model has no more positions'):format(which)
  end
  return used, ('%s: raise tokens_max to see more'):format(which)
end

--- Reads the tokens that a call is about: { ids, texts (printable, nil without a tokenizer),
--- decode(ids) -> text, notes, source (the text, nil of ids), all (ids before the cut) }, or nil
--- where no text was given and none is `needed`. At most tokens_max of them, and as many as
--- `positions`.
---@param needed integer  # fewest tokens that make sense; 0: no text is fine
function input.tokens(name, model, options, needed, positions)
  local sources, count = sources_of(options)
  if count > 1 or (count == 0 and needed > 0) then
    input.refuse(name, "expected exactly one of the options 'file', 'text' and 'ids', got %s",
      sources)
  elseif count == 0 then
    return nil
  end
  local text = options.text or options.file and read_file(name, options.file)
  local all = options.ids or encoded(name, model, text)
  check_ids(name, model, all)
  local used, note = limit(options, #all, positions or model.config.positions_max)
  if used < math.max(1, needed) then
    input.refuse(name, '%s %s: expected at least %s',
      used < #all and ('tokens_max = %d leaves'):format(used) or 'the text has',
      units.counted(used, 'token'),
      needed > 1 and ('%d, since one predicts the next'):format(needed) or '1')
  end
  local tokens = { ids = {}, notes = { note }, source = text, all = all }
  for i = 1, used do tokens.ids[i] = all[i] end
  local tokenizer = tokenizer_of(model)
  if tokenizer then
    tokens.texts = {}
    function tokens.decode(ids) return tokenizer:decode(ids) end
    for i, id in ipairs(tokens.ids) do
      tokens.texts[i] = input.printable(tokenizer:decode { id })
    end
  end
  return tokens
end

--- Runs the model; what it refuses is told on the caller's line.
function input.forward(name, model, ids, options)
  local ok, made = pcall(model.forward, model, ids, options or {})
  if ok then return made end
  local refusal = type(made) == 'string' and made:match('model:forward: (.*)$')
  if refusal then input.refuse(name, '%s', refusal) end
  error(made, 0)
end

--- The `absent` of a row about a token: why these fields of it are no text, if they aren't.
function input.absent_texts(tokens, fields)
  local absent = {}
  for _, field in ipairs(tokens.texts and {} or fields) do
    absent[field] = 'the model has no tokenizer'
  end
  return absent
end

--- What one id stands for, to be read; nil without a tokenizer.
function input.text_of(tokens, id)
  return tokens.decode and input.printable(tokens.decode { id }) or nil
end

--- What to call a token in a sentence: its text in quotes, or its id.
function input.named(tokens, id)
  return tokens.decode and ("'%s'"):format(input.text_of(tokens, id)) or 'id ' .. id
end

local escapes = { ['\n'] = '\\n', ['\t'] = '\\t', ['\r'] = '\\r', [' '] = '␣' }

local function escape(char) return escapes[char] or ('\\x%02x'):format(char:byte(-1)) end

--- A text on one line: spaces as ␣, what can't be seen as escapes, so that no terminal obeys it.
function input.printable(text)
  return (text:gsub('[%z\1-\32\127]', escape):gsub('\194[\128-\159]', escape))
end

return input
