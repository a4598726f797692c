#!/bin/sh
# Installs what nnpeek needs on Debian 12 and its relatives, as far as it is missing: `scripts/setup.sh [build|test|bench|fuzz]`.
# Says what it will install, uses sudo only when not root, does nothing where all is there.
set -eu

purpose=${1:-build}
packages="gcc make cmake ninja-build pkg-config libc6-dev
    libopenblas-openmp-dev liblapacke-dev libdnnl-dev
    libprotobuf-c-dev protobuf-c-compiler libonnx-dev
    libspng-dev libjpeg62-turbo-dev zlib1g-dev libcjson-dev libcurl4-openssl-dev nettle-dev"
test_packages="g++ git libcmocka-dev libonnx-testdata python3 python3-numpy python3-scipy python3-sklearn
    python3-onnx python3-torch chromium-headless-shell fonts-dejavu-core xz-utils procps"
# The NEON kernel's test: 56 MB to download, 260 MB on disk. Not needed where the machine is an AArch64 itself.
[ "$(uname -m)" = aarch64 ] || test_packages="$test_packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"
# libFuzzer and the thread sanitizer: clang with its own OpenMP, and Archer, which comes with it.
fuzz_packages="clang llvm libomp-dev"
case $purpose in
build) ;;
test | bench) packages="$packages $test_packages" ;;
fuzz) packages="$packages $test_packages $fuzz_packages" ;;
*)
    echo "setup.sh: there is no purpose '$purpose': build, test, bench or fuzz" >&2
    exit 2
    ;;
esac
# Node.js may have come from elsewhere: what counts is that it runs.
command -v node >/dev/null 2>&1 || packages="$packages nodejs"
command -v npm >/dev/null 2>&1 || packages="$packages npm ca-certificates"

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "setup.sh: this is not a Debian system; please install by hand what these packages hold:" $packages >&2
    exit 0
fi
missing=
for package in $packages; do
    state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
    case $state in ii* | hi*) ;; *) missing="$missing $package" ;; esac
done
[ -n "$missing" ] || exit 0

echo "setup.sh: installing:$missing"
as_root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "setup.sh: root is needed to install packages; as root, run: apt-get install$missing" >&2
        exit 1
    fi
    as_root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
echo "setup.sh: done"
