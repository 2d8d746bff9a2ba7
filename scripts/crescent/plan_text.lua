--- How a plan of crescent.prune prints.
local tables = require 'crescent.table'
local units = require 'crescent.units'

local function count(value) return units.grouped(value) end
local function scaled(value) return units.format(value, 'count') end
local function bytes(value) return units.format(value, 'bytes') end

--- Layer by layer what goes: '2: 1 5 7', at most so many numbers a line.
local function removed_lines(plan, lines)
  local by_layer, order = {}, {}
  local listed_max = 16
  for _, row in ipairs(plan:rows()) do
    local key = ('layer %d  %ss'):format(row.layer, row.kind)
    if row.kind == 'layer' then key = ('layer %d'):format(row.layer) end
    if not by_layer[key] then
      by_layer[key] = { layer = row.layer, key = key }
      order[#order + 1] = by_layer[key]
    end
    table.insert(by_layer[key], row.index)
  end
  table.sort(order, function(a, b)
    if a.layer ~= b.layer then return a.layer < b.layer end
    return a.key < b.key
  end)
  for _, numbers in ipairs(order) do
    table.sort(numbers)
    local text = table.concat(numbers, ' ', 1, math.min(#numbers, listed_max))
    if #numbers > listed_max then text = ('%s ... (%s)'):format(text, count(#numbers)) end
    if numbers.key:find('  ') then
      lines[#lines + 1] = ('  %s  %s'):format(numbers.key, text)
    else
      lines[#lines + 1] = ('  %s as a whole'):format(numbers.key)
    end
  end
end

--- What goes, why, and what that is expected to save.
return function(plan)
  local before, after = plan.before, plan.after
  local lines, kinds = {}, {}
  for kind, counts in pairs(plan.counts) do
    kinds[#kinds + 1] = ('%s of %s %s'):format(count(counts.removed), count(counts.of), kind)
  end
  table.sort(kinds)
  local what = #kinds > 0 and table.concat(kinds, ', ') or 'nothing'
  lines[1] = ('plan: %s go, by %s'):format(what, plan.criterion)
  if plan.data then
    lines[1] = ('%s on %s tokens of %s'):format(lines[1], count(plan.data.tokens),
      plan.data.source)
  end
  removed_lines(plan, lines)
  local spec = { titles = { 'expected', 'before', 'after', 'saved' },
    align = { 'left', 'right', 'right', 'right' }, rows = {} }
  local function row(name, format, a, b)
    local saved = a == 0 and '-' or units.percent((a - b) / a)
    if a == 0 and b == 0 then return end
    spec.rows[#spec.rows + 1] = { name, format(a), format(b), saved }
  end
  row('parameters', count, before.params, after.params)
  row('weights in the file', bytes, before.bytes, after.bytes)
  row('FLOPs a token', scaled, before.flops_per_token, after.flops_per_token)
  for _, part in ipairs { 'attention', 'ffn', 'head' } do
    row('  ' .. part, scaled, before.flops_by_part[part], after.flops_by_part[part])
  end
  row('bytes read a token', bytes, before.bytes_read_per_token, after.bytes_read_per_token)
  lines[#lines + 1] = tables.text(spec)
  lines[#lines + 1] = ('FLOPs with %d tokens attended to; at the read bandwidth measured here the '
    .. 'bytes allow %s less a token'):format(plan.context, units.format(plan.saved_ms, 'ms'))
  for _, note in ipairs(plan.notes) do lines[#lines + 1] = 'note: ' .. note end
  return table.concat(lines, '\n')
end
