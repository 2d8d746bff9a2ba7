`crescent show` tells what a run measured. A store that a profile made:

  $ crescent show
  crescent show: runs.db: there is no such store; the first run that is stored makes it
  [1]
  $ crescent -e "
  > local model = crescent.load 'tiny'
  > crescent.profile.run(model, { prompt = 'In the beginning', tokens = 4, trials = 2, cost_s = 0,
  >   mode = 'minimal', store = true, name = 'first' })"
  $ crescent runs --name first | tail -n 1 | cut -c 1-4
   1  
  $ crescent show | head -n 4
  run 1  profile 'first'  done, .* UTC, took .* (re)
  model    gpt2  6 layers  d_model 192  3111936 parameters  level 1
  threads  \d+ (re)
  options  every_layer = 1, level = 1, mode = "minimal", prompt_tokens = 4, tokens = 4, trials = 2
  $ crescent show first | grep -cE '^  (tokenize|prefill|decode|sample|detokenize) '
  5
  $ crescent show 1 --trial 2 | grep -c '4 prompt tokens, 4 new tokens, 1 trial'
  1
  $ crescent show 1 --environment | grep -cE '^(cpu|kernel|version.crescent|limit.gb_s) '
  4
  $ crescent show 1 --trace trace.json | tail -n 2
  path .* bytes  spans  spans_rolled_up  rolled_up (re)
  trace.json .* (re)
  $ crescent -e "print(#crescent.json.decode(io.open('trace.json'):read '*a').traceEvents > 10)"
  true

What isn't there.

  $ crescent show 7
  crescent show: runs.db: there is no run 7
  [1]
  $ crescent show second
  crescent show: runs.db: there is no run 'second'
  [1]
  $ crescent show 1.5
  crescent show: expected a run's number or name, got '1.5'
  [1]
  $ crescent show 1 --trial 3
  crescent show: runs.db: run 1 has no trial 3
  [1]
