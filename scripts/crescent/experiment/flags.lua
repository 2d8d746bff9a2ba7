--- What every experiment takes on the command line beside the script's own options.
local blame = require 'crescent.blame'
local options = require 'crescent.options'
local usage = require 'crescent.usage'

local flags = {}

local group = 'Options of every experiment'

local declared = {
  accept = { 'go on although cells come from another text of the script, or another build',
    default = false },
  dry_run = { 'only say how many cells there are, how many are done, and how long the rest takes',
    default = false },
  fresh = { 'begin a new run; what is stored stays', default = false },
  isolate = { 'run the cells in a process of its own, so that a crash costs one cell',
    default = false },
  limit = { 'run at most so many cells', type = 'integer', at_least = 0 },
  on_error = { 'after a cell that fails', choices = { 'continue', 'stop' } },
  only = { 'run only cells of this status, failed ones again',
    choices = { 'pending', 'stale', 'failed' } },
  partial = { 'report although cells are missing', default = false },
  retry = { 'try a cell that fails so many times more', default = 0, type = 'integer',
    at_least = 0 },
  shard = { "run one part of several, as '1/2'; give each a --store of its own, then `crescent "
    .. 'merge`', nonempty = true },
  shuffle = { 'run the cells in a random order of this seed', type = 'integer', at_least = 0 },
  store = { 'the file; else CRESCENT_STORE, else runs.db', nonempty = true },
  take_over = { 'go on although another process seems to work on it', default = false },
  where = { "run only cells of which this is true: 'ratio > 0.3'", nonempty = true },
}

local function check_own(own)
  for key, declaration in pairs(own) do
    local name = type(key) == 'number' and type(declaration) == 'table' and declaration[1] or key
    if declared[name] then
      blame("crescent.experiment: options: '%s' is an option of every experiment; choose another "
        .. 'name', name)
    end
  end
end

local function shard_of(text)
  if not text then return end
  local part, parts = text:match('^(%d+)/(%d+)$')
  part, parts = tonumber(part), tonumber(parts)
  if not part or part < 1 or part > parts then
    usage.refuse("--shard: expected a part of several such as '1/2', got '%s'", text)
  end
  return { part = part, parts = parts }
end

--- The names that the script declares, and their declarations by name; positional ones too.
local function declarations_of(own)
  local by_name, names = {}, {}
  for key, declaration in pairs(own) do
    local name = type(key) == 'string' and key or type(declaration) == 'table' and declaration[1]
    if name then by_name[name], names[#names + 1] = declaration, name end
  end
  return by_name, names
end

--- A table of the script's values; reading another name is an error.
local function strict(values, by_name, names)
  return setmetatable(values, { __index = function(_, name)
    if by_name[name] then return nil end
    error(("no option '%s' was declared%s"):format(tostring(name),
      crescent.did_you_mean(tostring(name), names)), 2)
  end })
end

--- Reads the command line: the script's own options, the sweep's, and which of the script's own
--- make it another experiment.
---@param spec table   # of crescent.experiment
---@return table own, table sweep, table identity
function flags.read(spec)
  local own = spec.options or {}
  check_own(own)
  local all = { spec.doc or ('Runs the experiment %s.'):format(spec.name) }
  for key, declaration in pairs(own) do
    if type(key) == 'string' then all[key] = declaration end
  end
  for _, declaration in ipairs(own) do all[#all + 1] = declaration end
  for name, declaration in pairs(declared) do
    all[name] = { group = group }
    for key, value in pairs(declaration) do all[name][key] = value end
  end
  local values = options(all, spec.arguments or arg)
  local mine, identity, sweep = {}, {}, {}
  local by_name, names = declarations_of(own)
  for _, name in ipairs(names) do
    mine[name] = values[name]
    if type(by_name[name]) ~= 'table' or by_name[name].identity ~= false then
      identity[name] = values[name]
    end
  end
  for name in pairs(declared) do sweep[name] = values[name] end
  sweep.shard = shard_of(sweep.shard)
  sweep.on_error = sweep.on_error or spec.on_error or 'continue'
  return strict(mine, by_name, names), sweep, identity
end

return flags
