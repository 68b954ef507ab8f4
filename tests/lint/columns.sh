#!/bin/sh
# columns.sh - no line of C, C++, Verilog, shell, awk or make over 140 characters. Tables of data (spec/, *.txt, *.prog) may be as wide as
# their rows. Some awks count bytes whatever the locale: the bytes of a character behind its first are taken away before counting.
set -u
files=$(git ls-files -- '*.c' '*.h' '*.cpp' '*.v' '*.vh' '*.vlt' '*.sh' '*.awk' '*.mk' '*Makefile' .ci/run)
# shellcheck disable=SC2086
LC_ALL=C awk '
    { gsub(/[\200-\277]/, "") }
    length > 140 { printf "%s:%d: %d columns, more than 140\n", FILENAME, FNR, length; bad = 1 }
    END { exit bad }
' $files
