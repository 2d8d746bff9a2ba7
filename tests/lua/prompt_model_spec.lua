local test = require 'crescent.test'
local complete = require 'crescent.complete'
local help = require 'crescent.help'

model_here = crescent.load('tiny') -- luacheck: ignore

local function words(text) return table.concat((complete(text)), ' ') end

test.group('at the prompt, a model', function()
  test.case('completes its methods, fields and views', function()
    test.equal(words('model_here:opt'), 'optimize')
    test.equal(words('model_here.par'), 'params params_by_part')
    test.equal(words('model_here.config.d_'), 'd_model')
    test.equal(words('model_here.layers[1].head'), 'head_dim heads')
    test.equal(words('model_here.layers[99].'), '')
    test.equal(words('?model_here:gen'), 'generate')
    test.equal(words('?model_here.tok'), 'tokenizer')
    test.equal(words('?model_here.config.pos'), 'positions positions_max')
  end)

  test.case('shows the documentation of its type', function()
    local text = help('model_here')
    test.ok(text:find('model_here is a crescent.Model', 1, true), text)
    test.ok(text:find('\n  model:generate ', 1, true), text)
    test.ok(text:find('\n  model.params ', 1, true), text)
    test.equal(help('model_here:generate'), help('model:generate'))
    test.equal(help('model_here:gen'),
      "no documentation for 'model_here:gen'; there is model_here:generate")
    test.equal(help('model_here:generte'),
      "no documentation for 'model_here:generte' (did you mean 'model_here:generate'?)")
  end)

  test.case('shows the documentation of what else a variable holds', function()
    number_here = 3 -- luacheck: ignore
    test.equal(help('number_here'), 'number_here is a number')
    table_here = { 1, 2, name = 'x' } -- luacheck: ignore
    test.equal(help('table_here'), 'table_here is a table with the fields 1, 2, name')
    load_here = crescent.load -- luacheck: ignore
    test.equal(help('load_here'), help('crescent.load'))
    made_here = model_here:generate('In the beginning', { tokens = 2 }) -- luacheck: ignore
    local text = help('made_here')
    test.ok(text:find('made_here is a result with the fields decode_ms, ids, ', 1, true), text)
    test.ok(text:find('\n  made_here:csv%(%) +Gives a result as CSV'), text)
    config_here = model_here.config -- luacheck: ignore
    test.ok(help('config_here'):find(
      'config_here is a read-only view with the fields activation, ', 1, true))
  end)
end)
