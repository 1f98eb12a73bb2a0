#!/bin/bash
# build.sh [PROGRAM...]: whole-program bitcode of large programs, for measuring the analysis (run.sh).
#
#   tests/scale/build.sh                  all: lua gawk redis nginx httpd postgres (about 15 minutes on two processors)
#   tests/scale/build.sh redis nginx      some
#
# Needs target/release/itarget-cc (`cargo build --release --workspace && bash cli/links.sh target/release`), or another one
# named by ITARGET_CC, and dpkg-dev. Sources are Debian's, pinned with their sums in
# tests/apps/sources.tsv and fetched at run time (tests/apps/fetch.sh). Objects are compiled by itarget-cc; the link leaves the merged bitcode instead of analyzing it
# (see `cc` beside this script), so a build takes what a plain one takes. Results: $ITARGET_SCALE/PROGRAM.bc, by default
# in the user's cache folder. A program is built again only when its sources, its recipe or the compiler's version change.
# Parameters (environment): ITARGET_CC CFLAGS (-O2 -g -w) JOBS (2) ITARGET_SCALE
# The recipes are called by a name made at run time.
# shellcheck disable=SC2317
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
scale=${ITARGET_SCALE:-${XDG_CACHE_HOME:-$HOME/.cache}/itarget/scale}
ITARGET_CC=$(command -v "${ITARGET_CC:-$root/target/release/itarget-cc}") || { echo "build.sh: itarget-cc is not built" >&2; exit 1; }
: "${CFLAGS:=-O2 -g -w}" "${JOBS:=2}"
export ITARGET_CC CFLAGS
export CC=$here/cc AR=llvm-ar-19 RANLIB=llvm-ranlib-19 NM=llvm-nm-19
# No build file is regenerated, whatever the time stamps of the unpacked files say.
export ACLOCAL=: AUTOMAKE=: AUTOCONF=: AUTOHEADER=: MAKEINFO=: LC_ALL=C
P=$scale/prefix

run_make() { make -j"$JOBS" "$@"; }

# unpack NAME: the source of a program or library, and the folder it is in.
unpack() {
  "$root/tests/apps/fetch.sh" "$scale/build" "$1"
  cd "$scale/build/$1"
}

# Libraries: static, into a prefix of their own.
# shellcheck source=tests/apps/libraries.sh
. "$root/tests/apps/libraries.sh"

# Programs: they leave the executable's path in `built`.
build_lua() {
  run_make linux CC="$CC" MYCFLAGS="$CFLAGS -DLUA_COMPAT_5_3" MYLDFLAGS="-Wl,-E" AR="$AR rcu" RANLIB="$RANLIB"
  built=src/lua
}
build_gawk() {
  ./configure -q --disable-dependency-tracking --disable-nls --disable-extensions --disable-mpfr --without-readline
  run_make -C support
  run_make gawk
  built=gawk
}
build_redis() {
  # Its Makefiles put the compiler's flags together themselves.
  unset CFLAGS
  run_make -C src V=1 MALLOC=libc BUILD_TLS=no USE_SYSTEMD=no CC="$CC" AR="$AR" RANLIB="$RANLIB" OPTIMIZATION=-O2 redis-server
  built=src/redis-server
}
build_nginx() {
  ./configure --with-cc="$CC" --with-cc-opt="$CFLAGS -I$P/include" --with-ld-opt="-L$P/lib" --with-threads --with-http_v2_module \
    --with-http_realip_module --with-http_dav_module --with-http_stub_status_module --with-stream --with-mail
  run_make
  built=objs/nginx
}
build_httpd() {
  sed -i 's,BUILD_DATETIME,"reproducible",' server/buildmark.c
  CPPFLAGS=-I$P/include LDFLAGS=-L$P/lib ./configure --prefix="$PWD/inst" --with-apr="$P" --with-apr-util="$P" \
    --with-pcre="$P/bin/pcre2-config" --with-mpm=event --disable-so --enable-mods-static=most --disable-ssl --disable-lua \
    --disable-ldap --disable-authnz-ldap --disable-http2 --disable-brotli --disable-proxy-html --disable-xml2enc --disable-md --with-z="$P"
  run_make
  built=httpd
}
build_postgres() {
  # A test of its configure script needs the compiler's complaints.
  CFLAGS=${CFLAGS/ -w/} ./configure -q --without-readline --without-zlib --without-icu
  run_make -C src/backend generated-headers
  run_make -C src/backend
  built=src/backend/postgres
}

fail() { echo "build.sh: $*" >&2; exit 1; }

# key NAME [LIBRARY...]: what a result depends on.
key() {
  local name
  {
    cat "$here/cc"
    "$ITARGET_CC" --version
    printf '%s\n' "$CFLAGS"
    for name in "$@"; do
      awk -F'\t' -v p="$name" '$1 == p' "$root/tests/apps/sources.tsv"
      declare -f "build_$name"
    done
  } | sha256sum | cut -d' ' -f1
}

build_library() { (unpack "$1" && "build_$1"); }

build_program() {
  local built=''
  unpack "$1"
  "build_$1"
  cp "$built.0.2.internalize.bc" "$scale/$1.bc.new"
  mv "$scale/$1.bc.new" "$scale/$1.bc"
}

# stage KIND NAME KEY: builds unless that was done; `staged` says whether it is there. Not to be called in a condition, where
# errexit would be off.
stage() {
  local kind=$1 name=$2 key=$3 started=$EPOCHREALTIME
  staged=yes
  if [ "$(cat "$scale/$name.key" 2>/dev/null)" = "$key" ]; then echo "$name: cached"; return; fi
  rm -f "$scale/$name.key"
  # A shell of its own, waited for: errexit must hold inside the recipe.
  ("build_$kind" "$name") >"$scale/$name.log" 2>&1 </dev/null &
  if ! wait $!; then
    echo "$name: FAILED, see $scale/$name.log"
    tail -n 15 "$scale/$name.log" >&2
    staged=no
    return
  fi
  rm -rf "$scale/build/$name"
  echo "$key" >"$scale/$name.key"
  awk -v n="$name" -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%s: built in %.0f s\n", n, b - a }'
}

[ $# -gt 0 ] || set -- lua gawk redis nginx httpd postgres
mkdir -p "$scale/build" "$P"
failed=0
for program in "$@"; do
  declare -F "build_$program" >/dev/null || fail "unknown program: $program"
  read -r -a needed <<<"$(libraries "$program")"
  for library in "${needed[@]}"; do
    stage library "$library" "$(key "$library")"
    if [ "$staged" = no ]; then failed=1; continue 2; fi
  done
  stage program "$program" "$(key "$program" "${needed[@]}")"
  if [ "$staged" = no ]; then failed=1; fi
done
exit "$failed"
