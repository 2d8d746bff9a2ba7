--- Reports: layouts that make documents of rows, and ready ones (crescent.report.summary, pareto,
--- heat, levels, pruning, profile, compare), several of them as one (crescent.report.book), folders
--- of all that belongs to one (crescent.report.folder), and crescent.report.recommend.
local blame = require 'crescent.blame'
local class = require 'crescent.reporting.class'

local report = {}

local ready = {
  'book', 'compare', 'folder', 'heat', 'levels', 'pareto', 'profile', 'pruning', 'recommend',
  'summary',
}

--- Makes a layout: what a report shows of rows, and how.
---
--- ```lua
--- local layout = crescent.report.layout {
---   title = 'Head pruning, {model}',                      -- '{model}': the field's value
---   text = 'All {count} cells on one machine.',
---   group_by = 'criterion', sort_by = 'ratio',
---   baseline = { ratio = 0 },                             -- what others are held against
---   columns = {
---     { 'ratio', title = 'cut', format = 'percent' },
---     { 'perplexity', format = '%.2f', better = 'lower' },
---     { 'decode_ms', baseline = true },                   -- with its ratio and a verdict
---   },
---   charts = { { kind = 'line', x = 'ratio', y = 'perplexity', by = 'criterion' } },
--- }
--- layout:render(rows, { to = 'heads.html' })
--- ```
--- A column is a name, a path such as 'prefill.latency_ms', or { 'name', title =, format = a text
--- as of string.format, a function(value, row) or 'percent', 'bytes', 'count', 'ms', 'number';
--- value = function(row), better = 'lower' or 'higher', align =, baseline =, quality = true }.
--- A pivot is { rows = 'ratio', columns = 'criterion', value = 'perplexity', format =, title =,
--- better = }; a chart { kind = 'line', 'bar' or 'scatter', x =, y =, by =, title =, log = 'x',
--- 'y' or 'xy', front = { x = 'lower', y = 'lower' }, reference = { y =, label = }, label = }, or
--- { kind = 'heat', x =, y =, value =, crossed = }.
---@param spec table   # `title`, `text`, `columns`, `group_by`, `sort_by`, `pivot`, `charts`,
---  `notes`, `baseline` ({ level = 0 }, 'level=0' or function(row)), `no_quality` why no quality
---  stands beside times, `confidence` of verdicts (default 0.99), `same_within` (default 0.02)
---@return table layout   # `:render(rows, { to = })`, `:build(rows)`
function report.layout(spec) return class.layout(spec) end

--- Names of what is loaded at its first use: the ready layouts and `recommend`.
function report.ready() return { unpack(ready) } end

setmetatable(report, {
  __index = function(self, name)
    for _, known in ipairs(ready) do
      if name == known then
        local made = require('crescent.report.' .. name)
        rawset(self, name, made)
        return made
      end
    end
    local names = { 'layout', 'ready' }
    for _, known in ipairs(ready) do names[#names + 1] = known end
    blame("crescent.report has no field '%s'%s", tostring(name),
      crescent.did_you_mean(tostring(name), names))
  end,
})

return report
