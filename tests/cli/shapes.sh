#!/bin/sh
# Tables of shapes: the networks that are shipped have the products that their papers say, a table with every operator is the same in
# model and RTL, what is wrong is refused with its line; with QMAC_DATA every topology there is read or refused, and the cycles are those
# that the page shows beside SCALE-Sim's.
. "$(dirname "$0")/common.sh"

# costs FILE MACS OPTION...: a run of so many MACs.
costs() {
    file=$1 want=$2
    shift 2
    accepts "$qmac" run "$file" --search none --json "$tmp/run.json" "$@"
    macs=$(sed -n 's/^	"macs":	\([0-9]*\),*$/\1/p' "$tmp/run.json")
    [ "$macs" = "$want" ] || fail "$file $*: $macs MACs, not $want"
}
tables=workloads/shapes
costs $tables/resnet18.csv 1814073344
costs $tables/resnet50.csv 4089184256
costs $tables/mobilenet_v1.csv 568740352
costs $tables/mobilenet_v2.csv 300774272
costs $tables/vgg16.csv 15470264320
# 416x416x3 to 16 filters; five layers at half the size with twice the filters; two of 1024, one of 125
costs $tables/yolo_tiny.csv $((416 * 416 * 27 * 16 + 5 * 208 * 208 * 144 * 32 + 169 * (4608 * 1024 + 9216 * 1024 + 1024 * 125)))
# 12 layers: projections and feed-forward part of seq rows, and two products of seq by seq by 768
costs $tables/bert_base.csv $((12 * (128 * (4 * 768 * 768 + 2 * 768 * 3072) + 2 * 128 * 128 * 768)))
costs $tables/bert_base.csv $((12 * (32 * (4 * 768 * 768 + 2 * 768 * 3072) + 2 * 32 * 32 * 768))) --size seq=32
has "$tmp/run.json" "\"model\":	\"$tables/bert_base.csv,seq=32\","
cp "$tmp/run.json" "$tmp/32.json"
costs $tables/bert_base.csv $((12 * (33 * (4 * 768 * 768 + 2 * 768 * 3072) + 2 * 33 * 33 * 768))) --size seq=33
accepts "$qmac" diff "$tmp/32.json" "$tmp/run.json"
has "$tmp/.out" "differ   model "
costs $tables/decoder_decode.csv $((4 * 4096 * 4096 + 2 * 4096 * 11008 + 2 * 100 * 4096)) --size past=100
costs $tables/decoder_prefill.csv $((16 * (4 * 4096 * 4096 + 2 * 4096 * 11008) + 2 * 16 * 16 * 4096)) --size seq=16
has "$tmp/.out" "overflow unknown: the file has no weights"

# every operator, small
cat >"$tmp/small.csv" <<END
name, op, inputs, window, stride, pad, channels
# a comment

n, parameter, 6
image, input, 12x12x3
c1, conv, image, 3x3, 2, same, 8
d1, dwconv, c1, 3x3, 1, 1, 16
p1, maxpool, d1, 2x2, 1, same
p2, avgpool, p1, 2x2, 2, 0
c2, conv, p2, 1x1, 1, 0, 16
s1, add, c2 p2
m1, mean, s1
f1, dense, m1, , , , 10
rows, input, nx8
q, dense, rows, , , , 8
k, dense, rows, , , , 8
qh, heads, q, , , , 2
kh, heads, k, , , , 2
sc, matmul_t, qh kh
sm, softmax, sc
mx, matmul, sm kh
mm, merge, mx
g, gelu, mm
z, add, g rows
END
accepts "$qmac" verify "$tmp/small.csv" --machine tiny --seed-weights 3
has "$tmp/.out" "no difference"
accepts "$qmac" run "$tmp/small.csv" --machine tiny
cycles=$(grep '^total' "$tmp/.out")
accepts "$qmac" run "$tmp/small.csv" --machine tiny --seed-weights 5 --output "$tmp/five"
[ "$cycles" = "$(grep '^total' "$tmp/.out")" ] || fail "weights change what a table costs"
accepts "$qmac" run "$tmp/small.csv" --machine tiny --seed-weights 6 --output "$tmp/six"
cmp -s "$tmp/five/f1.npy" "$tmp/six/f1.npy" && fail "two seeds give the same values"
accepts "$qmac" explain "$tmp/small.csv" c1 --machine tiny
accepts "$qmac" explore "$tmp/small.csv" --machine tiny --size n=7 --csv "$tmp/x.csv"
has "$tmp/.out" "no weights in the file: drawn for time and energy"
has "$tmp/x.csv" "small.csv,n=7\","

