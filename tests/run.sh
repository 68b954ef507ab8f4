#!/bin/sh
# run.sh SUITE... - runs test suites and ends with the counts. A suite is a shell file tests/SUITE/suite.sh that calls
# `check NAME COMMAND...`: one test, passed when the command exits 0. Output of a test is shown only when it fails;
# everything is kept in build/tests/.
# Nothing is skipped quietly: `skip NAME REASON` says so, and fails when CI is set.
set -u
cd "$(dirname "$0")/.." || exit 2
passed=0 failed=0 skipped=0
logs=build/tests
mkdir -p "$logs"

check() {
    test_name=$1
    shift
    log=$logs/$(printf '%s' "$suite-$test_name" | tr -c 'A-Za-z0-9.-' '_').log
    start=$(date +%s)
    if "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
        printf 'ok    %s: %s (%d s)\n' "$suite" "$test_name" $(($(date +%s) - start))
    else
        failed=$((failed + 1))
        printf 'FAIL  %s: %s\n      %s\n' "$suite" "$test_name" "$*"
        tail -n 30 "$log" | sed 's/^/      /'
    fi
}

skip() {
    if [ -n "${CI:-}" ]; then
        failed=$((failed + 1))
        printf 'FAIL  %s: %s may not be skipped in CI: %s\n' "$suite" "$1" "$2"
    else
        skipped=$((skipped + 1))
        printf 'skip  %s: %s: %s\n' "$suite" "$1" "$2"
    fi
}

for suite in "$@"; do
    # shellcheck disable=SC1090
    . "tests/$suite/suite.sh"
done
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
