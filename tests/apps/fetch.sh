#!/bin/bash
# fetch.sh DIR [PROGRAM...]: unpacks the pinned upstream source of each program into DIR/PROGRAM (replacing it).
#
# The files and their SHA-256 sums are those of sources.tsv. They come by `apt-get source` from the mirrors that this
# machine's apt already uses, through a private apt state, so that nothing of the machine's own configuration changes
# and deb-src need not be enabled. They are kept in $ITARGET_SOURCES (default: the user's cache folder).
# What is unpacked is upstream's tree without Debian's patches: those replace the build of two of the programs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${ITARGET_SOURCES:-${XDG_CACHE_HOME:-$HOME/.cache}/itarget/sources}
table=$here/sources.tsv
# Where this machine's own release no longer has a version, the next one is asked.
next_release=trixie
apt_dir=

fail() { echo "fetch.sh: $*" >&2; exit 1; }
cleanup() { if [ -n "$apt_dir" ]; then rm -rf "$apt_dir"; fi; }
trap cleanup EXIT

programs() { awk -F'\t' '!/^#/ && !seen[$1]++ {print $1}' "$table"; }
versions() { awk -F'\t' -v p="$1" '$1 == p && !seen[$3]++ {print $3}' "$table"; }
package() { awk -F'\t' -v p="$1" '$1 == p {print $2; exit}' "$table"; }
files() { awk -F'\t' -v p="$1" -v v="$2" '$1 == p && $3 == v {print $5 "  " $4}' "$table"; }

# Whether the cache holds every file of PROGRAM at VERSION, with the right sums.
have() { (cd "$cache" && files "$1" "$2" | sha256sum --quiet --status -c -) 2>/dev/null; }

# Sets up the private apt state on first use: this machine's own mirrors, as source repositories.
apt_state() {
  if [ -n "$apt_dir" ]; then return; fi
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg signed=
  apt_dir=$(mktemp -d)
  chmod 755 "$apt_dir"
  mkdir -p "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial"
  if [ -s "$keyring" ]; then signed="[signed-by=$keyring] "; fi
  # The main archive first, which has what a security archive has dropped. The $(...) are apt's own field names.
  # shellcheck disable=SC2016
  apt-get indextargets --format "deb-src $signed"'$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    sort -ru >"$apt_dir/sources.list"
  [ -s "$apt_dir/sources.list" ] || fail "apt has no repository configured"
  apt_update
}

apt_update() {
  apt_private update >"$apt_dir/update.log" 2>&1 || { cat "$apt_dir/update.log" >&2; fail "apt-get update failed"; }
}

# Adds the next release's sources to the private apt state; false when they are there already.
apt_next() {
  if grep -q " $next_release " "$apt_dir/sources.list"; then return 1; fi
  grep -E '/debian/? [a-z]+ ' "$apt_dir/sources.list" | sed -E "s, [a-z]+ ([a-z]+)\$, $next_release \\1," | sort -u >"$apt_dir/next"
  [ -s "$apt_dir/next" ] || return 1
  cat "$apt_dir/next" >>"$apt_dir/sources.list"
  apt_update
}

apt_private() {
  apt-get -q -o "Dir::Etc::sourcelist=$apt_dir/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o "Dir::State::lists=$apt_dir/lists" -o "Dir::Cache=$apt_dir/cache" -o Acquire::Retries=2 "$@"
}

# Brings the first version of PROGRAM that can be had into the cache; sets `version`.
obtain() {
  local program=$1 pkg
  for version in $(versions "$program"); do
    if have "$program" "$version"; then return 0; fi
  done
  pkg=$(package "$program")
  apt_state
  download "$program" "$pkg" || { apt_next && download "$program" "$pkg"; }
}

# download PROGRAM PACKAGE: the same from the repositories known so far.
download() {
  local program=$1 pkg=$2
  for version in $(versions "$program"); do
    if (cd "$cache" && apt_private source --download-only "$pkg=$version") >"$apt_dir/source.log" 2>&1; then
      if have "$program" "$version"; then return 0; fi
      echo "fetch.sh: $pkg $version: a file's SHA-256 is not the one in sources.tsv" >&2
    else
      tail -n 3 "$apt_dir/source.log" >&2
    fi
  done
  return 1
}

[ $# -ge 1 ] || fail "usage: fetch.sh DIR [PROGRAM...]"
target=$1
shift
if [ $# -eq 0 ]; then mapfile -t wanted < <(programs); else wanted=("$@"); fi
command -v dpkg-source >/dev/null || fail "dpkg-source is missing: install the package dpkg-dev"
mkdir -p "$cache" "$target"
for program in "${wanted[@]}"; do
  [ -n "$(package "$program")" ] || fail "unknown program: $program (see sources.tsv)"
  obtain "$program" || fail "no pinned version of $program can be had"
  rm -rf "${target:?}/$program"
  dpkg-source --no-check --skip-patches -x "$cache/$(package "$program")_${version#*:}.dsc" "$target/$program" \
    >/dev/null 2>&1 || fail "cannot unpack $program $version"
done
