--- Text inside XML, SVG and HTML: escaped, with nothing that a parser would refuse.
local markup = {}

local entities = { ['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;',
  ["'"] = '&#39;' }
local replacement = '\239\191\189' -- U+FFFD

-- Well-formed UTF-8 (The Unicode Standard, table 3-7) less U+FFFE and U+FFFF, which XML forbids.
local tail = '[\128-\191]'
local sequences = {
  '^[\194-\223]' .. tail, '^\224[\160-\191]' .. tail, '^[\225-\236\238]' .. tail .. tail,
  '^\237[\128-\159]' .. tail, '^\239[\128-\190]' .. tail, '^\239\191[\128-\189]',
  '^\240[\144-\191]' .. tail .. tail, '^[\241-\243]' .. tail .. tail .. tail,
  '^\244[\128-\143]' .. tail .. tail,
}

--- Where the character at `at` ends, or nil where none does.
local function character_end(text, at)
  for _, sequence in ipairs(sequences) do
    local _, last = text:find(sequence, at)
    if last then return last end
  end
end

--- Gives a text without control characters and broken UTF-8: U+FFFD stands where they were.
---@param text string
---@return string
function markup.clean(text)
  text = text:gsub('[%z\1-\8\11\12\14-\31\127]', replacement)
  if not text:find('[\128-\255]') then return text end
  local parts, at = {}, 1
  while at <= #text do
    local plain = text:match('^[%z\1-\127]+', at)
    local last = plain and at + #plain - 1 or character_end(text, at)
    parts[#parts + 1] = last and text:sub(at, last) or replacement
    at = (last or at) + 1
  end
  return table.concat(parts)
end

--- Escapes any value's text for use between tags and in quoted attributes.
---@param value any
---@return string
function markup.escape(value)
  return (markup.clean(tostring(value)):gsub('[&<>"\']', entities))
end

--- Counts a text's characters.
---@param text string
---@return integer
function markup.characters(text)
  local _, continuation = text:gsub('[\128-\191]', '')
  return #text - continuation
end

--- Gives at most so many characters of a text; a longer one ends in '…'.
---@param text string
---@param count integer
---@return string
function markup.clip(text, count)
  if markup.characters(text) <= count then return text end
  local at = 1
  for _ = 1, count - 1 do
    at = text:find('[^\128-\191]', at + 1) or #text + 1
  end
  return text:sub(1, at - 1) .. '…'
end

return markup
