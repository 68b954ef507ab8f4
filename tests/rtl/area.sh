#!/bin/sh
# area.sh - what spec/energy/area.def prices is what the RTL has, as Yosys sees it: as many cells as `qmac area` says, with the flip-flops
# that the measured cell had, and 16 more with samples.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

same() { # what, got, want
    [ -n "$3" ] && [ "$2" = "$3" ] && return
    echo "$1: got '$2', want '$3'"
    status=1
}

# flops SAMPLES: flip-flops of a cell.
flops() {
    yosys -q -l "$work/cell" -p "read_verilog -Ibuild/gen rtl/mac_cell.v; chparam -set HasSamples $1 mac_cell
        synth -top mac_cell; stat" >/dev/null
    awk '/^=== / { sum = 0 } $1 ~ /^\$_.*FF/ { sum += $2 } END { print sum }' "$work/cell"
}
same "flip-flops of a cell" "$(flops 0)" 103
same "flip-flops of a cell with samples" "$(flops 1)" 119

{
    echo "read_verilog -Ibuild/gen rtl/*.v rtl/lib/*.v rtl/probe/*.v"
    build/specgen parameters m3x5 | sed 's/^/chparam -set /; s/$/ qmac/'
    echo "hierarchy -top qmac; stat"
} >"$work/script"
yosys -q -l "$work/machine" -s "$work/script" >/dev/null 2>"$work/warnings"
cells=$(build/qmac area m3x5 | sed -n 's/^array *\([0-9]*\) cells .*/\1/p')
counted=$(awk '/^=== design hierarchy/ { tree = 1 } tree && /mac_cell/ { sum += $2 } END { print sum }' "$work/machine")
same "cells of m3x5" "$counted" "$cells"
exit $status
