--- Child processes: crescent itself, with code of its own.
local test = require 'crescent.test'

local program = crescent.process.executable()

local function crescent_child(code, options)
  return crescent.process.spawn({ program, '-e', code }, options)
end

local function shell(code) return crescent.process.spawn { 'sh', '-c', code } end

--- The child's number differs from run to run.
local function without_pid(text) return (text:gsub('child process %d+', 'child process N')) end

local echo = [[
  local channel = crescent.process.channel()
  while true do channel:send(channel:receive()) end
]]

test.group('a child process', function()
  test.case('sends back every byte that it is sent', function()
    local child = crescent_child(echo)
    local bytes = {}
    for byte = 0, 255 do bytes[#bytes + 1] = string.char(byte) end
    for _, text in ipairs { '', table.concat(bytes), ('x'):rep(2 ^ 20), 'last' } do
      test.equal(child:send(text), true)
      test.ok(child:receive() == text, #text .. ' bytes came back as something else')
    end
    child:close()
  end)
  test.case('says what it is and how it ended', function()
    local child = crescent_child [[
      crescent.process.channel():receive()
      print 'one' print 'two' io.stderr:write 'three\n'
      os.exit(3)
    ]]
    test.equal({ child.running, child.ended }, { true })
    test.ok(child.pid > 1)
    test.equal(without_pid(tostring(child)), 'child process N, running')
    child:send 'end'
    local text, reason = child:receive()
    test.equal({ text, without_pid(reason) }, { nil, 'child process N: exited with 3' })
    test.equal(child.running, false)
    test.equal({ child.ended.code, child.ended.signal, child.ended.reason },
      { 3, nil, 'exited with 3' })
    test.equal({ child.ended.core, child.ended.out_of_memory }, { false, false })
    test.equal(child:output { lines = 2 }, 'two\nthree')
    test.equal(child:output(), 'one\ntwo\nthree')
    test.equal(without_pid(tostring(child)), 'child process N, exited with 3')
    test.equal(without_pid(select(2, child:send 'more')), 'child process N: exited with 3')
  end)
  test.case('that crashes is told by its signal', function()
    local child = crescent_child "require('ffi').cdef 'void abort(void);' require('ffi').C.abort()"
    local text, reason = child:receive()
    test.equal(text, nil)
    test.ok(reason:find('^child process %d+: killed by SIGABRT'), reason)
    test.equal({ child.ended.code, child.ended.signal }, { nil, 'SIGABRT' })
  end)
  test.case('keeps the traceback of its error', function()
    local child = crescent_child "error 'layer 2 has no head mask'"
    test.equal(select(2, child:receive()):match(': (.*)'), 'exited with 1')
    test.equal(child:output { lines = 4 }:match('^[^\n]*'), '-e:1: layer 2 has no head mask')
  end)
  test.case('is waited for no longer than asked', function()
    local child = crescent_child(echo)
    for _, timeout_s in ipairs { 0, 0.01 } do
      local text, reason = child:receive { timeout_s = timeout_s }
      test.equal({ text, without_pid(reason) },
        { nil, ('child process N: no message within %s s'):format(timeout_s) })
      test.equal(child.ended, nil)
    end
    child:close()
    test.equal(child.ended.reason, 'ended by this process with SIGTERM')
    child:close()
  end)
  test.case('may close its channel', function()
    local child = shell "exec 3>&-; echo closed; exec sleep 1000"
    while child:output() ~= 'closed' do child:receive { timeout_s = 0.01 } end
    local sent, reason = child:send 'anybody?'
    test.equal({ sent, without_pid(reason) },
      { nil, 'child process N: it has closed its channel' })
    test.ok(child.running)
    child:close()
  end)
  test.case('gets variables beside those of this process', function()
    local child = crescent_child([[
      local variables = { os.getenv 'CRESCENT_A', os.getenv 'CRESCENT_B', os.getenv 'PATH' }
      crescent.process.channel():send(table.concat(variables, ' '))
    ]], { environment = { CRESCENT_A = 'a b', CRESCENT_B = 2 } })
    test.equal(child:receive(), 'a b 2 ' .. os.getenv 'PATH')
  end)
  test.case('ends when nobody holds it any more', function()
    local child = crescent_child(echo)
    local pid = child.pid
    child = nil -- luacheck: ignore 311
    collectgarbage() collectgarbage()
    test.equal(io.open('/proc/' .. pid .. '/stat'), nil)
  end)
  test.case('ends with the scope that started it', function()
    local child
    crescent.scope(function() child = crescent_child(echo) end)
    test.equal(tostring(child), 'closed child process')
    test.raises(function() child:receive() end,
      'child:receive: expected an open child in front of the colon, got a closed one')
  end)
  test.case('is ended by the one that started it when that one is killed', function()
    local child = crescent_child([[
      local program = crescent.process.executable()
      local own = crescent.process.spawn { program, '-e', 'crescent.process.channel():send "" '
        .. 'crescent.process.channel():receive()' }
      own:receive()
      crescent.process.channel():send(tostring(own.pid))
      crescent.process.channel():receive()
      require('ffi').cdef 'int raise(int);'
      require('ffi').C.raise(9)
    ]])
    local pid = child:receive()
    child:send 'go'
    test.equal(select(2, child:receive()):match(': (.*)'), 'killed by SIGKILL')
    local state = 'R'
    for _ = 1, 1000 do
      local file = io.open('/proc/' .. pid .. '/stat')
      state = file and file:read('*a'):match('%) (%a)')
      if file then file:close() end
      if not state or state == 'Z' then break end
      shell('sleep 0.01'):receive()
    end
    test.ok(not state or state == 'Z', 'it still runs: ' .. tostring(state))
  end)
end)

test.group('the channel', function()
  test.case('is the same for every caller, and there is none for children of the child', function()
    local child = crescent_child [[
      local first, second = crescent.process.channel(), crescent.process.channel()
      second:send(tostring(first))
      local own = crescent.process.spawn { 'sh', '-c', 'echo $CRESCENT_CHANNEL' }
      own:receive()
      local pipe = io.popen 'echo "<$CRESCENT_CHANNEL>"'
      first:send(own:output() .. ' ' .. pipe:read '*l')
    ]]
    test.equal(child:receive(), 'channel to the process that started this one')
    test.equal(child:receive(), '3 <>')
  end)
  test.case('is absent where nobody started this process', function()
    local channel, reason = crescent.process.channel()
    test.equal({ channel, reason }, { nil,
      'this process was not started by crescent.process.spawn: CRESCENT_CHANNEL is not set' })
  end)
  test.case('must be one', function()
    local child = crescent.process.spawn { 'sh', '-c',
      'exec 3</dev/null; exec "$0" -e "print(pcall(crescent.process.channel))"', program }
    child:receive()
    test.equal(child:output(), "false\tcrescent.process.channel: CRESCENT_CHANNEL: expected the "
      .. "number of an open socket's descriptor, got '3'; crescent sets it for the processes that "
      .. 'it starts')
  end)
end)

test.group('crescent.process.spawn', function()
  test.case('names a program that is not there', function()
    test.raises(function() crescent.process.spawn { 'crescent-of-nobody' } end,
      "crescent.process.spawn: 'crescent-of-nobody' can't be started: there is no such program in "
      .. 'PATH')
    test.raises(function() crescent.process.spawn { './crescent-of-nobody' } end,
      "crescent.process.spawn: './crescent-of-nobody' can't be started: No such file or directory")
  end)
  test.case('says what a command is', function()
    test.raises(function() crescent.process.spawn {} end,
      "crescent.process.spawn: argument 1 'command': expected a list of a program's name and its "
      .. 'arguments, got an empty one')
    test.raises(function() crescent.process.spawn { 'true', true } end,
      "crescent.process.spawn: argument 1 'command': expected a list of strings, got true at "
      .. 'position 2')
    test.raises(function() crescent.process.spawn({ 'true' }, { environment = { 'A=1' } }) end,
      "crescent.process.spawn: option 'environment': expected values by name, got the key 1")
    test.raises(function() crescent.process.spawn({ 'true' }, { environment = { A = {} } }) end,
      "crescent.process.spawn: option 'environment': expected strings, got a table for 'A'")
    test.raises(function() crescent.process.spawn({ 'true' }, { environment = { ['='] = '' } }) end,
      "crescent.process.spawn: environment: expected names without '=', got '='")
    test.raises(function() crescent.process.spawn({ 'true' }, { passon = true }) end,
      "crescent.process.spawn: unknown option 'passon' (did you mean 'pass_on'?)")
  end)
end)
