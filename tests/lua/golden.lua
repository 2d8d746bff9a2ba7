--- Files that a text must equal byte for byte. After a change that is meant, renew them and read
--- what changed: cd tests/lua && CRESCENT_GOLDEN=write crescent NAME_spec.lua && git diff
local fixtures = require 'fixtures'
local test = require 'crescent.test'

--- Expects `text` to be what the file in tests/fixtures/reports holds.
return function(name, text)
  local path = fixtures.path('reports/' .. name)
  if os.getenv 'CRESCENT_GOLDEN' == 'write' then
    local file = assert(io.open(path, 'wb'))
    file:write(text)
    file:close()
  end
  local file = assert(io.open(path, 'rb'))
  local expected = file:read '*a'
  file:close()
  test.equal(text, expected)
end
