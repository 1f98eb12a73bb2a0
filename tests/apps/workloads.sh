#!/bin/bash
# Workloads of the programs of sources.tsv, to be sourced. A workload is named ACTION.SIZE: `small` ones run for under two
# seconds and exercise much of a program, `bench` ones are what is measured.
#
#   w_list SIZE [PROGRAM...]   names, one a line           w_program NAME   the program it runs
#   w_setup NAME     makes its inputs, once                w_pre NAME       fresh outputs, server started
#   w_cmd NAME BIN   fills the array CMD, W_STDIN and W_KIND (batch; server: see servers.sh); BIN is the program's path
#   w_post NAME      stops the server, checks the outputs; non-zero when they are not as they should be
#   w_stop           stops the server, if any
#   w_status NAME    the exit status that the program should give
#   w_normalise NAME a filter for what differs from run to run by nature (times, the order of a hash table); a recording
#                    and its replay must agree without it
#
# The caller runs CMD in $W_RUN with standard output and error in $W_RUN/stdout and $W_RUN/stderr, input from $W_STDIN.
# Outputs go to $W_RUN/out. Folders: $W_DATA (inputs, cached), $W_RUN (this run's; the caller sets and removes it).

# The variables below are for the caller.
# shellcheck disable=SC2034

W_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
W_DATA=${W_DATA:-${XDG_CACHE_HOME:-$HOME/.cache}/itarget/work/data}
# Plain builds, for what only a program's own counterpart can make or check.
W_PLAIN=${PLAIN:-${ITARGET_APPS:-${XDG_CACHE_HOME:-$HOME/.cache}/itarget/apps}/plain/bin}
W_SERVER=''
W_PORT=0
W_STDIN=/dev/null
W_KIND=batch
W_NAME=''
CMD=()
# One locale and time zone everywhere: they change what the programs do.
export LC_ALL=C.UTF-8 TZ=UTC0

# shellcheck source=tests/apps/servers.sh
. "$W_HERE/servers.sh"

w_list() {
  local size=$1 name
  shift
  for name in $(w_names "$size"); do
    if [ $# -eq 0 ] || [[ " $* " == *" $(w_program "$name") "* ]]; then echo "$name"; fi
  done
}

w_names() {
  case $1 in
    small)
      printf '%s.small\n' gzip gzip-file gunzip gzip-corrupt bzip2 bzip2-file bunzip2 bzip2-corrupt \
        sed sed-program sed-in-place grep grep-ignore-case grep-recursive grep-backreference grep-none \
        lua lua-error sqlite3 sqlite3-memory wget wget-headers wget-recursive wget-missing neon neon-chunked neon-missing
      ;;
    bench) printf '%s.bench\n' gzip bzip2 sed grep lua sqlite3 wget neon ;;
    *) echo "workloads.sh: no such size: $1" >&2; return 2 ;;
  esac
  threaded_names "$1"
}

w_program() {
  local action=${1%.*}
  case $action in
    gunzip) echo gzip ;;
    bunzip2) echo bzip2 ;;
    *) threaded_program "$action" ;;
  esac
}

w_status() {
  case $1 in
    gzip-corrupt.* | grep-none.* | lua-error.* | sqlite3-memory.*) echo 1 ;;
    bzip2-corrupt.*) echo 2 ;;
    wget-missing.* | wget-recursive.* | neon-missing.*) echo 8 ;;
    *) echo 0 ;;
  esac
}

# make_once FILE COMMAND...: FILE from the command's output, unless it is there.
make_once() {
  local file=$1
  shift
  if [ -s "$file" ]; then return 0; fi
  mkdir -p "${file%/*}"
  if ! "$@" >"$file.new.$$"; then rm -f "$file.new.$$"; return 1; fi
  mv -f "$file.new.$$" "$file"
}

# tool NAME SOURCE: compiles one of our own helpers, again when its source is newer.
tool() {
  local program=$W_DATA/tools/$1
  if [ "$program" -nt "$2" ]; then return 0; fi
  mkdir -p "$W_DATA/tools"
  "${HOST_CC:-cc}" -O2 -o "$program.new.$$" "$2" && mv -f "$program.new.$$" "$program"
}

gen() { "$W_DATA/tools/gen" "$@"; }
corrupt() { head -c 20000 "$1"; head -c 400 /dev/zero; tail -c +20401 "$1"; }
repeat() { local i; for ((i = 0; i < $1; i++)); do cat "$2"; done; }

