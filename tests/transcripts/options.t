Declared options are a script's flags and its help.

  $ cat > sweep.lua <<'END'
  > local opt = crescent.options {
  >   'Sweeps something.',
  >   { 'text', 'text to read', required = true },
  >   model = { 'model folder', default = 'tiny' },
  >   tokens = { 'how many', default = 80 },
  >   level_max = { 'highest level', type = 'integer' },
  >   dtype = { 'how to store', choices = { 'float32', 'bfloat16' }, default = 'float32' },
  >   verbose = { 'tell more', default = false },
  >   check = { 'compare first', default = true },
  > }
  > print(opt.text, opt.model, opt.tokens, opt.level_max, opt.dtype, opt.verbose, opt.check)
  > END
  $ crescent sweep.lua --help
  Sweeps something.

  Usage: crescent sweep.lua [OPTION...] TEXT

    TEXT                 text to read (required)
    --check              compare first (on by default; --no-check turns it off)
    --dtype STRING       how to store ('float32' or 'bfloat16'; default: float32)
    --level-max INTEGER  highest level
    --model STRING       model folder (default: tiny)
    --tokens NUMBER      how many (default: 80)
    --verbose            tell more
    -h, --help           print this text, and exit
  $ crescent sweep.lua book.txt
  book.txt	tiny	80	nil	float32	false	true
  $ crescent sweep.lua --tokens 7 book.txt --model=gpt2 --level-max 2 --level_max=3 --verbose --no-check
  book.txt	gpt2	7	3	float32	true	false
  $ crescent sweep.lua --dtype bfloat16 -- --odd-name
  --odd-name	tiny	80	nil	bfloat16	false	true

Mistakes name the nearest and end with 2.

  $ crescent sweep.lua book.txt --tokns 3
  crescent sweep.lua: unknown option '--tokns' (did you mean '--tokens'?)
  Try `crescent sweep.lua --help`.
  [2]
  $ crescent sweep.lua book.txt --tokens many
  crescent sweep.lua: --tokens: expected a number, got 'many'
  Try `crescent sweep.lua --help`.
  [2]
  $ crescent sweep.lua book.txt --level-max 1.5
  crescent sweep.lua: --level-max: expected an integer, got '1.5'
  Try `crescent sweep.lua --help`.
  [2]
  $ crescent sweep.lua book.txt --dtype int8
  crescent sweep.lua: --dtype: expected 'float32' or 'bfloat16', got 'int8'
  Try `crescent sweep.lua --help`.
  [2]
  $ crescent sweep.lua book.txt --verbose=maybe
  crescent sweep.lua: --verbose: expected true or false, got 'maybe'
  Try `crescent sweep.lua --help`.
  [2]
  $ crescent sweep.lua book.txt --no-verbose=true
  crescent sweep.lua: --no-verbose takes no value
  Try `crescent sweep.lua --help`.
  [2]
  $ crescent sweep.lua book.txt --tokens
  crescent sweep.lua: --tokens: expected a value, got nothing
  Try `crescent sweep.lua --help`.
  [2]
  $ crescent sweep.lua book.txt more
  crescent sweep.lua: unexpected argument 'more'
  Try `crescent sweep.lua --help`.
  [2]
  $ crescent sweep.lua
  crescent sweep.lua: TEXT is required: text to read
  Try `crescent sweep.lua --help`.
  [2]

Numbers may have limits, texts may not be empty, and an option may be given more than once.

  $ cat > limits.lua <<'END'
  > local opt = crescent.options {
  >   share = { 'what to cut', default = 0.5, above = 0, at_most = 1 },
  >   layer = { 'which', type = 'integer', at_least = 1, many = true },
  >   name = { 'of the run', nonempty = true },
  > }
  > print(opt.share, opt.layer and table.concat(opt.layer, ' '), opt.name)
  > END
  $ crescent limits.lua
  0.5	nil	nil
  $ crescent limits.lua --layer 3 --share 1 --layer=1 --name x
  1	3 1	x
  $ crescent limits.lua --share 0
  crescent limits.lua: --share: expected a number > 0 and <= 1, got '0'
  Try `crescent limits.lua --help`.
  [2]
  $ crescent limits.lua --layer 2 --layer 0
  crescent limits.lua: --layer: expected an integer >= 1, got '0'
  Try `crescent limits.lua --help`.
  [2]
  $ crescent limits.lua --name ''
  crescent limits.lua: --name: expected a text of at least one character, got ''
  Try `crescent limits.lua --help`.
  [2]
  $ crescent limits.lua --help | grep layer
    --layer INTEGER  which (may be given more than once)

