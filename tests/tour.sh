#!/usr/bin/env bash
# The main job once, on a real program: tour.sh TOOLS DIRECTORY
# Fetches and builds bzip2 from Debian's source with itarget-cc, analyzes, records and replays it,
# and prints a small table.
set -euo pipefail
tools=$1
dir=$2
here=$(cd "$(dirname "$0")" && pwd)
PATH=$tools:$PATH

bash "$here/apps/fetch.sh" "$dir/src" bzip2
src=$(find "$dir/src" -mindepth 1 -maxdepth 1 -type d | head -n 1)
make -C "$src" -s CC=itarget-cc AR=llvm-ar-19 RANLIB=llvm-ranlib-19 bzip2
app=$src/bzip2

itarget analyze "$app"
seq 1 400000 > "$dir/input"
itarget record -o "$dir/trace" -- "$app" -kc "$dir/input" > "$dir/recorded"
mv "$dir/input" "$dir/gone" # the replay must not need it
itarget replay "$dir/trace" > "$dir/replayed"
cmp "$dir/recorded" "$dir/replayed"
printf '\n| program | input bytes | log bytes | replay |\n|---|---|---|---|\n'
printf '| bzip2 | %s | %s | identical |\n' "$(stat -c %s "$dir/gone")" "$(stat -c %s "$dir/trace/log")"
