--- A text whose tokens are coloured by their loss, for terminals with 256 colours.
local terminal_is = require('crescent.terminal').is
local input = require 'crescent.inspecting.input'

local paint = {}

--- From pale to deep, lighter first, so that the order shows without colour vision: a loss below
--- `below` nats has that background. Text on it is black.
local shades = {
  { below = 1, colour = 230 }, { below = 2, colour = 223 }, { below = 4, colour = 216 },
  { below = 6, colour = 209 }, { below = 8, colour = 203 }, { below = math.huge, colour = 196 },
}

local function on(colour, text) return ('\27[38;5;16;48;5;%dm%s\27[0m'):format(colour, text) end

local function shade_of(loss)
  for _, shade in ipairs(shades) do
    if loss < shade.below then return shade.colour end
  end
  return shades[#shades].colour -- not a number is never less
end

--- Are colours wanted, if nobody says? On a terminal that isn't dumb, unless NO_COLOR is set
--- (no-color.org).
---@return boolean
function paint.wanted()
  local refused = os.getenv 'NO_COLOR'
  return terminal_is(1) and os.getenv 'TERM' ~= 'dumb' and (refused == nil or refused == '')
end

--- '1 .. 2' of the colour's losses.
local function range(i)
  local low, high = i > 1 and shades[i - 1].below, shades[i].below
  if not low then return ' below ' .. high .. ' ' end
  if high == math.huge then return ' from ' .. low .. ' ' end
  return (' %d .. %d '):format(low, high)
end

--- What the colours mean, in one line.
---@return string
function paint.legend()
  local words = {}
  for i, shade in ipairs(shades) do words[i] = on(shade.colour, range(i)) end
  return 'loss in nats: ' .. table.concat(words)
end

--- Tokens that only together are a character share a piece and the mean of their losses.
local function pieces_of(rows, decode)
  local pieces, broken = {}, '\239\191\189' -- U+FFFD
  local open
  for _, row in ipairs(rows) do
    local text = decode { row.id }
    if not text:find(broken, 1, true) then
      open = nil
      pieces[#pieces + 1] = { text = text, loss = row.loss_nats }
    else
      if not open then
        open = { ids = {}, sum = 0, count = 0 }
        pieces[#pieces + 1] = open
      end
      table.insert(open.ids, row.id)
      if row.loss_nats then
        open.sum, open.count = open.sum + row.loss_nats, open.count + 1
        open.loss = open.sum / open.count
      end
      open.text = decode(open.ids)
    end
  end
  return pieces
end

--- Shows a text in colours, a line for each of its own.
---@param rows { id: integer, loss_nats: number? }[]  # in the order of the text
---@param decode fun(ids: integer[]): string
---@return string
function paint.text(rows, decode)
  local out = {}
  for _, piece in ipairs(pieces_of(rows, decode)) do
    for line, newline in piece.text:gmatch('([^\n]*)(\n?)') do
      local shown = input.printable(line):gsub('␣', ' ') .. (newline ~= '' and '↵' or '')
      if shown ~= '' then
        out[#out + 1] = piece.loss and on(shade_of(piece.loss), shown) or shown
      end
      out[#out + 1] = newline
    end
  end
  return table.concat(out)
end

return paint
