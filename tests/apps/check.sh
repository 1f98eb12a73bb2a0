#!/bin/bash
# check.sh SIZE BIN [PROGRAM...]: runs each workload of SIZE (small, bench) twice with the programs in the folder BIN,
# without any recording: the exit status must be the expected one, the outputs right, and both runs equal but for what
# w_normalise takes out. Prints the second run's seconds. It is what makes a difference found by r2.sh mean something.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/apps/workloads.sh
. "$here/workloads.sh"

[ $# -ge 2 ] || { echo "usage: check.sh SIZE BIN [PROGRAM...]" >&2; exit 2; }
size=$1
bin=$(cd "$2" && pwd)
shift 2
W_RUN=$(mktemp -d)
W_SECONDS=300
cleanup() { w_stop; rm -rf "$W_RUN"; }
trap cleanup EXIT
trap 'exit 130' INT TERM

# one NAME: sets `problem` when something is wrong.
one() {
  local name=$1 round status
  w_setup "$name" || { problem="inputs cannot be made"; return; }
  for round in 1 2; do
    w_pre "$name" || { problem="cannot be prepared"; return; }
    w_cmd "$name" "$bin/$(w_program "$name")"
    status=0
    # shellcheck disable=SC2119 # no prefix
    w_run || status=$?
    if ! w_post "$name"; then problem="wrong output (status $status)"; return; fi
    if [ "$status" -ne "$(w_status "$name")" ]; then problem="exit status $status"; return; fi
    w_normalise "$name" <"$W_RUN/stdout" >"$W_RUN/stdout.$round"
    w_normalise "$name" <"$W_RUN/stderr" >"$W_RUN/stderr.$round"
  done
  cmp -s "$W_RUN/stdout.1" "$W_RUN/stdout.2" || problem="standard output differs from run to run"
  if ! diff "$W_RUN/stderr.1" "$W_RUN/stderr.2" >"$W_RUN/difference"; then
    head -n 6 "$W_RUN/difference" >&2
    problem="standard error differs from run to run"
  fi
}

passed=0
failed=0
for name in $(w_list "$size" "$@"); do
  problem=''
  one "$name"
  w_stop
  if [ -z "$problem" ]; then
    passed=$((passed + 1))
    printf 'ok   %-28s %8s s\n' "$name" "$W_TOOK"
  else
    failed=$((failed + 1))
    printf 'FAIL %-28s %s\n' "$name" "$problem"
    head -n 5 "$W_RUN/stderr" >&2 || true
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
