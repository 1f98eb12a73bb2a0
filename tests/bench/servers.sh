#!/bin/bash
# servers.sh: what recording costs servers and programs with threads. One row per workload and placement:
#   plain s        seconds of the plain build: of the load, for a server
#   record         recorded over plain, median of the pairs' ratios (requests per second: its inverse)
#   CPU us         CPU time of the plain build (without the load's) per request, microseconds; of the whole run, for a batch
#   record CPU     recorded over plain, of that (the recorder's own processes included)
#   log B/request  bytes of the trace per request (of the whole run, for a batch); again as `zstd -3` would pack it
#   replay CPU     CPU time of a replay over that of the recorded run
# Plain and recorded runs alternate after a warm-up of each. Placements: `free` (as the kernel likes), `one` (everything,
# the load too, on one processor: steadier, and what the load takes is the same in both).
#
# Then three small programs: locks.c (nanoseconds that recording adds to an uncontended acquisition of a mutex, log bytes per
# acquisition), loads.c (the same of loads that may race) and compute.c (log of two threads that compute, MB/s).
#
#   servers.sh [--workloads "httpd.bench redis.bench"] [--pairs N] [--replays N] [--place "free one"] [--base lto|plain]
#              [--as-built] [--control] [--no-build] [--no-small] [--out FOLDER]
# A program is profiled on its small workload and linked again with that profile before it is recorded; --as-built leaves
# that out. --control records nothing: what the table then says is the noise.
# Parameters (environment): ITARGET (itarget) ITARGET_CC (itarget-cc) ITARGET_APPS W_SECONDS (300) BIN (folder of the builds
#   that are recorded, in place of the `itarget` ones of tests/apps/build.sh).
# The variables of workloads.sh are set for it.
# shellcheck disable=SC2034
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/apps/workloads.sh
. "$here/../apps/workloads.sh"

fail() { echo "servers.sh: $*" >&2; exit 2; }

cache=${XDG_CACHE_HOME:-$HOME/.cache}/itarget
apps=${ITARGET_APPS:-$cache/apps}
: "${ITARGET:=itarget}" "${ITARGET_CC:=itarget-cc}" "${W_SECONDS:=300}"
# Ours, not the programs': the runtime warns of variables whose names begin so and that it does not know.
export -n ITARGET ITARGET_CC ITARGET_APPS
workloads='' pairs=10 replays=3 places='free one' base=lto build=1 small=1 control=0 profiled=1
out=$cache/bench/servers-$(date +%Y%m%dT%H%M%S)
while [ $# -gt 0 ]; do
  case $1 in
    --no-build) build=0; shift; continue ;;
    --no-small) small=0; shift; continue ;;
    --control) control=1; shift; continue ;;
    --as-built) profiled=0; shift; continue ;;
    --workloads | --pairs | --replays | --place | --base | --out) [ $# -ge 2 ] || fail "$1 needs a value" ;;
    *) fail "unknown option $1" ;;
  esac
  case $1 in
    --workloads) workloads=$2 ;;
    --pairs) pairs=$2 ;;
    --replays) replays=$2 ;;
    --place) places=$2 ;;
    --base) base=$2 ;;
    --out) out=$2 ;;
  esac
  shift 2
done
[[ $pairs =~ ^[1-9][0-9]*$ && $replays =~ ^[0-9]+$ ]] || fail "--pairs and --replays take a number"
for place in $places; do [[ $place = free || $place = one ]] || fail "--place is free, one or both"; done
lenient='-Wno-error=implicit-function-declaration -Wno-error=implicit-int -Wno-error=int-conversion'
case $base in
  lto) base_tag=base-lto base_env=(CC="clang-19 -flto $lenient" LDFLAGS=-fuse-ld=lld AR=llvm-ar-19 RANLIB=llvm-ranlib-19) small_flags=(-flto -fuse-ld=lld) ;;
  plain) base_tag=plain base_env=(CC="clang-19 $lenient") small_flags=() ;;
  *) fail "--base is lto or plain" ;;
esac
if [ -z "$workloads" ]; then
  workloads=$(threaded_names bench)
fi
bin=${BIN:-$apps/itarget/bin}
base_bin=$apps/$base_tag/bin

