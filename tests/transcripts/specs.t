A script that uses crescent.test ends with its summary and fails with it.

  $ cat > good_spec.lua <<'END'
  > local test = require 'crescent.test'
  > test.group('sums', function()
  >   test.case('add up', function() test.equal(1 + 1, 2) end)
  >   test.case('stand near', function() test.near(0.1 + 0.2, 0.3, 1e-12) end)
  >   test.case('raise', function() test.raises(function() error('no') end, 'no') end)
  > end)
  > END
  $ crescent good_spec.lua
  3 of 3 cases passed
  $ cat > bad_spec.lua <<'END'
  > local test = require 'crescent.test'
  > test.group('sums', function()
  >   test.case('differ', function() test.equal({ 1, 2 }, { 1, 3 }) end)
  >   test.case('lines', function() test.equal('a\nb\nc', 'a\nB\nc') end)
  >   test.case('far', function() test.near(1, 2, 0.5) end)
  >   test.case('silent', function() test.raises(function() end, 'no') end)
  >   test.case('other', function() test.raises(function() error('yes') end, 'no') end)
  >   test.case('fine', function() test.ok(true) end)
  > end)
  > END
  $ crescent bad_spec.lua
  not ok  sums: differ
    bad_spec.lua:3: values differ
      got       { 1, 2 }
      expected  { 1, 3 }
      at [2]: got 2, expected 3
  not ok  sums: lines
    bad_spec.lua:4: values differ
      first difference in line 2
      got       b
      got       c
      expected  B
      expected  c
  not ok  sums: far
    bad_spec.lua:5: expected 2 within 0.5, got 1
  not ok  sums: silent
    bad_spec.lua:6: expected an error, got none: no
  not ok  sums: other
    bad_spec.lua:7: messages differ
      got       yes
      expected  no
  1 of 6 cases passed
  [1]
  $ echo "require 'crescent.test'" > empty_spec.lua
  $ crescent empty_spec.lua
  no case was run
  [1]
