#!/bin/sh
# run.sh CRESCENT FIXTURES: save_and_compare.py on the python3 on PATH, if there is one.
if ! command -v python3 >/dev/null; then
  echo 'skipped: there is no python3'
  [ "$CRESCENT_INTEROP" = required ] && exit 1
  exit 77
fi
exec python3 "$(dirname "$0")/save_and_compare.py" "$@"
