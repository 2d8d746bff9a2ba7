#!/usr/bin/env bash
# run.sh CRESCENT FOLDER [SCRIPT...]: opens report pages in a real browser: the report and the
# charts that the golden files have, and every page that a script writes when it runs with --quick.
# Pages and screenshots stay in FOLDER. The last line counts.
set -uo pipefail
crescent=$1 work=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
passed=0 failed=0
rm -rf "$work"
mkdir -p "$work"
trap 'rm -rf "$work/.profile" "$work/.said" "$work/.page.html"' EXIT

# check NAME COMMAND...: counts; what a failing one said comes to the screen.
check() {
  local name=$1
  shift
  if "$@" >"$work/.said" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "not ok  $name"
    sed 's/^/  /' "$work/.said"
  fi
}

refused() { ! "$@"; }

# browser ARGS...: headless, with nothing of earlier runs.
browser() {
  local alone=()
  ((EUID == 0)) && alone=(--no-sandbox)  # Chromium's sandbox refuses root
  rm -rf "$work/.profile"
  timeout 120 chromium --headless "${alone[@]}" --disable-gpu --disable-dev-shm-usage \
    --no-first-run --hide-scrollbars --user-data-dir="$work/.profile" --enable-logging=stderr \
    --v=0 "$@"
}

# quiet_shot PNG WIDTH,HEIGHT FILE [ARGS...]: takes a screenshot; fails if the page said anything on
# the console, where errors and what the policy forbids are told.
quiet_shot() {
  local png=$1 size=$2 file=$3 said
  shift 3
  said=$(browser "$@" --window-size="$size" --screenshot="$png" "file://$file" 2>&1) ||
    { printf '%s\n' "$said"; return 1; }
  if grep CONSOLE <<<"$said"; then return 1; fi
  [[ -s $png ]] || { echo "no screenshot"; return 1; }
}

# sorts PAGE: a copy with tests/browser/sort.js in it says what its tables did.
sorts() {
  awk -v script="$here/sort.js" '/^<\/body>/ {
    print "<script>"
    while ((getline line < script) > 0) print line
    print "</script>"
  } { print }' "$1" >"$work/.page.html"
  local said
  said=$(browser --virtual-time-budget=10000 --dump-dom "file://$work/.page.html" 2>/dev/null |
    sed -n 's/.*<pre id="sort-check">\(.*\)<\/pre>.*/\1/p')
  [[ $said == "sorted by "[1-9]* ]] || { echo "${said:-the page said nothing}"; return 1; }
}

check_page() {
  local page=$1 name=${1#"$work"/} stem=${1%.html}
  check "$name is in order" python3 "$here/check_html.py" "$page"
  check "$name in light" quiet_shot "$stem-light.png" 1100,3600 "$page"
  check "$name in dark" quiet_shot "$stem-dark.png" 1100,3600 "$page" \
    --blink-settings=preferredColorScheme=0
  check "$name on a phone" quiet_shot "$stem-phone.png" 390,1600 "$page"
  check "$name shows something in light" python3 "$here/check_png.py" light "$stem-light.png"
  check "$name shows something in dark" python3 "$here/check_png.py" dark "$stem-dark.png"
  check "$name shows something on a phone" python3 "$here/check_png.py" light "$stem-phone.png"
  if grep -q '<table' "$page"; then check "$name sorts" sorts "$page"; fi
}

check_picture() {
  local name=${1#"$work"/} stem=${1%.svg}
  check "$name in light" quiet_shot "$stem-light.png" 740,420 "$1"
  check "$name in dark" quiet_shot "$stem-dark.png" 740,420 "$1" \
    --blink-settings=preferredColorScheme=0
  check "$name shows something in light" python3 "$here/check_png.py" light "$stem-light.png"
  check "$name shows something in dark" python3 "$here/check_png.py" dark "$stem-dark.png"
}

# What is looked for must be found where it is.
check_the_checks() {
  local bad=$work/.bad.html png=$work/.bad.png
  echo '<!DOCTYPE html><html><body><p><svg></svg></div></body></html>' >"$bad"
  check "a page out of order is found" refused python3 "$here/check_html.py" "$bad"
  check "a blank page is quiet" quiet_shot "$png" 400,300 "$bad"
  check "a blank page is found" refused python3 "$here/check_png.py" any "$png"
  echo '<!DOCTYPE html><html><body><script>missing();</script></body></html>' >"$bad"
  check "an error in a script is found" refused quiet_shot "$png" 400,300 "$bad"
  sed 's/rows.forEach(function (row) { table/[].forEach(function (row) { table/' \
    "$work/report.html" >"$bad"
  check "tables that don't sort are found" refused sorts "$bad"
  rm -f "$bad" "$png"
}

# check_script SCRIPT: what it writes in a folder of its own, with an empty store.
check_script() {
  local script=$1 folder=$work/$2 pages=0 page
  mkdir -p "$folder"
  check "$script --quick" env -C "$folder" CRESCENT_STORE="$folder/runs.db" \
    "$crescent" "$script" --quick
  while IFS= read -r page; do
    pages=$((pages + 1))
    check_page "$page"
  done < <(find "$folder" -name '*.html' | sort)
  check "$script writes a page" test "$pages" -gt 0
}

check "report and charts are drawn" "$crescent" "$here/render.lua" "$work"
check_page "$work/report.html"
for name in line bar scatter heat; do check_picture "$work/$name.svg"; done
check_the_checks
for script in "$@"; do check_script "$(realpath "$script")" "$(basename "$script" .lua)"; done
echo "$passed passed, $failed failed"
((failed == 0))
