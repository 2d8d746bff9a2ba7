-- LuaJIT, and the one global that crescent adds; crescent makes reading any other an error.
std = 'luajit'
read_globals = { 'crescent' }
max_line_length = 100
unused_args = false
