#!/bin/sh
# endurance.sh - long random runs: the corpus goes on where it was, after an end, a SIGTERM, a SIGKILL and a difference; its programs are
# tests that every engine passes; the number of processes changes nothing in what is compared.
set -eu
cd "$(dirname "$0")/../.."
dir=build/tests/endurance
rm -rf "$dir"
mkdir -p "$dir"
wrong() {
    echo "endurance.sh: $*"
    exit 1
}
state() {
    sed -n "s/^$2 //p" "$1/state"
}
verify() {
    build/qmac verify --machine tiny --stalls 0.2 "$@"
}
# The same programs in one process and in three, in one run and in two.
verify --random 60 --seed 5 --corpus "$dir/one" >"$dir/log"
grep -q ': 60 runs, .* no difference (.* runs/s, .* Mcycle/s)$' "$dir/log" || wrong "no rate"
verify --random 25 --seed 5 --jobs 3 --corpus "$dir/two"
[ "$(state "$dir/two" next)" = 30 ] || wrong "25 programs from seed 5 do not lead to seed 30"
verify --random 35 --jobs 3 --corpus "$dir/two"
for what in next programs cycles events; do
    [ "$(state "$dir/one" $what)" = "$(state "$dir/two" $what)" ] || wrong "$what differ between one process and three"
done
ls "$dir/one"/*.prog >/dev/null || wrong "no interesting program"
build/run_programs "$dir/one"/*.prog

# Stopped by a signal when it has begun to keep programs: all seeds before the next are done, and it goes on there.
stop_by() {
    build/qmac verify --machine tiny --stalls 0.2 --random 100000000 --jobs 2 --corpus "$1" >"$dir/log" 2>&1 &
    pid=$!
    while [ "$(find "$1" -name 'seed-*.prog' 2>/dev/null | wc -l)" -lt 10 ] && kill -0 $pid; do sleep 0.1; done
    kill "-$2" $pid
    status=0
    wait $pid || status=$?
}
stop_by "$dir/term" TERM
cat "$dir/log"
[ $status = 0 ] || wrong "status $status after SIGTERM"
next=$(state "$dir/term" next)
[ "$next" -gt 10 ] && [ "$(state "$dir/term" programs)" = $((next - 1)) ] || wrong "SIGTERM has lost programs"
verify --random 10 --jobs 2 --corpus "$dir/term"
[ "$(state "$dir/term" next)" = $((next + 10)) ] || wrong "it does not go on after SIGTERM"
stop_by "$dir/kill" KILL
verify --random 10 --corpus "$dir/kill"
[ "$(state "$dir/kill" programs)" = $(($(state "$dir/kill" next) - 1)) ] || wrong "SIGKILL has spoilt the state"

# A difference: exit status 1, and the next run begins with the program that differed.
tests/lockstep/plant.sh lost_stall "$dir/lost_stall"
status=0
verify --random 200 --seed 2 --jobs 2 --corpus "$dir/fault" --rtl "$dir/lost_stall" --waves "$dir/waves" \
    >"$dir/log" 2>&1 || status=$?
[ $status = 1 ] || wrong "status $status after a difference"
seed=$(sed -n 's/^qmac: random program, seed \([0-9]*\),.*/\1/p' "$dir/log")
[ "$(state "$dir/fault" next)" -le "$seed" ] || wrong "the program that differed is not the next"
status=0
verify --random 1 --machine one --corpus "$dir/one" 2>"$dir/log" || status=$?
[ $status = 2 ] && grep -q 'state:1: of another machine' "$dir/log" || wrong "a corpus of another machine is taken"
