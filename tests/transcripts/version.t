The versions of everything linked.

  $ crescent --version
  crescent       \d+\.\d+\.\d+ \(.+\) (re)
  CLI11          \d+\..+ (re)
  fmt            \d+\..+ (re)
  libedit        \d+\..+ (re)
  LibTorch       \d+\..+ (re)
  LuaJIT         \d+\..+ (re)
  nlohmann-json  \d+\..+ (re)
  SQLite         \d+\..+ (re)
  SQLiteCpp      \d+\..+ (re)
  utf8proc       \d+\..+ (re)

What a build is called is asked at every build: a later commit shows, and the same answer leaves the
source alone.

  $ git init -q repo && cd repo
  > commit() {
  >   git -c user.name=a -c user.email=a@b.c commit -q --allow-empty -m "$1" && git tag "$1"
  > }
  > describe() {
  >   cmake -DOUT=build_id.cpp -DROOT=. -P "$SOURCE/cmake/build_id_script.cmake"
  >   grep -o '".*";' build_id.cpp
  > }
  > commit one && describe && touch -d 2001-01-01 build_id.cpp && describe
  > date -r build_id.cpp +%Y && commit two && describe && touch new && git add new && describe
  "one";
  "one";
  2001
  "two";
  "two-dirty";
  $ cmake -DOUT=build_id.cpp -DROOT=/ -P "$SOURCE/cmake/build_id_script.cmake" && grep -o '".*";' build_id.cpp
  "unknown";
