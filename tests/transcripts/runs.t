`crescent runs` lists what a store holds.

  $ crescent runs --help
  Lists the runs of a store, newest first.

  Usage: crescent runs [OPTION...]

    --kind STRING    only of this kind ('profile' or 'bench' or 'compare' or 'experiment')
    --limit INTEGER  at most so many (default: 20)
    --name STRING    only of this name
    --store STRING   the file; else CRESCENT_STORE, else runs.db
    -h, --help       print this text, and exit
  $ crescent runs
  crescent runs: runs.db: there is no such store; the first run that is stored makes it
  [1]
  $ crescent -e "
  > local store = crescent.store.open { write = true }
  > print(store)
  > for i, name in ipairs { 'decode', 'prefill', 'decode' } do
  >   store:query([[INSERT INTO runs (kind, name, status, started, started_ns, model, model_hash,
  >       definition_hash, definition) VALUES ('bench', ?, 'done', ?, ? * 1000000000, 'gpt2', '',
  >       '', '')]], { name, ('2026-03-0%dT12:34:56.789Z'):format(i), os.time() - 3600 * (4 - i) })
  > end"
  store runs.db, open for writing
  $ crescent runs
  id  started (UTC)     kind   name     model  trials  status  age
   3  2026-03-03 12:34  bench  decode   gpt2        0  done    1 h
   2  2026-03-02 12:34  bench  prefill  gpt2        0  done    2 h
   1  2026-03-01 12:34  bench  decode   gpt2        0  done    3 h
  $ crescent runs --name decode --limit 1
  id  started (UTC)     kind   name    model  trials  status  age
   3  2026-03-03 12:34  bench  decode  gpt2        0  done    1 h
  $ crescent runs --kind profile
  no runs

The store is --store, else CRESCENT_STORE, else runs.db.

  $ mv runs.db other.db
  $ crescent --store other.db runs --limit 1 | tail -n 1 | cut -c 1-35
   3  2026-03-03 12:34  bench  decode
  $ crescent runs --store other.db --limit 1 | tail -n 1 | cut -c 1-35
   3  2026-03-03 12:34  bench  decode
  $ CRESCENT_STORE=other.db crescent runs --limit 1 | tail -n 1 | cut -c 1-35
   3  2026-03-03 12:34  bench  decode
  $ CRESCENT_STORE=other.db crescent --store third.db -e "print(pcall(crescent.store.open))"
  false	crescent.store.open: third.db: there is no such store; the first run that is stored makes it
  $ crescent --store '' runs
  crescent: --store: expected a path, got ''
  Try `crescent --help`.
  [2]

The sqlite3 tool reads it too.

  $ sqlite3 other.db "SELECT name, status FROM runs WHERE id = 3"
  decode|done
  $ sqlite3 other.db .schema | grep -c "INTEGER NOT NULL"
  \d+ (re)

What isn't a store is left alone.

  $ echo 'return 1' > script.lua
  $ crescent runs --store script.lua
  crescent runs: script.lua: expected a store, found a file that is no SQLite database
  [1]
  $ crescent runs --store .
  crescent runs: .: expected a store, found a folder; name a file in it: ./runs.db
  [1]
