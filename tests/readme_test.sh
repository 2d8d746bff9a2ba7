#!/usr/bin/env bash
# readme_test.sh BUILD: README.md says what is so. Every line of its `sh` blocks runs, every `lua`
# block runs or is the file it is taken from, and every path of its tree exists.
#
# Not run here: the two main commands, which are the run that this test is part of and the example's
# own test; ./dev docs and install, which tests/install_test.sh does; what takes minutes; and what
# needs another LibTorch. `./dev run` is run as the executable that it would start.
set -euo pipefail
build=$1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readme=$root/README.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() { printf 'README.md: %s\n' "$*" >&2; failures=$((failures + 1)); }

elsewhere='^(git clone|cd|apt-get|\./dev (bench|clean|format|fuzz|install|lint|test)) .*$'
elsewhere+='|^\./dev (bench|browser|clean|docs|format|kill-test|lint|sweep-kill|test|tsan)$'
elsewhere+='|^\./dev run examples/quickstart\.lua$'
elsewhere+='|^\./dev .*--(torch|sanitize) .*$'

# blocks LANGUAGE: writes each fenced block of that language to $work/LANGUAGE.N.
blocks() {
  awk -v kind="$1" -v out="$work/$1." '
    /^```/ { if (inside) { close(file); inside = 0 }
             else if ($0 == "```" kind) { file = out (++n); inside = 1; printf "" > file }
             next }
    inside { print > file }' "$readme"
}

run_command() {
  local line=${1%%  #*}  # a remark behind it
  [[ $line =~ ^[[:space:]]*$ || $line =~ ^# ]] && return
  [[ ${line%"${line##*[![:space:]]}"} =~ $elsewhere ]] && return
  line=${line/#.\/dev run/crescent}
  ran=$((ran + 1))
  (cd "$root" && PATH=$build/bin:$PATH timeout 120 bash -ec "$line" </dev/null) >"$work/out" 2>&1 ||
    { fail "this command fails: $line"; cat "$work/out" >&2; }
}

ran=0
blocks sh
for block in "$work"/sh.*; do
  while IFS= read -r line; do run_command "$line"; done <"$block"
done
((ran >= 3)) || fail "only $ran commands were found to run"

blocks lua
snippets=0
for block in "$work"/lua.*; do
  snippets=$((snippets + 1))
  first=$(head -n 1 "$block")
  if [[ $first =~ ^--\ (examples/[a-z0-9_]+\.lua)$ ]]; then
    tail -n +2 "$block" | diff - "$root/${BASH_REMATCH[1]}" >"$work/out" ||
      { fail "the snippet differs from ${BASH_REMATCH[1]}"; cat "$work/out" >&2; }
  else
    (cd "$work" && timeout 120 "$build/bin/crescent" "$block" </dev/null >"$work/out" 2>&1) ||
      { fail "this snippet fails: $first"; cat "$work/out" >&2; }
  fi
done
((snippets >= 1)) || fail "no lua snippet was found"

# Paths in the commented tree, which is the `text` block.
blocks text
paths=0
while IFS= read -r path; do
  paths=$((paths + 1))
  [[ -e $root/$path ]] || fail "$path does not exist"
done < <(grep -ohE '^(\.ci/[a-z]+|[a-z]+/([a-z_/]+)?|[a-z]+)  ' "$work"/text.* | tr -d ' ' || true)
((paths >= 5)) || fail "the commented tree was not found"

((failures == 0)) || exit 1
echo "$ran commands, $snippets snippets and $paths paths hold"
