#!/bin/sh
# All symbols that the library exports are peek_, and every function of the public headers is among them:
# symbols.sh LIBRARY INCLUDE_FOLDER
set -eu
exported=$(nm -D --defined-only "$1" | awk '{print $3}')
foreign=$(echo "$exported" | grep -v '^peek_[a-z]' || true)
if [ -n "$foreign" ]; then
    echo "exported without the prefix peek_:" $foreign
    exit 1
fi
for name in $(cat "$2"/nnpeek/*.h | grep -v '^ *#' | tr '\n' ' ' | grep -o 'PEEK_API [^;]*;' | sed -E 's/\(.*//; s/.*[ *]//'); do
    echo "$exported" | grep -qx "$name" || { echo "declared but not exported: $name"; exit 1; }
done
echo "$(echo "$exported" | wc -l) symbols, all peek_"
