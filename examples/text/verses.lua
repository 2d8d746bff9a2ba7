-- The King James Bible, one verse a line, from Debian's package bible-kjv (public domain). The
-- embedded model was trained on all but its last 5 %.
local pipe = io.popen [[
  bible -f gen1:1-rev22:21 | sed -E 's/^[0-9]?[A-Za-z]+[0-9]+:[0-9]+ //']]
local lines = {}
for line in pipe:lines() do lines[#lines + 1] = line end
pipe:close()
assert(#lines == 31102, "the command `bible` gave another text: install Debian's bible-kjv")

local verses = {}

--- The first verses, which the model has seen: for calibration.
function verses.seen(count) return table.concat(lines, '\n', 1, count) end

--- The last verses, which it has not: for quality.
function verses.unseen(count) return table.concat(lines, '\n', #lines - count + 1) end

return verses
