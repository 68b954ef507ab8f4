# The Criterion binary, plain and under the address and undefined-behaviour sanitizers.
check "unit tests" build/unit --jobs 2
check "unit tests under sanitizers" tests/unit/sanitized.sh
