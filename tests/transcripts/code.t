Code from the command line; what follows is its arguments.

  $ crescent -e 'print(1 + 1)'
  2
  $ crescent -e 'print(#arg, arg[1], arg[2])' one --two
  2	one	--two
  $ crescent -e 'print(select("#", ...), ...)' one --two
  2	one	--two
  $ crescent --threads 1 -e 'print(crescent.threads())'
  1
  $ echo 'print("from stdin", arg[0], arg[1])' | crescent - x
  from stdin	-	x
  $ echo 'print(...)' | crescent - x y
  x	y

`require 'crescent'` gives the global.

  $ crescent -e 'print(require("crescent") == crescent)'
  true

`os.exit` closes the state: finalisers run.

  $ crescent -e 'local p = newproxy(true) getmetatable(p).__gc = function() print("closed") end os.exit(3)'
  closed
  [3]
  $ crescent -e 'os.exit(false)'
  [1]
  $ crescent -e 'os.exit(true)'
