#!/bin/sh
# Installs what is missing, builds, runs the tests: `scripts/test.sh [fast|all|sanitize|sanitize-thread]`. Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/.."
what=${1:-fast}
purpose=test
case $what in all | sanitize-thread) purpose=fuzz ;; esac
scripts/setup.sh $purpose || exit 1
jobs=$(nproc)  # and one test more than that, since some wait: for a server, a signal, a browser
# Tests make and remove ten thousands of small files, which costs a disk as much time as all that is tested.
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ] && [ "$(df -Pk /dev/shm | awk 'NR == 2 {print int($4 / 1048576)}')" -ge 4 ]; then
    export TMPDIR=/dev/shm
fi
log=build/test.log
mkdir -p build
: >"$log"

# A preset is configured and built, then its tests run; the rest of the arguments go to CTest.
run_preset() {
    preset=$1
    folder=$2
    shift 2
    cmake --preset "$preset" -DBUILD_TESTING=ON >"$folder.configure.log" 2>&1 || { cat "$folder.configure.log"; return 1; }
    rm -f "$folder.configure.log"
    cmake --build "$folder" -j "$jobs" || return 1
    ctest --test-dir "$folder" --output-on-failure --no-tests=error -j $((jobs + 1)) "$@" 2>&1 | tee -a "$log"
}

built=1
if [ "$what" = fast ] || [ "$what" = all ]; then
    if [ "$what" = all ]; then
        run_preset release build || built=0
    else
        run_preset release build -LE long || built=0
    fi
fi
[ "$what" = sanitize-thread ] || run_preset address build-address -L unit || built=0
case $what in all | sanitize-thread) run_preset thread build-thread -L unit || built=0 ;; esac

# CTest's own summary, "97% tests passed, 1 tests failed out of 34", counts skipped tests as passed.
summary='s/^ *[0-9]*% tests passed, \([0-9]*\) tests failed out of \([0-9]*\).*/\1 \2/p'
skipped=$(grep -c '\*\*\*Skipped' "$log")
failed=$(sed -n "$summary" "$log" | awk '{failed += $1} END {print failed + 0}')
passed=$(sed -n "$summary" "$log" | awk -v skipped="$skipped" '{failed += $1; all += $2} END {print all - failed - skipped}')
[ "$built" = 1 ] || { echo "a build failed"; failed=$((failed + 1)); }
if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
