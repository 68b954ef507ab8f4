#!/bin/sh
# run.sh MODULE [PARAMETER=VALUE...] - one self-checking bench under Icarus Verilog: tests/rtl/MODULE_tb.v prints a line with PASS or FAIL.
set -eu
module=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
parameters=$(for p in "$@"; do printf ' -P %s_tb.%s' "$module" "$p"; done)
# Sources are listed one by one: Icarus 11 crashes on library files that include a header.
# shellcheck disable=SC2086
iverilog -g2005 -Wall -I build/gen -I tests/rtl -s "${module}_tb" $parameters -o "$work/bench" \
    "tests/rtl/${module}_tb.v" rtl/*.v rtl/lib/*.v rtl/probe/*.v 2>"$work/warnings"
vvp "$work/bench" | tee "$work/log"
grep -q PASS "$work/log" && ! grep -q FAIL "$work/log"
