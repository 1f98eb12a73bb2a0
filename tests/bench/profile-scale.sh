#!/bin/bash
# profile-scale.sh: does the cut depend on how long the profiled run was? Each program is profiled on a workload and on
# one about ten times as large; the program is analyzed with each profile. One row per program:
#   small, large     bytes that the cut would log in each run, with that run's own profile
#   same plan        the two interfaces are the same (sites and actions; estimates left out)
#   excess           what the small profile's interface costs under the large run's weights, above the best, and the
#                    other way round, in percent of the best. The bar: 5 %
#   profile-scale.sh [PROGRAM...]     default: gzip bzip2 sed grep lua wget neon (sqlite3 takes a minute per link)
# Parameters (environment): ITARGET (itarget), ITARGET_APPS (as build.sh makes them). Exit status 1: a bar is missed.
# The variables of workloads.sh are set for it.
# shellcheck disable=SC2034
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/apps/workloads.sh
. "$here/../apps/workloads.sh"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/itarget
apps=${ITARGET_APPS:-$cache/apps}
: "${ITARGET:=itarget}"
[ $# -gt 0 ] || set -- gzip bzip2 sed grep lua wget neon
scratch=$(mktemp -d)
W_RUN=$scratch/run
mkdir -p "$W_RUN/out"
cleanup() { w_stop; rm -rf "$scratch"; }
trap cleanup EXIT
trap 'exit 130' INT TERM

# inputs: those of the small workloads, and the same ten times as long.
w_setup gzip.small
w_setup wget.small
d=$W_DATA
make_once "$d/scale/text" gen text 10000000 1
make_once "$d/scale/load.sql" gen sql 30000 3000 1000 5
make_once "$d/www/scale.bin" gen random 3000000 3

# command PROGRAM SIZE: fills CMD, sets W_STDIN and whether a server is needed.
command_of() {
  local program=$1 text=$d/small/text sql=$d/small/load.sql body=small.bin rounds=1
  if [ "$2" = large ]; then text=$d/scale/text sql=$d/scale/load.sql body=scale.bin rounds=10; fi
  local bin=$apps/itarget/bin/$program url=http://127.0.0.1:$W_PORT
  rm -rf "$W_RUN/out"
  mkdir -p "$W_RUN/out"
  case $program in
    gzip | bzip2) CMD=("$bin" -6 -c "$text") ;;
    sed) CMD=("$bin" -E -f "$W_HERE/scripts/rewrite.sed" "$text") ;;
    grep) CMD=("$bin" -n -E '(^|[ ,])(con|per)[a-z]*(ment|ing)\b|[0-9]{4,}' "$text") ;;
    lua)
      CMD=("$bin" -e "for i = 1, $rounds do local f = io.open('$d/small/text'); local n = {}
        for line in f:lines() do for w in line:gmatch('%a+') do n[w] = (n[w] or 0) + 1 end end f:close()
        local t = {} for w in pairs(n) do t[#t + 1] = w end table.sort(t) print(#t, t[1], os.time() > 0) end")
      ;;
    sqlite3) CMD=("$bin" "$W_RUN/out/db" ".read $sql") ;;
    wget) CMD=("$bin" --no-config -nv -O "$W_RUN/out/body" "$url/$body") ;;
    neon) CMD=("$bin" "$url/$body" "$W_RUN/out/body") ;;
    *) echo "profile-scale.sh: no workload for $program" >&2; return 2 ;;
  esac
}

# number FILE FIELD: a number of a JSON file, wherever it stands first.
number() { grep -oE "\"$2\": *[0-9.]+" "$1" | head -n 1 | sed 's/.*: *//'; }
# interface FILE: a plan without its estimates.
interface() { grep -vE '"(bytes|events)": [0-9]+,?$' "$1"; }

missed=0
echo "| program | small run, bytes | large run, bytes | same plan | excess of the small profile | of the large profile |"
echo "|---|---|---|---|---|---|"
for program in "$@"; do
  [ -x "$apps/itarget/bin/$program" ] || { echo "profile-scale.sh: no build of $program" >&2; exit 2; }
  for size in small large; do
    case $program in wget | neon) start_server ;; esac
    command_of "$program" "$size"
    (cd "$W_RUN" && "$ITARGET" profile -o "$scratch/$program.$size" -- "${CMD[@]}") >"$W_RUN/stdout" 2>"$W_RUN/stderr" </dev/null ||
      { tail -n 3 "$W_RUN/stderr" >&2; exit 2; }
    w_stop
  done
  app=$apps/itarget/bin/$program
  excess=()
  for size in small large; do
    other=large
    [ "$size" = small ] || other=small
    report=$scratch/$program.$size.json
    "$ITARGET" analyze --json --profile "$scratch/$program.$size" --weigh-with "$scratch/$program.$other" \
      --plan "$scratch/$program.$size.plan" "$app" >"$report"
    excess+=("$(awk -v c="$(number "$report" cost)" -v b="$(number "$report" best)" \
      'BEGIN { if (c == "") print "none"; else printf "%.2f", (b > 0 ? (c - b) * 100 / b : 0) }')")
  done
  same=no
  if cmp -s <(interface "$scratch/$program.small.plan") <(interface "$scratch/$program.large.plan"); then same=yes; fi
  echo "| $program | $(number "$scratch/$program.small.json" cut_bytes) | $(number "$scratch/$program.large.json" cut_bytes) | $same | ${excess[0]} % | ${excess[1]} % |"
  if [ "$same" = no ]; then
    for e in "${excess[@]}"; do
      awk -v e="$e" 'BEGIN { exit !(e != "none" && e <= 5) }' || missed=1
    done
  fi
done
exit "$missed"
