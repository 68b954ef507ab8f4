#!/bin/sh
# What the machine cannot do exactly: refused, or taken with qmac run --accept-error, which states how far it is off.
. "$(dirname "$0")/common.sh"

# An ONNX file is messages of fields. Here each byte is written as four characters, \ and its octal digits.
text() { printf '%s' "$1" | od -An -v -to1 | tr -d '\n' | tr ' ' '\\'; }
byte() { printf '\\%03o' "$1"; }
varint() { if [ "$1" -lt 128 ]; then byte "$1"; else byte $(($1 % 128 + 128)) && byte $(($1 / 128)); fi; }
# field NUMBER BYTES, number NUMBER VALUE
field() { byte $(($1 * 8 + 2)) && varint $((${#2} / 4)) && printf '%s' "$2"; }
number() { byte $(($1 * 8)) && varint "$2"; }
# node OPERATOR OUTPUT INPUT...
node() {
    kind=$1 output=$2
    shift 2
    field 1 "$(for input; do field 1 "$(text "$input")"; done && field 2 "$(text "$output")" && field 4 "$(text "$kind")")"
}
# constant NAME TYPE BYTES DIMENSION...
constant() {
    name=$1 type=$2 data=$3
    shift 3
    field 5 "$(for size; do number 1 "$size"; done && number 2 "$type" && field 8 "$(text "$name")" && field 9 "$data")"
}
# end FIELD NAME TYPE ROWS COLUMNS: an input (11) or output (12)
end() {
    shape=$(field 1 "$(number 1 "$4")" && field 1 "$(number 1 "$5")")
    field "$1" "$(field 1 "$(text "$2")" && field 2 "$(field 1 "$(number 1 "$3" && field 2 "$shape")")")"
}

# y = (x + c) / 0.001, c = -49.9993 and 49.9993: beyond what the machine adds, the nearest whole numbers are -50 and 50
graph=$(
    node DequantizeLinear xr x one && node DequantizeLinear wr w one && node MatMul sum xr wr && node Add more sum c &&
        node QuantizeLinear y more step && field 2 "$(text net)" && constant one 1 '\000\000\200\077' &&
        constant w 3 '\001\001' 1 2 && constant c 1 '\110\377\107\302\110\377\107\102' 2 && constant step 1 '\157\022\203\072' &&
        end 11 x 3 1 1 && end 12 y 2 1 2
)
# save FILE GRAPH
save() { printf "$(number 1 8 && field 7 "$2" && field 8 "$(number 2 13)")" >"$1"; }
net=$tmp/net.onnx
save "$net" "$graph"
# x is 50 in the last of its examples: (50 - 49.9993) / 0.001 is 0.7, which becomes 1, and 0 on the machine
npy "$tmp/one.npy" '|i1' '1, 1' 0
npy "$tmp/two.npy" '|i1' '2, 1, 1' 1
printf '2' >>"$tmp/one.npy"
printf '2' >>"$tmp/two.npy"

reason="channel 0: adds -49999.3 steps of the output, and the machine's nearest is up to 0.7 steps off"
reason="$reason; a larger scale of the output makes both smaller; qmac run --accept-error takes the nearest"
refuses 2 "$reason" "$qmac" run "$net"
refuses 2 "$reason" "$qmac" compile "$net" -o "$tmp/net.prog"
refuses 2 "$reason" "$qmac" explore "$net"
for command in compile explore info; do refuses 2 "--accept-error: no such option" "$qmac" $command --accept-error "$net"; done

accepts "$qmac" run "$net" --accept-error --input "$tmp/one.npy" --output "$tmp/y" --json "$tmp/one.json"
has "$tmp/.out" "values   not exact: the machine's nearest in 1 layer; in steps of its output, on this run's inputs, off by"
grep -qE '^ +y +1 at most, 0.5 on average$' "$tmp/.out" || fail "the deviation is not in: $(cat "$tmp/.out")"
[ "$(tail -c 2 "$tmp"/y/*.npy | od -An -tu1 | tr -s ' ')" = " 0 255" ] || fail "the machine does not give its nearest"
# deviation FILE LARGEST MEAN
deviation() {
    tr -d '\n\t' <"$1" | grep -qE "\"deviation\":\[\{\"name\":\"y\",\"layer\":0,\"largest\":$2,\"mean\":$3\}\]" || fail "$1: $(cat "$1")"
}
deviation "$tmp/one.json" 1 0.5

# over all examples, and by every engine that computes values
accepts "$qmac" run "$net" --accept-error --input "$tmp/two.npy" --json "$tmp/two.json"
deviation "$tmp/two.json" 1 0.25
accepts "$qmac" run "$net" --accept-error --input "$tmp/one.npy" --engine cycle --json "$tmp/cycle.json"
accepts "$qmac" run "$net" --accept-error --input "$tmp/one.npy" --engine functional --json "$tmp/functional.json"
deviation "$tmp/functional.json" 1 0.5
sed -i 's/"cycle",$/"fast",/' "$tmp/cycle.json"
cmp "$tmp/one.json" "$tmp/cycle.json" || fail "another engine reports something else"
accepts "$qmac" run "$net" --accept-error --input "$tmp/one.npy" --layers --output "$tmp/layers"
[ "$(ls "$tmp/layers" | wc -l)" = "$(ls "$tmp/y" | wc -l)" ] || fail "there are layers that compare: $(ls "$tmp/layers")"

# what is exact is no different
exact=workloads/digits/digits_w4a8.onnx
accepts "$qmac" run "$exact" --json "$tmp/plain.json"
grep -q '"deviation"' "$tmp/plain.json" && fail "a deviation that was not asked for"
accepts "$qmac" run "$exact" --accept-error --json "$tmp/exact.json"
has "$tmp/.out" "values   exact: nothing had to be accepted"
has "$tmp/exact.json" '"deviation":	[],'
grep -v '"deviation"' "$tmp/exact.json" | cmp - "$tmp/plain.json" || fail "--accept-error changes what is exact"

# nothing to compare with
refuses 2 "the timing engine computes no values" "$qmac" run "$net" --accept-error --engine timing
refuses 2 "--accept-error: with --precision the values are not the file's" "$qmac" run "$exact" --accept-error --precision w4a4
refuses 2 "$model: --accept-error is for ONNX models: what runs of a TFLite model is exact" "$qmac" run "$model" --accept-error
accepts "$qmac" compile "$model" -o "$tmp/net.prog"
refuses 2 "--accept-error: $tmp/net.prog is compiled already" "$qmac" run "$tmp/net.prog" --accept-error

# another rounding than the file's: x / 2, where x is 1, and then with a constant that only the file's rounding can add
halves=$tmp/halves.onnx
save "$halves" "$(
    node DequantizeLinear xr x one && node DequantizeLinear wr w one && node MatMul sum xr wr && node QuantizeLinear y sum two &&
        field 2 "$(text net)" && constant one 1 '\000\000\200\077' && constant w 3 '\001\001' 1 2 &&
        constant two 1 '\000\000\000\100' && end 11 x 3 1 1 && end 12 y 2 1 2
)"
npy "$tmp/half.npy" '|i1' '1, 1' 0
printf '\001' >>"$tmp/half.npy"
# halved MODE WANTED: what becomes of 1 / 2
halved() {
    accepts "$qmac" run "$halves" --requant "$1" --input "$tmp/half.npy" --output "$tmp/$1" --json "$tmp/$1.json"
    [ "$(tail -c 1 "$tmp/$1"/*.npy | od -An -tu1 | tr -d ' ')" = "$2" ] || fail "--requant $1 does not make $2 of a half"
}
halved even 0
refuses 2 "--accept-error: with --requant the values are not the file's" "$qmac" run "$halves" --accept-error --requant away
grep -q "not the file's" "$tmp/.out" && fail "half to even is the file's own rounding"
grep -q '"file_requant"' "$tmp/even.json" && fail "half to even is the file's own rounding, in the JSON, too"
halved away 1
has "$tmp/.out" ", rounding away,"
has "$tmp/.out" "values   not the file's, which mean rounding even"
has "$tmp/away.json" '"requant":	"away"'
has "$tmp/away.json" '"file_requant":	"even"'
halved tflite 1
has "$tmp/.out" "values   not the file's, which mean rounding even"
halved floor 0
accepts "$qmac" compile "$halves" --requant away -o "$tmp/away.prog"
accepts "$qmac" run "$tmp/away.prog"
has "$tmp/.out" "values   not the file's, which mean rounding even"
for command in run "compile -o $tmp/net.prog"; do
    # shellcheck disable=SC2086
    refuses 2 "rounds half to even only, not as --requant single says" "$qmac" $command "$net" --requant single
done
accepts "$qmac" run "$model" --requant tflite
grep -q "not the file's" "$tmp/.out" && fail "tflite is the rounding of TFLite files"
finish
