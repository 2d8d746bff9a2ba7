#!/usr/bin/env bash
# example_test.sh CRESCENT EXAMPLE: the example runs to its end with --quick, in a folder of its
# own, says in its first line what it does, and shows quality or drift beside every speed, or why it
# can't.
set -uo pipefail
crescent=$(realpath "$1") example=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit
unset CRESCENT_STORE

fail() { printf '%s: %s\n' "$(basename "$example")" "$*" >&2; cat out >&2; exit 1; }

"$crescent" "$example" --quick >out 2>&1 </dev/null || fail "ended with exit code $?"
grep -qE '^-- [A-Z].*[.?:]' "$example" || fail "expected a sentence in its first line"
speed='_ms\b|[0-9] (ms|us)\b|tokens/s'
quality='perplexity|kl_nats|KL|drift|top1|max_abs_logit|no quality beside the times'
if grep -qE "$speed" out && ! grep -qiE "$quality" out; then
  fail "shows speed, but neither quality nor drift nor a reason why not"
fi
"$crescent" "$example" --help >out 2>&1 </dev/null || fail "--help ended with exit code $?"
grep -q -- '--quick' out || fail "--help doesn't list --quick"
