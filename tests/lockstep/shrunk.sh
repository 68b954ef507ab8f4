#!/bin/sh
# shrunk.sh NAME... - each fault of faults.txt (all without names), planted, is found by random programs; the program is reduced to at most
# 8 instructions, still shows the fault, and is a test that every engine passes without it.
set -u
cd "$(dirname "$0")/../.." || exit 2
[ $# -gt 0 ] || set -- $(sed -n 's/^\([a-z_]*\) .*/\1/p' tests/lockstep/faults.txt)
mkdir -p build/tests/shrunk
failed=0
wrong() {
    echo "shrunk.sh: $*"
    failed=1
}
for fault in "$@"; do
    dir=build/tests/shrunk/$fault
    saved=$dir.prog
    rm -f "$saved"
    tests/lockstep/plant.sh "$fault" "$dir" >/dev/null || exit 2
    build/qmac verify --random 300 --machine tiny --stalls 0.2 --rtl "$dir" --waves "$dir-waves" --shrink "$saved" >"$dir-report" 2>&1
    [ $? = 1 ] || wrong "$fault is not found"
    echo "$fault: $(grep '^reduced: ' "$dir-report")"
    count=$(grep -c '^insn \|^raw ' "$saved")
    [ "$count" -ge 1 ] && [ "$count" -le 8 ] || wrong "$fault: $count instructions are left"
    build/qmac verify "$saved" --rtl "$dir" --waves "$dir-waves" >/dev/null 2>&1
    [ $? = 1 ] || wrong "$fault: the reduced program does not show it"
    build/run_programs "$saved" || wrong "$fault: the reduced program fails without it"
done
exit $failed
