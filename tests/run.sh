#!/bin/bash
# run.sh SUITE... - runs test suites and ends with the counts. A suite is a shell file tests/SUITE/suite.sh that calls
# `check NAME COMMAND...`: one test, passed when the command exits 0. Output of a test is shown only when it fails;
# everything is kept in build/tests/.
# As many tests run at once as there are processors (TEST_JOBS); what a test writes is its own, and `settle` waits for all before it.
# Nothing is skipped quietly: `skip NAME REASON` says so, and fails when CI is set.
set -um # m: each test is a process group, which an interrupt ends, and in which signals do what they do outside
cd "$(dirname "$0")/.." || exit 2
passed=0 failed=0 skipped=0 running=0
most=${TEST_JOBS:-$(nproc)}
logs=build/tests
mkdir -p "$logs"
trap 'for group in $(jobs -p); do kill -TERM -- "-$group"; done; exit 130' INT TERM

run() {
    test_name=$1
    shift
    log=$logs/$(printf '%s' "$suite-$test_name" | tr -c 'A-Za-z0-9.-' '_').log
    start=$(date +%s)
    if "$@" >"$log" 2>&1; then
        printf 'ok    %s: %s (%d s)\n' "$suite" "$test_name" $(($(date +%s) - start))
    else
        printf 'FAIL  %s: %s\n      %s\n%s\n' "$suite" "$test_name" "$*" "$(tail -n 30 "$log" | sed 's/^/      /')"
        return 1
    fi
}

wait_for_one() {
    if wait -n; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    running=$((running - 1))
}

settle() {
    while [ $running -gt 0 ]; do wait_for_one; done
}

check() {
    while [ $running -ge "$most" ]; do wait_for_one; done
    run "$@" </dev/null &
    running=$((running + 1))
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
settle
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
