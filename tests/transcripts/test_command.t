`crescent test` runs every *_spec.lua of a folder in a process of its own.

  $ crescent test --help
  Runs files of tests, each in a process of its own.

  Usage: crescent test [OPTION...] PATHS...

    PATHS...         files, or folders with *_spec.lua below them (required)
    --filter STRING  only cases with this in their group or name: words or a Lua pattern
    --keep-going     go on after a failure (on by default; --no-keep-going turns it off)
    --list           print the names of the cases and run none
    -h, --help       print this text, and exit
  $ mkdir -p specs/more empty
  $ cat > specs/fine_spec.lua <<'END'
  > local test = require 'crescent.test'
  > leaked = 1
  > test.group('sums', function()
  >   test.case('add up', function() test.equal(1 + 1, 2) end)
  >   test.case('need a GPU', function() test.skip('there is no GPU') end)
  > end)
  > print('what a file prints that passes is not shown')
  > END
  $ cat > specs/more/bad_spec.lua <<'END'
  > local test = require 'crescent.test'
  > test.group('rows', function()
  >   test.case('have names', function()
  >     test.equal({ rows = { { name = 'a' }, { name = 'b' } } }, { rows = { { name = 'a' }, {} } })
  >   end)
  >   test.case('know no global of another file', function()
  >     test.equal(rawget(_G, 'leaked'), nil)
  >   end)
  >   test.case('raise', function() error('a mistake') end)
  > end)
  > END
  $ echo "require 'crescent.test'" > specs/none_spec.lua
  $ cat > specs/stopped_spec.lua <<'END'
  > local test = require 'crescent.test'
  > test.case('passes', function() end)
  > test.case('fails', function() test.ok(false, 'this was told before') end)
  > test.case('ends the process', function() require('ffi').C.raise(9) end)
  > test.case('is not reached', function() end)
  > END
  $ sed -i "1i require('ffi').cdef 'int raise(int);'" specs/stopped_spec.lua
  $ printf "local test = require 'crescent.test'\nlocal = 3\n" > specs/typo_spec.lua
  $ echo 'this is no spec' > specs/notes.lua
  $ crescent test specs
  skipped  specs/fine_spec.lua: sums: need a GPU: there is no GPU
  specs/more/bad_spec.lua: 1 of 3 cases passed
  not ok  rows: have names
    specs/more/bad_spec.lua:4: values differ
      at .rows[2].name: got 'b', expected nil
  not ok  rows: raise
    specs/more/bad_spec.lua:9: a mistake
    stack traceback:
      [C]: in function 'error'
      specs/more/bad_spec.lua:9: in function <specs/more/bad_spec.lua:9>
      specs/more/bad_spec.lua:9: in function 'fn'
      specs/more/bad_spec.lua:2: in main chunk
  specs/none_spec.lua: no case was run
  specs/stopped_spec.lua: ended by signal 9 in the case 'ends the process'
  not ok  fails
    specs/stopped_spec.lua:4: this was told before
  *Killed* (glob)
  specs/typo_spec.lua: ended early with exit code 1
  specs/typo_spec.lua:2: '<name>' expected near '='
  3 of 7 cases passed in 5 files, 1 skipped, 2 files failed outside of cases
  [1]

Files may be named, each runs once; options in front hold for them too.

  $ crescent test specs/fine_spec.lua specs/fine_spec.lua
  skipped  specs/fine_spec.lua: sums: need a GPU: there is no GPU
  1 of 1 cases passed in 1 file, 1 skipped
  $ echo "local test = require 'crescent.test'" > threads_spec.lua
  $ echo "test.case('two', function() test.equal(crescent.threads(), 2) end)" >> threads_spec.lua
  $ echo "test.case('store', function() crescent.store.open() end)" >> threads_spec.lua
  $ crescent --threads 2 --store mine.db test threads_spec.lua | sed -n '1,4p'
  threads_spec.lua: 1 of 2 cases passed
  not ok  store
    threads_spec.lua:3: crescent.store.open: mine.db: there is no such store; the first run that is stored makes it
    stack traceback:

Cases are listed, chosen by words or a pattern of their names, and end at the first failure.

  $ crescent test specs/fine_spec.lua specs/more --list
  specs/fine_spec.lua: sums: add up
  specs/fine_spec.lua: sums: need a GPU
  specs/more/bad_spec.lua: rows: have names
  specs/more/bad_spec.lua: rows: know no global of another file
  specs/more/bad_spec.lua: rows: raise
  $ crescent test specs/fine_spec.lua specs/more --filter 'rows: know'
  1 of 1 cases passed in 1 file
  $ crescent test specs/fine_spec.lua specs/more --filter '^sums: a.d'
  1 of 1 cases passed in 1 file
  $ crescent test specs --no-keep-going | tail -n 1
  1 of 2 cases passed in 2 files, 1 skipped, stopped at the first failure
  $ crescent test specs/more --no-keep-going | grep -v '^ '
  specs/more/bad_spec.lua: 0 of 1 cases passed
  not ok  rows: have names
  0 of 1 cases passed in 1 file, stopped at the first failure

Wrong usage ends with 2.

  $ crescent test
  crescent test: PATHS is required: files, or folders with *_spec.lua below them
  Try `crescent test --help`.
  [2]
  $ crescent test nowhere
  crescent test: nowhere: No such file or directory
  Try `crescent test --help`.
  [2]
  $ crescent test specs empty
  crescent test: empty: there is no *_spec.lua in it
  Try `crescent test --help`.
  [2]
  $ crescent test specs/more --filter nothing_like_it --list
  crescent test: --filter: no case has 'nothing_like_it' in its name
  Try `crescent test --help`.
  [2]
  $ crescent test specs --filter '['
  crescent test: --filter: expected a Lua pattern, got '['
  Try `crescent test --help`.
  [2]
  $ crescent test specs --fliter x
  crescent test: unknown option '--fliter' (did you mean '--filter'?)
  Try `crescent test --help`.
  [2]

A file that is run by itself says what was skipped.

  $ crescent specs/fine_spec.lua
  skipped  sums: need a GPU: there is no GPU
  what a file prints that passes is not shown
  1 of 1 cases passed, 1 skipped

Hooks that fail fail their case, and what comes after a case runs after a failure too.

  $ cat > hooks_spec.lua <<'END'
  > local test = require 'crescent.test'
  > test.group('a hook', function()
  >   test.before_each(function() test.ok(false, 'before') end)
  >   test.after_each(function() print('after') end)
  >   test.case('stops its case', function() print('never') end)
  > end)
  > test.group('another', function()
  >   test.after_each(function() test.ok(false, 'after') end)
  >   test.case('fails its case', function() end)
  >   test.case('says what came first', function() test.equal(1, 2) end)
  > end)
  > END
  $ crescent hooks_spec.lua
  after
  not ok  a hook: stops its case
    hooks_spec.lua:3: before
  not ok  another: fails its case
    hooks_spec.lua:8: after
  not ok  another: says what came first
    hooks_spec.lua:10: values differ
      got       1
      expected  2
  0 of 3 cases passed
  [1]

What the tests start reports to nobody.

  $ cat > outer_spec.lua <<'END'
  > local test = require 'crescent.test'
  > test.case('runs another', function()
  >   local pipe = io.popen('crescent hooks_spec.lua')
  >   test.matches(pipe:read('*a'), '0 of 3 cases passed\n$')
  >   pipe:close()
  > end)
  > END
  $ crescent test outer_spec.lua
  1 of 1 cases passed in 1 file
