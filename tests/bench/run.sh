#!/bin/bash
# run.sh: the table of what recording costs. One row per workload:
#   plain s      seconds of the plain build
#   record       recorded (minimum cut) over plain
#   plain mode   the instrumented build, not recording, over plain
#   log min/libc bytes of the log, with the minimum cut and with the cut at libc
#   replay       replay over plain
#   analysis s, RSS MB   of the analysis; link s   of linking with the minimum cut's plan
# Plain, recorded and plain-mode runs alternate after a warm-up; a ratio is the median of the pairs' ratios. What the
# tools at hand cannot do, or what went wrong (see the log beside the results), is `-`.
#
#   run.sh [--programs "gzip sed"] [--size bench|small] [--workloads "gzip.bench"] [--runs N] [--replays N]
#          [--base lto|plain] [--no-build] [--out FOLDER]
# Parameters (environment): ITARGET (itarget), ITARGET_CC (itarget-cc), ITARGET_APPS, W_SECONDS (300: limit of a run),
#   STEP_SECONDS (600: limit of an analysis or a link).
# The plain build is clang's -O2 -flto, so that what link-time optimisation gains does not hide what recording costs;
# --base plain takes -O2 alone.
# The variables of workloads.sh are set for it.
# shellcheck disable=SC2034
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
apps_scripts=$here/../apps
# shellcheck source=tests/apps/workloads.sh
. "$apps_scripts/workloads.sh"

fail() { echo "run.sh: $*" >&2; exit 2; }

cache=${XDG_CACHE_HOME:-$HOME/.cache}/itarget
apps=${ITARGET_APPS:-$cache/apps}
: "${ITARGET:=itarget}" "${ITARGET_CC:=itarget-cc}" "${W_SECONDS:=300}" "${STEP_SECONDS:=600}"
programs='' size=bench workloads='' runs=${RUNS:-5} replays=3 base=${BASE:-lto} build=1
out=$cache/bench/$(date +%Y%m%dT%H%M%S)
while [ $# -gt 0 ]; do
  case $1 in
    --no-build) build=0; shift; continue ;;
    --programs | --size | --workloads | --runs | --replays | --base | --out) [ $# -ge 2 ] || fail "$1 needs a value" ;;
    *) fail "unknown option $1" ;;
  esac
  case $1 in
    --programs) programs=$2 ;;
    --size) size=$2 ;;
    --workloads) workloads=$2 ;;
    --runs) runs=$2 ;;
    --replays) replays=$2 ;;
    --base) base=$2 ;;
    --out) out=$2 ;;
  esac
  shift 2
done
[[ $runs =~ ^[1-9][0-9]*$ && $replays =~ ^[1-9][0-9]*$ ]] || fail "--runs and --replays take a number"
case $size in bench | small) ;; *) fail "--size is bench or small" ;; esac
# As forgiving as GCC 12, which old configure scripts count on.
lenient='-Wno-error=implicit-function-declaration -Wno-error=implicit-int -Wno-error=int-conversion'
case $base in
  lto) base_tag=base-lto base_env=(CC="clang-19 -flto $lenient" LDFLAGS=-fuse-ld=lld AR=llvm-ar-19 RANLIB=llvm-ranlib-19) ;;
  plain) base_tag=plain base_env=(CC="clang-19 $lenient") ;;
  *) fail "--base is lto or plain" ;;
esac
# shellcheck disable=SC2086 # lists of words
[ -n "$workloads" ] || workloads=$(w_list "$size" $programs)
[ -n "$workloads" ] || fail "no workload"

mkdir -p "$out"
runs_file=$out/runs.tsv
table=$out/table.tsv
log=$out/log
: >"$log"
printf 'workload\twhat\tseconds\tstatus\n' >"$runs_file"
scratch=$(mktemp -d)
cleanup() { w_stop; rm -rf "$scratch"; }
trap cleanup EXIT
trap 'exit 130' INT TERM

