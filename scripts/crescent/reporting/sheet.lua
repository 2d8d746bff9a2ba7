--- One table of a report: cells, the best of a column, ratios to the baseline, reasons for what is
--- missing.
local baseline = require 'crescent.reporting.baseline'
local column = require 'crescent.reporting.column'
local document = require 'crescent.reporting.document'
local missing = require 'crescent.reporting.missing'
local quality = require 'crescent.reporting.quality'
local ratio = require 'crescent.reporting.ratio'
local units = require 'crescent.units'

local sheet = {}

local why_no_best = {
  few = "the best of '%s' is not marked: too few values to tell it from the next",
  overlap = "the best of '%s' is not marked: its interval overlaps another one",
}

--- Marks the best of some cells, if it can be told from all others; equal numbers all are the best.
--- Gives what to say if it can't be told.
function sheet.mark_best(cells, better, title)
  local candidates, best = {}, nil
  for _, cell in ipairs(cells) do
    if type(cell.value) == 'number' and cell.value == cell.value then
      candidates[#candidates + 1] = cell
      if not best or better == 'lower' and cell.value < best.value
        or better == 'higher' and cell.value > best.value then
        best = cell
      end
    end
  end
  if #candidates < 2 then return nil end
  local equals = { best }
  for _, cell in ipairs(candidates) do
    if cell ~= best then
      local told, why = ratio.told(best.samples or best.value, cell.samples or cell.value)
      if why == 'equal' then
        equals[#equals + 1] = cell
      elseif not told then
        return why_no_best[why]:format(title)
      end
    end
  end
  if #equals == #candidates then return nil end
  for _, cell in ipairs(equals) do cell.best = true end
end

local function column_cells(rows, place)
  local cells = {}
  for r, row in ipairs(rows) do cells[r] = row[place] end
  return cells
end

--- A text in any cell makes a column of texts.
local function alignment(given, cells)
  if given then return given end
  for _, cell in ipairs(cells) do
    if type(cell.value) == 'string' then return 'left' end
  end
  return 'right'
end

local function hold_against(cells, base, context)
  local samples
  for _, cell in ipairs(cells) do
    local how = baseline.compare(cell, base, context.settings)
    if how == 'few' then
      context.note(("cannot tell: too few values for a confidence of %s %%"):format(
        units.number(100 * context.settings.confidence)))
    end
    samples = samples or how ~= nil
    if cell.verdict == 'no difference' then
      context.note(('no difference: within %s'):format(
        units.percent(context.settings.same_within)))
    end
  end
  if base.text then base.text = base.text .. ' (baseline)' end
  if samples and not context.interleaved then
    context.note('the cells were not interleaved: what changed on the machine between them counts '
      .. 'as a difference')
  end
end

--- Adds cells that are made to a table, with footnotes below; `columns` are a document's.
function sheet.finish(context, block, cells)
  local footnotes = missing.mark(cells)
  for _, row in ipairs(cells) do
    for _, cell in ipairs(row) do cell.samples = nil end
  end
  block.rows = cells
  for _, text in ipairs(footnotes) do document.note(context.document, text) end
end

--- The baseline's place in the rows, or nil and a note.
local function find_base(context, rows, group)
  if #rows == 0 then return nil end
  local base = baseline.row_of(context.baseline, rows, context.number_of)
  for r, row in ipairs(rows) do
    if row == base then return r end
  end
  context.note(('no baseline (%s)'):format(context.baseline.text), group)
end

--- Adds a table of rows to the document.
---@param context table   # of the layout that is being built
---@param read table[]    # columns as column.read gives them
---@param rows table[]
---@param group? { name: string, value: any, text: string }
function sheet.add(context, read, rows, group)
  local cells = {}
  for r, row in ipairs(rows) do
    cells[r] = {}
    for i, one in ipairs(read) do
      cells[r][i] = column.cell(one, row, context.number_of(row), context.is_point[one.name])
    end
  end
  local base, any_baseline = nil, false
  for _, one in ipairs(read) do any_baseline = any_baseline or one.baseline end
  if any_baseline then base = find_base(context, rows, group and group.text) end
  local columns = {}
  for i, one in ipairs(read) do
    local in_column = column_cells(cells, i)
    columns[i] = { name = one.name, title = one.title, better = one.better,
      align = alignment(one.align, in_column) }
    context.shown[#context.shown + 1] = { name = one.name, quality = one.quality,
      speed = quality.is_speed(one, in_column) }
    if one.better then
      context.note(sheet.mark_best(in_column, one.better, one.title), group and group.text)
    end
    if base and one.baseline then hold_against(in_column, in_column[base], context) end
  end
  sheet.finish(context, document.table(context.document, nil, columns,
    group and { name = group.name, value = group.value }), cells)
end

return sheet
