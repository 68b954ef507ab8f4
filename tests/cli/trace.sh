#!/bin/sh
# Traces of qmac run: what Perfetto takes, and the cycles and instructions of the report.
. "$(dirname "$0")/common.sh"

trace() {
    accepts "$qmac" run "$@" --trace "$tmp/trace.json" --json "$tmp/report.json"
    build/trace_check "$tmp/trace.json" "$tmp/report.json" || fail "the trace of $* is not that of its report"
}

trace "$model"
trace "$model" --machine tiny
trace "$model" --engine cycle --stalls 0.3
LC_ALL=C sed 's/stem/"\\<b/g' "$model" >"$tmp/odd.tflite"
trace "$tmp/odd.tflite"
has "$tmp/trace.json" '"name":"\"\\<b"'
refuses 2 "--trace" "$qmac" run "$model" --engine float --trace "$tmp/x"
finish
