`crescent generate` continues a text.

  $ crescent generate --help
  Continues a prompt with a model.

  Usage: crescent generate [OPTION...] DIR PROMPT

    DIR                          model folder, or 'tiny' for the embedded one (required)
    PROMPT                       text to continue (required)
    --level INTEGER              optimisation level
    --repetition-penalty NUMBER  divides the logits of tokens seen; 1 is none
    --seed INTEGER               of the sampling; 1 if not given
    --temperature NUMBER         0 takes the likeliest token (default: 0)
    --tokens INTEGER             new tokens at most (default: 100)
    --top-k INTEGER              sample among so many likeliest tokens
    --top-p NUMBER               sample among the likeliest tokens of this probability
    -h, --help                   print this text, and exit
  $ crescent generate tiny 'In the beginning' --tokens 12
  In the beginning of the LORD, and the LORD shall be cut off from
  $ crescent generate tiny 'In the beginning' --tokens 12 --level 0
  In the beginning of the LORD, and the LORD shall be cut off from
  $ crescent generate tiny
  crescent generate: PROMPT is required: text to continue
  Try `crescent generate --help`.
  [2]
  $ crescent generate tiny x --tokns 3
  crescent generate: unknown option '--tokns' (did you mean '--tokens'?)
  Try `crescent generate --help`.
  [2]
