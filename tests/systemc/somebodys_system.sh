#!/bin/sh
# somebodys_system.sh - the example of docs/how-to/put-it-on-a-bus.md: the shipped network on another bus, with another memory. A memory
# that takes no time costs the machine's own latency, so the cycles are the recorded ones;
# one that takes 600 cycles is the machine with that latency.
set -u
folder=workloads/digits
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

cycles() { # nanoseconds of a transaction; a cycle has 5
    build/somebodys_system "$work/digits.qmac" $folder/test_pictures.npy $folder/expected_output.npy "$1" >"$work/log" 2>"$work/banner" ||
        { cat "$work/log" "$work/banner" >&2; exit 1; }
    sed -n 's/^cycles //p' "$work/log"
}

same() { # what, got, want
    [ -n "$3" ] && [ "$2" = "$3" ] && return
    echo "$1: got '$2', expected '$3'"
    status=1
}

build/qmac compile $folder/digits_int8.tflite -o "$work/digits.qmac" --machine edge || exit 1
same "memory without time" "$(cycles 0)" "$(awk '/^edge:/ { on = 1 } on && $1 == "cycles:" { print $2 }' $folder/expected.yaml)"
build/qmac run "$work/digits.qmac" --set dram_latency=600 --json "$work/slow.json" >"$work/table" || exit 1
same "memory of 600 cycles" "$(cycles 3000)" "$(sed -n 's/^\t"cycles":\t\([0-9]*\),/\1/p' "$work/slow.json")"
exit $status