w_setup() {
  local d=$W_DATA i
  tool gen "$W_HERE/gen.c"
  tool httpd "$W_HERE/httpd/httpd.c"
  # Inputs of another generator are not reused.
  local generation
  generation=$(cat "$W_HERE/gen.c" "$W_HERE/workloads.sh" | sha256sum)
  if [ "$(cat "$d/generation" 2>/dev/null)" != "$generation" ]; then
    rm -rf "$d/small" "$d/bench" "$d/www" "$d/expected"
    printf '%s\n' "$generation" >"$d/generation"
  fi
  case $1 in
    *.small)
      make_once "$d/small/text" gen text 1000000 1
      make_once "$d/small/text.gz" gzip -9nc "$d/small/text"
      make_once "$d/small/bad.gz" corrupt "$d/small/text.gz"
      make_once "$d/small/text.bz2" bzip2 -9c "$d/small/text"
      make_once "$d/small/bad.bz2" corrupt "$d/small/text.bz2"
      make_once "$d/small/load.sql" gen sql 3000 300 100 5
      for i in 1 2 3 4 5 6; do
        make_once "$d/small/tree/d$((i % 3))/e$i/file$i.txt" gen text 30000 "$i"
      done
      make_once "$d/www/site/index.html" printf '<html><a href="a.html">a</a> <a href="sub/b.html">b</a></html>\n'
      make_once "$d/www/site/a.html" printf '<html><a href="index.html">home</a> <img src="missing.png"></html>\n'
      make_once "$d/www/site/sub/b.html" printf '<html><a href="../c.txt">c</a></html>\n'
      make_once "$d/www/site/c.txt" gen text 20000 9
      make_once "$d/www/small.bin" gen random 300000 3
      ;;
    gzip.bench | bzip2.bench) make_once "$d/bench/text100" gen text 100000000 1 ;;
    sed.bench) make_once "$d/bench/text3" gen text 3000000 2 ;;
    grep.bench) make_once "$d/bench/text100" gen text 100000000 1 ;;
    sqlite3.bench) make_once "$d/bench/load.sql" gen sql 300000 100000 10000 1 ;;
    wget.bench) make_once "$d/www/f200m" gen random 200000000 4 ;;
    neon.bench) make_once "$d/www/f10m" gen random 10000000 5 ;;
  esac
  threaded_setup "$1"
}

# Starts the file server. Its port is the kernel's choice the first time and the same one from then on, because it is
# part of the command line.
start_server() {
  local i
  rm -f "$W_RUN/server.port"
  "$W_DATA/tools/httpd" -t 600 -p "$W_PORT" "$W_DATA/www" >"$W_RUN/server.port" 2>"$W_RUN/server.err" </dev/null &
  W_SERVER=$!
  for ((i = 0; i < 200; i++)); do
    if [ -s "$W_RUN/server.port" ]; then W_PORT=$(cat "$W_RUN/server.port"); return 0; fi
    if ! kill -0 "$W_SERVER" 2>/dev/null; then break; fi
    sleep 0.02
  done
  cat "$W_RUN/server.err" >&2
  w_stop
  return 1
}

w_stop() {
  if [ -n "$W_SERVER" ]; then
    kill "$W_SERVER" 2>/dev/null || true
    wait "$W_SERVER" 2>/dev/null || true
    W_SERVER=''
  fi
}

w_pre() {
  rm -rf "${W_RUN:?}/out"
  mkdir -p "$W_RUN/out"
  case $1 in
    gzip-file.* | bzip2-file.* | sed-in-place.*) cp -p "$W_DATA/small/text" "$W_RUN/out/text" ;;
    wget* | neon*) start_server ;;
  esac
  case $1 in
    sed-in-place.*) cp -p "$W_DATA/www/site/c.txt" "$W_RUN/out/other" ;;
    # Read before it is timed: the disk is not what is measured.
    wget.bench) cat "$W_DATA/www/f200m" >/dev/null ;;
    gzip.bench | bzip2.bench | grep.bench | pigz.bench | zstd.bench) cat "$W_DATA/bench/text100" >/dev/null ;;
  esac
  threaded_pre "$1"
}

