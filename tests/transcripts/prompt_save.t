`:save` writes what ran without error as a script that does the same.

  $ cat > typed <<'END'
  > x = 20
  > x + 1
  > _ * 2
  > nothing_here
  > x = = 3
  > ?crescent.levels
  > :time x = x + 0
  > 'text' .. x
  > { x, name = 'three' }
  > for i = 1, 2 do
  >   print(i)
  > end
  > local x = 3
  > x
  > =x -- with a comment
  > x;
  > return x; -- with another
  > if x then return 'early' end
  > do local y = 1 if y == 2 then return end end
  > (print)('a line of its own')
  > nil, { 1 }, 'c'
  > goto done ::done::
  > -- a comment alone
  > crescent.threads
  > :save again.lua
  > END
  $ crescent < typed
  21
  42
  stdin:4: undefined global 'nothing_here'
  stdin:5: unexpected symbol near '='
  crescent.levels
    crescent.levels.available   Lists the levels that this build can run a model at: 0 reference,
                                1 fused, 2 compiled, 3 compiled with lossy storage.
    crescent.levels.explain     Builds a level up pass by pass, and measures what each gains and
                                costs.
  [\d.]+ ± [\d.]+ us, median.* (re)
  'text20'
  { 20, name = 'three' }
  1
  2
  20
  20
  20
  20
  'early'
  a line of its own
  nil
  { 1 }
  'c'
  function crescent.threads
  19 statements saved in again.lua
  [1]
  $ head -n 2 again.lua
  -- Typed at the prompt, 20\d\d-\d\d-\d\d \d\d:\d\d UTC. (re)
  -- crescent *, LuaJIT 2.1.* (glob)
  $ tail -n +3 again.lua

  --- Prints every value as the prompt does.
  local function print_each(...)
    for place = 1, select('#', ...) do print(crescent.show((select(place, ...)))) end
  end
  local _
  x = 20
  _ = x + 1
  print(_)
  print(_ * 2)
  x = x + 0
  print('text' .. x)
  print(crescent.show({ x, name = 'three' }))
  for i = 1, 2 do
    print(i)
  end
  do local x = 3 end
  print(x)
  print(x -- with a comment
  )
  print(x)
  print((function(...) return x; -- with another
   end)(...))
  print((function(...) if x then return 'early' end end)(...))
  do (function(...) do local y = 1 if y == 2 then return end end end)(...) end
  do (print)('a line of its own') end
  print_each(nil, { 1 }, 'c')
  do goto done ::done:: end
  -- a comment alone
  print(crescent.show(crescent.threads))
  $ crescent again.lua
  21
  42
  text20
  { 20, name = 'three' }
  1
  2
  20
  20
  20
  20
  early
  a line of its own
  nil
  { 1 }
  'c'
  function crescent.threads

`_` is what it was at the prompt, in functions too; a loop's own `_` is no reason to keep values.

  $ crescent <<'END'
  > f = function() return _ end
  > 1, 2
  > f() + 1
  > f()
  > return 'kept', 5
  > f()
  > :save last.lua
  > END
  1
  2
  2
  2
  'kept'
  5
  'kept'
  6 statements saved in last.lua
  $ tail -n +4 last.lua
  local _
  f = function() return _ end
  print((function(...) _ = ... return ... end)(1, 2))
  _ = f() + 1
  print(_)
  _ = f()
  print(_)
  print((function(...) _ = ... return ... end)('kept', 5))
  _ = f()
  print(_)
  $ crescent last.lua
  1	2
  2
  2
  kept	5
  kept
  $ printf '6 * 7\nfor _, n in ipairs { 8 } do print(n) end\n_ = 3\n_\n:save loop.lua' | crescent
  42
  8
  3
  4 statements saved in loop.lua
  $ tail -n +4 loop.lua
  local _
  _ = 6 * 7
  print(_)
  for _, n in ipairs { 8 } do print(n) end
  _ = 3
  print(_)

What is hard to put in lines prints the same as at the prompt.

  $ cat > hard <<'END'
  > f = function(x) return x or 1 end
  > g = f
  > (g or f)()
  > #'one \
  > two'
  > f{1} and 2 -- behind it
  > local function h() return _ end print(h())
  > for i = 1, 2 do end return 7
  > _, b = 3, 4
  > _
  > b
  > = 5
  > =6 ;
  > local a, b = 1, 2; print(a + b)
  > goto out print(1) ::out:: print(2)
  > ::out:: print(3)
  > t = { 1, 2, -- note
  >   3 }
  > #t --[==[ long
  > comment ]==]
  > (function() return _ end)()
  > return
  > return ...
  > ...
  > select('#', ...)
  > function last() return _ end
  > 8
  > last(), nil
  > END
  $ (cat hard; echo ':save hard.lua') | crescent | sed '$d' > typed.out
  $ crescent hard.lua | tr '\t' '\n' | diff typed.out - && wc -l < typed.out
  18

A file that exists stays unless the command says so; a name may be quoted.

  $ crescent <<'END'
  > :save
  > :save empty.lua
  > n = 1
  > :save last.lua
  > :save 'last.lua'
  > :save! last.lua
  > :save "another one.lua"
  > :save nowhere/x.lua
  > :save! .
  > END
  :save: expected a file: :save FILE.lua
  :save: nothing ran without error yet
  :save: last.lua exists; to replace it: :save! last.lua
  :save: last.lua exists; to replace it: :save! 'last.lua'
  1 statement saved in last.lua
  1 statement saved in another one.lua
  :save: nowhere/x.lua: No such file or directory
  :save: .: Is a directory
  [1]
  $ tail -n 1 last.lua
  n = 1
  $ ls
  again.lua
  another one.lua
  hard
  hard.lua
  last.lua
  loop.lua
  typed
  typed.out
