#!/bin/bash
# build.sh TAG [PROGRAM...]: builds the programs of sources.tsv with $CC into $ITARGET_APPS/TAG/bin.
#
# Each program's own configure and make run unmodified: they get CC, CFLAGS, LDFLAGS, AR and RANLIB, and switches that
# leave out optional libraries. A program is built again only when its key changes: a hash over its source's sums, the
# compiler, the flags and its recipe below. Parameters (environment):
#   CC (cc) CFLAGS (-O2 -g) LDFLAGS AR (ar) RANLIB (ranlib) JOBS (2)
#   CC_ID         what identifies the compiler, where hashing the program behind $CC is not enough (a wrapper's parts)
#   ITARGET_APPS  where the builds live; default: the user's cache folder
# The recipes are called by a name made at run time.
# shellcheck disable=SC2317
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
apps=${ITARGET_APPS:-${XDG_CACHE_HOME:-$HOME/.cache}/itarget/apps}
: "${CC:=cc}" "${CFLAGS:=-O2 -g}" "${LDFLAGS:=}" "${AR:=ar}" "${RANLIB:=ranlib}" "${JOBS:=2}"
export CC CFLAGS LDFLAGS AR RANLIB
# No build file is regenerated, whatever the time stamps of the unpacked files say.
export ACLOCAL=: AUTOMAKE=: AUTOCONF=: AUTOHEADER=: MAKEINFO=: LC_ALL=C

run_make() { make -j"$JOBS" "$@"; }

# Recipes: in the unpacked tree; they leave the program's path in `built`.
build_gzip() {
  ./configure -q --disable-dependency-tracking
  run_make
  built=gzip
}
build_bzip2() {
  run_make bzip2 CC="$CC" CFLAGS="$CFLAGS -D_FILE_OFFSET_BITS=64" LDFLAGS="$LDFLAGS" AR="$AR" RANLIB="$RANLIB"
  built=bzip2
}
build_sed() {
  ./configure -q --disable-dependency-tracking --disable-nls --disable-acl --without-selinux
  run_make
  built=sed/sed
}
build_grep() {
  ./configure -q --disable-dependency-tracking --disable-nls --disable-perl-regexp
  run_make
  built=src/grep
}
build_lua() {
  run_make linux CC="$CC" MYCFLAGS="$CFLAGS" MYLDFLAGS="$LDFLAGS" AR="$AR rcu" RANLIB="$RANLIB"
  built=src/lua
}
build_sqlite3() {
  # The shell takes the system's zlib when it finds it: told that there is none.
  ac_cv_search_deflate=no ac_cv_header_zlib_h=no ./configure -q --disable-dependency-tracking --disable-tcl \
    --enable-static --disable-shared --disable-readline --disable-load-extension
  run_make sqlite3
  built=sqlite3
}
build_wget() {
  # It takes libnettle whenever that is installed, for NTLM or not: told that there is none.
  PKG_CONFIG=false ac_cv_lib_nettle_nettle_md4_init=no ./configure -q --disable-dependency-tracking --disable-nls \
    --without-ssl --disable-pcre2 --disable-pcre --without-zlib --without-libpsl --disable-iri --without-libuuid --without-metalink --disable-ntlm
  run_make
  built=src/wget
}
build_neon() {
  ./configure -q --with-ssl=no --disable-webdav --without-zlib --without-gssapi --without-libproxy --disable-nls \
    --enable-static --disable-shared
  run_make -C src
  # CC and the flags are lists of words.
  # shellcheck disable=SC2086
  $CC $CFLAGS -Isrc -o neon-get "$here/neon-get.c" $LDFLAGS src/.libs/libneon.a
  built=neon-get
}

# Programs with threads, servers, and the libraries they are built with.
# shellcheck source=tests/apps/libraries.sh
. "$here/libraries.sh"
# shellcheck source=tests/apps/threaded.sh
. "$here/threaded.sh"

fail() { echo "build.sh: $*" >&2; exit 1; }

# source_of NAME: the name in sources.tsv of what NAME is built from.
source_of() {
  case $1 in
    httpd-prefork | ab) echo httpd ;;
    redis-benchmark) echo redis ;;
    *) echo "$1" ;;
  esac
}

