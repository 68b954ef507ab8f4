#!/bin/sh
# functions.sh - no C function over 70 lines, no code file over 600; prints the median function length.
set -u
files=$(git ls-files -- '*.c' '*.h' '*.cpp')
# shellcheck disable=SC2086
awk '
    FNR == 1 { start = 0; lines[FILENAME] = 0 }
    { lines[FILENAME]++ }
    /^[a-zA-Z_].*\) \{$/ { start = FNR; name = $0 }
    /^\}/ && start { n = FNR - start + 1; print n > "/dev/stderr"; if (n > 70) { printf "%s:%d: function of %d lines\n", FILENAME, start, n; bad = 1 } start = 0 }
    END { for (f in lines) if (lines[f] > 600) { printf "%s: %d lines, more than 600\n", f, lines[f]; bad = 1 } exit bad }
' $files 2>/tmp/qmac-functions.$$
status=$?
sort -n /tmp/qmac-functions.$$ | awk '{ v[NR] = $1 } END { printf "functions: %d, median %d lines, longest %d\n", NR, v[int((NR + 1) / 2)], v[NR] }'
rm -f /tmp/qmac-functions.$$
exit $status
