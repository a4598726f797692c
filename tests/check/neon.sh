#!/bin/sh
# The NEON kernel, cross-compiled for AArch64 and run under an emulator: neon.sh SOURCE_FOLDER BLAS_HEADERS..
# Exit status 77 where compiler or emulator is missing, or is not needed: skipped.
set -eu
[ "$(uname -m)" != aarch64 ] || { echo "skipped: unit/test_kernel runs the NEON kernel on this machine"; exit 77; }
source=$1
shift
for program in aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v $program >/dev/null || { echo "skipped: there is no $program here (see scripts/setup.sh)"; exit 77; }
done
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
compile() {
    aarch64-linux-gnu-gcc -std=gnu17 -O3 -Wall -Wextra -Werror -I"$source/src" -I"$source/tests/unit" "$@"
}

# The table takes the kernel in; of BLAS this machine's headers are enough, after AArch64's own.
compile $(printf -- '-idirafter %s ' "$@") -S -o "$place/kernel.s" "$source/src/linalg/kernel.c"
grep -q peek__neon_times "$place/kernel.s" || { echo "the table of kernels has no row for NEON"; exit 1; }

compile -static -o "$place/neon" "$source/tests/check/neon.c" "$source/tests/unit/kernel_check.c" \
    "$source/src/linalg/kernel_neon.c" "$source/src/base/random.c" -lm
qemu-aarch64 "$place/neon"