mkdir -p "$out"
runs_file=$out/runs.tsv
table=$out/table.tsv
log=$out/log
: >"$log"
printf 'workload\tplace\twhat\tseconds\tcpu_seconds\tload_cpu_seconds\trequests\ttrace_bytes\tstatus\n' >"$runs_file"
scratch=$(mktemp -d)
chmod 755 "$scratch"
cleanup() { w_stop; rm -rf "$scratch"; }
trap cleanup EXIT
trap 'exit 130' INT TERM

note() { printf '%s\n' "$*" >>"$log"; }
median() { LC_ALL=C sort -g | awk '{ v[NR] = $1 } END { if (NR == 0) print "-"; else if (NR % 2) print v[(NR + 1) / 2]; else print (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
median_of() { if [ $# -eq 0 ]; then echo -; else printf '%s\n' "$@" | median; fi; }
quotient() { awk -v a="$1" -v b="$2" -v f="${3:-%.4f}" 'BEGIN { if (a == "-" || b == "-" || b + 0 == 0) print "-"; else printf f, a / b }'; }

# place_on PLACE: where this shell and all that it starts may run.
all_processors=$(taskset -pc $$ | sed 's/.*: //')
place_on() {
  case $1 in
    free) taskset -pc "$all_processors" $$ >/dev/null ;;
    one) taskset -pc "${all_processors%%[,-]*}" $$ >/dev/null ;;
  esac
}

# children_cpu: seconds of CPU that this shell's ended children took, with theirs. Not to be called in a subshell.
children_cpu() {
  times >"$scratch/times"
  cpu_now=$(awk 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, t, /[ms]/); s += t[1] * 60 + t[2] } print s }' "$scratch/times")
}

# timed NAME PLACE WHAT BIN [PREFIX...]: one run. Sets `took`, `cpu` (without the load's), `requests`; false when it went wrong.
timed() {
  local name=$1 place=$2 what=$3 from=$4 status=0 wrong='' before load_cpu=0 bytes=-
  shift 4
  w_pre "$name" || { note "$name: cannot be prepared"; return 1; }
  # The same command line for every build.
  ln -sfn "$from" "$W_RUN/$(w_program "$name")"
  w_cmd "$name" "$W_RUN/$(w_program "$name")"
  children_cpu
  before=$cpu_now
  w_run "$@" || status=$?
  children_cpu
  took=$W_TOOK requests=1
  if [ "$W_KIND" = server ]; then
    requests=$(awk '/ requests in / { n += $1 } END { printf "%.0f\n", n }' "$W_RUN/load")
    load_cpu=$(awk '/ requests in / { s += $6 } END { print s + 0 }' "$W_RUN/load")
  fi
  cpu=$(awk -v a="$before" -v b="$cpu_now" -v l="$load_cpu" 'BEGIN { printf "%.4f", b - a - l }')
  if [ "$what" = record ] && [ -d "$trace" ]; then bytes=$(trace_bytes); fi
  if ! w_post "$name"; then wrong=' (wrong output)'; fi
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s%s\n' "$name" "$place" "$what" "$took" "$cpu" "$load_cpu" "$requests" "$bytes" "$status" "$wrong" >>"$runs_file"
  if grep -q IT06 "$W_RUN/stderr"; then
    wrong=' (the recording ended early)'
  fi
  if [ -z "$wrong" ] && [ "$status" -eq "$(w_status "$name")" ]; then return 0; fi
  note "$name: $what run: status $status$wrong"
  tail -n 5 "$W_RUN/stderr" >>"$log"
  return 1
}

trace_bytes() { find "$trace" -type f -printf '%s\n' | awk '{ s += $1 } END { printf "%.0f\n", s }'; }
packed_bytes() { find "$trace" -type f -print0 | sort -z | xargs -0 cat | { zstd -q -3 -c 2>/dev/null || gzip -6; } | wc -c; }

