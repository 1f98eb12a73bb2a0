#!/bin/bash
# r2.sh BIN [PROGRAM...]: records and replays every small workload with the itarget builds in the folder BIN and compares
# with the plain builds. Prints a line per workload, `ok` or `FAIL` with the level reached, and `N passed, N failed`.
#   R0  the recorded run differs from the plain one
#   R1  the recorded run equals the plain one
#   R2  and the replay equals the recorded run (exactly: times and hash orders too), with its outputs moved away and its
#       server stopped, writes nothing, and consumes the whole log; so do the replays of its children, which are as many as
#       the workload has; no digest differs
#   R3  and digests were checked, in every process that ended by itself
#   R4  and all that again in CYCLES recordings, each replayed, under disturbed schedules: on one processor, beside
#       a process that takes a processor, the recording placed otherwise than its replay (one build: the levels of
#       optimisation are the caller's to repeat)
# Parameters (environment):
#   ITARGET     the command line tool (itarget)
#   PLAIN       folder of the plain builds (the `plain` ones of build.sh)
#   WORKLOADS   names of workloads, instead of all small ones of the programs
#   WANT        the level that passes (R2)
#   PARTIAL     1: not all functions are replayed, so the replay prints only part of what was printed, in order (0)
#   DIGEST      1: record with --digest, for R3 (1)
#   CYCLES      how many recordings R4 asks for; 1: R4 is not tried (1)
#   BOUNDARY    folder of the programs linked with --cut=libc: each is recorded as well, and no log may be longer than its;
#   LONGER      but for these: words NAME=BYTES, workload and by how much at most
#   ARTIFACTS   where the runs of what failed are kept (a folder in the user's cache)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/apps/workloads.sh
. "$here/workloads.sh"

