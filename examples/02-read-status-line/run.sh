#!/bin/sh
# neon's read_status_line, from Debian's source: fetches 1 MB twice, recorded at the library boundary and with the function
# as the target; replays both; prints how long the logs are and what is logged for the target.
# Needs the network once, for the source (see tests/apps); the server is one on 127.0.0.1.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
apps=$here/../../tests/apps
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT

CC=itarget-cc AR=llvm-ar-19 RANLIB=llvm-ranlib-19 bash "$apps/build.sh" itarget neon >"$dir/build.log" 2>&1 ||
  { cat "$dir/build.log" >&2; exit 1; }
neon=${XDG_CACHE_HOME:-$HOME/.cache}/itarget/apps/itarget/bin/neon
itarget relink "$neon" --cut libc -o "$dir/neon-libc"
itarget relink "$neon" --target read_status_line -o "$dir/neon-target"

clang-19 -O2 "$apps/httpd/httpd.c" -o "$dir/httpd" -lpthread
mkdir "$dir/www"
head -c 1000000 /dev/urandom >"$dir/www/file"
"$dir/httpd" -t 60 -p 0 "$dir/www" >"$dir/port" </dev/null &
server=$!
for _ in $(seq 100); do if [ -s "$dir/port" ]; then break; fi; sleep 0.05; done
url=http://127.0.0.1:$(grep -oE '[0-9]+' "$dir/port" | tail -n 1)/file

for which in libc target; do
  itarget record --digest -o "$dir/trace-$which" -- "$dir/neon-$which" "$url" "$dir/body" >"$dir/recorded"
  cmp "$dir/body" "$dir/www/file"
  # Nothing of the outside is touched; what is compared is the memory of what was replayed.
  itarget replay "$dir/trace-$which" >"$dir/replayed"
  echo "$which: $(itarget dump "$dir/trace-$which" | sed -n 's/^stream *//p') of the environment in the log"
done
itarget explain "$dir/neon-target" --trace "$dir/trace-target"