note() { printf '%s\n' "$*" >>"$log"; }
median() { LC_ALL=C sort -g | awk '{ v[NR] = $1 } END { if (NR == 0) print "-"; else if (NR % 2) print v[(NR + 1) / 2]; else print (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
median_of() { if [ $# -eq 0 ]; then echo -; else printf '%s\n' "$@" | median; fi; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (a + 0 <= 0 || b + 0 <= 0) print "-"; else printf "%.4f", a / b }'; }
shown() { awk -v v="$1" -v f="$2" 'BEGIN { if (v == "-" || v == "") print "-"; else printf f, v }'; }
# json FILE FIELD: a number, wherever it stands; "-" when it is not there.
json() {
  local value
  value=$(tr -d '\n' <"$1" 2>/dev/null | grep -oE "\"$2\"[[:space:]]*:[[:space:]]*[0-9.eE+-]+" | head -n 1 | sed 's/.*:[[:space:]]*//') || true
  echo "${value:--}"
}

# step WORDS...: a tool's step, bounded, its words in the log; sets `took`.
step() {
  local started=$EPOCHREALTIME status=0
  note "+ $*"
  timeout -k 5 "$STEP_SECONDS" "$@" >>"$log" 2>&1 </dev/null || status=$?
  took=$(seconds_between "$started" "$EPOCHREALTIME")
  if [ "$status" -ne 0 ]; then note "  exit status $status"; fi
  return "$status"
}

# timed NAME WHAT BIN [PREFIX...]: one run with the program BIN; false when it went wrong. Its seconds: W_TOOK.
timed() {
  local name=$1 what=$2 bin=$3 status=0 wrong=''
  shift 3
  w_pre "$name" || { note "$name: cannot be prepared"; return 1; }
  # The same command line for every build.
  ln -sfn "$bin" "$W_RUN/$(w_program "$name")"
  w_cmd "$name" "$W_RUN/$(w_program "$name")"
  w_run "$@" || status=$?
  if ! w_post "$name"; then wrong=' (wrong output)'; fi
  printf '%s\t%s\t%s\t%s%s\n' "$name" "$what" "$W_TOOK" "$status" "$wrong" >>"$runs_file"
  if [ -z "$wrong" ] && [ "$status" -eq "$(w_status "$name")" ]; then return 0; fi
  note "$name: $what run: status $status$wrong"
  tail -n 5 "$W_RUN/stderr" >>"$log"
  return 1
}

# prepare PROGRAM: analyses it, profiles it on its small workload and links it with each cut. Sets the arrays below.
declare -A prepared analysis_s rss_mb link_s min_bin libc_bin cut
prepare() {
  local program=$1 app=$apps/itarget/bin/$1 dir=$scratch/programs/$1 took='' profile=()
  if [ -n "${prepared[$program]:-}" ]; then return 0; fi
  prepared[$program]=1 analysis_s[$program]=- rss_mb[$program]=- link_s[$program]=- min_bin[$program]='' libc_bin[$program]='' cut[$program]=-
  if [ ! -x "$app" ]; then note "$program: no itarget build"; return 0; fi
  mkdir -p "$dir"
  min_bin[$program]=$app
  cut[$program]='as built'
  if timeout -k 5 "$STEP_SECONDS" "$ITARGET" analyze --json "$app" >"$dir/analysis.json" 2>>"$log" </dev/null; then
    analysis_s[$program]=$(json "$dir/analysis.json" analysis_seconds)
    rss_mb[$program]=$(json "$dir/analysis.json" peak_rss_bytes)
    [ "${rss_mb[$program]}" = - ] || rss_mb[$program]=$(awk -v b="${rss_mb[$program]}" 'BEGIN { printf "%.0f", b / 1e6 }')
  else
    note "$program: no analysis"
  fi
  W_RUN=$dir/profile-run
  mkdir -p "$W_RUN"
  if w_setup "$program.small" && timed "$program.small" profile "$app" "$ITARGET" profile -o "$dir/profile" --; then
    profile=(--profile "$dir/profile")
  else
    note "$program: no profile"
  fi
  if [ ${#profile[@]} -gt 0 ] && step "$ITARGET" relink "$app" "${profile[@]}" -o "$dir/$program.min" && [ -x "$dir/$program.min" ]; then
    link_s[$program]=$took
    min_bin[$program]=$dir/$program.min
    cut[$program]=profiled
  fi
  if step "$ITARGET" relink "$app" --cut=libc -o "$dir/$program.libc" && [ -x "$dir/$program.libc" ]; then
    libc_bin[$program]=$dir/$program.libc
  fi
}

log_bytes() { stat -c %s "$1/log" 2>/dev/null || echo -; }

measure() {
  local name=$1 program i status min libc trace plain=() record=() mode=() replay=() plain_s=- record_x=- mode_x=- replay_x=-
  local min_bytes=- libc_bytes=- base_bin
  program=$(w_program "$name")
  base_bin=$apps/$base_tag/bin/$program
  prepare "$program"
  min=${min_bin[$program]} libc=${libc_bin[$program]}
  W_RUN=$scratch/$name
  trace=$W_RUN/trace
  mkdir -p "$W_RUN"
  w_setup "$name" || { note "$name: inputs cannot be made"; return 0; }
  if [ -x "$base_bin" ] && timed "$name" warm-up "$base_bin"; then
    local record_works=0 mode_works=0 base_seconds
    if [ -n "$min" ]; then
      if timed "$name" warm-up "$min" "$ITARGET" record -o "$trace" --; then record_works=1; fi
      if timed "$name" warm-up "$min"; then mode_works=1; fi
    fi
    for ((i = 0; i < runs; i++)); do
      timed "$name" plain "$base_bin" || break
      base_seconds=$W_TOOK
      plain+=("$base_seconds")
      if [ "$record_works" = 1 ]; then
        rm -rf "$trace"
        if timed "$name" record "$min" "$ITARGET" record -o "$trace" --; then
          record+=("$(ratio "$W_TOOK" "$base_seconds")")
          cp -f "$W_RUN/stdout" "$W_RUN/recorded"
        else
          record_works=0 record=()
        fi
      fi
      if [ "$mode_works" = 1 ]; then
        if timed "$name" plain-mode "$min"; then mode+=("$(ratio "$W_TOOK" "$base_seconds")"); else mode_works=0 mode=(); fi
      fi
    done
    plain_s=$(median_of "${plain[@]}")
    if [ "$record_works" = 1 ]; then
      min_bytes=$(log_bytes "$trace")
      rm -rf "$W_RUN/out"
      for ((i = 0; i < replays; i++)); do
        status=0
        CMD=("$ITARGET" replay "$trace") W_STDIN=/dev/null
        w_run || status=$?
        printf '%s\treplay\t%s\t%s\n' "$name" "$W_TOOK" "$status" >>"$runs_file"
        if [ "$status" -ne "$(w_status "$name")" ] || ! cmp -s "$W_RUN/stdout" "$W_RUN/recorded"; then
          note "$name: the replay is not the recorded run (status $status)"
          tail -n 5 "$W_RUN/stderr" >>"$log"
          replay=()
          break
        fi
        replay+=("$(ratio "$W_TOOK" "$plain_s")")
      done
    fi
    rm -rf "$trace"
    if [ -n "$libc" ] && timed "$name" record-libc "$libc" "$ITARGET" record -o "$trace" --; then libc_bytes=$(log_bytes "$trace"); fi
  fi
  record_x=$(median_of "${record[@]}") mode_x=$(median_of "${mode[@]}") replay_x=$(median_of "${replay[@]}")
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$plain_s" "$record_x" "$mode_x" "$min_bytes" "$libc_bytes" \
    "$replay_x" "${analysis_s[$program]}" "${rss_mb[$program]}" "${link_s[$program]}" "${cut[$program]}" >>"$table"
  printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n' "$name" "$(shown "$plain_s" %.3f)" \
    "$(shown "$record_x" %.3fx)" "$(shown "$mode_x" %.3fx)" "$min_bytes" "$libc_bytes" "$(shown "$replay_x" %.3fx)" \
    "$(shown "${analysis_s[$program]}" %.2f)" "${rss_mb[$program]}" "$(shown "${link_s[$program]}" %.2f)" "${cut[$program]}"
  rm -rf "$W_RUN"
}

if [ "$build" = 1 ]; then
  needed=$(for name in $workloads; do w_program "$name"; done | sort -u)
  # shellcheck disable=SC2086 # a list of words
  env "${base_env[@]}" "$apps_scripts/build.sh" "$base_tag" $needed >&2 || note "the plain build failed"
  if command -v "$ITARGET_CC" >/dev/null; then
    # shellcheck disable=SC2086 # a list of words
    env CC="$ITARGET_CC" "$apps_scripts/build.sh" itarget $needed >&2 || note "the itarget build failed"
  else
    note "no command $ITARGET_CC"
  fi
fi

printf 'workload\tplain_s\trecord\tplain_mode\tlog_min\tlog_libc\treplay\tanalysis_s\trss_mb\tlink_s\tcut\n' >"$table"
echo "| workload | plain s | record | plain mode | log bytes, min cut | log bytes, libc cut | replay | analysis s | RSS MB | link s | plan |"
echo "|---|---|---|---|---|---|---|---|---|---|---|"
for name in $workloads; do measure "$name"; done
echo
echo "Plain build: $base_tag; medians of $runs runs; $(nproc) processors. Every run: $runs_file; what went wrong: $log."
