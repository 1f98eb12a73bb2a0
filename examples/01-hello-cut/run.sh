#!/bin/sh
# Builds status.c with both interfaces, records a run on a response of a megabyte, replays it, and prints how long the logs are.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cp "$here/status.c" .
{ echo "HTTP/1.1 200 OK"; head -c 1000000 /dev/urandom; } > response
for cut in libc min; do
    ITARGET_CC_CUT=$cut itarget-cc -O2 -g status.c -o "status-$cut"
    itarget record -o "trace-$cut" -- "./status-$cut" < response > recorded
    # The response is gone, and nothing of the outside is touched.
    itarget replay "trace-$cut" < /dev/null > replayed
    cmp recorded replayed
    echo "$cut: $(cat replayed); the log has $(($(wc -c < "trace-$cut/log") / 1000)) kB"
done
itarget analyze status-min | sed -n '/^interface/,$p' | grep '^ '