# prepare PROGRAM: the build that is recorded, once: linked with a profile of the small workload, where that works.
declare -A recorded_build
prepare() {
  local program=$1 app=$bin/$1 dir=$scratch/programs/$1
  if [ -n "${recorded_build[$program]:-}" ]; then return 0; fi
  recorded_build[$program]=$app
  if [ "$profiled" = 0 ] || [ "$control" = 1 ] || [ ! -x "$app" ]; then return 0; fi
  W_RUN=$dir/run
  mkdir -p "$W_RUN"
  # The build that counts is linked before its first run, however long that takes; no load waits for that.
  "$ITARGET" profile -o "$dir/none" -- "$app" --version >>"$log" 2>&1 </dev/null || true
  if w_setup "$small_name" && timed "$small_name" free profile "$app" "$ITARGET" profile -o "$dir/profile" -- &&
    "$ITARGET" relink "$app" --profile "$dir/profile" -o "$dir/$program" >>"$log" 2>&1 </dev/null && [ -x "$dir/$program" ]; then
    recorded_build[$program]=$dir/$program
  else
    note "$program: recorded as built, without a profile"
  fi
}

measure() {
  local name=$1 place=$2 i program small_name record_works=0 plain_s cpu_plain bytes=- packed=- replayed=()
  local plain=() record=() cpus=() cpu_ratios=() recorded_cpus=() sizes=() base_took base_cpu status per_request request_bytes
  program=$(w_program "$name")
  small_name=${name%%-*} small_name=${small_name%.*}.small trace=$scratch/none
  prepare "$program"
  W_RUN=$scratch/$name
  trace=$W_RUN/trace
  mkdir -p "$W_RUN"
  place_on "$place"
  w_setup "$name" || { note "$name: inputs cannot be made"; return 0; }
  local prefix=("$ITARGET" record -o "$trace" --) from=${recorded_build[$program]}
  if [ "$control" = 1 ]; then prefix=() from=$base_bin/$program; fi
  if [ -x "$base_bin/$program" ] && timed "$name" "$place" warm-up "$base_bin/$program"; then
    if [ -x "$from" ] && timed "$name" "$place" warm-up "$from" "${prefix[@]}"; then record_works=1; fi
    for ((i = 0; i < pairs; i++)); do
      timed "$name" "$place" plain "$base_bin/$program" || break
      base_took=$took base_cpu=$cpu
      plain+=("$took") cpus+=("$cpu")
      if [ "$record_works" = 0 ]; then continue; fi
      rm -rf "$trace"
      if timed "$name" "$place" record "$from" "${prefix[@]}"; then
        record+=("$(quotient "$took" "$base_took")") cpu_ratios+=("$(quotient "$cpu" "$base_cpu")") recorded_cpus+=("$cpu")
        if [ "$control" = 0 ]; then sizes+=("$(trace_bytes)"); fi
        cp -f "$W_RUN/stdout" "$W_RUN/recorded"
      else
        record_works=0 record=() cpu_ratios=()
      fi
    done
    if [ "$record_works" = 1 ] && [ "$control" = 0 ]; then
      bytes=$(median_of "${sizes[@]}") packed=$(packed_bytes)
      for ((i = 0; i < replays; i++)); do
        status=0
        rm -rf "$W_RUN/out"
        CMD=("$ITARGET" replay "$trace") W_STDIN=/dev/null W_KIND=batch
        children_cpu
        base_cpu=$cpu_now
        w_run || status=$?
        children_cpu
        cpu=$(awk -v a="$base_cpu" -v b="$cpu_now" 'BEGIN { printf "%.4f", b - a }')
        printf '%s\t%s\treplay\t%s\t%s\t0\t%s\t-\t%s\n' "$name" "$place" "$W_TOOK" "$cpu" "$requests" "$status" >>"$runs_file"
        if [ "$status" -ne "$(w_status "$name")" ] || ! cmp -s "$W_RUN/stdout" "$W_RUN/recorded"; then
          note "$name: the replay is not the recorded run (status $status)"
          tail -n 5 "$W_RUN/stderr" >>"$log"
          replayed=()
          break
        fi
        replayed+=("$(quotient "$cpu" "$(median_of "${recorded_cpus[@]}")")")
      done
    fi
  fi
  place_on free
  plain_s=$(median_of "${plain[@]}") cpu_plain=$(median_of "${cpus[@]}")
  per_request=$(quotient "$cpu_plain" "${requests:-1}" %.9f)
  if [ "$per_request" != - ]; then per_request=$(awk -v v="$per_request" 'BEGIN { printf "%.1f", v * 1e6 }'); fi
  request_bytes="$(quotient "$bytes" "${requests:-1}" %.1f) ($(quotient "$packed" "${requests:-1}" %.1f))"
  row "$name" "$place" "$plain_s" "$(median_of "${record[@]}")" "$per_request" "$(median_of "${cpu_ratios[@]}")" "$request_bytes" \
    "$(median_of "${replayed[@]}")" "${#record[@]}"
  rm -rf "$W_RUN"
}

