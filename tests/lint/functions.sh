#!/bin/sh
# functions.sh - no C function, and no function, task or always block of the RTL, over 60 lines; no C file over 600;
# prints the median lengths.
set -u
files=$(git ls-files -- '*.c' '*.h' '*.cpp' 'rtl/*.v')
lengths=$(mktemp)
trap 'rm -f "$lengths"' EXIT
# A block of Verilog goes on while lines are indented deeper than its first one; the end at the indentation of the first belongs to it.
# shellcheck disable=SC2086
awk -v lengths="$lengths" '
    function measured(kind, last, limit) {
        n = last - start + 1
        print kind, n > lengths
        if (n > limit) { printf "%s:%d: %s of %d lines, more than %d\n", FILENAME, start, kind, n, limit; bad = 1 }
        start = 0
    }
    FNR == 1 { start = 0; verilog = FILENAME ~ /\.v$/ }
    !verilog { lines[FILENAME]++ }
    !verilog && /^[a-zA-Z_].*\) \{$/ { start = FNR }
    !verilog && /^\}/ && start { measured("function", FNR, 60) }
    !verilog || /^[ \t]*$/ || /^`/ { next }
    { depth = match($0, /[^ ]/) }
    start && depth <= indent { measured("block", depth == indent && /^ *end/ ? FNR : last, 60) }
    !start && /^ *(function|task|always)[^a-z_]/ { start = FNR; indent = depth }
    { last = FNR }
    END { for (f in lines) if (lines[f] > 600) { printf "%s: %d lines, more than 600\n", f, lines[f]; bad = 1 } exit bad }
' $files
status=$?
for kind in function block; do
    sed -n "s/^$kind //p" "$lengths" | sort -n | awk -v kind="$kind" '
        { v[NR] = $1 }
        END { printf "%ss: %d, median %d lines, longest %d\n", kind, NR, v[int((NR + 1) / 2)], v[NR] }'
done
exit $status
