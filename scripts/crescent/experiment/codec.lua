--- Rows as the store keeps them: JSON, in which Samples are named and stand beside it, and numbers
--- that JSON has not are said in words.
local blame = require 'crescent.blame'
local fields = require 'crescent.reporting.fields'

local codec = {}

local words = { nan = 0 / 0, inf = math.huge, ['-inf'] = -math.huge }

local function word_for(number)
  if number ~= number then return 'nan' end
  return number > 0 and 'inf' or '-inf'
end

--- 'a crescent.Model', 'a function': what somebody tried to store.
local function described(value)
  if fields.is_samples(value) then return 'Samples' end
  local meta = debug.getmetatable(value)
  local name = type(meta) == 'table' and rawget(meta, '__name')
  return 'a ' .. (type(name) == 'string' and name or type(value))
end

local function place_below(place, key)
  if type(key) == 'number' then return ('%s[%d]'):format(place, key) end
  return place == '' and key or place .. '.' .. key
end

--- What is wrong with Samples, or nil: their median and interval want finite numbers.
local function problem_of_samples(samples, place)
  for i, value in ipairs(samples.values) do
    if value ~= value or math.abs(value) == math.huge then
      return ('%s: expected Samples of finite numbers, got %s at position %d'):format(place,
        word_for(value), i)
    end
  end
end

local encode_value

local function encode_table(value, place, samples, depth)
  if depth > 16 then return nil, place .. ': nests deeper than 16' end
  local made, length, positions = {}, #value, 0
  for key, item in pairs(value) do
    local is_position = type(key) == 'number' and key % 1 == 0 and key >= 1 and key <= length
    if is_position then positions = positions + 1 end
    if key == '$samples' or key == '$number' then
      return nil, ("%s: the name is the store's own; choose another"):format(
        place_below(place, key))
    end
    if not is_position and (length > 0 or type(key) ~= 'string') then
      return nil, ('%s: expected the keys 1 .. n or names alone, got both or gaps'):format(
        place == '' and 'the row' or place)
    end
    local encoded, problem = encode_value(item, place_below(place, key), samples, depth + 1)
    if problem then return nil, problem end
    made[key] = encoded
  end
  if positions < length then return nil, place .. ': expected a list, got one with gaps' end
  return made
end

--- Plain values for JSON, or nil and what is wrong; without a table for them, Samples are wrong.
function encode_value(value, place, samples, depth)
  local kind = type(value)
  if kind == 'number' then
    if value ~= value or math.abs(value) == math.huge then return { ['$number'] = word_for(value) }
    end
    return value
  elseif kind == 'string' then
    if value:find('[\128-\255]') and not pcall(crescent.json.encode, value) then
      return nil, ('%s: expected a text in UTF-8, got other bytes'):format(place)
    end
    return value
  elseif kind == 'boolean' then
    return value
  elseif kind == 'cdata' and tonumber(value) then
    return encode_value(tonumber(value), place, samples, depth)
  elseif samples and fields.is_samples(value) then
    samples[place] = value
    return { ['$samples'] = place }, problem_of_samples(value, place)
  elseif kind == 'table' and not fields.is_samples(value) then
    return encode_table(value, place, samples, depth)
  end
  local meta = debug.getmetatable(value)
  if type(meta) == 'table' and rawget(meta, '__view') then -- model.config and the like
    return encode_table(rawget(meta, '__view'), place, samples, depth)
  end
  local format = samples
    and '%s: expected a plain value, a table of them or Samples, got %s; give figures of it'
    or '%s: expected a plain value or a table of them, got %s'
  return nil, format:format(place, described(value))
end

--- Gives the row as JSON and its Samples by name; or nil and what is wrong with it.
---@param row table
---@return string? json, table|string samples_or_problem
function codec.encode(row)
  local samples = {}
  local plain, problem = encode_table(row, '', samples, 0)
  if not plain then return nil, problem end
  local ok, text = pcall(crescent.json.encode, plain)
  if not ok then return nil, (tostring(text):gsub('^.-crescent%.json%.encode: [^:]*: ', '')) end
  return text, samples
end

local function decode_value(value, samples)
  if type(value) ~= 'table' then return value end
  if value['$samples'] then return samples[value['$samples']] end
  if value['$number'] then return words[value['$number']] end
  for key, item in pairs(value) do value[key] = decode_value(item, samples) end
  return value
end

--- Gives the row back.
---@param json string
---@param samples table<string, table>
---@return table
function codec.decode(json, samples) return decode_value(crescent.json.decode(json), samples) end

--- A parameter of a point, or an option, as JSON with its keys in order; raises for what it can't
--- say.
function codec.json(value, place)
  local plain, problem = encode_value(value, place, nil, 0)
  if problem then blame('%s', problem) end
  local ok, text = pcall(crescent.json.encode, plain)
  if not ok then
    blame('%s: %s', place, (tostring(text):gsub('^.-crescent%.json%.encode: [^:]*: ', '')))
  end
  return text
end

--- A parameter that is no text, for people.
function codec.text(value)
  if type(value) == 'number' and math.abs(value) ~= math.huge and value == value then
    return crescent.json.encode(value)
  end
  return type(value) == 'number' and word_for(value) or codec.json(value, 'a parameter')
end

return codec
