#!/bin/sh
# Bad input of every kind: status 2, one line that names the place and says what to do.
. "$(dirname "$0")/common.sh"

# the command line itself
refuses 2 "no command" "$qmac"
refuses 2 "no such command" "$qmac" rnu
refuses 2 "no file is named" "$qmac" run
refuses 2 "one file at a time" "$qmac" run "$model" "$model"
refuses 2 "--colour: no such option" "$qmac" run --colour "$model"
refuses 2 "-z: no such option" "$qmac" run -z "$model"
refuses 2 "--seed: the option needs a value" "$qmac" run "$model" --seed
refuses 2 "not a whole number" "$qmac" run "$model" --seed -1
refuses 2 "not a whole number" "$qmac" run "$model" --seed 1e3
refuses 2 "not a probability" "$qmac" run "$model" --stalls 1
refuses 2 "not a probability" "$qmac" run "$model" --stalls x
refuses 2 "there are: fast, cycle, rtl, systemc, functional, timing" "$qmac" run "$model" --engine quick
refuses 2 "there are: tflite, litert, xnnpack, single" "$qmac" run "$model" --requant up
refuses 2 "choose w8a8, w4a8 or w4a4" "$qmac" run "$model" --precision w3a8
refuses 2 "there is no precision ''" "$qmac" run "$model" --precision ""
refuses 2 "there is no precision ''" "$qmac" run "$model" --precision "w4a8,"
refuses 2 "choose from stem, branch" "$qmac" run "$model" --precision root=w4a8,default=w4a4
refuses 2 "no layer depthwise can be made w4a8; choose from" "$qmac" compile "$model" --precision depthwise=w4a8 -o "$tmp/narrow.prog"
refuses 2 "no output is named" "$qmac" compile "$model"
refuses 2 "passes are read, integers, legalize, narrow, fuse, place, tile, schedule, allocate, synchronize, emit" \
    "$qmac" compile "$model" -o "$tmp/a.prog" --dump-after quantize

# a clock that nothing is known of
refuses 2 "clock_mhz=1000: energy table cmos45 has prices up to 500 MHz" "$qmac" run "$model" --set clock_mhz=1000

refuses 2 "no such name in spec/machines" "$qmac" area egde
refuses 2 "no file is named" "$qmac" area

# what qmac watch does not draw
refuses 2 "layer depthwise is not drawn" "$qmac" watch "$model"
refuses 2 "32x32 cells are not drawn: take at most 16x16" "$qmac" watch "$model" --machine m32x32
refuses 2 "one example is watched" "$qmac" watch "$model" --input workloads/digits/test_pictures.npy --machine tiny
refuses 2 "give 1 or more" "$qmac" watch "$model" --cycles 0
refuses 2 "cannot be written: No such file" "$qmac" watch "$model" --waves "$tmp/nowhere/a.vcd"

# the Verilog of verify --rtl
broken=build/tests/broken-rtl
mkdir "$tmp/empty"
rm -rf "$broken"
mkdir -p "$broken"
cp -r rtl/. "$broken"
printf 'module broken;\n' >>"$broken/post.v"
refuses 2 "name a copy of rtl/" "$qmac" verify --random 1 --machine tiny --rtl "$tmp/empty"
refuses 2 "$broken/post.v:" "$qmac" verify --random 1 --machine tiny --rtl "$broken"

# machines and tables
refuses 2 "there are: acc20, edge" "$qmac" run "$model" --machine egde
refuses 2 "unknown knob 'rosw'" "$qmac" run "$model" --set rosw=3
refuses 2 "write knob=value" "$qmac" run "$model" --set rows
refuses 2 "not between" "$qmac" run "$model" --set rows=0
refuses 2 "power of two" "$qmac" run "$model" --set scratchpad_bytes=100000
refuses 2 "more than axi_bytes" "$qmac" run "$model" --set axi_bytes=4
printf 'rows: 4\nrows: 5\n' >"$tmp/twice.yaml"
refuses 2 "twice.yaml:2: 'rows' is given twice" "$qmac" run "$model" --machine "$tmp/twice.yaml"
printf 'rows: 4\ncolumns: 5\n' >"$tmp/unknown.yaml"
refuses 2 "unknown.yaml:2: unknown knob 'columns'" "$qmac" run "$model" --machine "$tmp/unknown.yaml"
refuses 2 "No such file" "$qmac" run "$model" --machine "$tmp/none.yaml"
refuses 2 "there are: bitfusion45, cmos45" "$qmac" run "$model" --energy cmos7
printf 'about: x\nnode_nm: 45\nvolts: 1\ncell_class: not_stated\nclock_mhz_most: 500\nrows:\n  m:\n    counter: mcas\n' >"$tmp/energy.yaml"
refuses 2 "energy.yaml:8: unknown counter 'mcas'" "$qmac" run "$model" --energy "$tmp/energy.yaml"

