--- Cells of several rounds: what each round gave becomes one row.
local fields = require 'crescent.reporting.fields'
local values = require 'crescent.values'

local rounds = {}

local function same_unit(list)
  for _, samples in ipairs(list) do
    if samples.unit ~= list[1].unit then return false end
  end
  return true
end

local function is_finite(value)
  return type(value) == 'number' and value == value and math.abs(value) ~= math.huge
end

local function pooled(list)
  local pool = {}
  for _, samples in ipairs(list) do
    for _, value in ipairs(samples.values) do pool[#pool + 1] = value end
  end
  return crescent.statistics.samples(pool, { unit = list[1].unit })
end

local function all(list, is)
  for _, value in ipairs(list) do
    if not is(value) then return false end
  end
  return true
end

local join

--- One value out of those of several rounds.
local function join_values(name, list)
  if #list == 1 then return list[1] end
  if all(list, fields.is_samples) and same_unit(list) then return pooled(list) end
  local first = list[1]
  if all(list, function(value) return values.equal(value, first) end) then return first end
  if all(list, is_finite) then
    return crescent.statistics.samples(list, { unit = fields.unit_of_name(name) or '' })
  end
  if all(list, function(value)
    return type(value) == 'table' and value[1] == nil and not fields.is_samples(value)
  end) then
    return join(list)
  end
  return list -- every round's own: lists, texts and what is not finite have no median
end

--- Why figures are missing, of what all rounds miss.
local function join_reasons(list, made)
  local reasons = {}
  for _, absent in ipairs(list) do
    for name, reason in pairs(absent) do
      local before = reasons[name]
      if made[name] == nil and before ~= reason then
        reasons[name] = before and before .. '; ' .. reason or reason
      end
    end
  end
  return next(reasons) ~= nil and reasons or nil
end

--- Samples are pooled, numbers that differ become Samples, what is equal stays, anything else is a
--- list by round. A field that only some rounds have is as these say.
---@param rows table[]   # by round
---@return table
function join(rows)
  local made, names = {}, {}
  for _, row in ipairs(rows) do
    for name in pairs(row) do names[name] = true end
  end
  for name in pairs(names) do
    local list = {}
    for _, row in ipairs(rows) do
      if row[name] ~= nil then list[#list + 1] = row[name] end
    end
    if name ~= 'absent' then made[name] = join_values(tostring(name), list) end
  end
  if names.absent then
    local list = {}
    for _, row in ipairs(rows) do list[#list + 1] = row.absent end
    made.absent = join_reasons(list, made)
  end
  return made
end
rounds.join = join

--- Steps in the order in which a sweep takes them: { cell, round }. More rounds than one are each
--- in an order of their own, so that no cell is always early or late.
---@param cells table[]
---@param options { rounds: integer, seed: integer? }   # a seed shuffles a single round too
---@return { cell: table, round: integer }[]
function rounds.order(cells, options)
  local steps = {}
  local seed = options.seed or options.rounds > 1 and 1
  local random = seed and require('crescent.experiment.random')(seed)
  for round = 1, options.rounds do
    local these = {}
    for _, one in ipairs(cells) do
      if not one.rounds_done[round] then these[#these + 1] = { cell = one, round = round } end
    end
    if random then
      for i = #these, 2, -1 do
        local j = random(i)
        these[i], these[j] = these[j], these[i]
      end
    end
    for _, step in ipairs(these) do steps[#steps + 1] = step end
  end
  return steps
end

return rounds