[ $# -ge 1 ] || { echo "usage: r2.sh BIN [PROGRAM...]" >&2; exit 2; }
cache=${XDG_CACHE_HOME:-$HOME/.cache}/itarget
bin=$(cd "$1" && pwd)
plain=$(cd "${PLAIN:-${ITARGET_APPS:-$cache/apps}/plain/bin}" && pwd)
: "${ITARGET:=itarget}" "${WANT:=R2}" "${DIGEST:=1}" "${CYCLES:=1}" "${PARTIAL:=0}" "${ARTIFACTS:=$cache/r2-failures}"
shift
command -v "$ITARGET" >/dev/null || { echo "r2.sh: no command $ITARGET" >&2; exit 2; }
record=("$ITARGET" record)
if [ "$DIGEST" = 1 ]; then record+=(--digest); fi

scratch=$(mktemp -d)
cleanup() { calm; w_stop; rm -rf "$scratch"; }
trap cleanup EXIT
trap 'exit 130' INT TERM

# keep LABEL STATUS: puts the run just made aside as LABEL.*.
keep() {
  mv "$W_RUN/stdout" "$W_RUN/$1.stdout"
  mv "$W_RUN/stderr" "$W_RUN/$1.stderr"
  rm -rf "${W_RUN:?}/$1.out"
  if [ -d "$W_RUN/out" ]; then mv "$W_RUN/out" "$W_RUN/$1.out"; fi
  echo "$2" >"$W_RUN/$1.status"
}

# live NAME LABEL BIN [PREFIX...]: a run in the world, put aside as LABEL. Plain and recorded runs have the same
# command line: a link tells them apart.
live() {
  local name=$1 label=$2 from=$3 status=0 right=yes
  shift 3
  w_pre "$name" || { why="cannot be prepared"; return 1; }
  ln -sfn "$from" "$W_RUN/bin"
  w_cmd "$name" "$W_RUN/bin/$(w_program "$name")"
  w_run "$@" || status=$?
  w_post "$name" || right=no
  keep "$label" "$status"
  if [ "$right" = no ]; then why="the $label run's output is wrong (status $status)"; return 1; fi
}

# same LABEL LABEL [FILTER...]: whether two runs had equal standard output, standard error and status.
same() {
  local a=$1 b=$2 stream
  shift 2
  [ $# -gt 0 ] || set -- cat
  for stream in stdout stderr status; do
    if ! cmp -s <("$@" <"$W_RUN/$a.$stream") <("$@" <"$W_RUN/$b.$stream"); then
      why="$stream of the $b run differs from the $a one's"
      return 1
    fi
  done
}

# part LABEL LABEL: whether the second run had the status of the first and printed part of what that did, in order.
part() {
  local stream
  for stream in stdout stderr; do
    if ! perl -e 'local $/; my @t = map { open my $f, "<:raw", $_ or die; <$f> // "" } @ARGV; my $at = 0;
        for my $c (split //, $t[1]) { $at = index($t[0], $c, $at); exit 1 if $at++ < 0 }' \
      "$W_RUN/$1.$stream" "$W_RUN/$2.$stream"; then
      why="$stream of the $2 run is not part of the $1 one's"
      return 1
    fi
  done
  if ! cmp -s "$W_RUN/$1.status" "$W_RUN/$2.status"; then
    why="status of the $2 run differs from the $1 one's"
    return 1
  fi
}

# field FILE NAME: the value of a JSON field that is a number or a boolean, wherever it stands.
field() { tr -d '\n' <"$1" | grep -oE "\"$2\"[[:space:]]*:[[:space:]]*[a-z0-9.]+" | head -n 1 | sed 's/.*:[[:space:]]*//' || true; }

# one NAME: sets `level`, and `why` it is not higher.
one() {
  local name=$1 cycle
  level=-- why=''
  w_setup "$name" || { why="inputs cannot be made"; return; }
  live "$name" plain "$plain" || return 0
  if [ "$(cat "$W_RUN/plain.status")" -ne "$(w_status "$name")" ]; then why="the plain run's exit status"; return; fi
  record_and_replay "$name"
  if [ "$level" != R3 ] || [ "$CYCLES" -le 1 ]; then return; fi
  for ((cycle = 2; cycle <= CYCLES; cycle++)); do
    rm -rf "$W_RUN/trace"
    disturb "$cycle"
    record_and_replay "$name"
    calm
    if [ "$level" != R3 ]; then why="cycle $cycle: $why"; return; fi
  done
  level=R4
}

# disturb N: how the N-th recording and its replay are placed, and what runs beside them.
placed=() replay_placed=() competitor=''
first_processor=$(taskset -pc $$ | sed 's/.*: //; s/[,-].*//')
disturb() {
  placed=() replay_placed=()
  case $(($1 % 4)) in
    0) placed=(taskset -c "$first_processor") ;;
    1) replay_placed=(taskset -c "$first_processor") ;;
    2) placed=(taskset -c "$first_processor") replay_placed=(taskset -c "$first_processor") ;;
  esac
  if [ $(($1 % 3)) = 0 ]; then
    # It ends by itself, should this script be killed.
    timeout "${W_SECONDS:-60}" sh -c 'while :; do :; done' &
    competitor=$!
  fi
}
calm() {
  placed=() replay_placed=()
  if [ -n "$competitor" ]; then
    kill "$competitor" 2>/dev/null || true
    wait "$competitor" 2>/dev/null || true
    competitor=''
  fi
}

# record_and_replay NAME: one recording and its replay. Sets `level`, and `why` it is not higher.
record_and_replay() {
  local name=$1 status=0 json=$W_RUN/replay.json checked unchecked=''
  level=R0 why=''
  live "$name" recorded "$bin" "${placed[@]}" "${record[@]}" -o "$W_RUN/trace" -- || return 0
  same plain recorded w_normalise "$name" || return 0
  if ! diff -r "$W_RUN/plain.out" "$W_RUN/recorded.out" >"$W_RUN/files.diff"; then
    why="output files of the recorded run differ from the plain one's"
    return
  fi
  level=R1
  rm -rf "$W_RUN/out" "$json"
  mkdir "$W_RUN/out"
  # A server's replay is a program like others: nothing is sent to it.
  CMD=("${replay_placed[@]}" "$ITARGET" replay --json-status "$json" "$W_RUN/trace")
  W_STDIN=/dev/null W_KIND=batch
  w_run || status=$?
  if [ -n "$(ls -A "$W_RUN/out")" ]; then why="the replay wrote files"; fi
  keep replayed "$status"
  if [ -n "$why" ]; then return; fi
  if [ "$PARTIAL" = 1 ]; then part recorded replayed || return 0; else same recorded replayed || return 0; fi
  if [ ! -s "$json" ]; then why="the replay left no status"; return; fi
  if [ "$(field "$json" log_consumed)" != true ]; then why="the log was not wholly consumed"; return; fi
  digests "$json" 0 || return 0
  if [ "$checked" -eq 0 ]; then unchecked=0; fi
  children "$name" || return 0
  level=R2
  if [ -z "$unchecked" ]; then level=R3; return; fi
  why="no digest was checked: process $unchecked"
}

