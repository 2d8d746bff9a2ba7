#!/usr/bin/env bash
# sweep_kill.sh CRESCENT [--count N | --seconds S] [--seed X] [--signal KILL|INT]: kills a sweep of
# 200 quick cells (sweep_kill.lua) at random moments and starts it again. After each kill: the store
# is in order, each cell that was done still is, with all that it gave, and none that was done when
# the sweep was started was run again. A kill after which that holds counts as passed. INT is
# Ctrl-C.
set -uo pipefail

crescent=$1 count=10 seconds="" seed=1 signal=KILL
shift
while (($#)); do
  case $1 in
    --count) count=$2 ;;
    --seconds) seconds=$2 ;;
    --seed) seed=$2 ;;
    --signal) signal=$2 ;;
    *) echo "sweep_kill.sh: unknown option '$1'" >&2; exit 2 ;;
  esac
  shift 2
done
RANDOM=$seed
killed=$((128 + $(kill -l "$signal"))) # how a shell says it; crescent says it of INT itself

script=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/sweep_kill.lua
cells=200 passed=0 failed=0 sweeps=0 hits=0 lost=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
store=$work/store.db journal=$work/journal
unset CRESCENT_STORE

sweep() { exec "$crescent" --threads 1 "$script" --store "$store" --journal "$journal"; }

begin_store() {
  rm -f "$store"*
  : >"$journal"
  : >"$work/done"
}

microseconds() { echo "${EPOCHREALTIME/[.,]/}"; }

# What a copy of the store holds: the next start of the sweep shall find it as the kill left it.
# Lines 'done POINT ROW SAMPLES' for cells that are done; what else there is to say is a complaint.
read_store() {
  [[ -f $store ]] || return 0
  rm -rf "$work/copy"
  mkdir "$work/copy"
  cp "$store" "$work/copy/"
  [[ -f $store-wal ]] && cp "$store-wal" "$work/copy/"
  # A file whose first transaction was cut off has no tables yet.
  [[ $(sqlite3 "$work/copy/store.db" "SELECT count(*) FROM sqlite_master" 2>&1) == 0 ]] && return 0
  sqlite3 "$work/copy/store.db" "
    SELECT * FROM pragma_integrity_check WHERE integrity_check != 'ok';
    SELECT 'foreign key: ' || \"table\" || ' ' || rowid FROM pragma_foreign_key_check;
    SELECT 'more runs than one' WHERE (SELECT count(*) FROM runs) > 1;
    SELECT 'more results than one: ' || point FROM cells JOIN results ON cell = cells.id
      GROUP BY cells.id HAVING count(*) > 1;
    SELECT 'a result without a cell that is done: ' || point FROM cells JOIN results
      ON cell = cells.id WHERE status != 'done';
    SELECT 'done ' || point || ' ' || coalesce(results.row, 'no row') || ' ' ||
      coalesce(values_json, 'no samples')
      FROM cells LEFT JOIN results ON cell = cells.id
      LEFT JOIN samples ON samples.trial = results.trial WHERE status = 'done';" 2>&1
}

# Lines that say what is wrong after a kill; STATUS is how the sweep ended, LINES how long the
# journal was when it began.
complaints() {
  local status=$1 lines=$2
  ((status == killed || status == 0)) || echo "the sweep ended with $status: $(cat "$work/said")"
  read_store >"$work/store"
  grep -v '^done ' "$work/store"
  grep '^done ' "$work/store" | sort >"$work/done_now"
  grep -E 'no (row|samples)$|no row ' "$work/done_now" | sed 's/^/without figures: /'
  comm -23 "$work/done" "$work/done_now" | sed 's/^/lost: /'
  if ((status == 0 && $(wc -l <"$work/done_now") < cells)); then
    echo "the sweep came to its end with $(wc -l <"$work/done_now") cells done"
  fi
  tail -n +$((lines + 1)) "$journal" | sort >"$work/ran"
  uniq -d "$work/ran" | sed 's/^/twice in one start: /'
  cut -d ' ' -f 2 "$work/done" | sort | comm -12 - "$work/ran" | sed 's/^/run again: /'
  cut -d ' ' -f 2 "$work/done_now" | sort | comm -23 - <(sort -u "$journal") |
    sed 's/^/done, but never run: /'
}

# Starts the sweep and kills it after MILLISECONDS; 'never' leaves it alone.
start_and_kill() {
  local milliseconds=$1 lines status=0 problems
  lines=$(wc -l <"$journal")
  sweep >"$work/said" 2>&1 &
  local pid=$!
  if [[ $milliseconds != never ]]; then
    sleep "$(printf '%d.%03d' $((milliseconds / 1000)) $((milliseconds % 1000)))"
    kill -s "$signal" "$pid" 2>/dev/null
  fi
  wait "$pid" 2>/dev/null || status=$?
  problems=$(complaints "$status" "$lines")
  if [[ $problems ]]; then
    failed=$((failed + 1))
    printf 'kill %d, after %s ms:\n%s\n' $((passed + failed)) "$milliseconds" "$problems" >&2
  else
    passed=$((passed + 1))
  fi
  local before now ran
  before=$(wc -l <"$work/done") now=$(wc -l <"$work/done_now") ran=$(wc -l <"$work/ran")
  ((status == killed && ran > 0)) && hits=$((hits + 1))
  lost=$((lost + ran - (now - before)))
  mv "$work/done_now" "$work/done"
  ((now < cells)) && return
  sweeps=$((sweeps + 1))
  begin_store
}

# How long the sweep takes here when nobody kills it: kills come at any moment of it.
begin_store
began=$(microseconds)
(sweep) >"$work/said" 2>&1 || { cat "$work/said" >&2; echo "0 passed, 1 failed"; exit 1; }
whole_ms=$((($(microseconds) - began) / 1000))
begin_store

began=$SECONDS
while if [[ $seconds ]]; then ((SECONDS - began < seconds)); else ((passed + failed < count)); fi
do
  start_and_kill $((5 + RANDOM % whole_ms))
done
kills=$((passed + failed))
start_and_kill never
echo "$kills kills, $hits of them among the cells; $sweeps sweeps came to their end; $lost cells" \
  "were run but not stored when the kill came"
echo "$passed passed, $failed failed"
((failed == 0))
