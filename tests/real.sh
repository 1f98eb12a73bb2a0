#!/usr/bin/env bash
# Real programs, built plain and with itarget-cc, each small workload at level R2 or better:
#   real.sh TOOLS      PROGRAMS="bzip2 lua" chooses; default: those of tests/apps/passing
# Then the same with part of each program replayed, for the targets of tests/apps/targets.tsv.
set -euo pipefail
tools=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
read -r -a programs <<< "${PROGRAMS:-$(tr '\n' ' ' < "$here/apps/passing")}"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/itarget
# As forgiving as GCC 12, which old configure scripts count on; itarget-cc is so by itself.
lenient="-Wno-error=implicit-function-declaration -Wno-error=implicit-int -Wno-error=int-conversion"
CC="clang-19 $lenient" bash "$here/apps/build.sh" plain "${programs[@]}"
PATH=$tools:$PATH CC=itarget-cc AR=llvm-ar-19 RANLIB=llvm-ranlib-19 bash "$here/apps/build.sh" itarget "${programs[@]}"
PATH=$tools:$PATH PLAIN=$cache/apps/plain/bin bash "$here/apps/r2.sh" "$cache/apps/itarget/bin" "${programs[@]}"

failed=0
while IFS=$'\t' read -r program patterns; do
  case " ${programs[*]} " in *" $program "*) ;; *) continue ;; esac
  folder=$(mktemp -d)
  IFS=: read -r -a list <<< "$patterns"
  options=()
  for pattern in "${list[@]}"; do
    case $pattern in '!'*) options+=(--exclude "${pattern#!}") ;; *) options+=(--target "$pattern") ;; esac
  done
  echo "$program, target $patterns"
  "$tools/itarget" relink "$cache/apps/itarget/bin/$program" "${options[@]}" -o "$folder/$program"
  PATH=$tools:$PATH PARTIAL=1 PLAIN=$cache/apps/plain/bin bash "$here/apps/r2.sh" "$folder" "$program" || failed=1
  rm -rf "$folder"
done < <(grep -v '^#' "$here/apps/targets.tsv")
exit "$failed"
