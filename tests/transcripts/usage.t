Wrong usage is told in one line, with the nearest name, and ends with 2.

  $ crescent --thread 2
  crescent: unknown option '--thread' (did you mean '--threads'?)
  Try `crescent --help`.
  [2]
  $ crescent --threads many
  crescent: --threads: expected an integer in [1, 1024], got 'many'
  Try `crescent --help`.
  [2]
  $ crescent --threads
  crescent: --threads: expected a value, got nothing
  Try `crescent --help`.
  [2]
  $ crescent nowhere.lua
  crescent: can't read 'nowhere.lua': No such file or directory
  Try `crescent --help`.
  [2]
  $ crescent generat
  crescent: can't read 'generat': No such file or directory (did you mean 'generate'?)
  Try `crescent --help`.
  [2]