# digests STATUS PROCESS: whether a replay met all the digests that it checked. Sets `checked` to their number.
digests() {
  local mismatched
  checked=$(field "$1" checked) mismatched=$(field "$1" mismatched)
  : "${checked:=0}"
  if [ "${mismatched:-0}" -ne 0 ]; then why="process $2: digests: $checked checked, $mismatched mismatched"; return 1; fi
}

# children NAME: replays every other process of the trace; there must be as many as the workload has. Each must end as it did, with
# its log wholly consumed and all digests met; one that a signal ended, or that became another program, comes to that point.
# Adds to `unchecked` those that ended by themselves and of which no digest was checked.
children() {
  local number end status recorded expected least most count=0 json=$W_RUN/child.json
  if ! "$ITARGET" ps "$W_RUN/trace" >"$W_RUN/ps" 2>"$W_RUN/ps.stderr"; then why="itarget ps: $(cat "$W_RUN/ps.stderr")"; return 1; fi
  read -r least most <<<"$(w_processes "$1")"
  while read -r number _ _ _ end recorded _; do
    count=$((count + 1))
    if [ "$number" = 0 ]; then continue; fi
    rm -f "$json"
    status=0
    timeout -k 5 "${W_SECONDS:-60}" "$ITARGET" replay -p "$number" --json-status "$json" "$W_RUN/trace" \
      >"$W_RUN/child.$number.stdout" 2>"$W_RUN/child.$number.stderr" </dev/null || status=$?
    recorded=${recorded//[()]/}
    case $end in
      exit | immediate-exit) expected=$((recorded & 255)) ;;
      abort | assert) expected=134 ;;
      exec | cut-off) expected=122 ;;
      *) why="process $number: its recording ended by $end $recorded"; return 1 ;;
    esac
    if [ "$status" != "$expected" ]; then why="process $number ends with $status, recorded: $end $recorded"; return 1; fi
    if [ ! -s "$json" ]; then why="the replay of process $number left no status"; return 1; fi
    if [ "$(field "$json" log_consumed)" != true ]; then why="the log of process $number was not wholly consumed"; return 1; fi
    if [ "$(field "$json" environment_calls)" != 0 ]; then why="the replay of process $number called the environment"; return 1; fi
    digests "$json" "$number" || return 1
    if [[ $end = *exit ]] && [ "$checked" -eq 0 ]; then unchecked+=" $number"; fi
  done < <(tail -n +2 "$W_RUN/ps")
  if [ "$count" -lt "$least" ] || [ "$count" -gt "$most" ]; then why="$count processes were recorded, expected: $least to $most"; return 1; fi
}

# within NAME: whether the recording's log is no longer than one of the same run at the library boundary.
within() {
  local log most word more=0
  for word in ${LONGER:-}; do if [ "${word%=*}" = "$1" ]; then more=${word#*=}; fi; done
  log=$(stat -c %s "$W_RUN/trace/log")
  rm -rf "${W_RUN:?}/boundary.trace"
  live "$1" boundary "$BOUNDARY" "${record[@]}" -o "$W_RUN/boundary.trace" -- || return 1
  most=$(stat -c %s "$W_RUN/boundary.trace/log")
  if [ "$log" -gt $((most + more)) ]; then why="the log has $log bytes, $most at the library boundary"; return 1; fi
}

passed=0
failed=0
for name in ${WORKLOADS:-$(w_list small "$@")}; do
  W_RUN=$scratch/$name
  mkdir "$W_RUN"
  one "$name"
  if [ -n "${BOUNDARY:-}" ] && [[ $level > R1 ]] && ! within "$name"; then level=--; fi
  w_stop
  if [ "$level" != -- ] && [[ ! $level < $WANT ]]; then
    passed=$((passed + 1))
    printf 'ok   %s %s\n' "$level" "$name"
    rm -rf "$W_RUN"
  else
    failed=$((failed + 1))
    mkdir -p "$ARTIFACTS"
    rm -rf "${ARTIFACTS:?}/$name"
    mv "$W_RUN" "$ARTIFACTS/$name"
    printf 'FAIL %s %s: %s (kept in %s)\n' "$level" "$name" "$why" "$ARTIFACTS/$name"
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
