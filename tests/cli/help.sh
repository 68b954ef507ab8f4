#!/bin/sh
# Help and version go to stdout with status 0.
. "$(dirname "$0")/common.sh"
accepts "$qmac" --version
grep -qE '^qmac [0-9]+\.[0-9]+\.[0-9]+$' "$tmp/.out" || fail "version: $(cat "$tmp/.out")"
accepts "$qmac" --help
for command in run compile disasm info explore explain diff verify watch area; do
    has "$tmp/.out" "  $command"
done
for command in run compile disasm info explore explain diff verify watch area; do
    accepts "$qmac" $command --help
    has "$tmp/.out" "usage: qmac $command"
    accepts "$qmac" --help
done
for option in machine set requant engine input output labels json energy seed stalls step layers accept-error; do
    accepts "$qmac" run --help
    has "$tmp/.out" "--$option"
done
finish
