The help lists options, forms and commands.

  $ crescent --help
  crescent runs Lua experiments on transformer language models.

  Usage: crescent [OPTION...] FILE.lua [ARGUMENT...]   run a script; '-' reads it from stdin
         crescent [OPTION...] -e CODE [ARGUMENT...]    run Lua code
         crescent [OPTION...]                          read statements from the terminal or a pipe
         crescent COMMAND ...                          run a command of crescent's own

  Options:
    -e CODE                     run CODE instead of a file
    --threads N                 threads below Lua; default: what affinity and cgroup quota allow
    --store PATH                where runs are stored; default: CRESCENT_STORE, else runs.db
    --version                   print the versions of everything linked, and exit
    -h,--help                   print this text, and exit

  Commands (each has a --help):
    crescent compare
    crescent generate
    crescent merge
    crescent runs
    crescent show
    crescent test
