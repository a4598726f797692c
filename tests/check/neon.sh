#!/bin/sh
# The NEON kernel compiled for AArch64 and run under qemu: `neon.sh SOURCE BUILD`. On AArch64 itself unit/test_kernel does this.
set -eu
source=$1
build=$2
compiler=aarch64-linux-gnu-gcc
if [ "$(uname -m)" = aarch64 ] || ! command -v $compiler >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
    echo "skipped: needs gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user on another machine than AArch64"
    exit 77
fi
mkdir -p "$build"
$compiler -std=gnu17 -O2 -static -D_GNU_SOURCE -Wall -Wextra -Werror -I"$source/src" -I"$source/include" \
    "$source/tests/check/neon.c" "$source/src/linalg/kernel_neon.c" "$source/src/base/random.c" -lm -o "$build/neon"
qemu-aarch64 "$build/neon"
