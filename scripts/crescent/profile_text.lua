--- How profiles print: a tree with shares, times, work and how far it is from the machine's limit.
local tables = require 'crescent.table'
local units = require 'crescent.units'

local profile_text = { columns = {}, rows = {}, printers = {} }

local function plain(value) return tostring(value) end
local function count(value) return units.grouped(value) end
local function bytes(value) return units.format(value, 'bytes') end
local function number(value) return units.number(value) end
local function milliseconds(value) return units.format(value, 'ms') end
local function giga(value) return units.number(value / 1e9, 3) end
local function figure(value) return units.number(value, 3) end

--- Nodes of a tree, parents first, each with its depth.
local function flat(node, depth, list)
  list[#list + 1] = { node = node, depth = depth }
  for _, child in ipairs(node.children) do flat(child, depth + 1, list) end
  return list
end

--- Shares keep one decimal, so that a column of them adds up before the reader's eyes.
local function share(value) return ('%.1f %%'):format(100 * value) end

local function tree_row(entry)
  local node = entry.node
  local mark = (node.estimated and ' ~' or '') .. (node.cut > 0 and ' (cut)' or '')
  local row = {
    ('  '):rep(entry.depth) .. node.name .. mark,
    node.share and share(node.share) or '-',
    milliseconds(node.time_ms), count(node.count),
  }
  local work = { 'flops', 'gflop_s', 'bytes', 'gb_s', 'share_of_limit' }
  local formats = { giga, figure, bytes, figure, units.percent }
  for i, name in ipairs(work) do
    local value = node[name]
    row[#row + 1] = (value and value > 0) and formats[i](value) or ''
  end
  return row
end

--- The tree as a table, indented.
local function tree_text(root)
  local spec = {
    titles = { '', 'share', 'time', 'count', 'GFLOP', 'GFLOP/s', 'bytes', 'GB/s', 'of limit' },
    align = { 'left' }, rows = {},
  }
  for i, entry in ipairs(flat(root, 0, {})) do spec.rows[i] = tree_row(entry) end
  return tables.text(spec)
end

--- '0.06 % computed, under 0.7 % measured'
local function cost_text(cost)
  local parts = {}
  if cost.share_computed then
    parts[1] = ('%s computed'):format(units.percent(cost.share_computed))
  end
  local measured = cost.share_measured
  if measured then
    parts[#parts + 1] = measured.high > 0
      and ('under %s measured'):format(units.percent(measured.high))
      or 'nothing measured'
  end
  local text = ('profiling cost %s (%s at %s ns, %s of statistics and packing)'):format(
    #parts > 0 and table.concat(parts, ', ') or 'not known', units.counted(cost.spans, 'span'),
    number(cost.span_ns), milliseconds(cost.own_ms))
  local reason = cost.absent and cost.absent.share_measured
  return reason and ('%s; not measured: %s'):format(text, reason) or text
end

local function memory_text(memory)
  local parts = {}
  local function add(title, value) if value then parts[#parts + 1] = title .. bytes(value) end end
  add('weights ', memory.weights_bytes_stored)
  if (memory.weights_bytes_widened or 0) > 0 then
    add('widened ', memory.weights_bytes_widened)
  end
  if (memory.weights_bytes_transposed or 0) > 0 then
    add('transposed ', memory.weights_bytes_transposed)
  end
  if (memory.weights_bytes_packed or 0) > 0 then add('packed ', memory.weights_bytes_packed) end
  add('cache ', memory.cache_bytes)
  add('arena ', memory.arena_bytes)
  add('resident ', memory.rss_bytes)
  add('at most ', memory.rss_bytes_peak)
  add('proportional ', memory.pss_bytes)
  return 'memory: ' .. table.concat(parts, ', ')
end

local function energy_text(made)
  if made.energy_j then
    local text = ('energy: %s a trial, %s'):format(tostring(made.energy_j), made.energy_label)
    if made.energy_reason then text = ('%s (%s)'):format(text, made.energy_reason) end
    if made.energy_j_above_idle then
      text = ('%s; %s above the idle machine (%s W)'):format(text,
        tostring(made.energy_j_above_idle), number(made.idle_w))
    end
    return text
  end
end

local function head_lines(made)
  local first = { 'profile', made.mode, made.model or '', units.counted(made.threads, 'thread') }
  local lines = { (table.concat(first, '  '):gsub('    ', '  ')) }
  if made.ttft_ms then
    local parts = { ('first token after %s'):format(tostring(made.ttft_ms)) }
    if made.latency_ms then
      parts[#parts + 1] = ('then %s a token (%s tokens/s)'):format(
        tostring(made.latency_ms), number(made.tokens_per_s))
    end
    local work = { units.counted(made.tokens, 'new token'), units.counted(made.trials, 'trial') }
    if made.prompt_tokens then
      table.insert(work, 1, units.counted(made.prompt_tokens, 'prompt token'))
    end
    lines[2] = ('%s: %s'):format(table.concat(work, ', '), table.concat(parts, ', '))
  end
  return lines
end

--- What all of it says, without what is absent and warned of: the caller adds that.
function profile_text.printers.profile(made)
  local lines = head_lines(made)
  local tree = tree_text(made.summary)
  lines[#lines + 1] = tree
  if tree:find(' ~', 1, true) then
    lines[#lines + 1] = '~ estimated: scaled up from the tokens or layers that were looked into'
  end
  if #made.statistics > 0 then
    lines[#lines + 1] = ('%s of activations and attention: print(profile.statistics)'):format(
      units.counted(#made.statistics, 'statistic'))
  end
  if #made.memory.sections > 0 or made.memory.weights_bytes_stored then
    lines[#lines + 1] = memory_text(made.memory) .. '; by section: print(profile.memory)'
  end
  lines[#lines + 1] = energy_text(made)
  if made.cost then lines[#lines + 1] = cost_text(made.cost) end
  if made.run then lines[#lines + 1] = ('stored as run %d'):format(made.run) end
  return lines
end

--- For machines: one row a node of the summary.
profile_text.columns.profile = {
  { 'path', plain, 'left' }, { 'kind', plain, 'left' }, { 'count', count },
  { 'time_ms', number }, { 'share', number }, { 'flops', number }, { 'gflop_s', number },
  { 'bytes', number }, { 'gb_s', number }, { 'share_of_limit', number },
}
local function add_rows(node, path, rows)
  local here = path == '' and node.name or path .. '/' .. node.name
  local row = { path = here }
  for _, column in ipairs(profile_text.columns.profile) do
    local name = column[1]
    if name ~= 'path' then row[name] = node[name] end
  end
  rows[#rows + 1] = row
  for _, child in ipairs(node.children) do add_rows(child, here, rows) end
  return rows
end
function profile_text.rows.profile(made) return add_rows(made.summary, '', {}) end

profile_text.columns.statistics = {
  { 'section', plain, 'left' }, { 'layer', count }, { 'site', plain, 'left' }, { 'head', count },
  { 'name', plain, 'left' }, { 'value', number }, { 'count', count },
}

--- A figure a column, a place a row: what one wants to read down.
function profile_text.printers.statistics(list)
  local order, places, names, seen = {}, {}, {}, {}
  for _, row in ipairs(list) do
    local key = ('%s/%s/%s/%s'):format(row.section, row.layer or '', row.site, row.head or '')
    if not places[key] then
      places[key] = { row = row, values = {} }
      order[#order + 1] = places[key]
    end
    places[key].values[row.name] = row.value
    if not seen[row.name] then
      seen[row.name] = true
      names[#names + 1] = row.name
    end
  end
  local spec = {
    titles = { 'section', 'layer', 'site', 'head' }, align = { 'left', nil, 'left' }, rows = {},
  }
  for _, name in ipairs(names) do spec.titles[#spec.titles + 1] = name end
  for i, place in ipairs(order) do
    local row = place.row
    spec.rows[i] = { row.section, plain(row.layer or ''), row.site, plain(row.head or '') }
    for _, name in ipairs(names) do
      local value = place.values[name]
      table.insert(spec.rows[i], value and number(value) or '')
    end
  end
  return { tables.text(spec) }
end

profile_text.columns.profile_memory = {
  { 'section', plain, 'left' }, { 'sections', count }, { 'allocations', count },
  { 'bytes_peak', bytes, nil, 'tensors at most' },
  { 'bytes_kept', function(value) return (value < 0 and '-' or '') .. bytes(math.abs(value)) end,
    nil, 'kept' },
  { 'rss_bytes', bytes, nil, 'resident after the first' },
}
function profile_text.rows.profile_memory(memory) return memory.sections end

profile_text.columns.environment = { { 'name', plain, 'left' }, { 'value', plain, 'left' } }
function profile_text.rows.environment(facts)
  local rows = {}
  for name, value in pairs(facts) do
    if name ~= 'absent' then
      -- A script's text is kept whole, and shown by its first line.
      rows[#rows + 1] = { name = name, value = (value:gsub('\n.*', ' ...')) }
    end
  end
  table.sort(rows, function(a, b) return a.name < b.name end)
  return rows
end

profile_text.columns.trace = {
  { 'path', plain, 'left' }, { 'bytes', bytes }, { 'spans', count }, { 'spans_rolled_up', count },
  { 'rolled_up', plain, 'left' },
}
function profile_text.rows.trace(made) return { made } end

return profile_text
