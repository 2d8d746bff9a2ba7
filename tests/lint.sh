#!/usr/bin/env bash
# lint.sh BUILD JOBS [FILE...]: format, common mistakes and Lua style; what `./dev lint` runs. The
# rules about the tree are tests (tests/tidy_test.cpp). Each file that is in order counts as passed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
build=$1 jobs=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# listed PATTERN...: the files that were asked for, or all.
only=("$@")
listed() {
  if ((${#only[@]})); then
    git ls-files --cached --others --exclude-standard -- "$@" | sort | comm -12 - \
      <(printf '%s\n' "${only[@]#./}" | sort)
  else
    git ls-files --cached --others --exclude-standard -- "$@"
  fi
}

# each NAME COMMAND...: runs the command on every file named on standard input, prints what it says
# about those that don't pass, and the counts.
each() {
  local name=$1 good bad
  shift
  # shellcheck disable=SC2016
  xargs -r -P "$jobs" -I{} bash -c '
    file=$1 name=$2
    shift 2
    if out=$("$@" "$file" 2>&1); then echo "$file" >>"$work/$name.passed"
    else echo "$file" >>"$work/$name.failed"; printf "%s\n" "$out"; fi' each {} "$name" "$@"
  touch "$work/$name.passed" "$work/$name.failed"
  good=$(wc -l <"$work/$name.passed")
  bad=$(wc -l <"$work/$name.failed")
  echo "$name: $good files in order, $bad not"
}

# clang-tidy takes seconds a file, and half a minute where ATen is included: what includes LibTorch
# is left to the compilers' warnings, and a file that is as it was when it passed, with its headers,
# is not read again.
tidy_one() {
  local key said status=0
  # shellcheck disable=SC2046
  key=$({
    cat .clang-tidy
    g++ -E -std=c++20 -I. $(pkg-config --cflags luajit) "$1" 2>/dev/null
  } | sha256sum | cut -c1-64)
  [[ -e $build/lint/$key ]] && return 0
  said=$(clang-tidy-14 --quiet -p "$build/lint" "$1" 2>&1) || status=$?
  if ((status)); then grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed ' <<<"$said"; fi
  if ((status == 0)); then mkdir -p "$build/lint" && : >"$build/lint/$key"; fi
  return $status
}
export build work
export -f tidy_one
# How each file is compiled, without GCC's precompiled headers, which clang can't read.
mkdir -p "$build/lint"
sed -E 's/ -Winvalid-pch -include [^ ]+//' "$build/compile_commands.json" \
  >"$build/lint/compile_commands.json"

listed '*.cpp' '*.h' | each format clang-format-14 --dry-run -Werror
listed 'engine/*.cpp' 'profiler/*.cpp' 'bindings/*.cpp' 'host/*.cpp' |
  xargs -r grep -LE '#include <((ATen|torch|c10)/|omp\.h>)' |
  each mistakes tidy_one
listed dev .ci/run '*.sh' | each shell shellcheck -x
listed '*.lua' | each lua luacheck --quiet --codes --no-color

passed=$(cat "$work"/*.passed | wc -l)
failed=$(cat "$work"/*.failed | wc -l)
echo "$passed passed, $failed failed"
((failed == 0))
