The prompt reads from a pipe: no prompt, but values.

  $ crescent <<'END'
  > 6 * 7
  > _ + 1
  > = 'text'
  > x = { 1, 2, name = 'three' }
  > x
  > nil
  > 1, 'two'
  > for i = 1, 2 do
  >   print(i)
  > end
  > function twice(n)
  >   return 2 * n
  > end
  > twice(4)
  > {
  >   5, 6 }
  > END
  42
  43
  'text'
  { 1, 2, name = 'three' }
  nil
  1
  'two'
  1
  2
  8
  { 5, 6 }

Nothing that is typed takes the prompt itself away.

  $ crescent <<'END'
  > require = nil
  > error(setmetatable({}, { __tostring = function() error('no') end }))
  > local g = setmetatable(_G, { __newindex = function() error('no') end })
  > 7
  > END
  (error object whose __tostring fails)
  7
  [1]

Errors leave the state as it was; the exit code tells.

  $ crescent <<'END'
  > kept = 1
  > error('broken')
  > undefined_name
  > x = = 3
  > kept
  > END
  broken
  prompt:1: undefined global 'undefined_name'
  prompt:1: unexpected symbol near '='
  1
  [1]

What is incomplete at the end is an error.

  $ printf 'for i = 1, 2 do' | crescent
  prompt:2: 'end' expected (to close 'for' at line 1) near '<eof>'
  [1]

`?name` shows documentation.

  $ crescent <<'END'
  > ?crescent.threads
  > ?crescent.thread
  > ?crescent.show
  > END
  crescent.threads([n])
    Gives the number of threads that everything below Lua uses, after setting it if one is given.
    The default is what affinity and the cgroup quota allow.

  Arguments
    n  an integer in [1, 1024]; threads from now on

  Gives integer

  Example
    print(crescent.threads())
  no documentation for 'crescent.thread' (did you mean 'crescent.threads'?)
  crescent.show
    Gives a value as text: strings quoted, tables aligned, long things folded with a count, cycles
    marked, and whatever has a `__tostring` in its own words.

    ```lua
    print(crescent.show { 1, 2, { name = 'x' } })
    ```
    @param value any
    @return string
