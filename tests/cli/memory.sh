#!/bin/bash
# memory.sh [STEP_KB] - commands under limits of memory, from where a process can begin to where it succeeds: status 0, or 3 with one line;
# never a signal, and no file that is half-written. Bash, for ulimit -v.
step=${1:-2500}
. "$(dirname "$0")/common.sh"

# sweep COMMAND...: run in an empty folder; what it writes there has to be whole.
sweep() {
    kb=4600 good=0
    while [ $good -lt 2 ]; do
        rm -rf "$tmp/o" && mkdir "$tmp/o"
        (cd "$tmp/o" && ulimit -v $kb && exec "$@") >"$tmp/out" 2>"$tmp/err"
        status=$?
        case $status in
        0) good=$((good + 1)) ;;
        3) good=0 && [ "$(wc -l <"$tmp/err")" = 1 ] || fail "not one line with $kb KiB: $*: $(cat "$tmp/err")" ;;
        127) grep -qE "loading shared libraries|cannot allocate TLS" "$tmp/err" ||
            fail "status 127 with $kb KiB: $*: $(cat "$tmp/err")" ;;
        *) fail "status $status with $kb KiB: $*: $(cat "$tmp/err")" ;;
        esac
        grep -q "internal fault" "$tmp/err" && fail "an internal fault with $kb KiB: $*"
        [ -z "$(find "$tmp/o" -name '*.tmp' -o -name '*.part')" ] || fail "temporary files are left with $kb KiB: $*"
        [ $kb -lt 400000 ] || { fail "no success with $kb KiB: $*"; break; }
        kb=$((kb + step))
    done
}

accepts "$qmac" compile "$model" -o "$tmp/net.qmac"
built tests/programs/copy.prog
sweep "$qmac" run "$model" --json r.json --output out
sweep "$qmac" compile "$model" -o net.qmac
sweep "$qmac" info "$PWD/workloads/digits/digits_w4a8.onnx"
sweep "$qmac" disasm "$tmp/net.qmac"
sweep "$qmac" explore "$model" --rows 8,16 --csv points.csv --json points.json
sweep "$qmac" verify "$PWD/tests/programs/copy.prog"
sweep "$qmac" verify --random 2 --machine tiny --corpus corpus
sweep "$qmac" run "$model" --engine systemc
ulimit -v 60000
refuses 3 "out of memory" "$qmac" run "$model" --set rows=256 --set cols=256 --set scratchpad_bytes=16777216 --set accumulator_rows=65536
finish