The last argument may take all that follow.

  $ cat > files.lua <<'END'
  > local opt = crescent.options {
  >   { 'first', 'of them', required = true },
  >   { 'files', 'to read', many = true, nonempty = true },
  >   sum = { 'adds up', default = false },
  > }
  > print(opt.first, crescent.show(opt.files), opt.sum)
  > END
  $ crescent files.lua --help
  Usage: crescent files.lua [OPTION...] FIRST [FILES...]

    FIRST       of them (required)
    FILES...    to read
    --sum       adds up
    -h, --help  print this text, and exit
  $ crescent files.lua a b --sum c
  a	{ 'b', 'c' }	true
  $ crescent files.lua a
  a	nil	false
  $ crescent files.lua a b ''
  crescent files.lua: FILES: expected a text of at least one character, got ''
  Try `crescent files.lua --help`.
  [2]
  $ crescent -e 'crescent.options { { "a", "x", many = true }, { "b", "y" } }' 2>&1 | head -1
  -e:1: crescent.options: a: 'many' is for options and the last argument; 'b' comes behind it

Mistakes of the script's are errors on its line.

  $ crescent -e 'crescent.options { v = { "tell", default = false, many = true } }' 2>&1 | head -1
  -e:1: crescent.options: v: expected a type that takes a value, because of 'many'; got 'boolean'

  $ crescent -e 'crescent.options { n = { "count", defualt = 3 } }' 2>&1 | head -1
  -e:1: crescent.options: n: unknown key 'defualt' (did you mean 'default'?)
  $ crescent -e 'crescent.options { n = { "count", type = "int" } }' 2>&1 | head -1
  -e:1: crescent.options: n: expected a type of 'string', 'number', 'integer' or 'boolean', got 'int'
  $ crescent -e 'crescent.options { n = 3 }' 2>&1 | head -1
  -e:1: crescent.options: n: expected { 'what it is', default = ... }, got number
  $ crescent -e 'local opt = crescent.options { seed = { "s", default = 1 } } print(opt.sede)' 2>&1 | head -1
  -e:1: no option 'sede' was declared (did you mean 'seed'?)
  $ crescent -e 'crescent.options { { "text", "to read" }, { default = 3 } }' 2>&1 | head -1
  -e:1: crescent.options: expected { 'name', 'what it is' } for an argument, got a table without a name
  $ crescent -e 'crescent.options { "about", 5 }' 2>&1 | head -1
  -e:1: crescent.options: expected { 'name', 'what it is' } for an argument, got number
  $ crescent -e 'crescent.options(5)' 2>&1 | head -1
  -e:1: crescent.options: expected a table of declarations, got number

The last argument may take all that follow, and options of a group stand together.

  $ cat > rest.lua <<'END'
  > local opt = crescent.options {
  >   { 'first', 'a number', type = 'integer' },
  >   { 'more', 'numbers', type = 'integer', at_least = 1, many = true },
  >   speed = { 'how fast', default = 1, group = 'Movement' },
  >   colour = { 'of what', default = 'red' },
  > }
  > print(opt.first, opt.more and table.concat(opt.more, ' '), opt.speed)
  > END
  $ crescent rest.lua --help
  Usage: crescent rest.lua [OPTION...] [FIRST] [MORE...]

    FIRST            a number
    MORE...          numbers
    --colour STRING  of what (default: red)
    -h, --help       print this text, and exit

  Movement
    --speed NUMBER   how fast (default: 1)
  $ crescent rest.lua
  nil	nil	1
  $ crescent rest.lua 1 2 --speed 5 3 -- 4
  1	2 3 4	5
  $ crescent rest.lua 1 2 0
  crescent rest.lua: MORE: expected an integer >= 1, got '0'
  Try `crescent rest.lua --help`.
  [2]
