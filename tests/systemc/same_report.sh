#!/bin/sh
# same_report.sh MODEL MACHINE [OPTION...] - the systemc engine writes the same outputs and the same report (every cycle, counter and
# picojoule of every layer) as the cycle engine.
set -u
model=$1 machine=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for engine in cycle systemc; do
    build/qmac run "$model" --machine "$machine" --engine $engine --output "$work/$engine" --json "$work/$engine.json" \
        "$@" >"$work/table" || exit 1
    sed -i "s/^\t\"engine\":\t\"$engine\"/\t\"engine\":\t\"-\"/" "$work/$engine.json"
done
diff -r "$work/cycle" "$work/systemc" && diff "$work/cycle.json" "$work/systemc.json" && grep -q '"engine":	"-"' "$work/systemc.json"