# What identifies the compiler: the program behind the first word of $CC and the words themselves.
compiler_id() {
  local path
  path=$(command -v "${CC%% *}") || fail "no compiler ${CC%% *}"
  echo "$CC"
  if [ -n "${CC_ID:-}" ]; then echo "$CC_ID"; return; fi
  "$path" --version
  path=$(realpath "$path")
  # The project's own compiler is the wrapper, the pass and the runtime beside it.
  case ${CC%% *} in
    *itarget-c*)
      { find "${path%/*}" "${path%/*/*}/lib/itarget" -maxdepth 1 -type f \( -name 'itarget*' -o -name 'libitarget*' \) \
        ! -name "*.d" -print0 2>/dev/null || true; } | LC_ALL=C sort -z | xargs -0r cat | sha256sum
      ;;
    *) sha256sum <"$path" ;;
  esac
}

# key NAME [LIBRARY...]: the build's hash.
key() {
  local name
  {
    awk -F'\t' -v p="$(source_of "$1")" '$1 == p' "$here/sources.tsv"
    printf '%s\n' "$compiler" "$CFLAGS" "$LDFLAGS" "$AR" "$RANLIB" "${ITARGET_CC_RACES:-}"
    declare -f run_make "build_$1"
    case $1 in
      neon) cat "$here/neon-get.c" ;;
      bdb) cat "$here/bdb-load.c" ;;
      httpd* | ab) declare -f httpd_with ;;
    esac
    shift
    for name in "$@"; do key "$name"; done
  } | sha256sum | cut -d' ' -f1
}

# unpack NAME: the source of a program or library, as the current folder.
unpack() {
  local tree=$tag_dir/build
  if [ "$(source_of "$1")" != "$1" ]; then tree=$tree/$1.tree; fi
  "$here/fetch.sh" "$tree" "$(source_of "$1")"
  cd "$tree/$(source_of "$1")"
}

build_library() {
  unpack "$1"
  "build_$1"
  key "$1" >"$tag_dir/$1.key"
}

build_one() {
  local program=$1 built='' started=$EPOCHREALTIME
  local stamp=$tag_dir/$program.key
  rm -f "$stamp"
  unpack "$program"
  "build_$program"
  cp -f "$built" "$tag_dir/bin/$program.new"
  mv -f "$tag_dir/bin/$program.new" "$tag_dir/bin/$program"
  # What a compiler wrapper left beside the program goes with it.
  local beside to
  for beside in "$built".itarget*; do
    if [ ! -e "$beside" ]; then continue; fi
    to=$tag_dir/bin/$program${beside#"$built"}
    rm -rf "${to:?}"
    cp -r "$beside" "$to"
  done
  # A list of words.
  # shellcheck disable=SC2046
  key "$program" $(libraries "$program") >"$stamp"
  awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f\n", b - a }' >"$tag_dir/$program.seconds"
}

[ $# -ge 1 ] || fail "usage: build.sh TAG [PROGRAM...]"
tag=$1
shift
[ $# -gt 0 ] || set -- gzip bzip2 sed grep lua sqlite3 wget neon
tag_dir=$apps/$tag
P=$tag_dir/prefix
mkdir -p "$tag_dir/bin" "$tag_dir/build" "$P"
compiler=$(compiler_id)
failed=0
# stage NAME STEP...: a step with its output in NAME's log; sets `staged`, and says so when it fails. Not to be called in a
# condition, where errexit would be off.
stage() {
  local name=$1
  shift
  staged=yes
  # A subshell of its own, waited for: errexit must hold inside the recipe.
  ("$@") >"$tag_dir/$name.log" 2>&1 </dev/null &
  if wait $!; then return; fi
  echo "$name: FAILED, see $tag_dir/$name.log"
  tail -n 15 "$tag_dir/$name.log" >&2
  staged=no
  failed=1
}

for program in "$@"; do
  declare -F "build_$program" >/dev/null || fail "unknown program: $program"
  read -r -a needed <<<"$(libraries "$program")"
  if [ -x "$tag_dir/bin/$program" ] && [ "$(cat "$tag_dir/$program.key" 2>/dev/null)" = "$(key "$program" "${needed[@]}")" ]; then
    echo "$program: cached"
    continue
  fi
  for library in "${needed[@]}"; do
    if [ "$(cat "$tag_dir/$library.key" 2>/dev/null)" = "$(key "$library")" ]; then continue; fi
    rm -f "$tag_dir/$library.key"
    stage "$library" build_library "$library"
    if [ "$staged" = no ]; then continue 2; fi
  done
  stage "$program" build_one "$program"
  if [ "$staged" = yes ]; then echo "$program: built in $(cat "$tag_dir/$program.seconds") s"; fi
done
exit "$failed"
