#!/bin/sh
# Each public header compiles alone, as C17 and as C++17: headers.sh INCLUDE_FOLDER
set -eu
for header in "$1"/nnpeek/*.h; do
    name=nnpeek/$(basename "$header")
    echo "#include \"$name\"" | gcc -std=c17 -pedantic -Wall -Wextra -Werror -fsyntax-only -I"$1" -x c -
    echo "#include \"$name\"" | g++ -std=c++17 -pedantic -Wall -Wextra -Werror -fsyntax-only -I"$1" -x c++ -
done
echo "all headers compile alone"