# models and programs
: >"$tmp/empty.tflite"
printf 'hello, world, this is not a network' >"$tmp/text.tflite"
head -c 1000 "$model" >"$tmp/cut.tflite"
printf 'QMACPROG' >"$tmp/cut.prog"
for command in run info; do
    refuses 2 "No such file" "$qmac" $command "$tmp/none.tflite"
    refuses 2 "$tmp" "$qmac" $command "$tmp"
    for file in empty.tflite text.tflite cut.tflite cut.prog; do
        refuses 2 "$file:" "$qmac" $command "$tmp/$file"
    done
done
refuses 2 "is not a compiled program" "$qmac" disasm "$model"
refuses 2 "cut.prog:" "$qmac" disasm "$tmp/cut.prog"
accepts "$qmac" compile "$model" -o "$tmp/net.prog"
refuses 2 "is a compiled program already" "$qmac" compile "$tmp/net.prog" -o "$tmp/b.prog"
refuses 2 "was compiled for machine edge" "$qmac" run "$tmp/net.prog" --machine tiny
refuses 2 "is compiled already" "$qmac" run "$tmp/net.prog" --requant single
refuses 2 "is compiled already" "$qmac" run "$tmp/net.prog" --precision w4a8
size=$(wc -c <"$tmp/net.prog")
for cut in 9 100 700 $((size / 2)) $((size - 1)); do
    head -c $cut "$tmp/net.prog" >"$tmp/cut.prog"
    refuses 2 "cut.prog:" "$qmac" run "$tmp/cut.prog"
done

# inputs and labels
refuses 2 "No such file" "$qmac" run "$model" --input "$tmp/none.npy"
npy "$tmp/good.npy" '|i1' '1, 8, 8, 1' 64
npy "$tmp/type.npy" '<f4' '1, 8, 8, 1' 256
npy "$tmp/shape.npy" '|i1' '1, 8, 9, 1' 72
npy "$tmp/none.npy" '|i1' '0, 8, 8, 1' 0
npy "$tmp/labels.npy" '|i1' '3,' 3
head -c 100 "$tmp/good.npy" >"$tmp/short.npy"
accepts "$qmac" run "$model" --input "$tmp/good.npy"
refuses 2 "type.npy:header: the elements are 'f4'" "$qmac" run "$model" --input "$tmp/type.npy"
refuses 2 "shape.npy:header: the shape is (1, 8, 9, 1)" "$qmac" run "$model" --input "$tmp/shape.npy"
refuses 2 "none.npy:header: the shape is" "$qmac" run "$model" --input "$tmp/none.npy"
refuses 2 "short.npy:" "$qmac" run "$model" --input "$tmp/short.npy"
refuses 2 "not a .npy file" "$qmac" run "$model" --input "$model"
refuses 2 "1 inputs, but 2 files" "$qmac" run "$model" --input "$tmp/good.npy" --input "$tmp/good.npy"
refuses 2 "3 labels for 1 examples" "$qmac" run "$model" --input "$tmp/good.npy" --labels "$tmp/labels.npy"
npy "$tmp/far.npy" '|i1' '1,' 0
printf '\012' >>"$tmp/far.npy" # of ten places
refuses 2 "label 10 of example 0: the first output has places 0 to 9" "$qmac" run "$model" --input "$tmp/good.npy" --labels "$tmp/far.npy"
refuses 2 "labels need --input" "$qmac" run "$model" --labels "$tmp/labels.npy"

# places that cannot be written; nothing half-written is left
: >"$tmp/file"
refuses 2 "is not a folder" "$qmac" run "$model" --output "$tmp/file"
refuses 2 "cannot be made" "$qmac" run "$model" --output "$tmp/no/such"
refuses 2 "$tmp/no/r.json" "$qmac" run "$model" --json "$tmp/no/r.json"
refuses 2 "is a folder" "$qmac" run "$model" --json "$tmp"
cp "$model" "$tmp/kept.tflite"
refuses 2 "names this file twice" "$qmac" run "$tmp/kept.tflite" --json "$tmp/./kept.tflite"
refuses 2 "names this file twice" "$qmac" compile "$tmp/kept.tflite" "--output=$tmp/kept.tflite"
refuses 2 "names this file twice" "$qmac" run "$model" --json "$tmp/both" --html "$tmp/both"
cmp -s "$model" "$tmp/kept.tflite" || fail "an output was written over an input"
refuses 2 "$tmp/no/p" "$qmac" compile "$model" -o "$tmp/no/p"
refuses 2 "/dev/full" "$qmac" run "$model" --json /dev/full
"$qmac" info "$model" >/dev/full 2>"$tmp/.err"
[ $? = 2 ] || fail "a full disk below stdout is not seen"
if [ "$(id -u)" != 0 ]; then
    mkdir "$tmp/locked" && chmod a-w "$tmp/locked"
    refuses 2 "cannot be written" "$qmac" run "$model" --output "$tmp/locked"
fi
[ -z "$(find "$tmp" -name '*.tmp')" ] || fail "temporary files are left"
finish
