#!/bin/sh
# Finishes a build in the directory where it lies: links.sh DIRECTORY
# * the other names of the executable;
# * the runtime archive without the helper functions that Rust adds to every static library: `ceil`
#   and the like would take the place of libm's, and a configure script would find -lm not needed.
set -eu
cd "${1:?usage: links.sh DIRECTORY}"
[ -x itarget ] || { echo "links.sh: no itarget in $1" >&2; exit 1; }
helpers=$(llvm-ar-19 t libitarget_rt.a | grep '^compiler_builtins' | sort -u || true)
if [ -n "$helpers" ]; then
  # In a copy that takes the archive's place: cargo's own copy is a hard link to it.
  cp libitarget_rt.a libitarget_rt.a.new
  # shellcheck disable=SC2086 # a list of names
  llvm-ar-19 d libitarget_rt.a.new $helpers
  # Names that occur twice are deleted one at a time.
  while again=$(llvm-ar-19 t libitarget_rt.a.new | grep '^compiler_builtins' | sort -u) && [ -n "$again" ]; do
    # shellcheck disable=SC2086
    llvm-ar-19 d libitarget_rt.a.new $again
  done
  mv -f libitarget_rt.a.new libitarget_rt.a
fi
exec ./itarget self-links .
