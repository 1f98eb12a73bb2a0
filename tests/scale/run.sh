#!/bin/bash
# run.sh [PROGRAM...]: the analysis on the programs that build.sh made, as one table, beside SVF's figures.
#
#   tests/scale/build.sh redis && tests/scale/run.sh redis
#
# First the points-to analysis and call graph alone (a process of its own: reading the bitcode is part of its CPU seconds and of
# its peak memory); then `itarget analyze`: the whole up to the plan, or the code of the error it ends with. Sets are counted as
# `itarget analyze --stats` says: over the loads and stores of program code, each once. `mixed` is what must be told apart at run
# time: checked and logged loads, guarded stores, checked calls. SVF's figures (3.4, `wpa -ander`, same kind of machine) are
# means over all pointers; `+` marks a run cut short by its own limit of 50,000 indirect call edges.
# Parameters (environment): ITARGET (target/release/itarget) ITARGET_SCALE LIMIT (seconds for each process: 900)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
scale=${ITARGET_SCALE:-${XDG_CACHE_HOME:-$HOME/.cache}/itarget/scale}
: "${ITARGET:=$root/target/release/itarget}" "${LIMIT:=900}"
# What takes more memory than any bar allows would take the machine down with it.
ulimit -v 14000000
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

svf() {
  case $1 in
    lua) echo "8.1 s, 365 MB, 55" ;;
    gawk) echo "16.8 s, 740 MB, 44" ;;
    redis) echo "284 s+, 6.0 GB, 332" ;;
    nginx) echo "486 s+, 8.6 GB, 448" ;;
    httpd) echo "640 s+, 10.0 GB, 317" ;;
    postgres) echo "over 14 GB" ;;
  esac
}

# field NAME: a number out of the report.
field() { tr -d '\n' <"$scratch/json" | grep -oE "\"$1\"[[:space:]]*:[[:space:]]*[0-9.]+" | head -n 1 | sed 's/.*:[[:space:]]*//' || true; }

(cd "$root" && cargo build --release --quiet -p itarget-analyzer --example stats)
[ $# -gt 0 ] || set -- lua gawk redis nginx httpd postgres
echo "| program | instructions | points-to CPU s (solving) | MB | mean set | max | indirect sites | mean callees | whole s | MB | graph | cut s | mixed | SVF: CPU s, memory, mean |"
echo "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
for program in "$@"; do
  bitcode=$scale/$program.bc
  [ -f "$bitcode" ] || { echo "run.sh: $bitcode is not there: run tests/scale/build.sh $program" >&2; exit 1; }
  row=$(STATS_ROW=1 timeout "$LIMIT" "$root/target/release/examples/stats" "$bitcode") || row=$(printf 'no result\t\t\t\t\t\t\t')
  IFS=$'\t' read -r instructions cpu seconds memory mean max sites callees <<<"$row"
  if timeout "$LIMIT" "$ITARGET" analyze --json "$bitcode" >"$scratch/json" 2>"$scratch/errors"; then
    mixed=$(($(field checked_loads) + $(field loads) + $(field stores) + $(field checked_calls)))
    whole="$(printf '%.1f' "$(field analysis_seconds)") | $(($(field peak_rss_bytes) / 1000000)) | $(field nodes)/$(field edges) | $(printf '%.2f' "$(field cut)") | $mixed"
  else
    code=$(grep -oE 'IT[0-9]{4}' "$scratch/errors" | head -n 1 || true)
    whole="${code:-no result} | | | | "
  fi
  echo "| $program | $instructions | $cpu ($seconds) | $memory | $mean | $max | $sites | $callees | $whole | $(svf "$program") |"
done
