#!/bin/sh
# float.sh - qmac run --engine float: outputs and accuracy of float networks of both formats, no time and no energy, and what is refused.
. "$(dirname "$0")/common.sh"

build/float_models "$tmp" || fail "no float networks"
run="$qmac run --engine float"

# The labels are classes in turn; how many are right is counted here once more.
accepts $run "$tmp/net.onnx" --input "$tmp/x.npy" --labels "$tmp/labels.npy" --output "$tmp/out" --json "$tmp/r.json"
has "$tmp/.out" "a float network, engine float, 48 examples"
has "$tmp/.out" "no cycles and no energy"
has "$tmp/.out" "accuracy "
for figure in cycles seconds energy_pj average_power_mw utilization machine; do
    has "$tmp/r.json" "\"$figure\":	null"
done
has "$tmp/r.json" '"engine":	"float"'
has "$tmp/r.json" '"examples":	48'
# 48 rows of 5 floats behind a header of 128 bytes.
[ "$(wc -c <"$tmp/out/y.npy")" = $((128 + 48 * 5 * 4)) ] || fail "y.npy has not 48 rows of 5 floats"
od -A n -t f4 -v -w20 -j 128 "$tmp/out/y.npy" | awk '
    { sum = 0; for (i = 1; i <= 5; i++) { sum += $i; if ($i < 0) bad = 1 } if (sum < 0.999 || sum > 1.001) bad = 1 }
    END { exit bad || NR != 48 }' || fail "the rows of a softmax do not add up to 1"
right=$(od -A n -t f4 -v -w20 -j 128 "$tmp/out/y.npy" | awk '
    { best = 1; for (i = 2; i <= 5; i++) if ($i > $best) best = i; if (best - 1 == (NR - 1) % 5) right++ } END { print right + 0 }')
has "$tmp/.out" "($right of 48)"

accepts $run "$tmp/net.tflite" --input "$tmp/rows.npy" --output "$tmp/rows"
accepts $run "$tmp/net.onnx"
has "$tmp/.out" "1 example of random inputs, seed 1"

# What is no float network, and what would do nothing.
refuses 2 "is a quantized network, not a float one" $run "$model"
refuses 2 "the elements are 'i1'" $run "$tmp/net.onnx" --input workloads/digits/pictures.npy
refuses 2 "the shape is (48, 12)" $run "$tmp/net.onnx" --input "$tmp/rows.npy"
refuses 2 "48 labels for 1 examples" $run "$tmp/net.onnx" --input "$tmp/few.npy" --labels "$tmp/labels.npy"
refuses 2 "labels need --input" $run "$tmp/net.onnx" --labels "$tmp/labels.npy"
refuses 2 "counts no energy" $run "$tmp/net.onnx" --energy cmos45
for option in "--machine edge" "--set rows=8" "--requant even" "--search none" "--precision w4a8" --layers "--max-cycles 5"; do
    # shellcheck disable=SC2086
    refuses 2 "has no machine and rounds nothing" $run "$tmp/net.onnx" $option
done
for option in --saturate "--input-layout nhwc" "--input-layout nchw" "--integer-inputs int8"; do
    # shellcheck disable=SC2086
    refuses 2 "a float network has none" $run "$tmp/net.onnx" $option
done
accepts $run "$tmp/net.onnx" --end-at logits
refuses 2 "this is a float network" "$qmac" run "$tmp/net.onnx"
refuses 2 "cannot be written" $run "$tmp/net.onnx" --json "$tmp/no/r.json"
[ -e "$tmp/no" ] && fail "something was written"
finish
