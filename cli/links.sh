#!/bin/sh
# Makes the other names of the executable in the directory where it lies: links.sh DIRECTORY
set -eu
cd "${1:?usage: links.sh DIRECTORY}"
[ -x itarget ] || { echo "links.sh: no itarget in $1" >&2; exit 1; }
exec ./itarget self-links .