w_cmd() {
  local d=$W_DATA o=$W_RUN/out b=$2 s=$W_HERE/scripts u=http://127.0.0.1:$W_PORT
  W_STDIN=/dev/null W_KIND=batch W_NAME=$1
  case $1 in
    gzip.small) CMD=("$b" -9 -n -c "$d/small/text") ;;
    gzip-file.small) CMD=("$b" -v -k -6 -S .zipped "$o/text") ;;
    gunzip.small) CMD=("$b" -d -c "$d/small/text.gz") ;;
    gzip-corrupt.small) CMD=("$b" -t -v "$d/small/bad.gz") ;;
    bzip2.small) CMD=("$b" -9 -c "$d/small/text") ;;
    bzip2-file.small) CMD=("$b" -1 -k -v "$o/text") ;;
    bunzip2.small) CMD=("$b" -d) W_STDIN=$d/small/text.bz2 ;;
    bzip2-corrupt.small) CMD=("$b" -t -vv "$d/small/bad.bz2") ;;
    sed.small) CMD=("$b" -n -E 's/([A-Z][a-z]+) ([a-z]+)/\2 <\1>/gp; $=; /^$/d; 5,8l' "$d/small/text") ;;
    sed-program.small) CMD=("$b" -E -f "$s/rewrite.sed" "$d/small/text") ;;
    sed-in-place.small) CMD=("$b" -i.bak -e 's/on/ON/2g; y/xyz/XYZ/' -e '1i first' -e "\$a last" "$o/text" "$o/other") ;;
    grep.small) CMD=("$b" -n -E '(^|[ ,])(con|per)[a-z]*(ment|ing)\b|[0-9]{4,}' "$d/small/text") ;;
    grep-ignore-case.small) CMD=("$b" -i -o -b -w 'un[a-z]*' "$d/small/text") ;;
    grep-recursive.small) CMD=("$b" -r -c --include=*.txt -e ment -e 'ing$' "$d/small/tree") ;;
    grep-backreference.small) CMD=("$b" -m 50 -A1 -B1 -n '\(..\)\1\1' "$d/small/text") ;;
    grep-none.small) CMD=("$b" -F -x -f "$s/patterns" "$d/small/text") ;;
    lua.small) CMD=("$b" "$s/features.lua" "$o" one two) ;;
    lua-error.small) CMD=("$b" "$s/error.lua") ;;
    sqlite3.small) CMD=("$b" "$o/db" ".read $d/small/load.sql" ".read $s/features.sql" .dump) ;;
    sqlite3-memory.small) CMD=("$b" -header -column :memory:) W_STDIN=$s/memory.sql ;;
    wget.small) CMD=("$b" --no-config -nv -O "$o/body" "$u/small.bin") ;;
    wget-headers.small) CMD=("$b" --no-config -S -d --save-headers -O "$o/body" "$u/small.bin?chunked") ;;
    wget-recursive.small) CMD=("$b" --no-config -r -l 3 -p -nH -P "$o" "$u/site/index.html") ;;
    wget-missing.small) CMD=("$b" --no-config -nv -O "$o/body" "$u/nothing-here") ;;
    neon.small) CMD=("$b" "$u/small.bin" "$o/body") ;;
    neon-chunked.small) CMD=("$b" "$u/small.bin?chunked" "$o/body") ;;
    neon-missing.small) CMD=("$b" "$u/nothing-here" "$o/body") ;;
    gzip.bench) CMD=("$b" -6 -n -c "$d/bench/text100") ;;
    bzip2.bench) CMD=("$b" -c "$d/bench/text100") ;;
    sed.bench) CMD=("$b" -E -f "$s/rewrite.sed" "$d/bench/text3") ;;
    grep.bench) CMD=("$b" -c -i -E '(con|per)[a-z]*(ment|ing).*[0-9]{4,}|zaz[aeiou]s' "$d/bench/text100") ;;
    lua.bench) CMD=("$b" "$s/bench.lua") ;;
    sqlite3.bench) CMD=("$b" "$o/db" ".read $d/bench/load.sql") ;;
    wget.bench) CMD=("$b" --no-config -q -O "$o/body" "$u/f200m") ;;
    neon.bench) CMD=("$b" "$u/f10m" "$o/body") ;;
    *) threaded_cmd "$1" "$b" || { echo "workloads.sh: no such workload: $1" >&2; return 2; } ;;
  esac
}

# expected NAME FILE CHECK...: FILE is what earlier runs made; the first time, CHECK says whether it is right.
expected() {
  local known=$W_DATA/expected/$1 sum
  sum=$(sha256sum <"$2")
  if [ -s "$known" ]; then [ "$sum" = "$(cat "$known")" ]; return; fi
  shift 2
  "$@" || return 1
  mkdir -p "$W_DATA/expected"
  printf '%s\n' "$sum" >"$known"
}

