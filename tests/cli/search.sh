#!/bin/sh
# qmac --search: what the compiler says of a plan's cycles is what every engine counts; who searches more finds no slower plan; a row of
# explore says what was searched, and is the run with the same option; so do a program, and reports of its runs.
. "$(dirname "$0")/common.sh"

# planned SEARCH ARGUMENT...: cycles as the compiler says them.
planned() {
    search=$1
    shift
    "$qmac" compile "$model" --search "$search" "$@" --dump-after emit -o "$tmp/x.qmac" | sed -n 's/^\([0-9]*\) cycles on the device$/\1/p'
}

# same_operations SEARCH ARGUMENT...: what is printed of a plan is the plan that becomes the program in $tmp/x.qmac.
same_operations() {
    search=$1
    shift
    "$qmac" compile "$model" --search "$search" "$@" --dump-after synchronize -o "$tmp/y.qmac" \
        | sed -nE 's/^layer [0-9]+ ([A-Z]+) .* ((row_count|channels|out_w|elements)=[0-9]+).*/\1 \2/p' >"$tmp/planned"
    "$qmac" disasm "$tmp/x.qmac" | sed -nE 's/^ *[0-9]+ +([A-Z]+) .* ((row_count|channels|out_w|elements)=[0-9]+).*/\1 \2/p' >"$tmp/emitted"
    [ -s "$tmp/planned" ] || fail "$search $*: nothing is printed"
    cmp -s "$tmp/planned" "$tmp/emitted" || fail "$search $*: the printed plan is not the one that is emitted"
}

# counted FILE ARGUMENT...: cycles of a run.
counted() {
    file=$1
    shift
    "$qmac" run "$file" "$@" --json "$tmp/run.json" >"$tmp/.out" || fail "qmac run $file $*"
    sed -n 's/^\t"cycles":\t\([0-9]*\),$/\1/p' "$tmp/run.json"
}

# The program and the last run, of the program, name the search that made it.
says_search() {
    grep -q "^model .*, search $1\$" "$tmp/.out" || fail "run does not say: search $1"
    grep -q "^	\"search\":	\"$1\",\$" "$tmp/run.json" || fail "the JSON of run does not say: search $1"
    "$qmac" compile "$model" --search "$1" -o "$tmp/said.qmac" | grep -q ", search $1, for machine edge " ||
        fail "compile does not say: search $1"
    "$qmac" info "$tmp/x.qmac" | grep -q "^program of .*, search $1\$" || fail "info does not say: search $1"
    "$qmac" disasm "$tmp/x.qmac" | grep -q "^# .*, search $1\$" || fail "disasm does not say: search $1"
}

for machine in edge tiny m3x5; do
    last=0
    for search in plans layers none; do
        estimate=$(planned $search --machine $machine)
        same_operations $search --machine $machine
        for engine in cycle timing; do
            cycles=$(counted "$model" --machine $machine --search $search --engine $engine)
            [ -n "$estimate" ] && [ "$estimate" = "$cycles" ] || fail "$machine, $search: planned $estimate, $engine counts $cycles"
        done
        [ "$(counted "$tmp/x.qmac" --engine timing)" = "$estimate" ] || fail "$machine, $search: the program takes another time"
        says_search "$search"
        [ "$estimate" -ge "$last" ] || fail "$machine: --search $search finds $estimate cycles, more searching $last"
        last=$estimate
        echo "$estimate" >>"$tmp/found.$machine"
        accepts "$qmac" explore "$model" --machine $machine --search $search --csv "$tmp/x.csv"
        grep -q ",tflite,$search,.*,$estimate," "$tmp/x.csv" || fail "$machine, $search, explore: $(tail -n 1 "$tmp/x.csv")"
    done
done

[ "$(uniq "$tmp/found.m3x5" | wc -l)" = 3 ] || fail "the three searches do not find three schedules for m3x5"

# What does not fit is shown as far as it goes.
"$qmac" compile "$model" --set rows=256 --set cols=100 --set scratchpad_bytes=1024 --dump-after place -o "$tmp/z.qmac" \
    >"$tmp/placed" 2>"$tmp/.err"
[ $? = 2 ] && [ ! -e "$tmp/z.qmac" ] || fail "a network that does not fit is compiled"
grep -q '^map 0 picture ' "$tmp/placed" || fail "the maps of a network that does not fit are not printed"

refuses 2 "--search all: no such search; there are: plans, layers, none" "$qmac" run "$model" --search all
refuses 2 "is compiled already" "$qmac" run "$tmp/x.qmac" --search none
refuses 2 "--search" "$qmac" explore "$model" --search
finish
