#!/usr/bin/env bash
# Real programs, built plain and with itarget-cc, each small workload at level R2 or better, those of tests/apps/repeated.tsv at R4:
#   real.sh TOOLS      PROGRAMS="bzip2 lua redis" chooses; default: those of tests/apps/passing and tests/apps/partial-only
# Then the same with part of each program replayed, for the targets of tests/apps/targets.tsv. What the points-to analysis of some of them comes to is compared with tests/scale/bars.tsv. The servers of partial-only come from the bitcode
# that is made for measuring the analysis: they are built once, and linked for each row (`whole`: all of it is replayed). What is built and linked is kept in the user's cache folder, by the contents of all that goes into it.
set -euo pipefail
tools=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
read -r -a wanted <<< "${PROGRAMS:-$(cat "$here/apps/passing" "$here/apps/partial-only" | tr '\n' ' ')}"
programs=() servers=() repeated=() once=()
for program in "${wanted[@]}"; do
  if grep -qx "$program" "$here/apps/partial-only"; then servers+=("$program"); else programs+=("$program"); fi
done
cache=${XDG_CACHE_HOME:-$HOME/.cache}/itarget
# As forgiving as GCC 12, which old configure scripts count on; itarget-cc is so by itself.
lenient="-Wno-error=implicit-function-declaration -Wno-error=implicit-int -Wno-error=int-conversion"
if [ ${#programs[@]} -gt 0 ]; then
  CC="clang-19 $lenient" bash "$here/apps/build.sh" plain "${programs[@]}"
  PATH=$tools:$PATH CC=itarget-cc AR=llvm-ar-19 RANLIB=llvm-ranlib-19 bash "$here/apps/build.sh" itarget "${programs[@]}"
  for program in "${programs[@]}"; do
    if grep -qP "^$program\t" "$here/apps/repeated.tsv"; then repeated+=("$program"); else once+=("$program"); fi
  done
  export PLAIN=$cache/apps/plain/bin
  if [ ${#once[@]} -gt 0 ]; then PATH=$tools:$PATH bash "$here/apps/r2.sh" "$cache/apps/itarget/bin" "${once[@]}"; fi
  for program in "${repeated[@]}"; do
    cycles=$(awk -F'\t' -v p="$program" '$1 == p { print $2 }' "$here/apps/repeated.tsv")
    PATH=$tools:$PATH WANT=R4 CYCLES=$cycles bash "$here/apps/r2.sh" "$cache/apps/itarget/bin" "$program"
  done
fi
measured=()
for program in "${wanted[@]}"; do
  if grep -qP "^$program\t" "$here/scale/bars.tsv"; then measured+=("$program"); fi
done
if [ ${#measured[@]} -gt 0 ] || [ ${#servers[@]} -gt 0 ]; then
  mapfile -t whole < <(printf '%s\n' "${measured[@]}" "${servers[@]}" | sort -u)
  ITARGET_CC=$tools/itarget-cc bash "$here/scale/build.sh" "${whole[@]}"
fi
if [ ${#measured[@]} -gt 0 ]; then bash "$here/scale/bars.sh" "${measured[@]}"; fi

# The rows, for each server one without instrumentation, for the others one with the library boundary; linked two at a time. No
# log may be longer than that of the boundary, but where functions are excluded (what they hand over must be logged) and where
# tests/apps/longer.tsv says by how much.
rows=() workloads=()
while IFS=$'\t' read -r program patterns names how; do
  case " ${wanted[*]} " in *" $program "*) rows+=("$program" "$patterns" "$how") workloads+=("${names#all}") ;; esac
done < <(grep -v '^#' "$here/apps/targets.tsv")
{
  for program in "${servers[@]}"; do printf '%s\0plain\0\0' "$program"; done
  for program in "${programs[@]}"; do
    # The library boundary is what the logs of its partial targets are compared with.
    if cut -f1 "$here/apps/targets.tsv" | grep -qx "$program"; then printf '%s\0libc\0\0' "$program"; fi
  done
  if [ ${#rows[@]} -gt 0 ]; then printf '%s\0' "${rows[@]}"; fi
} | xargs -0 -r -n 3 -P 2 bash "$here/apps/partial.sh" "$tools" >/dev/null

failed=0
for ((i = 0; i < ${#rows[@]}; i += 3)); do
  program=${rows[i]} patterns=${rows[i + 1]} how=${rows[i + 2]} plain=$cache/apps/plain/bin boundary=''
  longer=$(awk -F'\t' -v p="$program" -v t="$patterns" '$1 == p && $2 == t { print $3 "=" $4 }' "$here/apps/longer.tsv" | tr '\n' ' ')
  if grep -qx "$program" "$here/apps/partial-only"; then
    plain=$(bash "$here/apps/partial.sh" "$tools" "$program" plain)
  elif [[ $patterns != *!* ]]; then
    boundary=$(bash "$here/apps/partial.sh" "$tools" "$program" libc)
  fi
  partial=1
  if [ "$patterns" = whole ]; then partial=0; fi
  echo "$program, target $patterns${how:+, with a profile}"
  folder=$(bash "$here/apps/partial.sh" "$tools" "$program" "$patterns" "$how")
  PATH=$tools:$PATH WORKLOADS=${workloads[i / 3]} PARTIAL=$partial PLAIN=$plain BOUNDARY=$boundary LONGER=$longer bash "$here/apps/r2.sh" "$folder" "$program" || failed=1
done
exit "$failed"
