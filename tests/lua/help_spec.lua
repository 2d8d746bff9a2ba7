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

  test.case('names the nearest where there is nothing', function()
    test.equal(help('crescent.lod'),
      "no documentation for 'crescent.lod' (did you mean 'crescent.load'?)")
    test.equal(help('xyzzy_plugh'), "no documentation for 'xyzzy_plugh'")
  end)
end)
