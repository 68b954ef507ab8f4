#!/bin/sh
# qmac verify: what would compare nothing, do nothing or could not be written is refused before the RTL is built, as are
# options of the other commands that would do nothing.
. "$(dirname "$0")/common.sh"
test=$PWD/tests/programs/matmul.prog
npy "$tmp/good.npy" '|i1' '1, 8, 8, 1' 64

# Nothing would be compared.
refuses 2 "--random 0: nothing" "$qmac" verify --random 0
refuses 2 "beyond the last seed" "$qmac" verify --random 10 --seed 18446744073709551615 --machine tiny
refuses 2 "beyond the last seed" "$qmac" verify --random 18446744073709551615 --seed 5 --machine tiny
refuses 2 "beyond the last seed" "$qmac" verify --random 10 --seed 18446744073709551615 --machine tiny --corpus "$tmp/none"
[ -e "$tmp/none" ] && fail "a corpus is made for seeds that there are not"
mkdir "$tmp/corpus"
fingerprint=$("$qmac" compile "$model" --machine tiny -o "$tmp/net.qmac" | sed 's/.*(\(.*\))$/\1/')
printf 'machine %s\nstalls 0\nnext 18446744073709551610\nprograms 1\ncycles 1\nevents 1\nseconds 1\n' "$fingerprint" >"$tmp/corpus/state"
cp "$tmp/corpus/state" "$tmp/state"
refuses 2 "seed 18446744073709551610 on go beyond the last seed" "$qmac" verify --random 10 --machine tiny --corpus "$tmp/corpus"
grep -q 'next 18446744073709551610' "$tmp/corpus/state" || fail "the state of the corpus is changed: $(cat "$tmp/corpus/state")"

# Options that a TEST.prog, random programs, or a network do not use.
for option in "--machine tiny" "--set rows=4" "--precision w4a8" "--requant single" --layers "--end-at x" "--batch 2" \
    "--integer-inputs int8" --saturate "--seed 1" "--stalls 0" "--input $tmp/good.npy" "--jobs 1" "--corpus $tmp/c"; do
    # shellcheck disable=SC2086
    refuses 2 "${option%% *}: has no use here: a TEST.prog" "$qmac" verify "$test" $option
done
for option in "--precision w4a8" "--requant single" --layers "--end-at x" "--batch 2" "--integer-inputs int8" --saturate \
    "--input $tmp/good.npy"; do
    # shellcheck disable=SC2086
    refuses 2 "${option%% *}: has no use with --random" "$qmac" verify --random 1 $option
done
for option in "--jobs 1" "--corpus $tmp/c" "--shrink $tmp/s.prog"; do
    # shellcheck disable=SC2086
    refuses 2 "${option%% *}: is only for random programs" "$qmac" verify "$model" $option
done
for option in "--precision w4a8" "--requant single" --layers "--end-at x" "--batch 2" "--integer-inputs int8" --saturate; do
    # shellcheck disable=SC2086
    refuses 2 "${option%% *}" "$qmac" verify "$tmp/net.qmac" $option
    has "$tmp/.err" "is compiled already"
done
refuses 2 "--seed: nothing is random" "$qmac" verify "$model" --seed 3 --input "$tmp/good.npy"
refuses 2 "--random takes no file" "$qmac" verify --random 1 "$model"
for command in verify info disasm explore; do
    refuses 2 "-o: no such option" "$qmac" $command "$model" -o "$tmp/x"
done

# The same for the other commands.
refuses 2 "--step: the systemc engine does not step" "$qmac" run "$model" --step --engine systemc
refuses 2 "--stalls 0.1: the functional engine" "$qmac" run "$model" --stalls 0.1 --engine functional
refuses 2 "--energy cmos45: the functional engine" "$qmac" run "$model" --energy cmos45 --engine functional
for engine in fast timing; do
    refuses 2 "--stalls 0.1: the $engine engine knows no stalls" "$qmac" run "$model" --stalls 0.1 --engine $engine
    refuses 2 "--step: the $engine engine does not step" "$qmac" run "$model" --step --engine $engine
done
refuses 2 "--seed 7: the timing engine has nothing that is random" "$qmac" run "$model" --engine timing --seed 7
for option in "--input $tmp/good.npy" "--output $tmp/none" --layers; do
    # shellcheck disable=SC2086
    refuses 2 "${option%% *}: the timing engine computes no values" "$qmac" run "$model" --engine timing $option
