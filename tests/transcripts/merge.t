`crescent merge` puts the shards of a sweep together.

  $ cat > sweep.lua <<'END'
  > return crescent.experiment {
  >   name = 'powers',
  >   doc = 'Raises numbers to a power.',
  >   options = {
  >     power = { 'the exponent', default = 2 },
  >     note = { 'what is said about it', identity = false },
  >   },
  >   grid = { x = { 1, 2, 3, 4 } },
  >   run = function(point, opt) return { result = point.x ^ opt.power } end,
  >   report = function(rows) print(rows) end,
  > }
  > END
  $ crescent sweep.lua --shard 1/2 --store a.db
  4 cells: 2 done, 2 pending (run 1 in a.db)
  no report yet: 2 of 4 cells were run; `crescent merge` adds the other parts, --partial shows what there is
  $ crescent sweep.lua --shard 2/2 --store b.db
  4 cells: 2 done, 2 pending (run 1 in b.db)
  no report yet: 2 of 4 cells were run; `crescent merge` adds the other parts, --partial shows what there is
  $ crescent merge all.db a.db b.db
  a.db: 1 run added, 0 joined: 4 cells with 2 trials came in
  b.db: 0 runs added, 1 joined: 2 cells with 2 trials came in
  $ crescent sweep.lua --store all.db
  4 cells: 4 done (run 1 in all.db)
  powers
  x  result
  1       1
  2       4
  3       9
  4      16
  $ crescent runs --store all.db | tail -n 1 | awk "{ print \$4, \$5, \$6, \$7 }"
  experiment powers 4/4 done
  $ crescent merge all.db b.db a.db
  b.db: nothing new
  a.db: nothing new

An experiment has its own options and those of every one; a cell with another power is another cell.

  $ crescent sweep.lua --help
  Raises numbers to a power.

  Usage: crescent sweep.lua [OPTION...]

    --note STRING      what is said about it
    --power NUMBER     the exponent (default: 2)
    -h, --help         print this text, and exit

  Options of every experiment
    --accept           go on although cells come from another text of the script, or another build
    --dry-run          only say how many cells there are, how many are done, and how long the rest takes
    --fresh            begin a new run; what is stored stays
    --isolate          run the cells in a process of its own, so that a crash costs one cell
    --limit INTEGER    run at most so many cells
    --on-error STRING  after a cell that fails ('continue' or 'stop')
    --only STRING      run only cells of this status, failed ones again ('pending' or 'stale' or 'failed')
    --partial          report although cells are missing
    --retry INTEGER    try a cell that fails so many times more (default: 0)
    --shard STRING     run one part of several, as '1/2'; give each a --store of its own, then `crescent merge`
    --shuffle INTEGER  run the cells in a random order of this seed
    --store STRING     the file; else CRESCENT_STORE, else runs.db
    --take-over        go on although another process seems to work on it
    --where STRING     run only cells of which this is true: 'ratio > 0.3'
  $ crescent sweep.lua --store all.db --power 3 --where 'x > 2' --limit 1
  4 cells: 1 done, 3 pending (run 2 in all.db)
  no report yet: 1 of 4 cells were run; running it again adds the rest, --partial shows what there is
  $ crescent sweep.lua --store all.db --power 3 --dry-run
  experiment 'powers' version 1
  4 cells: 1 done, 3 pending
  to run now: 3 cells, about * s (glob)
    x=1
    x=2
    x=4

Wrong usage ends with 2, what can't be merged with 1.

  $ crescent merge --help
  Takes into a store what others have and it has not: runs, and cells of sweeps. Those stay as
  they are. Merging again, or in another order, gives the same.

  Usage: crescent merge [OPTION...] INTO FROM...

    INTO        the store that gets it; made if there is none (required)
    FROM...     the stores that have it (required)
    -h, --help  print this text, and exit
  $ crescent merge
  crescent merge: INTO is required: the store that gets it; made if there is none
  Try `crescent merge --help`.
  [2]
  $ crescent merge all.db
  crescent merge: FROM is required: the stores that have it
  Try `crescent merge --help`.
  [2]
  $ crescent merge all.db all.db
  crescent merge: all.db: expected another store to merge, found the same file
  [1]
  $ crescent merge all.db nowhere.db
  crescent merge: nowhere.db: there is no such store; the first run that is stored makes it
  [1]
  $ crescent merge new.db nowhere.db
  crescent merge: nowhere.db: there is no such store; the first run that is stored makes it
  [1]
  $ test -e new.db
  [1]
  $ crescent merge all.db sweep.lua
  crescent merge: sweep.lua: expected a store, found a file that is no SQLite database
  [1]
  $ crescent merge nowhere/all.db a.db
  crescent merge: nowhere/all.db: there is no folder */nowhere; make it first (glob)
  [1]
