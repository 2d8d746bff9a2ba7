Lines that begin with a colon are commands of the prompt; methods are not.

  $ crescent <<'END'
  > :help
  > :help :time
  > :help crescent.thread
  > text = 'abc'
  > text:upper()
  > s = text
  >   :upper()
  > print(text
  > :upper())
  > END
  :help [NAME]     lists the commands; with a name it is ?NAME
  :save FILE.lua   writes what ran without error as a script; :save! replaces a file
  :sql SELECT ...  gives a statement's rows from the store of runs; it changes nothing
  :time EXPR       runs an expression or a statement, and says how long that takes

  ?name shows documentation: ?crescent, ?crescent.load, ?model:generate. Tab completes names,
  fields, options and commands. _ is the last value. exit or Ctrl-D ends.
  :time EXPR  runs an expression or a statement, and says how long that takes
  no documentation for 'crescent.thread' (did you mean 'crescent.threads'?)
  'ABC'
  stdin:7: unexpected symbol near ':'
  ABC
  [1]

What is no command names the nearest.

  $ crescent <<'END'
  > :tme 3
  > :sav! x.lua
  > :time! 3
  > :
  > :upper()
  > 'goes on'
  > END
  unknown command ':tme' (did you mean ':time'?); :help lists the commands
  unknown command ':sav!' (did you mean ':save'?); :help lists the commands
  unknown command ':time!' (did you mean ':time'?); :help lists the commands
  unknown command ':'; :help lists the commands
  unknown command ':upper'; :help lists the commands
  'goes on'
  [1]

`:sql` gives rows from the store that --store names, else CRESCENT_STORE, else runs.db.

  $ crescent <<'END'
  > :sql SELECT 1
  > END
  :sql: runs.db: there is no such store; the first run that is stored makes it
  [1]
  $ crescent -e "
  > local store = crescent.store.open { write = true }
  > for i, name in ipairs { 'decode', 'prefill' } do
  >   store:query([[INSERT INTO runs (kind, name, status, started, started_ns, model, model_hash,
  >       definition_hash, definition) VALUES ('bench', ?, 'done', '2026-03-01T12:34:56.789Z', 0,
  >       'gpt2', '', '', '')]], { name })
  > end"
  $ crescent <<'END'
  > :sql SELECT id, name, finished FROM runs
  > :sql SELECT id FROM runs WHERE id > 2
  > :sql
  > :sql SELEC id
  > :sql SELECT names FROM runs
  > :sql DELETE FROM runs
  > :sql INSERT INTO runs (name) VALUES ('x')
  > :sql SELECT 1; DELETE FROM runs
  > :sql ATTACH 'other.db' AS other
  > :sql SELECT count(*) AS left FROM runs
  > END
  id  name     finished
   1  decode   -
   2  prefill  -
  no rows
  :sql: expected a statement: :sql SELECT * FROM runs
  :sql: runs.db: near "SELEC": syntax error
    in: SELEC id
  :sql: runs.db: no such column: names
    in: SELECT names FROM runs
  :sql: runs.db: the store is open for reading; to change it, open it with write = true
    in: DELETE FROM runs
  :sql: runs.db: the store is open for reading; to change it, open it with write = true
    in: INSERT INTO runs (name) VALUES ('x')
  :sql: runs.db: expected one statement, found more behind it
    in: SELECT 1; DELETE FROM runs
  :sql: runs.db: can't be opened: unable to open database: other.db
  left
     2
  [1]
  $ ls other.db
  ls: cannot access 'other.db': No such file or directory
  [2]
  $ mv runs.db elsewhere.db
  $ echo ':sql SELECT name FROM runs WHERE id = 2' | crescent --store elsewhere.db
  name
  prefill
  $ echo ':sql SELECT name FROM runs WHERE id = 1' | CRESCENT_STORE=elsewhere.db crescent
  name
  decode
