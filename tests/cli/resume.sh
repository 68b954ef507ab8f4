#!/bin/sh
# resume.sh [SIDE [KILLS]] - a sweep of SIDE x SIDE arrays is killed KILLS times, ended, and out of room: the same command goes on, and
# the files are those of a sweep that nothing has happened to.
side=${1:-24} kills=${2:-5}
. "$(dirname "$0")/common.sh"
values=$(seq -s, 1 "$side") points=$((side * side))

# sweep NAME OPTION...: the command that is ended and given again. In the background as `sh "$tmp/sweep"`, whose process becomes qmac's.
cat >"$tmp/sweep" <<END
name=\$1
shift
exec "$qmac" explore "$model" --rows $values --cols $values --set axi_bytes=8,16 --search none \\
    --csv "$tmp/\$name.csv" --json "$tmp/\$name.json" "\$@"
END
sweep() {
    sh "$tmp/sweep" "$@"
}
# same NAME: its files are those of the undisturbed sweep, and nothing else is left.
same() {
    cmp "$tmp/$1.csv" "$tmp/whole.csv" || fail "$1.csv is another file than without a disturbance"
    cmp "$tmp/$1.json" "$tmp/whole.json" || fail "$1.json is another file than without a disturbance"
    [ ! -e "$tmp/$1.csv.journal" ] || fail "$1: the journal is left"
}
# size NAME: bytes of the journal.
size() {
    stat -c %s "$tmp/$1.csv.journal" 2>"$tmp/.err" || echo 0
}

# grows NAME BYTES: waits until the journal has so many, or for ten seconds.
grows() {
    waited=0
    while [ "$(size "$1")" -lt "$2" ] && [ $((waited += 1)) -lt 1000 ]; do sleep 0.01; done
}

start=$(date +%s%N)
accepts sweep whole
took=$((($(date +%s%N) - start) / 1000000)) # milliseconds
[ "$(wc -l <"$tmp/whole.csv")" = $((2 * points + 1)) ] || fail "not a row for each of $((2 * points)) points"
[ "$(grep -c ',impossible,' "$tmp/whole.csv")" = $points ] || fail "points that cannot be are no rows"

# kill -9, at times that a seed draws
killed=0 seed=1
while [ $killed -lt "$kills" ]; do
    before=$(size killed)
    sh "$tmp/sweep" killed >"$tmp/.out" 2>"$tmp/.err" &
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    sleep "$(awk "BEGIN { print $took / 1000 / ($kills + 1) * (0.2 + $seed / 2147483648) }")"
    kill -9 $! 2>"$tmp/.err" || break
    wait $! 2>"$tmp/.err"
    killed=$((killed + 1))
    [ "$(size killed)" -ge "$before" ] || fail "kill $killed: the journal became shorter"
done
echo "killed $killed times, $((2 * points)) points, $(size killed) bytes of journal then"
[ $killed -ge 2 ] || fail "the sweep was killed only $killed times"
sweep killed >"$tmp/.out" 2>"$tmp/.err" || fail "after $killed kills: $(cat "$tmp/.err")"
same killed

# a signal says what is kept; SIGTERM, because shells start what is in the background without SIGINT
sh "$tmp/sweep" int --jobs 1 >"$tmp/.out" 2>"$tmp/.err" &
grows int 10000
kill -TERM $!
wait $! 2>"$tmp/.wait"
status=$?
[ $status = 143 ] || fail "status $status, not 143, of a sweep that SIGTERM ended"
has "$tmp/.err" "qmac: Terminated: the points that are done are in $tmp/int.csv.journal: the same command goes on with them"
[ ! -e "$tmp/int.csv" ] || fail "a sweep that was ended wrote results"
# a sweep that is not the same does not take them, and leaves them
refuses 2 "has the points of another sweep" "$qmac" explore "$model" --rows "$values" --csv "$tmp/int.csv"
refuses 2 "has the points of another sweep" sweep int --requant single
refuses 2 "has the points of another sweep" sweep int --energy horowitz45
# what a crash of the system could have left behind the last point is dropped
printf 'cut off' >>"$tmp/int.csv.journal"
sweep int --jobs 2 >"$tmp/.out" 2>"$tmp/.err" || fail "after an interrupt: $(cat "$tmp/.err")"
same int

# no room: RLIMIT_FSIZE is a disk that fills, and is freed
(ulimit -f 64 && trap '' XFSZ && sweep full) >"$tmp/.out" 2>"$tmp/.err"
status=$?
[ $status = 2 ] || fail "status $status, not 2, without room"
has "$tmp/.err" "full.csv.journal: cannot be written: "
has "$tmp/.err" "make room and give the same command"
[ ! -e "$tmp/full.csv" ] || fail "results were written without room for the points"
kept=$(size full)
[ "$kept" -gt 10000 ] || fail "without room nothing was kept"
sweep full >"$tmp/.out" 2>"$tmp/.err" || fail "after room was made: $(cat "$tmp/.err")"
has "$tmp/.err" "points are known already"
same full

# two at a time
sh "$tmp/sweep" busy >"$tmp/.out" 2>"$tmp/.err" &
grows busy 1
sweep busy >"$tmp/.out" 2>"$tmp/.second"
has "$tmp/.second" "another qmac explore writes it"
wait $!
same busy
[ -z "$(find "$tmp" -name '*.tmp')" ] || fail "temporary files are left"
finish
