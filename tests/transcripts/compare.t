Stored runs are compared from the shell. The store is made by SQL: no model is loaded.

  $ cat > make.lua <<'END'
  > local store = crescent.store.open('runs.db', { write = true })
  > local function run(name, hash, tokens, base, trials)
  >   local id = store:query([[INSERT INTO runs (kind, name, status, started, started_ns, model,
  >     model_hash, threads, definition_hash, definition) VALUES ('profile', ?, 'done',
  >     '2026-03-01T12:34:56.789Z', 1, 'tiny', ?, 2, '', ?) RETURNING id]],
  >     { name, hash, ('{"tokens":%d}'):format(tokens) })[1].id
  >   for number = 1, trials do
  >     local trial = store:query([[INSERT INTO trials (run, number, status, tokens, duration_ns,
  >       samples, windows, spans) VALUES (?, ?, 'done', 1, 1, 1, '[]', x'') RETURNING id]],
  >       { id, number })[1].id
  >     local ms = base + number / 100
  >     store:query([[INSERT INTO samples VALUES (?, 'token_ms', 'ms', 1, ?, 0, ?, ?, 0, ?)]],
  >       { trial, ms, ms, ms, '[' .. ms .. ']' })
  >     store:query([[INSERT INTO samples VALUES (?, 'energy_j', 'J', 1, 2, 0, 2, 2, 0, ?)]],
  >       { trial, '[' .. base / 5 .. ']' })
  >   end
  > end
  > run('before', 'a', 50, 10, 9)
  > run('after', 'b', 50, 8, 9)
  > run('longer', 'b', 64, 8, 9)
  > run('short', 'c', 50, 8, 2)
  > END
  $ crescent make.lua
  $ crescent compare 1 2
  run  name    model  started (UTC)     trials         token_ms   ratio          interval  verdict
    1  before  tiny   2026-03-01 12:34       9  10.05 ± 0.03 ms       1                    baseline
    2  after   tiny   2026-03-01 12:34       9   8.05 ± 0.03 ms  0.8010  0.7939 .. 0.8082  faster
  Run 2 takes 80.1 % of the time of run 1, 1.25 times as fast (99 % interval 0.7939 .. 0.8082).
  no drift: stored runs keep no logits to hold against each other
  warning: the runs were not interleaved: run 1 is of 2026-03-01 12:34 UTC, run 2 is of 2026-03-01 12:34 UTC; what changed on the machine in between counts as a difference
  $ crescent compare 1 4 --measure token_ms
  run  name    model  started (UTC)     trials          token_ms   ratio          interval  verdict
    1  before  tiny   2026-03-01 12:34       9   10.05 ± 0.03 ms       1                    baseline
    4  short   tiny   2026-03-01 12:34       2  8.015 ± 0.007 ms  0.7975  0.7939 .. 0.8012  cannot tell
  Run 4 against run 1: cannot tell; the medians are 20.2 % apart.
  no drift: stored runs keep no logits to hold against each other
  warning: the runs were not interleaved: run 1 is of 2026-03-01 12:34 UTC, run 4 is of 2026-03-01 12:34 UTC; what changed on the machine in between counts as a difference
  warning: run 1 has 9 trials and run 4 2: the values of one trial share the machine's mood, so that there is no verdict; 0.99 needs 9 trials each

Of what is no time there is less or more.

  $ crescent compare 1 2 --measure energy_j | sed -n '2,4p'
    1  before  tiny   2026-03-01 12:34       9  2.00 ± 0.00 J       1                    baseline
    2  after   tiny   2026-03-01 12:34       9  1.60 ± 0.00 J  0.8000  0.8000 .. 0.8000  less
  Run 2 is 0.800 times run 1: less (99 % interval 0.8000 .. 0.8000).

What can't be compared is refused with the reason.

  $ crescent compare 1 3
  crescent compare: run 1 and run 3 measured different things: tokens 50 and 64
  [1]
  $ crescent compare 1 9
  crescent compare: runs.db: there is no run 9
  [1]
  $ crescent compare 1 2 --measure ttft_ms
  crescent compare: run 1 has no measure 'ttft_ms'; it has 'energy_j', 'token_ms'
  [1]
  $ crescent compare 1 1
  crescent compare: option 'runs': expected each run once, got 1 twice
  [1]
  $ crescent compare 1 2 --store elsewhere.db
  crescent compare: elsewhere.db: * (glob)
  [1]
  $ crescent compare 1
  crescent compare: RUN is required: number of the run that is held against it
  Try `crescent compare --help`.
  [2]
  $ crescent compare one 2
  crescent compare: BASELINE: expected an integer >= 1, got 'one'
  Try `crescent compare --help`.
  [2]

It never loads LibTorch.

  $ LD_DEBUG=files crescent compare 1 2 2>&1 | grep -c 'crescent_engine\|libtorch'
  0
  [1]
