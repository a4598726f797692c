#!/bin/sh
# Runs ONNX's own tests: `conformance.sh PROGRAM FOLDER SUITE=FLOOR ... [-- OPTION ...]`.
#
# Suites `debian/NAME` are folders of libonnx-testdata; suites `vectors/NAME` those of onnx-vectors.tar.xz in $NNPEEK_DATA,
# which is unpacked into FOLDER/vectors where it is there, and passed over where not.
set -eu
program=$1
folder=$2
shift 2
debian=/usr/share/libonnx-testdata/data
archive=${NNPEEK_DATA:-}/onnx-vectors.tar.xz
vectors=$folder/vectors
if [ -f "$archive" ] && [ ! "$vectors/manifest.csv" -nt "$archive" ]; then
    rm -rf "$vectors"
    mkdir -p "$vectors"
    tar -xJf "$archive" -C "$vectors"
    touch "$vectors/manifest.csv"
fi
[ -d "$debian" ] || { echo "conformance.sh: $debian is missing: install libonnx-testdata" >&2; exit 1; }

suites=
while [ $# -gt 0 ]; do
    suite=${1%=*}
    floor=${1#*=}
    case $1 in
    --) shift; break ;;
    debian/*) suites="$suites $suite=$debian/${suite#debian/}=$floor" ;;
    vectors/*)
        if [ -f "$archive" ]; then
            suites="$suites $suite=$vectors/${suite#vectors/}=$floor"
        else
            echo "$suite: passed over, there is no onnx-vectors.tar.xz in \$NNPEEK_DATA"
        fi ;;
    *) echo "conformance.sh: there is no suite $1" >&2; exit 2 ;;
    esac
    shift
done
# The folders' names have no blanks.
# shellcheck disable=SC2086
exec "$program" "$@" $suites
