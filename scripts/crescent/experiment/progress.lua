--- How far a sweep is: a bar on a terminal's standard error, a line now and then elsewhere.
local clock = require 'crescent.clock'
local terminal_is = require('crescent.terminal').is

local bar_width = 24
local seconds_between_frames = 0.1
local seconds_between_lines = 10 -- where nobody watches
local line_width = 100

local Progress = {}
Progress.__index = Progress

local function bar(share)
  local full = math.floor(share * bar_width)
  return ('█'):rep(full) .. ('░'):rep(bar_width - full)
end

--- Cut to what a line holds, counting characters.
local function fitted(text, width)
  local kept, count = {}, 0
  for character in text:gmatch('[%z\1-\127\194-\244][\128-\191]*') do
    count = count + 1
    if count > width then return table.concat(kept, '', 1, width - 1) .. '…' end
    kept[count] = character
  end
  return text
end

--- 'how many, what is on, how long yet'; `share` of the step that is being done.
function Progress:text(share)
  local done = self.done + (share or 0)
  local parts = { ('%d/%d'):format(self.done, self.total) }
  if self.doing ~= '' then parts[#parts + 1] = self.doing end
  if self.note then parts[#parts + 1] = self.note end
  local spent = clock.seconds() - self.began
  if self.done > 0 and done < self.total then
    parts[#parts + 1] = clock.readable(spent / done * (self.total - done)) .. ' left'
  end
  return table.concat(parts, '  ')
end

function Progress:draw(force, share)
  local now = clock.seconds()
  local pause = self.terminal and seconds_between_frames or seconds_between_lines
  if not force and now - self.shown < pause then return end
  self.shown = now
  if self.terminal then
    local text = bar((self.done + (share or 0)) / math.max(1, self.total)) .. ' '
      .. self:text(share)
    io.stderr:write('\r', fitted(text, line_width), '\27[K')
  else
    io.stderr:write(self:text(share), '\n')
  end
  io.stderr:flush()
end

--- Says what is being done now.
function Progress:begin(doing)
  self.doing, self.note = doing, nil
  if self.terminal then self:draw() end
end

--- How far the present step is: a share of it, a few words, or both.
function Progress:step(share, note)
  self.note = note or self.note
  self:draw(false, share)
end

--- One step is over.
function Progress:finish_step()
  self.done = self.done + 1
  self:draw()
end

--- Writes a line above the bar.
function Progress:log(text)
  self:wipe()
  io.stderr:write(text, '\n')
  if self.terminal then self:draw(true) end
end

--- Takes the bar away.
function Progress:wipe()
  if self.terminal then io.stderr:write('\r\27[K') end
  io.stderr:flush()
end

local progress = {}

--- Begins to show how far a number of steps is.
---@param total integer
---@param options? { terminal: boolean? }   # default: whether standard error is one
function progress.new(total, options)
  local terminal = options and options.terminal
  if terminal == nil then terminal = terminal_is(2) end
  local now = clock.seconds()
  return setmetatable({ total = total, done = 0, doing = '', began = now, shown = now,
    terminal = terminal }, Progress)
end

return progress
