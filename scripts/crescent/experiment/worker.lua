--- Cells in a process of their own: the same script, started once more with a channel to this one,
--- runs them one after the other. When it dies, that is one cell's end.
local blame = require 'crescent.blame'
local cell = require 'crescent.experiment.cell'
local context = require 'crescent.experiment.context'

local worker = {}

local variable = 'CRESCENT_EXPERIMENT' -- names the experiment that a worker serves
local pause_s = 0.2 -- between two looks at the bar
local output_lines = 20

--- The command that runs this script again, or nil at the prompt.
local function command_again()
  local command = { crescent.process.executable(), '--threads', tostring(crescent.threads()) }
  if arg[-1] == '-e' then
    command[#command + 1] = '-e'
  elseif not (arg[0] and arg[0]:match('%.lua$')) then
    return
  end
  for i = 0, #arg do command[#command + 1] = arg[i] end
  return command
end

local Worker = {}
Worker.__index = Worker

function Worker:start()
  self.child = crescent.process.spawn(self.command, { environment = { [variable] = self.name } })
end

--- How the child ended, as a cell's failure.
function Worker:ending(reason)
  local ended = self.child.ended
  local output = self.child:output { lines = output_lines }
  self:close()
  return { message = ('its process ended: %s'):format(ended and ended.reason or reason),
    traceback = '', output = output }
end

--- Runs one round of a cell in the child; gives what cell.run gives.
function Worker:run(task)
  if not self.child then self:start() end
  local sent, problem = self.child:send(crescent.json.encode {
    point = task.point, seed = task.seed, round = task.round, rounds = task.rounds,
    store = task.store })
  if not sent then return self:ending(problem) end
  while true do
    local text, reason = self.child:receive { timeout_s = pause_s }
    if text then
      local said = crescent.json.decode(text)
      if said.log then
        self.outlets.log(said.log)
      elseif said.step then
        self.outlets.step(said.share, said.note)
      else
        for name, samples in pairs(said.samples or {}) do
          said.samples[name] = crescent.statistics.samples(samples.values, { unit = samples.unit })
        end
        if said.message then said.output = self.child:output { lines = output_lines } end
        return said
      end
    elseif self.child.ended or not self.child.running then
      return self:ending(reason)
    end
    self.outlets.step()
  end
end

function Worker:close()
  if self.child then self.child:close() end
  self.child = nil
end

--- Makes a worker for an experiment; its process starts with the first cell.
---@param name string   # of the experiment
---@param outlets { log: fun(text: string), step: fun(share: number?, note: string?) }
function worker.new(name, outlets)
  local command = command_again()
  if not command then
    blame('crescent.experiment: --isolate: a worker runs the script again, so it needs a file; '
      .. 'what is typed can be saved with :save FILE.lua')
  end
  return setmetatable({ name = name, command = command, outlets = outlets }, Worker)
end

--- The channel to the process that started this one, if this one is a worker, and the name of the
--- experiment that it is to serve.
function worker.channel()
  local name = os.getenv(variable)
  if not name then return end
  return crescent.process.channel(), name
end

local function plain_samples(samples)
  local plain = {}
  for name, made in pairs(samples) do
    plain[name] = { unit = made.unit, values = made.values }
  end
  return plain
end

--- Runs cells as they come through the channel until the other end is closed; ends the process.
function worker.serve(channel, spec, opt)
  io.stdout:setvbuf 'line' -- a crash would take with it what waits
  local contexts = context.maker {
    log = function(text) channel:send(crescent.json.encode { log = text }) end,
    step = function(share, note)
      channel:send(crescent.json.encode { step = true, share = share, note = note })
    end,
  }
  while true do
    local text = channel:receive()
    if not text then os.exit(0) end
    local result = cell.run(spec, opt, crescent.json.decode(text), contexts)
    if result.samples then result.samples = plain_samples(result.samples) end
    io.stdout:flush()
    channel:send(crescent.json.encode(result))
  end
end

return worker
