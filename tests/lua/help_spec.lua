local test = require 'crescent.test'
local help = require 'crescent.help'

test.group('help', function()
  test.case('documents every entry of the api tables', function()
    for _, entry in ipairs(crescent.api()) do
      local text = help(entry.name)
      test.ok(text:sub(1, #entry.name) == entry.name, entry.name .. ' begins with ' .. text)
    end
  end)

  test.case('finds a function without its table, and names options and defaults', function()
    local text = help('did_you_mean')
    test.equal(text, help('crescent.did_you_mean'))
    test.ok(text:find('crescent.did_you_mean(name, known)', 1, true), text)
    text = help('crescent.load')
    test.ok(text:find("dtype.*default: 'stored'"), text)
  end)

  test.case('reads the comment above a function of the Lua library', function()
    test.ok(help('crescent.units.format'):find('Formats a value', 1, true))
  end)

  test.case('lists what is below a table', function()
    local text = help('crescent.json')
    test.ok(text:find('crescent.json.decode', 1, true), text)
    test.ok(not text:find('crescent.load', 1, true), text)
  end)

  test.case('lists what a module of the Lua library holds, without loading it', function()
    local text = help('crescent.table')
    test.ok(text:find('^crescent.table\n  Tables as text: aligned for people'), text)
    test.ok(text:find('\n  crescent.table.csv%(spec%) +Writes a table as CSV'), text)
    test.equal(rawget(crescent, 'table'), nil)
  end)

  test.case('lists the modules beside the native functions', function()
    local text = help('')
    test.ok(text:find('\n  crescent.load '), text)
    test.ok(text:find('\n  crescent.units +Scales and formatters: no other file'), text)
    test.ok(text:find('\n  crescent.options +Options that a script declares'), text)
    test.ok(not text:find('embedded'), text)
  end)

  test.case('lists first sentences whole, in lines that fit', function()
    local text = help('')
    test.ok(text:gsub('%s+', ' '):find('Loads a model from a Hugging Face folder: config.json, '
      .. '*.safetensors and, for text, a tokenizer. ', 1, true), text)
    for line in text:gmatch('[^\n]+') do test.ok(#line <= 100, line) end
    for line in help('crescent.units'):gmatch('[^\n]+') do test.ok(#line <= 100, line) end
  end)

  test.case('says what a stop text does', function()
    local text = help('model:generate'):gsub('%s+', ' ')
    test.ok(text:find('stop a text, or a list of texts: generation ends as soon as one of them '
      .. 'stands in the new text; it and what follows it are left out', 1, true), text)
  end)

  test.case('has documentation for every function of the modules for users', function()
    local source = require 'crescent.prompt.source'
    for _, name in ipairs { 'crescent.units', 'crescent.table', 'crescent.test' } do
      for _, fn in ipairs(source.module(name).functions) do
        test.ok(fn.doc ~= '', name .. '.' .. fn.name .. ' has no documentation')
      end
    end
  end)

  test.case('names the nearest where there is nothing', function()
    test.equal(help('crescent.lod'),
      "no documentation for 'crescent.lod' (did you mean 'crescent.load'?)")
    test.equal(help('xyzzy_plugh'), "no documentation for 'xyzzy_plugh'")
  end)
end)
