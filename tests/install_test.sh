#!/usr/bin/env bash
# install_test.sh BUILD: an install that was moved away still runs, with its engine and its models,
# and says nothing of the folder it was built in.
set -euo pipefail
build=$1
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
stop() { echo "install_test: $*" >&2; exit 1; }

cmake --install "$build" --prefix "$place/first" >"$place/log" || { cat "$place/log"; exit 1; }
mkdir "$place/second"
mv "$place/first" "$place/second/moved"
prefix=$place/second/moved
cd /  # nothing may be found beside the caller

[[ $("$prefix/bin/crescent" -e 'print(1 + 1)') == 2 ]] || stop "-e doesn't print 2"
script='print(#crescent.load("tiny"):generate("And it came to pass", { tokens = 4 }).ids)'
[[ $(env -u CRESCENT_MODELS "$prefix/bin/crescent" -e "$script") == 4 ]] ||
  stop "the installed model doesn't generate 4 tokens"

programs=("$prefix/bin/crescent" "$prefix/lib/libcrescent_engine.so")
paths=$(readelf -d "${programs[@]}" | grep -E 'R(UN)?PATH' || true)
[[ $paths != *"$build"* ]] || stop "a library path points into the build folder: $paths"
for file in share/crescent/models/tiny/config.json share/crescent/examples/quickstart.lua \
  share/doc/crescent/README.md share/doc/crescent/reference.md share/doc/crescent/crescent.lua; do
  [[ -f $prefix/$file ]] || stop "$file is missing"
done
