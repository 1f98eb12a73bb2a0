#!/usr/bin/env bash
# partial.sh TOOLS PROGRAM PATTERNS [profile]: links a program with a replay target (patterns separated by `:`, after a `!` what is
# not replayed), perhaps with a profile of its small workload, and prints the folder that it is in. Those of `partial-only` are linked from the bitcode of ../scale/build.sh, and
# `plain` for PATTERNS links them without instrumentation, `whole` replays all of them; others are linked again from the builds of build.sh, and `libc`
# for PATTERNS links them with that cut.
# A program is linked again only when its bitcode or executable, the tools or this script change.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -eq 3 ] || [ $# -eq 4 ] || { echo "usage: partial.sh TOOLS PROGRAM PATTERNS [profile]" >&2; exit 2; }
tools=$(cd "$1" && pwd) program=$2 patterns=$3 how=${4:-}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/itarget
bitcode=${ITARGET_SCALE:-$cache/scale}/$program.bc
server=no input=${ITARGET_APPS:-$cache/apps}/itarget/bin/$program
if grep -qx "$program" "$here/partial-only"; then server=yes input=$bitcode; fi
sum() { sha256sum | cut -c1-"${1:-64}"; }
place=$cache/apps/partial/$program-$(printf %s "$patterns$how" | sum 12)
key=$({
  cat "$input" "${BASH_SOURCE[0]}"
  if [ "$patterns" != plain ]; then
    find "$tools" -maxdepth 1 -type f \( -name 'itarget*' -o -name 'libitarget*' \) ! -name '*.d' -print0 | LC_ALL=C sort -z | xargs -0 cat
  fi
} | sum)
if [ -x "$place/$program" ] && [ "$(cat "$place/key" 2>/dev/null)" = "$key" ]; then echo "$place"; exit; fi
rm -rf "$place"
mkdir -p "$place"
flags=(-O1 -g "-Wl,$bitcode" -rdynamic -lm -ldl -lpthread -lrt -lcrypt -o "$place/$program")
if [ "$server" = no ]; then
  IFS=: read -r -a list <<<"${patterns/#libc/}"
  options=()
  if [ "$patterns" = libc ]; then options=(--cut libc); fi
  for pattern in "${list[@]}"; do
    case $pattern in '!'*) options+=(--exclude "${pattern#!}") ;; *) options+=(--target "$pattern") ;; esac
  done
  if [ "$how" = profile ]; then
    # shellcheck source=tests/apps/workloads.sh
    . "$here/workloads.sh"
    W_RUN=$place/run
    mkdir -p "$W_RUN"
    trap w_stop EXIT
    { w_setup "$program.small" && w_pre "$program.small"; } >&2
    w_cmd "$program.small" "$input"
    w_run "$tools/itarget" profile "${options[@]}" -o "$place/profile" -- >&2 || [ $? -eq "$(w_status "$program.small")" ]
    options+=(--profile "$place/profile")
  fi
  "$tools/itarget" relink "$input" "${options[@]}" -o "$place/$program" >&2
elif [ "$patterns" = plain ]; then
  clang-19 -flto -fuse-ld=lld -Wl,--lto-O0 "${flags[@]}" >&2
elif [ "$patterns" = whole ]; then
  "$tools/itarget-cc" "${flags[@]}" >&2
else
  ITARGET_CC_TARGET=$patterns "$tools/itarget-cc" "${flags[@]}" >&2
fi
echo "$key" >"$place/key"
echo "$place"
