#!/bin/sh
# limits.sh - nothing compared is no success, two engines that are busy at the limit show nothing, and a difference is never lost: whatever
# fails after it, the exit status is 1 and stderr has the command that finds it again.
set -u
cd "$(dirname "$0")/../.." || exit 2
dir=build/tests/limits
rm -rf "$dir"
mkdir -p "$dir"
digits=workloads/digits/digits_int8.tflite
failed=0
wrong() {
    echo "limits.sh: $*"
    cat "$dir/out" "$dir/err"
    failed=1
}
# verify STATUS WORDS ARGUMENT...: the exit status, and the words on stderr.
verify() {
    want=$1 words=$2
    shift 2
    timeout 120 build/qmac verify "$@" >"$dir/out" 2>"$dir/err"
    status=$?
    [ $status = "$want" ] || wrong "status $status, not $want: $*"
    [ -z "$words" ] || grep -qF -- "$words" "$dir/err" || wrong "stderr does not have '$words': $*"
    if [ "$want" != 0 ] && grep -q 'no difference' "$dir/out"; then wrong "no difference is claimed: $*"; fi
}

# Both are busy at the limit, in any run; a limit that is not reached changes nothing.
verify 2 "both still busy after 50 cycles" --random 5 --machine tiny --max-cycles 50
verify 2 "both still busy after 20 cycles" tests/programs/matmul.prog --max-cycles 20
verify 2 "still busy after 1000 cycles" $digits --machine tiny --max-cycles 1000
verify 2 "still busy after 50001 cycles" $digits --machine one --max-cycles 50001
verify 0 "" $digits --machine tiny --max-cycles 1000000

# A program that would run for minutes: LOAD of 65535 x 32767 rows.
cat >"$dir/long.prog" <<'END'
machine tiny
insn LOAD dram_addr=0x1000 row_bytes=8 row_count=65535 plane_count=32767
END
verify 2 "both still busy after" "$dir/long.prog"

# The RTL is at fault, and what comes after the difference fails.
tests/lockstep/plant.sh lost_stall build/tests/limits/lost_stall >"$dir/out" || exit 2
faulty="--machine tiny --stalls 0.2 --rtl build/tests/limits/lost_stall"
mkdir "$dir/waves" "$dir/waves/model.vcd" "$dir/net" "$dir/net/rtl.vcd"
# shellcheck disable=SC2086
verify 1 "the waveforms are missing: $dir/waves/model.vcd" --random 300 --seed 2 --jobs 2 $faulty --waves "$dir/waves"
command=$(sed -n 's/^qmac: it is found again by: qmac //p' "$dir/err" | head -n 1)
echo "$command" | grep -qxE 'verify --random 1 --seed [0-9]+ --machine tiny --stalls 0.2 --rtl build/tests/limits/lost_stall' ||
    wrong "not the whole command: $command"
# shellcheck disable=SC2086
build/qmac $command --waves "$dir/again" >"$dir/out" 2>"$dir/err"
[ $? = 1 ] || wrong "not found again by: $command"

# A network: the example and the seed of its input, the first with which the fault shows.
seed=1
# shellcheck disable=SC2086
while [ $seed -lt 50 ] && build/qmac verify $digits $faulty --seed $seed --waves "$dir/again" >"$dir/out" 2>"$dir/err"; do
    seed=$((seed + 1))
done
# shellcheck disable=SC2086
verify 1 "example 0 (random, seed $seed): model and RTL differ" $digits $faulty --seed $seed --waves "$dir/net" \
    --max-cycles 1000000000000000000
again="qmac verify $digits --machine tiny --stalls 0.2 --rtl build/tests/limits/lost_stall --seed $seed --max-cycles 1000000000000000000"
grep -qF "again by: $again" "$dir/err" || wrong "not the whole command of a network"

# The folder of the reduced program goes away after the difference.
mkdir "$dir/gone"
: >"$dir/err"
# shellcheck disable=SC2086
{
    build/qmac verify --random 300 --seed 2 $faulty --waves "$dir/again" --shrink "$dir/gone/small.prog" >"$dir/out" 2>"$dir/err" &
    pid=$!
    while ! grep -q 'found again' "$dir/err" && kill -0 $pid 2>/dev/null; do sleep 0.02; done
    rmdir "$dir/gone"
    wait $pid
    [ $? = 1 ] || wrong "a program that cannot be saved costs the status"
}
grep -q 'qmac: it is not reduced: .*small.prog' "$dir/err" || wrong "nothing tells that the program is not saved"
tail -n 1 "$dir/err" | grep -q '^qmac: random program, seed .* model and RTL differ' || wrong "the difference is not the last word"
exit $failed
