Reading a global that was never assigned is an error on the caller's line.

  $ crescent -e 'pritn(1)'
  -e:1: undefined global 'pritn' (did you mean 'print'?)
  stack traceback:
  	[C]: in function '__index'
  	-e:1: in main chunk
  [1]
  $ crescent -e 'local function f() return tokns end tokens = 1 f()'
  -e:1: undefined global 'tokns' (did you mean 'tokens'?)
  stack traceback:
  	[C]: in function '__index'
  	-e:1: in function 'f'
  	-e:1: in main chunk
  [1]

Assigning is allowed, also of nil.

  $ crescent -e 'x = nil print(x) y = 1 y = nil print(y)'
  nil
  nil
  $ crescent -e 'print(crescent.thread)'
  -e:1: crescent has no field 'thread' (did you mean 'threads'?)
  stack traceback:
  	[C]: in function '__index'
  	-e:1: in main chunk
  [1]

The rules can't be misused.

  $ crescent -e "print(pcall(getmetatable(_G).__index, 1, 2))" 2>&1
  false	globals: expected the table of globals, got 1
  $ crescent -e "print(pcall(getmetatable(_G).__newindex, nil, 2, 3))" 2>&1
  false	globals: expected the table of globals, got nil
