#!/bin/sh
# Builds the fuzz targets and runs each for FUZZ_SECONDS (60), or those named in FUZZ: `FUZZ="npy json" scripts/fuzz.sh`.
# Inputs that reach something new are kept in build-fuzz/fuzz/new/, findings in build-fuzz/found/. Fails where there are any.
set -eu
cd "$(dirname "$0")/.."
build=$PWD/build-fuzz
cmake --preset fuzz >/dev/null
cmake --build "$build" -j "$(nproc)" --target fuzz_all >/dev/null
targets=${FUZZ:-$(ls fuzz/fuzz_*.c | sed 's/.*fuzz_\(.*\)\.c/\1/')}
found=0
for target in $targets; do
    longest=16384
    [ "$target" = json ] && longest=40000 # measures.json is long
    new=$build/fuzz/new/$target
    log=$build/fuzz/$target.log
    dictionary=
    [ -f "fuzz/fuzz_$target.dict" ] && dictionary=-dict=fuzz/fuzz_$target.dict
    mkdir -p "$new" "$build/found"
    if "$build/fuzz/fuzz_$target" -max_total_time="${FUZZ_SECONDS:-60}" -max_len=$longest -timeout=20 -rss_limit_mb=3000 \
        -print_final_stats=1 -artifact_prefix="$build/found/$target-" $dictionary "$new" \
        "$build/fuzz/corpus/fuzz_$target" >"$log" 2>&1; then
        echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions," \
            "$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1) edges, nothing found"
    else
        found=1
        echo "$target: $(grep -aE '^SUMMARY|does not hold' "$log" | head -1): see $log"
    fi
done
exit $found
