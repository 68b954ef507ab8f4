#!/bin/sh
# run.sh cells|fast programs FOLDER [KNOB=VALUE]...
# run.sh cells|fast random COUNT SEED STALLS MACHINE [KNOB=VALUE]...
# Program tests, or random programs, on the whole RTL with that form of the array under Icarus Verilog: four states, pin by pin what the C
# model does (tests/icarus/record.c, bench.v). Each program begins by writing all memories, so small ones make it fast; cells of an array
# larger than 4x5 make it very slow. A failing program's files stay in build/icarus/.
set -eu
case $1 in
cells) fast=0 ;;
fast) fast=1 ;;
*) exit 2 ;;
esac
kind=$2
shift 2
mkdir -p build/icarus
work=$(mktemp -d build/icarus/XXXXXX)
passed=0 clocks=0 failed=

# Plays the program recorded in $work; builds the bench of its machine unless it was the last one's.
play() {
    parameters=$(cat "$work/parameters")
    if [ "$parameters" != "${built:-}" ]; then
        # shellcheck disable=SC2086
        warnings=$(iverilog -g2005 -Wall -I build/gen -s bench $parameters -P "bench.FastArray=$fast" -o "$work/bench" \
            tests/icarus/bench.v rtl/*.v rtl/lib/*.v rtl/probe/*.v 2>&1) || { printf '%s\n' "$warnings" && exit 1; }
        case $warnings in
        *"not found in"*) # a knob that the bench does not pass on would be tested at its default
            printf '%s\n' "$warnings"
            exit 1
            ;;
        esac
        built=$parameters
    fi
    if vvp -n "$work/bench" "+vectors=$work/vectors" "+sums=$work/sums" "+scratchpad=$work/scratchpad" "+accumulator=$work/accumulator" \
        >"$work/log" 2>&1 && grep -q '^PASS' "$work/log"; then
        passed=$((passed + 1))
        clocks=$((clocks + $(sed -n 's/^PASS \([0-9]*\) clocks$/\1/p' "$work/log")))
    else
        cat "$work/log"
        failed=$1
        return 1
    fi
}

if [ "$kind" = programs ]; then
    folder=$1
    shift
    for file in "$folder"/*.prog; do
        build/icarus_record "$work" program "$file" "$@"
        play "$file" || break
    done
else
    count=$1 seed=$2 stalls=$3
    shift 3
    for i in $(seq "$seed" $((seed + count - 1))); do
        build/icarus_record "$work" random "$i" 1 "$stalls" "$@"
        play "seed $i" || break
    done
fi
if [ -n "$failed" ]; then
    printf 'FAIL %s: its files are in %s\n' "$failed" "$work"
    exit 1
fi
printf '%d programs, %d clocks, no difference\n' "$passed" "$clocks"
rm -rf "$work"
[ "$passed" -gt 0 ]