# topologies of both forms, as SCALE-Sim counts: 7x5 positions of a 15x11 map, filters 2x3 in steps of 2
convolutions="Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"
printf '%s Sparsity,\r\nA, 15, 11, 2, 3, 4, 5, 2, 2:4,\r\nB,,,,,,,\r\n\r\nC, 6, 8, 1, 8, 2, 3, 1, ,\nLayer,M,N,K,\nD,7,9,11,\n' \
    "$convolutions" >"$tmp/top.csv"
accepts "$qmac" run "$tmp/top.csv"
has "$tmp/.out" "A (2:4 not used)"
has "$tmp/.out" "15x11x4 > 8x5x5, 2x3/2"
has "$tmp/.out" "6x1x16 > 6x1x3, 1x1/1"
has "$tmp/.out" "7x1x11 > 7x1x9, 1x1/1"
costs "$tmp/top.csv" $((8 * 5 * 5 * 24 + 6 * 3 * 16 + 7 * 9 * 11))

# wrong HEAD ROW WORDS: refused at line 2.
wrong() {
    printf '%s\n%s\n' "$1" "$2" >"$tmp/wrong.csv"
    refuses 2 "wrong.csv:2: $3" "$qmac" run "$tmp/wrong.csv"
}
wrong "$convolutions" "A, 15, B, 2, 3, 4, 5, 2," "the map's width is 'B'"
wrong "$convolutions" "A, 15, 11, 2, 3, 4, 5," "the stride is ''"
wrong "$convolutions" "A, 15, 11, 2, 3, 0, 5, 1," "channels is 0"
wrong "$convolutions" "A, 2, 11, 3, 3, 4, 5, 1," "the filter 3x3 is larger than the map 2x11"
wrong "$convolutions" "A, 100000, 100000, 3, 3, 4, 5, 1," "the map 100000x100000 has 2^31 elements or more"
wrong "Layer, M, N, K" "A, 1000000, 1000000, 1000000," "a product of 1000000 by 1000000 by 1000000 has a matrix"
networks="name, op, inputs, window, stride, pad, channels"
wrong "$networks" "a, inputt, 3x3x3" "there is no op 'inputt'"
wrong "$networks" "a, input, 3x3x3x3" "3x3x3x3 are more than 3"
wrong "$networks" "a, input, sx3" "inputs is 's'"
wrong "$networks" "a, conv, b, 3x3, 1, 1, 4" "no row above is called 'b'"
wrong "$networks" "ax, parameter, 4" "the parameter 'ax' has an x"
wrong "$networks" "a, input, 3x3x3, , , , 4" "input has no channels"
printf '%s\na, input, 3x3x3\nb, mean, a, 2x2\n' "$networks" >"$tmp/wrong.csv"
refuses 2 "wrong.csv:3: mean has no window" "$qmac" run "$tmp/wrong.csv"
refuses 2 "a table of shapes has no batch" "$qmac" run "$tmp/wrong.csv" --batch 2
printf '%s\nm, parameter, 3\nm, parameter, 4\n' "$networks" >"$tmp/wrong.csv"
refuses 2 "wrong.csv:3: a parameter above is called 'm', too" "$qmac" run "$tmp/wrong.csv"
printf '%s\na, input, 3x3x3\na, conv, a, 5x5, 1, 0, 4\n' "$networks" >"$tmp/wrong.csv"
refuses 2 "wrong.csv:3: a row above is called 'a', too" "$qmac" run "$tmp/wrong.csv"
printf '%s\na, input, 3x3x3\nb, conv, a, 5x5, 1, 0, 4\n' "$networks" >"$tmp/wrong.csv"
refuses 2 "wrong.csv:3: a window of 5 does not fit 3 elements with 0 on each side" "$qmac" run "$tmp/wrong.csv"
printf '%s\na, input, 3x3x3\nb, input, 3x3x4\nc, add, a b\n' "$networks" >"$tmp/wrong.csv"
refuses 2 "wrong.csv:4: the inputs a b have two shapes" "$qmac" run "$tmp/wrong.csv"
printf '%s\n' "$networks" >"$tmp/wrong.csv"
refuses 2 "the table ends, and has no layer" "$qmac" run "$tmp/wrong.csv"
refuses 2 "--size m=9: $tmp/small.csv has no such parameter" "$qmac" run "$tmp/small.csv" --size m=9
refuses 2 "--size n=8: the parameter is given twice" "$qmac" run "$tmp/small.csv" --size n=9 --size n=8
refuses 2 "--size is for tables of shapes" "$qmac" run "$model" --size n=9
refuses 2 "--seed-weights is for tables of shapes" "$qmac" run "$model" --seed-weights 9
refuses 2 "verify needs them: give --seed-weights N" "$qmac" verify "$tmp/small.csv" --machine tiny
refuses 2 "fast needs them: give --seed-weights N" "$qmac" run "$tmp/small.csv" --engine fast
refuses 2 "a program needs them: give --seed-weights N" "$qmac" compile "$tmp/small.csv" -o "$tmp/small.prog"

