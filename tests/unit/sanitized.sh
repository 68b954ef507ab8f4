#!/bin/sh
# sanitized.sh - the unit tests under the address and undefined-behaviour sanitizers, with leaks judged here: one in a test's own process
# does not fail that test, and Criterion 2.4.1 now and then leaves an object of its own behind, which would fail the whole run.
set -u
log=build/tests/unit-asan.txt
build/unit-asan --jobs 2 >"$log" 2>&1
status=$?
cat "$log"
leaks=$(awk '
    /^(Direct|Indirect) leak of / { leak = $0; next }
    leak && /^ *#1 / { if ($0 !~ /libcriterion/) print leak, $0; leak = "" }' "$log")
if [ -n "$leaks" ]; then
    printf 'sanitized.sh: the code under test leaks:\n%s\n' "$leaks"
    exit 1
fi
[ $status = 0 ] && exit
# Only a leak of Criterion may be why it did not end well.
grep -q '^\[====\] Synthesis: Tested: [1-9][0-9]* | .* | Failing: 0 | Crashing: 0' "$log" &&
    grep -q '^SUMMARY: AddressSanitizer: .* leaked in' "$log" && ! grep -q '^==[0-9]*==ERROR: AddressSanitizer\|: runtime error: ' "$log"
