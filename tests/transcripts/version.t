The versions of everything linked.

  $ crescent --version
  crescent       \d+\.\d+\.\d+ \(.+\) (re)
  CLI11          \d+\..+ (re)
  fmt            \d+\..+ (re)
  libedit        \d+\..+ (re)
  LibTorch       \d+\..+ (re)
  LuaJIT         \d+\..+ (re)
  nlohmann-json  \d+\..+ (re)
  utf8proc       \d+\..+ (re)

The commit is that of the working tree, also where it was committed after CMake ran.

  $ here=$(git -C "$SOURCE" describe --always --tags 2>/dev/null || echo unknown)
  $ crescent --version | head -1 | grep -qE "\($here(-dirty)?\)$" && echo same
  same
