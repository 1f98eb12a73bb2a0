#!/bin/bash
# bars.sh PROGRAM...: fails where the points-to analysis of a program that build.sh made is less precise, or takes more memory, than
# bars.tsv says. Both depend on the program and the analysis only, not on how busy the machine is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
scale=${ITARGET_SCALE:-${XDG_CACHE_HOME:-$HOME/.cache}/itarget/scale}
(cd "$root" && cargo build --release --quiet -p itarget-analyzer --example stats)
stats=$(cd "$root" && cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/examples/stats
failed=0
for program in "$@"; do
  IFS=$'\t' read -r _ set memory <<<"$(awk -F'\t' -v p="$program" '$1 == p' "$here/bars.tsv")"
  [ -n "$set" ] || { echo "bars.sh: bars.tsv has no $program" >&2; exit 2; }
  IFS=$'\t' read -r _ _ _ used mean _ <<<"$(STATS_ROW=1 "$stats" "$scale/$program.bc")"
  verdict=$(awk -v a="$mean" -v b="$set" -v c="$used" -v d="$memory" 'BEGIN { print (a > 0 && a <= b && c <= d ? "ok  " : "FAIL") }')
  echo "$verdict $program: mean points-to set $mean (bar $set), $used MB (bar $memory)"
  if [ "$verdict" = FAIL ]; then failed=1; fi
done
exit "$failed"
