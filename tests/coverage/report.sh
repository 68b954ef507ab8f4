#!/bin/sh
# report.sh COVERAGE BUILD MACHINE.dat... - runs what is measured in C, writes COVERAGE/report.txt from all that was measured, and prints
# it. Exit status 1 when something is below its goal (tests/coverage/rtl.awk, functional.c, and the lines of the C rooms here).
set -eu
coverage=$1 build=$2
shift 2
c=$coverage/c
digits=workloads/digits/digits_int8.tflite

find "$c" -name '*.gcda' -delete
"$c/unit" --jobs 2 >"$c/log" 2>&1
"$c/skip_equals_step" 30 1 tiny edge m3x5 acc20 >>"$c/log" 2>&1
"$c/qmac" compile $digits -o "$c/digits.qmac" --dump-after tile >>"$c/log" 2>&1
for engine in cycle functional systemc; do
    "$c/qmac" run $digits --machine edge --engine $engine --json "$c/digits.json" >>"$c/log" 2>&1
done
for network in workloads/digits/*.onnx; do "$c/qmac" run "$network" --machine m3x5 >>"$c/log" 2>&1; done
goal_c=85
if [ -n "${QMAC_DATA:-}" ]; then
    "$c/onnx_nodes" "$QMAC_DATA/onnx-node-tests" tests/networks/onnx_nodes.txt >>"$c/log" 2>&1
fi

failed=0
report() {
    printf 'RTL, lines and toggles (Verilator; %s)\n' "$*"
    awk -f tests/coverage/rtl.awk tests/coverage/exclusions.txt "$@" || failed=1
    printf '\nC rooms, lines (gcov; gcov -o %s/obj/FOLDER FILE.c for a listing)\n' "$c"
    find "$c" -name '*.gcda' | LC_ALL=C sort | xargs gcov -n 2>/dev/null | awk -v goal=$goal_c -f tests/coverage/rooms.awk || failed=1
    printf '\nInstruction fields in states of the machine (6000 random programs on tiny and edge)\n'
    "$build/functional_coverage" 100 6000 1 tiny edge || failed=1
}
report "$@" >"$coverage/report.txt"
# The long lists stay in the file.
grep -v '^    ' "$coverage/report.txt"
echo "with lists of what is missing: $coverage/report.txt"
exit $failed