unpacks_to() { "$1" -dc <"$2" | cmp -s - "$3"; }

w_post() {
  local d=$W_DATA o=$W_RUN/out out=$W_RUN/stdout
  w_stop
  case $1 in
    gzip.small) unpacks_to gzip "$out" "$d/small/text" ;;
    gzip-file.small) unpacks_to gzip "$o/text.zipped" "$d/small/text" ;;
    bzip2.small) unpacks_to bzip2 "$out" "$d/small/text" ;;
    bzip2-file.small) unpacks_to bzip2 "$o/text.bz2" "$d/small/text" ;;
    gunzip.small | bunzip2.small) cmp -s "$out" "$d/small/text" ;;
    gzip-corrupt.small | bzip2-corrupt.small) [ -s "$W_RUN/stderr" ] ;;
    sed-in-place.small) cmp -s "$o/text.bak" "$d/small/text" && [ "$(tail -n 1 "$o/other")" = last ] ;;
    grep-none.small) [ ! -s "$out" ] ;;
    lua-error.small) grep -q 'stack traceback' "$W_RUN/stderr" ;;
    lua.small) grep -q '^done$' "$out" && [ -s "$o/lines" ] ;;
    sqlite3.small) grep -q '^COMMIT;$' "$out" && [ -s "$o/db" ] ;;
    wget.small | neon.small | neon-chunked.small) cmp -s "$o/body" "$d/www/small.bin" ;;
    wget-headers.small) tail -c 300000 "$o/body" | cmp -s - "$d/www/small.bin" ;;
    wget-recursive.small) diff -r "$o/site" "$d/www/site" ;;
    wget-missing.small | neon-missing.small) ! cmp -s "$o/body" "$d/www/small.bin" ;;
    gzip.bench) expected "$1" "$out" unpacks_to gzip "$out" "$d/bench/text100" ;;
    bzip2.bench) expected "$1" "$out" unpacks_to bzip2 "$out" "$d/bench/text100" ;;
    sqlite3.bench) expected "$1" "$out" grep -q '^300000|' "$out" ;;
    wget.bench) cmp -s "$o/body" "$d/www/f200m" ;;
    neon.bench) cmp -s "$o/body" "$d/www/f10m" ;;
    sed.bench | grep.bench | lua.bench) expected "$1" "$out" test -s "$out" ;;
    sed* | grep* | sqlite3*) [ -s "$out" ] ;;
    *) threaded_post "$1" ;;
  esac
}

w_normalise() {
  case $1 in
    # A line that begins with "varying" says itself that it does.
    lua* | sqlite3*) sed -E 's/^varying .*/varying/' ;;
    wget*)
      # Times and speeds; progress shown as dots with speeds; addresses in the debug output.
      sed -E -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}/TIME/g' \
        -e 's/\([0-9.,]+ [KMGT]?B\/s\)/(SPEED)/g' \
        -e 's/^( *[0-9]+K)[ .].*/\1 DOTS/' -e 's/^(Total wall clock time:).*/\1/' \
        -e 's/[0-9.,]+[KMG]? ?(=|in )[0-9.,]+ ?s/DURATION/g' -e 's/ in [0-9.]+s/ DURATION/g' \
        -e 's/0x[0-9a-f]+/ADDRESS/g' -e 's/^(Created|Registered|Closed) (socket|fd) [0-9]+/\1 \2/'
      ;;
    *) threaded_normalise "$1" ;;
  esac
}

# w_run [PREFIX...]: runs CMD, after the words of PREFIX, as described above, for at most $W_SECONDS; its exit status.
# Sets W_TOOK (seconds).
w_run() {
  local started status=0
  if [ "$W_KIND" = server ]; then
    serve "$W_NAME" "$@" || status=$?
    return "$status"
  fi
  started=$EPOCHREALTIME
  (cd "$W_RUN" && exec timeout -k 5 "${W_SECONDS:-60}" "$@" "${CMD[@]}") \
    <"$W_STDIN" >"$W_RUN/stdout" 2>"$W_RUN/stderr" || status=$?
  W_TOOK=$(seconds_between "$started" "$EPOCHREALTIME")
  return "$status"
}

seconds_between() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.4f", b - a }'; }
