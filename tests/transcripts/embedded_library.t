The Lua library is inside the executable; CRESCENT_LUA_PATH puts files in front of it.

  $ crescent -e 'print(crescent.units.format(2048, "bytes"))'
  2.0 KiB
  $ mkdir -p work/crescent
  $ echo 'return { format = function() return "mine" end }' > work/crescent/units.lua
  $ echo 'return { new = true }' > work/crescent/fresh.lua
  $ CRESCENT_LUA_PATH=work crescent -e 'print(crescent.units.format(), crescent.fresh.new)'
  mine	true
  $ CRESCENT_LUA_PATH=work crescent -e 'print(crescent.show { 1 })'
  { 1 }
