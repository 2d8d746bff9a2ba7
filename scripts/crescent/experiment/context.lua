--- What a cell's `run` gets beside its point and the options.
local blame = require 'crescent.blame'
local quoted = require 'crescent.child'.quoted
local hash = require 'crescent.experiment.hash'
local ffi = require 'ffi'

ffi.cdef [[ char *mkdtemp(char *pattern); ]]

local models_max = 4 -- kept loaded at once
local made_max = 8 -- of what ctx.once keeps
local seed_bits = 31

local context = {}

local function new_folder()
  local pattern = (os.getenv('TMPDIR') or '/tmp') .. '/crescent-cell-XXXXXX'
  local buffer = ffi.new('char[?]', #pattern + 1, pattern)
  if ffi.C.mkdtemp(buffer) == nil then
    blame("ctx.folder: can't make a folder below %s; set TMPDIR to one that may be written",
      os.getenv('TMPDIR') or '/tmp')
  end
  return ffi.string(buffer)
end

--- Gives function(key, make): what was made under a key; the least recently used makes room.
local function new_cache(count_max)
  local kept = {} -- the latest last
  return function(key, make)
    for i, entry in ipairs(kept) do
      if entry.key == key then
        table.insert(kept, table.remove(kept, i))
        return entry.value
      end
    end
    local value = make()
    kept[#kept + 1] = { key = key, value = value }
    if #kept > count_max then table.remove(kept, 1) end
    return value
  end
end

local function new_models()
  local models = new_cache(models_max)
  return function(path, options)
    local key = tostring(path) .. ' ' .. crescent.json.encode(options or {})
    local ok, model = pcall(models, key, function() return crescent.load(path, options) end)
    if ok then return model end
    if model == 'interrupted' then error(model, 0) end
    blame('%s', (tostring(model):gsub('^.-crescent%.load: ', 'ctx.load: ')))
  end
end

--- A number for random choices that depends on the point alone.
---@param text string   # the point as JSON
---@return integer
function context.seed(text)
  return tonumber(hash(text):sub(1, 8), 16) % 2 ^ seed_bits
end

--- Makes contexts for cells.
---@param outlets { log: fun(text: string), step: fun(share: number?, note: string?) }
function context.maker(outlets)
  local maker = { load = new_models() }
  local made = new_cache(made_max)

  local function once(key, make)
    if type(key) ~= 'string' and type(key) ~= 'number' then
      blame('ctx.once: argument 1: expected a name, got a %s', type(key))
    elseif type(make) ~= 'function' then
      blame('ctx.once: argument 2: expected a function, got a %s', type(make))
    end
    return made(key, make)
  end

  local function log(...)
    local parts = {}
    for i = 1, select('#', ...) do parts[i] = tostring((select(i, ...))) end
    outlets.log(table.concat(parts, '\t'))
  end

  local function progress(share, note)
    if type(share) == 'string' then share, note = nil, share end
    if share ~= nil and (type(share) ~= 'number' or share < 0 or share > 1) then
      blame('ctx.progress: expected a share of 0 to 1, or words, got %s', tostring(share))
    end
    outlets.step(share, note and tostring(note))
  end

  --- Calls fn(ctx) and removes the cell's folder, if it made one. Gives what pcall gives.
  function maker.with(cell, fn)
    local folder
    local ctx = {
      seed = cell.seed, round = cell.round, rounds = cell.rounds, store = cell.store,
      load = maker.load, once = once, log = log, progress = progress,
      folder = function()
        folder = folder or new_folder()
        return folder
      end,
    }
    local names = {}
    for name in pairs(ctx) do names[#names + 1] = name end
    setmetatable(ctx, { __index = function(_, name)
      blame("ctx has no field '%s'%s", tostring(name),
        crescent.did_you_mean(tostring(name), names))
    end })
    local results = { fn(ctx) }
    if folder then os.execute('rm -rf ' .. quoted(folder)) end
    return unpack(results)
  end

  return maker
end

return context