done
refuses 2 "--seed 3: nothing is random" "$qmac" run "$model" --seed 3 --input "$tmp/good.npy"
for option in "--end-at x" "--batch 2" "--integer-inputs int8" --saturate; do
    # shellcheck disable=SC2086
    refuses 2 "${option%% *}" "$qmac" info "$tmp/net.qmac" $option
    has "$tmp/.err" ": $tmp/net.qmac is compiled already"
    # shellcheck disable=SC2086
    refuses 2 "${option%% *}" "$qmac" info "$model" $option
done

# Where nothing can be written.
: >"$tmp/file"
refuses 2 "$tmp/no/s.prog: cannot be written" "$qmac" verify --random 1 --machine tiny --shrink "$tmp/no/s.prog"
refuses 2 "$tmp/no/s.prog: cannot be written" "$qmac" verify "$test" --shrink "$tmp/no/s.prog"
refuses 2 "is a folder" "$qmac" verify "$test" --shrink "$tmp"
for file in "$model" "$test" "--random 1"; do
    # shellcheck disable=SC2086
    refuses 2 "$tmp/file: is not a folder" "$qmac" verify $file --waves "$tmp/file"
    # shellcheck disable=SC2086
    refuses 2 "$tmp/no/w: the folder cannot be made" "$qmac" verify $file --waves "$tmp/no/w"
    # shellcheck disable=SC2086
    refuses 2 "/proc/w: the folder cannot be made" "$qmac" verify $file --waves /proc/w
done
refuses 2 "$tmp/file" "$qmac" verify --random 1 --machine tiny --corpus "$tmp/file"
refuses 2 "$tmp/no/c" "$qmac" verify --random 1 --machine tiny --corpus "$tmp/no/c"
mkdir -p "$tmp/odd/state"
refuses 2 "$tmp/odd/state: " "$qmac" verify --random 1 --machine tiny --corpus "$tmp/odd"
long=$(printf '%01500d' 0 | sed 's|.\{200\}|&/|g')
mkdir -p "$tmp/$long"
built --random 1 --machine tiny
accepts "$qmac" verify --random 1 --machine tiny --corpus "$tmp/$long"
[ -f "$tmp/$long/state" ] || fail "the corpus of a long path has no state"
refuses 2 "/proc/x.json: cannot be written" "$qmac" run "$model" --json /proc/x.json
refuses 2 "/proc/x: the folder cannot be made" "$qmac" run "$model" --output /proc/x
refuses 2 "/proc/x: cannot be written" "$qmac" compile "$model" -o /proc/x
refuses 2 "/proc/x.csv: cannot be written" "$qmac" explore "$model" --csv /proc/x.csv

# A limit of cycles is reached in the same cycle on every engine, and a program that would run for minutes ends at once.
refuses 2 "--max-cycles 0: nothing could run" "$qmac" run "$model" --max-cycles 0
refuses 2 "not a whole number" "$qmac" verify "$model" --max-cycles x
for engine in cycle functional systemc fast timing; do
    refuses 2 "still busy after 1000 cycles, the limit that was given" "$qmac" run "$model" --max-cycles 1000 --engine $engine
    accepts "$qmac" run "$model" --max-cycles 1000000 --engine $engine
done
refuses 2 "still busy after 1921 cycles" "$qmac" run "$model" --max-cycles 1921
accepts "$qmac" run "$model" --max-cycles 1922
refuses 2 "still busy after 1921 cycles" "$qmac" run "$model" --max-cycles 1921 --step

# LOAD of 65535 x 32767 rows: the counts of the first LOAD in the file.
"$qmac" compile "$model" --machine tiny -o "$tmp/long.qmac" >"$tmp/.out"
offset=$(LC_ALL=C grep -obUaP '\x01[\x00-\xff]{3}[\x00-\xff]{12}\x01\x00\x01\x00' "$tmp/long.qmac" | head -n 1 | cut -d: -f1)
printf '\377\377\377\177' | dd of="$tmp/long.qmac" bs=1 seek=$((offset + 16)) conv=notrunc 2>"$tmp/.err"
refuses 2 "damaged: its checksum does not fit; compile the model again" "$qmac" run "$tmp/long.qmac"
seal "$tmp/long.qmac"
for engine in cycle functional systemc fast timing; do
    refuses 2 "many times what its work can need" timeout 20 "$qmac" run "$tmp/long.qmac" --engine $engine
done
finish
