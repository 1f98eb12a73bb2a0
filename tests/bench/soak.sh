#!/bin/bash
# soak.sh: a server is recorded for long under a load that repeats. Every interval a line: seconds, requests so far, memory of
# the server's and the recorder's processes (resident, MB, and of that what is not shared with files), bytes of the trace, and
# bytes of the trace per request since the line before. At the end: whether memory stayed flat (the last quarter's median
# at most a tenth above the second quarter's; the first is the warm-up), and whether the server ended as it should.
#
#   soak.sh [--workload httpd.bench] [--seconds 3600] [--interval 10] [--keep TRACE]
# Parameters (environment): ITARGET (itarget) BIN (the itarget builds of tests/apps/build.sh) W_SECONDS is set from --seconds.
# The variables of workloads.sh are set for it.
# shellcheck disable=SC2034
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/apps/workloads.sh
. "$here/../apps/workloads.sh"

fail() { echo "soak.sh: $*" >&2; exit 2; }

: "${ITARGET:=itarget}"
bin=${BIN:-${ITARGET_APPS:-${XDG_CACHE_HOME:-$HOME/.cache}/itarget/apps}/itarget/bin}
workload=httpd.bench seconds=3600 interval=10 keep=''
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || fail "$1 needs a value"
  case $1 in
    --workload) workload=$2 ;;
    --seconds) seconds=$2 ;;
    --interval) interval=$2 ;;
    --keep) keep=$2 ;;
    *) fail "unknown option $1" ;;
  esac
  shift 2
done
[[ $seconds =~ ^[1-9][0-9]*$ && $interval =~ ^[1-9][0-9]*$ ]] || fail "--seconds and --interval take a number"

W_RUN=$(mktemp -d)
chmod 755 "$W_RUN"
trace=${keep:-$W_RUN/trace}
[ ! -e "$trace" ] || fail "$trace is there already"
loader=''
cleanup() {
  if [ -n "$loader" ]; then kill "$loader" 2>/dev/null || true; fi
  w_stop
  rm -rf "$W_RUN"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# family PID: it and its descendants.
family() {
  local child
  echo "$1"
  for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do family "$child"; done
}

# memory PID: resident and anonymous kB of a family.
memory() {
  local pid
  for pid in $(family "$1"); do cat "/proc/$pid/status" 2>/dev/null || true; done |
    awk '/^VmRSS/ { r += $2 } /^RssAnon/ { a += $2 } END { printf "%.1f %.1f\n", r / 1024, a / 1024 }'
}

# On disk: the part of a log that is packed already has holes.
trace_bytes() { find "$trace" -type f -printf '%b\n' 2>/dev/null | awk '{ s += 512 * $1 } END { printf "%.0f\n", s }'; }
requests() { awk '/ requests in / { n += $1 } END { printf "%.0f\n", n }' "$W_RUN/load"; }

w_setup "$workload"
w_pre "$workload"
w_cmd "$workload" "$bin/$(w_program "$workload")"
[ "$W_KIND" = server ] || fail "$workload is not a server's workload"
: >"$W_RUN/load"
(cd "$W_RUN" && exec "$ITARGET" record -o "$trace" -- "${CMD[@]}") <"$W_STDIN" >"$W_RUN/stdout" 2>"$W_RUN/stderr" &
W_SERVER=$!
started=$SECONDS
(while [ $((SECONDS - started)) -lt "$seconds" ]; do w_load "$workload" >>"$W_RUN/load" 2>&1 || exit 1; done) &
loader=$!

printf 'seconds\trequests\trss_mb\tanon_mb\ttrace_bytes\tbytes_per_request\n'
before_bytes=0 before_requests=0 samples=()
while kill -0 "$loader" 2>/dev/null; do
  sleep "$interval"
  read -r rss anon <<<"$(memory "$W_SERVER")"
  bytes=$(trace_bytes) count=$(requests)
  printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$((SECONDS - started))" "$count" "$rss" "$anon" "$bytes" \
    "$(awk -v b=$((bytes - before_bytes)) -v r=$((count - before_requests)) 'BEGIN { if (r > 0) printf "%.1f", b / r; else print "-" }')"
  before_bytes=$bytes before_requests=$count
  samples+=("$anon")
done
loaded=0 status=0
wait "$loader" || loaded=$?
loader=''
if [ "$loaded" -ne 0 ]; then tail -n 3 "$W_RUN/load" >&2; fi
w_halt "$workload" || true
wait "$W_SERVER" || status=$?
W_SERVER=''
printf '%s\n' "${samples[@]}" | awk -v status="$status" -v loaded="$loaded" '
  { v[NR] = $1 }
  function median(from, to,   n, i, k, t, a) {
    for (i = from; i <= to; i++) a[++n] = v[i]
    for (i = 1; i <= n; i++) for (k = i + 1; k <= n; k++) if (a[k] < a[i]) { t = a[i]; a[i] = a[k]; a[k] = t }
    return n ? a[int((n + 1) / 2)] : 0
  }
  END {
    early = median(int(NR / 4) + 1, int(NR / 2)); late = median(int(NR * 3 / 4) + 1, NR)
    flat = late <= early * 1.1 || late - early < 2
    printf "memory: %.1f MB early, %.1f MB late: %s; status %d%s\n", early, late, flat ? "flat" : "GROWS", status, loaded ? "; THE LOAD FAILED" : ""
    exit !(flat && status == 0 && loaded == 0)
  }' || { tail -n 5 "$W_RUN/stderr" >&2; exit 1; }
if grep -m 3 'IT06' "$W_RUN/stderr" >&2; then echo "soak.sh: the recording did not last" >&2; exit 1; fi
