--- Layouts: what an author says about a report, and the document it makes of rows.
local baseline = require 'crescent.reporting.baseline'
local blame = require 'crescent.blame'
local charts = require 'crescent.reporting.charts'
local check_keys = require 'crescent.keys'
local column = require 'crescent.reporting.column'
local document = require 'crescent.reporting.document'
local fields = require 'crescent.reporting.fields'
local fill = require 'crescent.reporting.template'
local grid = require 'crescent.reporting.grid'
local pivot = require 'crescent.reporting.pivot'
local quality = require 'crescent.reporting.quality'
local sheet = require 'crescent.reporting.sheet'

local build = {}

local here = 'crescent.report.layout'
local keys = {
  'title', 'text', 'columns', 'group_by', 'pivot', 'charts', 'notes', 'baseline', 'sort_by',
  'no_quality', 'confidence', 'same_within',
}

local function texts_of(value, key)
  if value == nil then return {} end
  if type(value) == 'string' then return { value } end
  local ok = type(value) == 'table'
  for _, text in ipairs(ok and value or {}) do ok = ok and type(text) == 'string' end
  if not ok then blame('%s: %s: expected a text or a list of texts', here, key) end
  return value
end

local function each_read(list, key, read)
  if list == nil then return {} end
  if type(list) ~= 'table' then
    blame('%s: %s: expected a list, got %s', here, key, type(list))
  end
  local made = {}
  for i, spec in ipairs(list) do made[i] = read(spec, ('%s: %s[%d]'):format(here, key, i)) end
  for name in pairs(list) do
    if type(name) ~= 'number' then
      blame("%s: %s: expected a list, got the key '%s'", here, key, tostring(name))
    end
  end
  return made
end

local function read_sort(spec)
  if spec == nil then return nil end
  if type(spec) == 'string' or type(spec) == 'function' then return { spec } end
  if type(spec) ~= 'table' then
    blame("%s: sort_by: expected a field's name, function(row) or { 'name', descending = true }, "
      .. 'got %s', here, type(spec))
  end
  for key in pairs(spec) do
    if key ~= 1 and key ~= 'descending' then
      blame("%s: sort_by: unknown key '%s'%s", here, tostring(key),
        crescent.did_you_mean(tostring(key), { 'descending' }))
    end
  end
  return spec
end

local function read_share(spec, key, default)
  local value = spec[key]
  if value == nil then return default end
  if type(value) ~= 'number' or not (value > 0 and value < 1) then
    blame('%s: %s: expected 0 < %s < 1, got %s', here, key, key, tostring(value))
  end
  return value
end

local function read_pivots(spec)
  if spec == nil then return {} end
  if type(spec) == 'table' and spec[1] ~= nil then return each_read(spec, 'pivot', pivot.read) end
  return { pivot.read(spec, here .. ': pivot') }
end

local function check_baseline(made)
  for _, one in ipairs(made.columns) do
    if one.baseline and not made.baseline then
      blame("%s: baseline = true needs the layout's own baseline, such as { level = 0 }", one.place)
    end
  end
end

--- Reads and checks what an author says; the layout's options as crescent.report.layout has them.
function build.read(spec)
  if type(spec) ~= 'table' then
    blame('%s: expected { columns = {...} }, got %s', here, spec == nil and 'nothing' or type(spec))
  end
  check_keys(here, spec, keys)
  for _, key in ipairs { 'title', 'no_quality' } do
    if spec[key] ~= nil and type(spec[key]) ~= 'string' then
      blame('%s: %s: expected a text, got %s', here, key, type(spec[key]))
    end
  end
  local group_by = spec.group_by
  if group_by ~= nil and type(group_by) ~= 'string' and type(group_by) ~= 'function' then
    blame("%s: group_by: expected a field's name or function(row), got %s", here, type(group_by))
  end
  local made = {
    title = spec.title, text = texts_of(spec.text, 'text'), notes = texts_of(spec.notes, 'notes'),
    columns = each_read(spec.columns, 'columns', column.read), group_by = group_by,
    charts = each_read(spec.charts, 'charts', charts.read), pivots = read_pivots(spec.pivot),
    baseline = spec.baseline ~= nil and baseline.read(spec.baseline, here .. ': baseline') or nil,
    sort_by = read_sort(spec.sort_by), no_quality = spec.no_quality,
    settings = { confidence = read_share(spec, 'confidence', 0.99),
      same_within = read_share(spec, 'same_within', 0.02) },
  }
  if not spec.columns and #made.charts == 0 and #made.pivots == 0 then
    blame('%s: expected columns, a pivot or charts', here)
  end
  check_baseline(made)
  return made
end

--- Refuses what is no list of rows; gives it.
function build.list_of(rows, name)
  if type(rows) == 'table' then
    local ok = true
    for _, row in ipairs(rows) do ok = ok and type(row) == 'table' end
    local is_list = rows[1] ~= nil or next(rows) == nil
    if ok and is_list then return rows end
  end
  local has_rows = type(rows) == 'table' and getmetatable(rows) ~= nil
  blame('%s: expected a list of rows, got %s%s', name,
    type(rows) == 'table' and 'a table that is none' or type(rows),
    has_rows and '; a result gives its rows by :rows()' or '')