# the topologies of others
if [ -z "${QMAC_DATA:-}" ]; then
    echo "topologies of others: skipped, QMAC_DATA is not set"
    finish
fi
read_count=0 refused=0
for file in $(find "$QMAC_DATA/scale-sim/topologies" "$QMAC_DATA/layer-tables/scale-sim-topology" -name '*.csv' | sort); do
    if "$qmac" info "$file" >"$tmp/.out" 2>"$tmp/.err"; then
        read_count=$((read_count + 1))
    else
        refused=$((refused + 1))
        grep -qE "^qmac: $file:([0-9]+: | operator .*, line [0-9]+\\):)" "$tmp/.err" || fail "refused without a line: $(cat "$tmp/.err")"
    fi
done
echo "$read_count topologies are read, $refused refused with their line"
[ $((read_count + refused)) -ge 100 ] || fail "there should be 100 topologies or more"
[ $refused -le 20 ] || fail "more are refused than there were"
accepts "$qmac" run "$QMAC_DATA/layer-tables/scale-sim-topology/resnet8_cifar10_int8.csv"
page=docs/how-to/shapes-without-weights.md
tail -n +2 "$QMAC_DATA/oracle-scalesim/resnet8_cifar10_int8_16_ws.compute.csv" | cut -d, -f3 | tr -d ' ' >"$tmp/theirs"
sed -n 's/^\(op[0-9]*\)_.*w8a8 *[0-9.]* [kM ]*\([0-9,]*\) .*/\1 \2/p' "$tmp/.out" |
    paste -d' ' - "$tmp/theirs" | while read -r name ours theirs; do
    theirs=$(printf '%s' "$theirs" | sed ':a;s/\([0-9]\)\([0-9]\{3\}\)\(,\|$\)/\1,\2\3/;ta')
    grep -qF "| $name | $theirs | $ours | " $page || echo "$page does not show $name | $theirs | $ours"
done >"$tmp/shown"
[ -s "$tmp/shown" ] && fail "$(cat "$tmp/shown")"
finish
