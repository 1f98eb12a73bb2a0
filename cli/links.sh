#!/bin/sh
# Makes the names that the one executable answers to: links.sh DIRECTORY-OF-ITARGET
set -eu
cd "${1:?usage: links.sh DIRECTORY}"
[ -x itarget ] || { echo "links.sh: no itarget in $1" >&2; exit 1; }
for name in itarget-cc itarget-c++ itarget-llvm-ar itarget-llvm-ranlib; do
    ln -sf itarget "$name"
done
