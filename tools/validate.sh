#!/bin/sh
# validate.sh - published machines beside what qmac says of the like, and their ratio, good and bad: areas of NVDLA by its number of
# multipliers, the cells of Bit Fusion, energy a MAC of Eyeriss. Figures of other nodes are scaled to 45 nm, area by the square of the
# node and energy by it, and those of 16 bits halved. docs/energy.md says what follows. Exit 1: something is off by more than 3 times,
# which no range explains.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

off=0
row() { # what, published, ours, unit
    awk -v what="$1" -v theirs="$2" -v ours="$3" -v unit="$4" 'BEGIN {
        printf "%-58s %10.3g %10.3g %-8s %6.2f\n", what, theirs, ours, unit, ours / theirs
        exit !(ours / theirs < 3 && theirs / ours < 3)
    }' || off=1
}

area() { # KNOB=VALUE...: mm2 of edge so changed
    # shellcheck disable=SC2046
    build/qmac area edge $(printf -- '--set %s ' "$@") | awk '$1 == "all" { print $2 }'
}

nominal() { # KEY of the report, of the first such name
    sed -n "/\"$1\"/,/}/s/^\t*\"nominal\":\t\([0-9.e+-]*\),*/\1/p" "$work/report.json" | head -1
}

number() {
    sed -n "s/^\t*\"$1\":\t\([0-9.e+-]*\),*/\1/p" "$work/report.json" | head -1
}

printf '%-58s %10s %10s %-8s %6s\n' "" published ours unit ratio
# NVDLA at 28 nm (nvdla.github.io, primer): multipliers, buffer in KiB, mm2
while read -r side buffer mm2; do
    scaled=$(awk -v a="$mm2" 'BEGIN { print a * (45 / 28) ^ 2 }')
    row "area: NVDLA of $((side * side)) int8 MACs, $buffer KiB" "$scaled" \
        "$(area rows="$side" cols="$side" cell=fixed8 scratchpad_bytes=$((buffer * 1024)))" mm2
done <<END
8 128 0.91
16 256 1.7
32 256 3.0
END
# Bit Fusion, 45 nm, Design Compiler at 500 MHz, 4x4 array (hsharma35/bitfusion, results/systolic_array_synth.csv)
cell() { # CELL: um2 of a cell without its skew
    build/qmac area edge --set cell="$1" | awk '$1 == "mac_cell" { print $NF / 256 }'
}
row "area of a cell: Bit Fusion, fusible from 2 to 8 bits, 4x4 cells" 1735 "$(cell fusible)" um2
row "area of a cell: Bit Fusion, fixed 8 bits" 511 "$(cell fixed8)" um2

model=workloads/digits/digits_int8.tflite
build/qmac run $model --machine edge --energy cmos45 --json "$work/report.json" >/dev/null
# 278 mW for 115.3 ms and 2.66 G MACs (Chen et al., JSSC 2017, table V)
eyeriss=$(awk 'BEGIN { print 0.278 * 0.1153 / 2.66e9 * 1e12 * 45 / 65 / 2 }')
row "a MAC with its registers: Eyeriss, AlexNet, 65 nm, 16 bits" "$eyeriss" \
    "$(awk -v a="$(nominal energy_pj)" -v d="$(nominal dram)" -v m="$(number macs)" 'BEGIN { print (a - d) / m }')" pJ
exit $off
