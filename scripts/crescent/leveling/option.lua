--- Options of what measures levels, checked before anything is timed.
local blame = require 'crescent.blame'
local check_keys = require 'crescent.keys'

local option = {}

local function refuse(name, format, ...) blame('%s: %s', name, format:format(...)) end

local text_keys = { 'text', 'file', 'ids', 'window', 'time_s_max' }

--- Whether a value is what an option takes, and that in words.
local kinds = {
  integer = { 'an integer', function(value) return value % 1 == 0 end, 'number' },
  positive = { 'a number above 0', function(value) return value > 0 end, 'number' },
  flag = { 'true or false', function() return true end, 'boolean' },
}

local function shown(value)
  return type(value) == 'string' and ("'%s'"):format(value) or tostring(value)
end

--- A copy of the options with their defaults.
local function read(name, given, checks, defaults, more_keys)
  if given ~= nil and type(given) ~= 'table' then
    refuse(name, 'expected a table of options, got %s', type(given))
  end
  local known, options = {}, {}
  for _, list in ipairs { text_keys, more_keys } do
    for _, key in ipairs(list) do known[#known + 1] = key end
  end
  check_keys(name, given or {}, known, 'option')
  for _, values in ipairs { defaults, given or {} } do
    for key, value in pairs(values) do options[key] = value end
  end
  for key, kind in pairs(checks) do
    local words, holds, of_type = unpack(kinds[kind])
    local value = options[key]
    if value ~= nil and not (type(value) == of_type and holds(value)) then
      refuse(name, "option '%s': expected %s, got %s", key, words, shown(value))
    end
  end
  return options
end

--- How many of text, file and ids are given.
local function texts_in(options)
  return (options.text and 1 or 0) + (options.file and 1 or 0) + (options.ids and 1 or 0)
end

--- Options of crescent.levels.explain.
---@param name string   # what errors begin with
function option.of_explain(name, model, given)
  if getmetatable(model) ~= 'Model' then
    refuse(name, "argument 1 'model': expected a model, got %s", type(model))
  end
  local levels = crescent.levels.available()
  local options = read(name, given,
    { level = 'integer', measure = 'flag', time_s_max = 'positive' },
    { level = levels[#levels], window = 128, time_s_max = 60 },
    { 'level', 'weights', 'head', 'group', 'kv', 'calibration', 'measure' })
  local ok, made = pcall(model.optimize, model, { level = options.level,
    weights = options.weights, head = options.head, group = options.group, kv = options.kv,
    calibration = options.calibration })
  if not ok then refuse(name, '%s', (tostring(made):gsub('^.-model:optimize: ', '', 1))) end
  if options.calibration then options.calibrated = made end -- its text has been run once
  if options.measure and texts_in(options) ~= 1 then
    refuse(name, 'measure = true needs a text to measure drift on: give one of text, file and ids')
  elseif not options.measure and texts_in(options) > 0 then
    refuse(name, 'a text is for measuring drift: give measure = true beside it')
  end
  return options
end

--- Options of model:optimize { level = 'auto' }, whose types were checked.
---@param name string   # what errors begin with
function option.of_auto(name, given)
  local options = read(name, given, {}, { kl_nats_max = 0.01, measure = 'decode', window = 128,
    time_s_max = 30 }, { 'level', 'kl_nats_max', 'measure' })
  if texts_in(options) ~= 1 then
    refuse(name, 'drift is measured on a text: give one of text, file and ids')
  end
  return options
end

return option