row() {
  (IFS=$'\t'; echo "$*") >>"$table"
  local cell line='|'
  for cell in "$@"; do line+=" $cell |"; done
  echo "$line"
}

# small_program NAME FIELD-OF-THE-FIGURE: builds a program of this folder twice and runs pairs of it; sets plain_figure,
# record_figure (medians), log_bytes and first_field (of its output).
small_program() {
  local name=$1 field=$2 i plain=() record=() sizes=()
  clang-19 -O2 "${small_flags[@]}" -pthread "$here/$name.c" -o "$scratch/$name.plain"
  "$ITARGET_CC" -O2 -pthread "$here/$name.c" -o "$scratch/$name.itarget" >>"$log" 2>&1
  trace=$scratch/$name.trace
  plain_figure=- record_figure=- log_bytes=- first_field=1
  for ((i = 0; i < pairs; i++)); do
    "$scratch/$name.plain" >"$scratch/said" || return 0
    plain+=("$(awk -v f="$field" '{ print $f }' "$scratch/said")")
    first_field=$(awk '{ print $1 }' "$scratch/said")
    rm -rf "$trace"
    if ! "$ITARGET" record -o "$trace" -- "$scratch/$name.itarget" >"$scratch/said" 2>"$scratch/errors" || grep -q IT06 "$scratch/errors"; then
      note "$name: not recorded"
      head -n 3 "$scratch/errors" >>"$log"
      record=()
      break
    fi
    record+=("$(awk -v f="$field" '{ print $f }' "$scratch/said")")
    sizes+=("$(trace_bytes)")
  done
  plain_figure=$(median_of "${plain[@]}")
  if [ ${#record[@]} -gt 0 ]; then record_figure=$(median_of "${record[@]}") log_bytes=$(median_of "${sizes[@]}"); fi
}

if [ "$build" = 1 ]; then
  needed=$(for name in $workloads; do w_program "$name"; done | sort -u)
  # shellcheck disable=SC2086 # a list of words
  env ITARGET_APPS="$apps" "${base_env[@]}" "$here/../apps/build.sh" "$base_tag" $needed >&2 || note "the plain build failed"
  if [ -z "${BIN:-}" ] && [ "$control" = 0 ]; then
    # shellcheck disable=SC2086 # a list of words
    env ITARGET_APPS="$apps" CC="$ITARGET_CC" AR=llvm-ar-19 RANLIB=llvm-ranlib-19 "$here/../apps/build.sh" itarget $needed >&2 || note "the itarget build failed"
  fi
fi

printf 'workload\tplace\tplain_s\trecord\tcpu_us\trecord_cpu\tlog_bytes\treplay_cpu\tpairs\n' >"$table"
echo "| workload | place | plain s | record | CPU us | record CPU | log B/request (packed) | replay CPU | pairs |"
echo "|---|---|---|---|---|---|---|---|---|"
for place in $places; do
  for name in $workloads; do measure "$name" "$place"; done
done
if [ "$small" = 1 ] && [ "$control" = 0 ]; then
  echo
  for name in locks loads; do
    case $name in locks) what='uncontended acquisition' ;; loads) what=load ;; esac
    small_program $name 3
    added=$(awk -v a="$plain_figure" -v b="$record_figure" 'BEGIN { if (b == "-") print b; else printf "%.2f", b - a }')
    echo "$name: $plain_figure ns plain, $added ns added by recording, $(quotient "$log_bytes" "$first_field" %.4f) log bytes per $what"
  done
  small_program compute 3
  echo "compute: $plain_figure s plain, record $(quotient "$record_figure" "$plain_figure"), $(awk -v b="$log_bytes" -v s="$record_figure" 'BEGIN { if (b == "-") print b; else printf "%.4f", b / s / 1e6 }') MB/s of log"
fi
echo
echo "Plain build: $base_tag; medians of $pairs pairs; $(nproc) processors. Every run: $runs_file; what went wrong: $log."
