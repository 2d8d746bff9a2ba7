`:time` runs an expression or a statement, prints its values and how long it takes: the median of
5 to 101 runs, or one run of what takes over a second.

  $ crescent <<'END'
  > :time 6 * 7
  > :time nil, 'two'
  > calls = 0
  > :time for i = 1, 2 do
  >   calls = calls + 1
  > end
  > calls % 2, calls <= 202
  > _
  > :time _ + 1
  > END
  42
  (nan|[\d.]+) ± [\d.]+ us, median and mad of 10[01] runs.* (re)
  nil
  'two'
  [\d.]+ ± [\d.]+ us, median and mad of 10[01] runs.* (re)
  [\d.]+ ± [\d.]+ us, median and mad of 10[01] runs.* (re)
  0
  true
  0
  1
  [\d.]+ ± [\d.]+ us, median and mad of 10[01] runs.* (re)

A first run that takes twice as long as the others, or longer, is said apart: it warms up.

  $ cat > wait.lua <<'END'
  > local ffi = require 'ffi'
  > ffi.cdef 'int usleep(unsigned);'
  > return function(ms) ffi.C.usleep(ms * 1000) end
  > END
  $ crescent <<'END'
  > wait, turn = dofile 'wait.lua', 0
  > :time (function() turn = turn + 1 wait(turn == 1 and 600 or 100) return turn end)()
  > turn
  > :time wait(1100)
  > :time wait(300)
  > END
  1
  [\d.]+ ± [\d.]+ ms, median and mad of 4 runs; the first, not counted, took [\d.]+ ms (re)
  5
  [\d.]+ s, one run (re)
  [\d.]+ ± [\d.]+ ms, median and mad of 5 runs (re)

Errors are those of the code.

  $ crescent <<'END'
  > :time
  > :time x = = 2
  > :time error('broken')
  > :time undefined_name
  > 'goes on'
  > :time for i = 1, 2 do
  > END
  :time: expected an expression or a statement, got nothing
  stdin:2: unexpected symbol near '='
  stdin:3: broken
  stdin:4: undefined global 'undefined_name'
  'goes on'
  stdin:6: the input ends in an unfinished statement: 'end' expected
  [1]
