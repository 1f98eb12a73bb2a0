#!/bin/bash
# min-cut.sh: our minimum cut, petgraph's dinics and OR-tools' SimpleMaxFlow on the flow networks of real programs. Medians
# in milliseconds; "build" is making the solver's graph from arrays of edges. The bars: at most a second on the largest
# network; at least five times faster than dinics; no slower than SimpleMaxFlow. The values of the cuts must agree, and
# ours is proved by its certificate in each run.
#   min-cut.sh [--runs N] [BITCODE...]     default: what of the programs that apps/build.sh and scale.sh build is there
# Parameters (environment): ITARGET (itarget), ITARGET_APPS, MEMORY_KB (14000000: limit of an analysis), STEP_SECONDS (600).
# OR-tools come from PyPI, into a virtual environment in the cache directory; networks are kept beside it. Exit status 1: a
# bar is missed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
cache=${XDG_CACHE_HOME:-$HOME/.cache}/itarget
: "${ITARGET:=itarget}" "${MEMORY_KB:=14000000}" "${STEP_SECONDS:=600}"
runs=5
if [ "${1:-}" = --runs ]; then runs=$2; shift 2; fi
if [ $# -eq 0 ]; then
  for f in "${ITARGET_APPS:-$cache/apps}"/itarget/bin/{wget,lua,sqlite3} "$cache"/scale/{gawk,nginx,redis,httpd,postgres}.bc; do
    if [ -e "$f" ]; then set -- "$@" "$f"; fi
  done
fi
[ $# -gt 0 ] || { echo "min-cut.sh: nothing is built; name bitcode files" >&2; exit 2; }
work=$cache/min-cut
mkdir -p "$work"
python=$work/venv/bin/python
if ! "$python" -c 'import ortools.graph' 2>/dev/null; then
  python3 -m venv "$work/venv" && "$work/venv/bin/pip" install -q ortools
fi
(cd "$root" && cargo build -q --release -p itarget-min-cut --example dimacs)
dimacs=${CARGO_TARGET_DIR:-$root/target}/release/examples/dimacs

networks=()
for input in "$@"; do
  name=$(basename "$input" .bc)
  # Again only when the program or the analysis is newer.
  if [ ! "$work/$name.max" -nt "$input" ] || [ ! "$work/$name.max" -nt "$(command -v "$ITARGET")" ]; then
    if ! (ulimit -v "$MEMORY_KB"; timeout "$STEP_SECONDS" "$ITARGET" analyze --network "$work/$name.new" "$input" >/dev/null 2>"$work/$name.log"); then
      echo "min-cut.sh: no network of $name: $(tail -n 2 "$work/$name.log" | tr '\n' ' ')" >&2
      continue
    fi
    mv "$work/$name.new" "$work/$name.max"
  fi
  networks+=("$work/$name.max")
done

missed=0
echo "| program | nodes | edges | ours: build | cut | proof | dinics: build | flow | times slower | SimpleMaxFlow: build | flow | times slower |"
echo "|---|---|---|---|---|---|---|---|---|---|---|---|"
for network in "${networks[@]}"; do
  IFS=$'\t' read -r _ nodes edges value build cut proof <<<"$("$dimacs" --runs "$runs" "$network")"
  IFS=$'\t' read -r _ _ _ value_o build_o flow_o <<<"$("$python" "$here/max_flow.py" "$runs" "$network")"
  # dinics needs minutes where we need milliseconds: one run.
  IFS=$'\t' read -r _ _ _ value_d build_d flow_d <<<"$(timeout "$STEP_SECONDS" "$dimacs" --petgraph --runs 1 "$network" || printf '\t\t\t%s\t-\t%s' "$value" "$((STEP_SECONDS * 1000))")"
  if [ "$value" != "$value_d" ] || [ "$value" != "$value_o" ]; then
    echo "min-cut.sh: $network: the cuts are worth $value, $value_d and $value_o" >&2
    exit 2
  fi
  awk -v OFS=' | ' -v name="$(basename "$network" .max)" -v n="$nodes" -v e="$edges" -v b="$build" -v c="$cut" -v p="$proof" \
    -v bd="$build_d" -v fd="$flow_d" -v bo="$build_o" -v fo="$flow_o" 'BEGIN {
      d = fd / c; o = fo / c
      print "| " name, n, e, b, c, p, bd, fd, sprintf("%.1f", d), bo, fo, sprintf("%.1f", o) " |"
      exit !(c <= 1000 && d >= 5 && o >= 1) }' || missed=1
done
exit "$missed"
