A script finds its arguments in `arg` and in `...`, and modules next to it.

  $ mkdir -p lib
  $ echo 'return { name = "beside" }' > lib/beside.lua
  $ echo 'local beside = require "beside" print(beside.name, arg[0], arg[1], arg[-1])' > lib/main.lua
  $ crescent lib/main.lua --flag
  beside	lib/main.lua	--flag	crescent
  $ crescent --threads 2 lib/main.lua x
  beside	lib/main.lua	x	2

  $ echo 'local first, second = ... print(first, second, select("#", ...))' > dots.lua
  $ crescent dots.lua one
  one	nil	1
  $ crescent dots.lua
  nil	nil	0

A failed script: message and Lua traceback on standard error, exit code 1.

  $ cat > fails.lua <<'END'
  > local function inner() error('no such head') end
  > local function outer() inner() end
  > print('before')
  > outer()
  > print('never')
  > END
  $ crescent fails.lua
  before
  fails.lua:1: no such head
  stack traceback:
  	[C]: in function 'error'
  	fails.lua:1: in function 'inner'
  	fails.lua:2: in function 'outer'
  	fails.lua:4: in main chunk
  [1]
  $ crescent fails.lua 2>/dev/null
  before
  [1]
  $ echo 'local x = = 1' > syntax.lua
  $ crescent syntax.lua
  syntax.lua:1: unexpected symbol near '='
  [1]
  $ crescent -e 'error({ code = 3 })'
  (error object is a table value)
  stack traceback:
  	[C]: in function 'error'
  	-e:1: in main chunk
  [1]
  $ crescent -e 'error(setmetatable({}, { __tostring = function() return "own words" end }))'
  own words
  stack traceback:
  	[C]: in function 'error'
  	-e:1: in main chunk
  [1]
  $ crescent -e 'crescent.threads(0)'
  -e:1: crescent.threads: argument 1 'n': expected an integer in [1, 1024], got 0
  stack traceback:
  	[C]: in function 'threads'
  	-e:1: in main chunk
  [1]
