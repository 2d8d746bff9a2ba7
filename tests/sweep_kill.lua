--- A sweep of quick cells that says in a journal which it has run: what tests/sweep_kill.sh kills.
local cells = {}
for i = 1, 200 do cells[i] = i end

return crescent.experiment {
  name = 'sweep-kill',
  options = { journal = { 'file that gets a line a cell', required = true, identity = false } },
  grid = { x = cells },
  report = function() end,
  run = function(point, opt)
    local row = { square = point.x ^ 2, none = 0 / 0,
      step_ms = crescent.statistics.samples({ point.x, 1 / 3, 2 }, { unit = 'ms' }) }
    local journal = assert(io.open(opt.journal, 'ab')) -- one write to the end, whole or not at all
    journal:write(('{"x":%d}\n'):format(point.x))
    journal:close()
    return row
  end,
}