end

--- What is being built, and what its parts share.
local function new_context(self, rows, options)
  local numbers, said = {}, {}
  for i, row in ipairs(rows) do numbers[row] = i end
  local context = {
    rows = rows, shown = {}, notes = {}, settings = self.settings, baseline = self.baseline,
    interleaved = rows.interleaved == true, left_out = {},
    is_point = select(2, fields.points(rows)),
    number_of = function(row) return numbers[row] end,
  }
  function context.note(text, group)
    if not text then return end
    if group then text = ('%s (%s)'):format(text, group) end
    if said[text] then return end
    said[text] = true
    context.notes[#context.notes + 1] = text
  end
  local title = options.title or self.title
  context.document = document.new(title and fill(title, rows, here .. ': title'))
  return context
end

local function check_partial(rows, options)
  if not rows.partial or options.partial then return end
  blame('%s: the sweep is incomplete: %s; { partial = true } renders what is there, and says so',
    here, tostring(rows.partial))
end

local function check_names(self, rows)
  for _, one in ipairs(self.columns) do
    if not one.value then fields.check(rows, one.name, one.place) end
  end
  local group_by = self.group_by
  if type(group_by) == 'string' then fields.check(rows, group_by, here .. ': group_by') end
  for _, name in ipairs(self.baseline and self.baseline.names or {}) do
    fields.check(rows, name, here .. ': baseline')
  end
  local sort_by = self.sort_by and self.sort_by[1]
  if type(sort_by) == 'string' then fields.check(rows, sort_by, here .. ': sort_by') end
end

--- A plain copy with the methods of rows, so that the caller's list stays as it is.
local function sorted(self, list)
  local copy = {}
  for i, row in ipairs(list) do copy[i] = row end
  local made = require('crescent.rows').of(copy, { points = list.points })
  if not self.sort_by then return made end
  return made:sort(self.sort_by[1], { descending = self.sort_by.descending })
end

--- Groups with the text of their heading; one without a heading if nothing is grouped.
local function groups_of(self, list)
  if not self.group_by then return { { rows = list } } end
  local name = type(self.group_by) == 'string' and self.group_by or 'group'
  local groups = list:group_by(self.group_by)
  for _, group in ipairs(groups) do
    local value = fields.number(group.value) or group.value
    local label = value == nil and '-' or grid.label(name, value)
    group.about = { name = name, value = value, text = ('%s: %s'):format(name, label) }
    if type(value) == 'boolean' then group.about.value = label end
  end
  return groups
end

local function check_any_base(self, list)
  local wanted = false
  for _, one in ipairs(self.columns) do wanted = wanted or one.baseline end
  if not wanted then return end
  for _, row in ipairs(list) do
    if self.baseline.pick(row) then return end
  end
  blame('%s: baseline: no row has %s', here, self.baseline.text)
end

local function add_tables(self, context, list)
  for _, group in ipairs(groups_of(self, list)) do
    if group.about then document.heading(context.document, group.about.text) end
    if #self.columns > 0 then sheet.add(context, self.columns, group.rows, group.about) end
    for _, one in ipairs(self.pivots) do
      if not pivot.crosses(one, self.group_by) then
        pivot.add(context, one, group.rows, group.about)
      end
    end
  end
  -- One that shows the groups beside each other stands once, below them.
  for _, one in ipairs(self.pivots) do
    if pivot.crosses(one, self.group_by) then pivot.add(context, one, list) end
  end
end

local function add_notes(self, context)
  context.note(quality.note(context.rows, context.shown, self.no_quality))
  for _, text in ipairs(self.notes) do
    context.note(fill(text, context.rows, here .. ': notes'))
  end
  for _, text in ipairs(context.rows.notes or {}) do context.note(text) end
  for _, text in ipairs(context.notes) do document.note(context.document, text) end
end

--- Makes the document of rows; `options` { partial, title } as `render` has them.
function build.document(self, rows, options)
  options = options or {}
  rows = build.list_of(rows, here .. ': build')
  check_partial(rows, options)
  local context = new_context(self, rows, options)
  if rows.partial then
    document.warning(context.document, ('incomplete: %s'):format(tostring(rows.partial)))
  end
  for _, text in ipairs(self.text) do
    document.text(context.document, fill(text, rows, here .. ': text'))
  end
  if #rows == 0 then
    if #self.columns > 0 then sheet.add(context, self.columns, {}) end
    document.note(context.document, 'no rows')
    add_notes(self, context)
    return context.document
  end
  check_names(self, rows)
  check_any_base(self, rows)
  context.list = sorted(self, rows)
  add_tables(self, context, context.list)
  for _, one in ipairs(self.charts) do
    local chart = charts.make(context, one)
    if chart then document.chart(context.document, chart) end
  end
  charts.note_left_out(context)
  add_notes(self, context)
  return context.document
end

return build
