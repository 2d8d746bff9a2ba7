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
  $ mkdir -p folder
  $ crescent folder
  crescent: 'folder' is a folder, not a script; name a script in it
  Try `crescent --help`.
  [2]
  $ echo '{}' > folder/config.json
  $ crescent folder/ 'In the beginning'
  crescent: 'folder/' is a folder, not a script; to continue a text with the model in it: crescent generate DIR PROMPT
  Try `crescent --help`.
  [2]
  $ crescent generat
  crescent: can't read 'generat': No such file or directory (did you mean 'generate'?)
  Try `crescent --help`.
  [2]
