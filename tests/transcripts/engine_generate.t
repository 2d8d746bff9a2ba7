`crescent generate` continues a text.

  $ crescent generate --help
  Continues a prompt with a model.

  Usage: crescent generate [OPTION...] DIR PROMPT

    DIR                          model folder, or 'tiny' for the embedded one (required)
    PROMPT                       text to continue (required)
    --ignore-eos                 go on past an end-of-text token
    --level INTEGER              optimisation level (0 or 1 or 2 or 3)
    --repetition-penalty NUMBER  divides the logits of tokens seen; 1 is none
    --seed INTEGER               of the sampling; 1 if not given
    --stop STRING                end in front of this text (may be given more than once)
    --temperature NUMBER         0 takes the likeliest token (default: 0)
    --tokens INTEGER             new tokens at most (default: 100)
    --top-k INTEGER              sample among so many likeliest tokens
    --top-p NUMBER               sample among the likeliest tokens of this probability
    -h, --help                   print this text, and exit
  $ crescent generate tiny 'In the beginning' --tokens 12
  In the beginning of the LORD, and the LORD shall be cut off from
  $ crescent generate tiny 'In the beginning' --tokens 12 --level 0
  In the beginning of the LORD, and the LORD shall be cut off from
  $ crescent generate tiny 'In the beginning' --tokens 12 --stop nowhere --stop ', and'
  In the beginning of the LORD
  $ mkdir early && cp "$SOURCE"/examples/models/tiny/* early
  $ sed -i 's/"eos_token_id": 0/"eos_token_id": 12/' early/config.json early/generation_config.json
  $ crescent generate ./early 'In the beginning' --tokens 12
  In the beginning of the LORD
  $ crescent generate ./early 'In the beginning' --tokens 6 --ignore-eos
  In the beginning of the LORD, and the

Mistakes in options are wrong usage: nothing on standard output, and 2. What only the model can tell
is a failure.

  $ crescent generate tiny x --tokens 0 2>/dev/null
  [2]
  $ crescent generate tiny x --tokens 0
  crescent generate: --tokens: expected an integer >= 1, got '0'
  Try `crescent generate --help`.
  [2]
  $ crescent generate tiny x --top-p 1.5
  crescent generate: --top-p: expected a number > 0 and <= 1, got '1.5'
  Try `crescent generate --help`.
  [2]
  $ crescent generate tiny x --seed -1
  crescent generate: --seed: expected an integer >= 0 and <= 9007199254740992, got '-1'
  Try `crescent generate --help`.
  [2]
  $ crescent generate tiny x --temperature nan
  crescent generate: --temperature: expected a number >= 0, got 'nan'
  Try `crescent generate --help`.
  [2]
  $ crescent generate tiny x --level 9
  crescent generate: --level: expected 0 or 1 or 2 or 3, got '9'
  Try `crescent generate --help`.
  [2]
  $ crescent generate tiny ''
  crescent generate: PROMPT: expected a text of at least one character, got ''
  Try `crescent generate --help`.
  [2]
  $ crescent generate tiny x --stop ''
  crescent generate: --stop: expected a text of at least one character, got ''
  Try `crescent generate --help`.
  [2]
  $ crescent generate nowhere x
  crescent generate: nowhere: expected a folder, found none * (glob)
  [1]
  $ crescent generate tiny "$(yes hello | head -300)" 2>/dev/null
  [1]
  $ crescent generate tiny
  crescent generate: PROMPT is required: text to continue
  Try `crescent generate --help`.
  [2]
  $ crescent generate tiny x --tokns 3
  crescent generate: unknown option '--tokns' (did you mean '--tokens'?)
  Try `crescent generate --help`.
  [2]
