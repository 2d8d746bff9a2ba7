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
