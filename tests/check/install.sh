#!/bin/sh
# What is installed can be used: the example of docs/ builds through CMake's package and through pkg-config, and runs.
# install.sh BUILD_FOLDER SOURCE_FOLDER
set -eu
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$1" --prefix "$prefix/usr" >/dev/null
test -x "$prefix/usr/bin/nnpeek"
"$prefix/usr/bin/nnpeek" --version >/dev/null
mkdir "$prefix/example"
cp "$2/docs/example.c" "$prefix/example"
cat >"$prefix/example/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(example C)
find_package(nnpeek REQUIRED)
add_executable(example example.c)
target_link_libraries(example nnpeek::nnpeek)
END
cmake -S "$prefix/example" -B "$prefix/example/build" -DCMAKE_PREFIX_PATH="$prefix/usr" >/dev/null
cmake --build "$prefix/example/build" >/dev/null
(cd "$prefix/example" && ./build/example)
config=$(find "$prefix/usr" -name nnpeek.pc)
flags=$(PKG_CONFIG_PATH=$(dirname "$config") pkg-config --define-variable=prefix="$prefix/usr" --cflags --libs nnpeek)
cc -std=c17 -Wall -Werror "$2/docs/example.c" -o "$prefix/example/again" $flags
(cd "$prefix/example" && LD_LIBRARY_PATH=$(dirname "$config")/.. ./again)
