#!/usr/bin/env bash
# The two set-up commands of the README, for a fresh Debian 12 machine with Rust.
#   tests/setup.sh tour   installs what is missing, builds, and runs the main job
#   tests/setup.sh test   the same set-up, then the tests
set -euo pipefail
cd "$(dirname "$0")/.."
want=${1:-tour}

packages=(clang-19 lld-19 llvm-19 llvm-19-dev g++ gcc make cmake dpkg-dev gdb bzip2 gzip xz-utils diffutils tcl)
# Libraries that test programs use.
if [ "$want" = test ]; then packages+=(libblkid-dev libevent-dev libpng-dev liburing-dev zlib1g-dev); fi
missing=()
for p in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
install() {
    $sudo apt-get update -q
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -q -y --no-install-recommends "$@"
}
if [ ${#missing[@]} -gt 0 ]; then
    install "${missing[@]}"
fi
# A browser for the tests of `itarget graph --html`; where there is none, they are ignored by name.
if [ "$want" = test ] && ! command -v chromium >/dev/null; then
    install chromium || echo "chromium can't be installed: tests/tests/page.rs is ignored" >&2
fi

cargo build --release --workspace
bin=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release
bash cli/links.sh "$bin"

case $want in
tour)
    dir=$(mktemp -d)
    trap 'rm -rf "$dir"' EXIT
    bash tests/tour.sh "$bin" "$dir"
    ;;
test)
    export TOOLS_UNDER_TEST=$bin
    cargo test --no-fail-fast -p itarget-tests -p itarget-runtime -p itarget-abi -p itarget-order -p itarget-plan -p itarget-min-cut -p itarget-annotations -p itarget-analyzer -p itarget-llvm-pass -p itarget
    PROGRAMS=${PROGRAMS-} bash tests/real.sh "$bin"
    ;;
*)
    echo "usage: tests/setup.sh tour|test" >&2
    exit 2
    ;;
esac
