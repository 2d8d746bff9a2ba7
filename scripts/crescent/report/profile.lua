--- Profiles: where the time goes by component and by layer, how it goes over tokens, and memory.
local blame = require 'crescent.blame'
local class = require 'crescent.reporting.class'
local document = require 'crescent.reporting.document'
local ready = require 'crescent.reporting.ready'
local rows_of = require 'crescent.rows'
local units = require 'crescent.units'

local no_quality = 'a profile says where the time of one model goes'

--- Calls fn(node, layer) for every node below the root.
local function each_node(node, fn, layer)
  for _, child in ipairs(node.children) do
    local in_layer = child.layer or layer
    fn(child, in_layer)
    each_node(child, fn, in_layer)
  end
end

local function by_name(node) return node.name end

--- Nodes of some kinds added up by what key(node, layer) gives, which is the rows' field `name`; in
--- order of appearance.
local function added_up(profile, name, kinds, key)
  local list, by_key = {}, {}
  each_node(profile.tree, function(node, layer)
    if not kinds[node.kind] then return end
    local value = key(node, layer)
    local row = by_key[value]
    if not row then
      row = { [name] = value, time_ms = 0, count = 0, estimated = false, flops = 0, bytes = 0 }
      by_key[value], list[#list + 1] = row, row
    end
    row.time_ms, row.count = row.time_ms + node.time_ms, row.count + node.count
    row.estimated = row.estimated or node.estimated
    row.flops, row.bytes = row.flops + (node.flops or 0), row.bytes + (node.bytes or 0)
  end)
  local whole = profile.tree.time_ms
  for _, row in ipairs(list) do
    row.share = whole > 0 and row.time_ms / whole or nil
    for work, per_s in pairs { flops = 'gflop_s', bytes = 'gb_s' } do
      if row[work] > 0 and row.time_ms > 0 then
        row[per_s] = row[work] / row.time_ms / 1e6
      else
        row[work] = nil
      end
    end
  end
  return rows_of.of(list)
end

local function has_any(list, name)
  for _, row in ipairs(list) do if row[name] ~= nil then return true end end
  return false
end

--- Columns of times, with work where it is known.
local function time_columns(list, name)
  local columns = { name, { 'time_ms', title = 'time', format = 'ms' },
    { 'share', format = function(value) return ('%.1f %%'):format(100 * value) end },
    { 'count' } }
  for _, work in ipairs { { 'gflop_s', title = 'GFLOP/s', format = '%.3g' },
    { 'gb_s', title = 'GB/s', format = '%.3g' } } do
    if has_any(list, work[1]) then columns[#columns + 1] = work end
  end
  return columns
end

local function estimated_note(list)
  for _, row in ipairs(list) do
    if row.estimated then
      return { 'Some times are scaled up from the tokens or layers that were looked into.' }
    end
  end
  return {}
end

local function add_times(made, name, list)
  if #list == 0 then return end
  ready.add(made, { heading = 'Time by ' .. name, rows = list, spec = {
    columns = time_columns(list, name), no_quality = no_quality, notes = estimated_note(list),
    charts = { { kind = 'bar', x = name, y = 'time_ms', title = 'Time by ' .. name } },
  } })
end

local function add_components(made, profile)
  local list = added_up(profile, 'component',
    { component = true, self = true, profiling = true }, by_name)
  if #added_up(profile, 'component', { component = true }, by_name) == 0 then
    return document.note(made, ('no times of components: mode %s does not record them'):format(
      tostring(profile.mode)))
  end
  add_times(made, 'component', list:sort('time_ms', { descending = true }))
end

local function add_heat(made, profile)
  local cells, by_key = {}, {}
  each_node(profile.tree, function(node, layer)
    if node.kind ~= 'component' or not layer then return end
    local key = layer .. '/' .. node.name
    if not by_key[key] then
      by_key[key] = { layer = layer, component = node.name, time_ms = 0 }
      cells[#cells + 1] = by_key[key]
    end
    by_key[key].time_ms = by_key[key].time_ms + node.time_ms
  end)
  if #cells == 0 then return end
  ready.add(made, { rows = cells, spec = { charts = { { kind = 'heat', x = 'component',
    y = 'layer', value = 'time_ms', title = 'Time by layer and component' } } } })
end

--- Times of tokens, a series a trial where all trials made as many.
local function add_tokens(made, profile)
  local samples = profile.latency_ms
  if not samples then
    return document.note(made, 'no latency over tokens: '
      .. tostring(profile.absent and profile.absent.latency_ms or 'nothing was generated'))
  end
  local count, trials = #samples.values, profile.trials or 1
  local each = trials > 0 and count % trials == 0 and count / trials or count
  local list = {}
  for i, value in ipairs(samples.values) do
    -- The first token's time is the prompt's: these begin with the second.
    list[i] = { token = (i - 1) % each + 2, trial = math.floor((i - 1) / each) + 1,
      latency_ms = value }
  end
  ready.add(made, { heading = 'Latency over tokens', rows = list, spec = {
    text = ('The median of %s is %s.'):format(units.counted(count, 'token'), tostring(samples)),
    charts = { { kind = 'line', x = 'token', y = 'latency_ms', by = each < count and 'trial' or nil,
      title = 'Latency over tokens', label = 'trial',
      reference = { y = samples.median, label = 'median' } } } } })
end

local function add_counters(made, profile)
  local list = {}
  for _, track in ipairs(profile.counters or {}) do
    for i, value in ipairs(track.unit == 'bytes' and track.values or {}) do
      list[#list + 1] = { counter = track.name, time_ms = track.times_ms[i], bytes = value }
    end
  end
  if #list == 0 then return document.note(made, 'no memory over time: no counter was recorded') end
  ready.add(made, { rows = list, spec = { charts = { { kind = 'line', x = 'time_ms', y = 'bytes',
    by = 'counter', title = 'Memory over time' } } } })
  if (profile.trials or 1) > 1 then document.note(made, 'memory is that of the last trial') end
end

local function add_memory(made, profile)
  local sections = profile.memory and profile.memory.sections or {}
  if #sections > 0 then
    ready.add(made, { heading = 'Memory', rows = sections, spec = { columns = {
      'section', { 'sections', title = 'times' }, { 'allocations' },
      { 'bytes_peak', title = 'tensors at most' }, { 'bytes_kept', title = 'kept' },
      { 'rss_bytes', title = 'resident after the first' } } } })
  end
  add_counters(made, profile)
end

local function head_text(profile)
  local parts = { ('Mode %s'):format(tostring(profile.mode)) }
  if profile.threads then parts[2] = units.counted(profile.threads, 'thread') end
  if profile.ttft_ms then
    parts[#parts + 1] = ('the first token after %s'):format(tostring(profile.ttft_ms))
  end
  if profile.latency_ms then
    parts[#parts + 1] = ('then %s a token'):format(tostring(profile.latency_ms))
  end
  return table.concat(parts, ', ') .. '.'
end

local function check(profile)
  local meta = type(profile) == 'table' and getmetatable(profile)
  if type(meta) == 'table' and rawget(meta, '__name') == 'profile' then return end
  blame('crescent.report.profile: expected a profile as crescent.profile.run or store:profile '
    .. 'gives it, got %s', type(profile))
end

local function build(profile, title)
  check(profile)
  local made = document.new(title or ('Profile of %s'):format(tostring(profile.model
    or 'several runs')))
  document.text(made, head_text(profile))
  add_times(made, 'section', added_up(profile, 'section', { section = true, window = true },
    by_name))
  add_components(made, profile)
  add_times(made, 'layer', added_up(profile, 'layer', { layer = true },
    function(_, layer) return layer end))
  add_heat(made, profile)
  add_tokens(made, profile)
  add_memory(made, profile)
  for _, warning in ipairs(profile.warnings or {}) do document.warning(made, warning) end
  return made
end

--- A layout for a profile: time by section, component and layer, latency over tokens, memory.
---
--- ```lua
--- local profile = crescent.profile.run(crescent.load 'tiny', { prompt = 'text', tokens = 20 })
--- crescent.report.profile():render(profile, { to = 'profile.html' })
--- ```
---@param options? { title: string? }
return function(options)
  options = ready.options('profile', { 'title' }, options)
  return class.new('layout profile', function(profile, render)
    return build(profile, render.title or options.title)
  end)
end
