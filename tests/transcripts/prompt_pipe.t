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
  > ?crescent.levels
  > END
  (error object whose __tostring fails)
  7
  crescent.levels
    crescent.levels.available   Lists the levels that this build can run a model at: 0 reference,
                                1 fused, 2 compiled, 3 compiled with lossy storage.
    crescent.levels.explain     Builds a level up pass by pass, and measures what each gains and
                                costs.
  [1]

Errors leave the state as it was; the exit code tells. The position is the line of the input.

  $ crescent <<'END'
  > kept = 1
  > error('broken')
  > undefined_name
  > x = = 3
  > kept
  > function deep()
  >   return undefined_name
  > end
  > 1, deep()
  > = = 2
  > 1 + + 2
  > (1 2)
  > { 1, = }
  > x = 'no end
  > print('the next line is another statement')
  > 'one \
  > string'
  > END
  stdin:2: broken
  stdin:3: undefined global 'undefined_name'
  stdin:4: unexpected symbol near '='
  1
  stdin:7: undefined global 'undefined_name'
  stdin:10: unexpected symbol near '='
  stdin:11: unexpected symbol near '+'
  stdin:12: ')' expected near '2'
  stdin:13: unexpected symbol near '='
  stdin:14: unfinished string
  the next line is another statement
  'one \nstring'
  [1]

Every value prints, nil too, and `_` is the first. What a statement returns prints as well.

  $ crescent <<'END'
  > nil, 2
  > _
  > (function() return 'a', nil, 'c' end)()
  > _
  > print()
  > return 5, 6
  > -- only a comment
  > END
  nil
  2
  nil
  'a'
  nil
  'c'
  'a'

  5
  6

What is incomplete at the end is an error that says what is missing.

  $ printf 'for i = 1, 2 do' | crescent
  stdin:1: the input ends in an unfinished statement: 'end' expected
  [1]
  $ printf 'x = 1\nfor i = 1, 2 do\n  print(i)\n' | crescent
  stdin:3: the input ends in an unfinished statement: 'end' expected (to close 'for' at line 2)
  [1]
  $ printf '1 +\n' | crescent
  stdin:1: the input ends in an unfinished statement: expression expected
  [1]
  $ printf '{ 1, 2' | crescent
  stdin:1: the input ends in an unfinished statement: '}' expected
  [1]
  $ printf 'x = [[long' | crescent
  stdin:1: the input ends in an unfinished statement: unfinished long string
  [1]

`exit` and `quit` end it and `help` is `?`, where they are nobody's variables.

  $ printf 'help\nexit\nprint(1)' | crescent | head -1
  crescent
  $ printf 'quit = 7\nquit\n' | crescent
  7

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
