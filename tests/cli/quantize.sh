#!/bin/sh
# quantize.sh - qmac quantize: from a float network and examples to a quantized ONNX file that qmac runs, what each step gained, and what is
# refused.
. "$(dirname "$0")/common.sh"

build/float_models "$tmp" || fail "no float networks"
quantize="$qmac quantize $tmp/net.onnx --calibration $tmp/x.npy"
quickly="$quantize --rounding nearest"

# sqnr STEP: what the report says of a step.
sqnr() {
    sed -n "s/^$1  *\([-0-9.]*\) dB.*/\1/p" "$tmp/.out"
}

# above A B: a number is not below another.
above() {
    awk "BEGIN { exit !($1 >= $2) }" || fail "$1 is below $2"
}

accepts $quantize --labels "$tmp/labels.npy" --precision w8a8 -o "$tmp/w8a8.onnx"
has "$tmp/.out" "3 layers, of 48 examples, judged on these 48"
above "$(sqnr 'nearest, min-max')" 25
above "$(sqnr 'bias correction')" 25
grep -q AdaRound "$tmp/.out" && fail "AdaRound is reported where nothing has fewer than 8 bits"
has "$tmp/.out" "accuracy"
accepts $quantize --precision w4a8 -o "$tmp/w4a8.onnx"
nearest=$(sqnr 'nearest, min-max')
above "$(sqnr 'bias correction')" "$nearest"
above "$(sqnr AdaRound)" "$(sqnr 'bias correction')"

# The file computes what the report says: its outputs beside those of the float network, whose softmax is left.
for bits in w8a8 w4a8; do
    accepts "$qmac" run "$tmp/$bits.onnx" --input "$tmp/x.npy" --output "$tmp/$bits" --labels "$tmp/labels.npy"
    has "$tmp/.out" "$bits"
done
accepts "$qmac" run "$tmp/net.onnx" --engine float --input "$tmp/x.npy" --output "$tmp/float"
for bits in w8a8 w4a8; do
    for of in float $bits; do od -A n -t f4 -v -w20 -j 128 "$tmp/$of/y.npy" >"$tmp/$of.txt"; done
    paste "$tmp/float.txt" "$tmp/$bits.txt" | awk -v most="$([ $bits = w8a8 ] && echo 0.05 || echo 0.2)" '
        { for (i = 1; i <= 5; i++) if ($i - $(i + 5) > most || $(i + 5) - $i > most) bad = 1 } END { exit bad || NR != 48 }' ||
        fail "$bits is far from the float network"
done

# The same options give the same file; another seed other integers.
accepts $quantize --precision w4a8 -o "$tmp/again.onnx"
cmp -s "$tmp/w4a8.onnx" "$tmp/again.onnx" || fail "the same options give another file"

# Every step can be left out or chosen, and a layer can have bits of its own.
for options in "" "--bias-correction none" "--bias-correction analytic" --absorb "--ranges normal" \
    "--ranges min-max" "--ranges percentile --percent 99.9" "--ranges kl" \
    --equalize --per-tensor --symmetric --power-of-two "--rounding adaround --iterations 50" "--input $tmp/few.npy"; do
    # shellcheck disable=SC2086
    accepts $quickly --precision w4a8 -o "$tmp/o.onnx" $options
    accepts "$qmac" run "$tmp/o.onnx"
done
accepts $quickly --precision logits=w8a8,default=w4a4 -o "$tmp/mixed.onnx"
accepts "$qmac" run "$tmp/mixed.onnx"
accepts $quickly --precision w2a8 -o "$tmp/w2a8.onnx"
accepts "$qmac" run "$tmp/w2a8.onnx"
accepts "$qmac" quantize "$tmp/net.tflite" --calibration "$tmp/rows.npy" --precision w4a8 -o "$tmp/rows.onnx" --iterations 100
accepts "$qmac" run "$tmp/rows.onnx" --input "$tmp/rows.npy"

# Model and RTL compute the file alike.
built --machine tiny --random 1
accepts "$qmac" verify "$tmp/w4a8.onnx" --machine tiny

# Activations of zeros alone are a range of their own; what is not finite is refused.
accepts "$qmac" quantize "$tmp/net.onnx" --calibration "$tmp/zeros.npy" --precision w4a8 -o "$tmp/o.onnx" --iterations 100
rm "$tmp/o.onnx"
refuses 2 "example 47 of the calibration: tensor x has NaN or infinite numbers" \
    "$qmac" quantize "$tmp/net.onnx" --calibration "$tmp/nan.npy" --precision w4a8 -o "$tmp/o.onnx"
refuses 2 "--calibration" "$qmac" quantize "$tmp/net.onnx" --precision w4a8 -o "$tmp/o.onnx"
refuses 2 "--precision P" $quantize -o "$tmp/o.onnx"
refuses 2 "--output FILE.onnx" $quantize --precision w8a8
refuses 2 "w3a8 is none of w8a8" $quantize --precision w3a8 -o "$tmp/o.onnx"
refuses 2 "no layer is called stem" $quantize --precision stem=w8a8,default=w4a8 -o "$tmp/o.onnx"
refuses 2 "has no default" $quantize --precision logits=w8a8 -o "$tmp/o.onnx"
refuses 2 "the shape is (48, 12)" "$qmac" quantize "$tmp/net.onnx" --calibration "$tmp/rows.npy" --precision w8a8 -o "$tmp/o.onnx"
refuses 2 "is of --ranges percentile" $quantize --precision w8a8 --percent 99 -o "$tmp/o.onnx"
refuses 2 "must be above 0" $quantize --precision w8a8 --ranges percentile --percent 0 -o "$tmp/o.onnx"
refuses 2 "is of --rounding adaround" $quantize --precision w8a8 --rounding nearest --iterations 5 -o "$tmp/o.onnx"
refuses 2 "must be 1 to" $quantize --precision w8a8 --iterations 0 -o "$tmp/o.onnx"
refuses 2 "a float network has none" $quantize --precision w8a8 --saturate -o "$tmp/o.onnx"
refuses 2 "48 labels for 1 examples" $quantize --precision w8a8 --input "$tmp/few.npy" --labels "$tmp/labels.npy" -o "$tmp/o.onnx"
refuses 2 "SIN has no form in ONNX here" \
    "$qmac" quantize "$tmp/sines.tflite" --calibration "$tmp/rows.npy" --precision w8a8 -o "$tmp/o.onnx"
for quantized in "$model" "$tmp/w8a8.onnx"; do
    refuses 2 "is a quantized network, not a float one" \
        "$qmac" quantize "$quantized" --calibration "$tmp/x.npy" --precision w8a8 -o "$tmp/o.onnx"
done
refuses 2 "cannot be written" $quantize --precision w8a8 -o "$tmp/no/o.onnx"
refuses 2 "/dev/full" $quantize --precision w8a8 --rounding nearest -o /dev/full
[ -e "$tmp/o.onnx" ] && fail "a refused network was written"
[ -z "$(find "$tmp" -name '*.tmp')" ] || fail "temporary files are left"
# In explore each precision is what quantize writes: the same quality, and the cycles of its file.
accepts "$qmac" explore "$tmp/net.onnx" --calibration "$tmp/x.npy" --labels "$tmp/labels.npy" --precision w8a8,w4a8 --rows 8,16 \
    --csv "$tmp/e.csv"
has "$tmp/.out" "on the front of latency, energy and accuracy"
column() {
    awk -F, -v name="$1" -v precision="$2" 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
        NR > 1 && $column["precision"] == precision && $column["rows"] == 16 { print $column[name] }' "$tmp/e.csv"
}
for bits in w8a8 w4a8; do
    accepts "$qmac" run "$tmp/$bits.onnx" --engine timing --json "$tmp/$bits.json"
    cycles=$(sed -n 's/^\t"cycles":\t\([0-9]*\),$/\1/p' "$tmp/$bits.json")
    [ "$(column cycles $bits)" = "$cycles" ] || fail "explore: $(column cycles $bits) cycles at $bits, the file's run $cycles"
    accepts $quantize --precision $bits -o "$tmp/again.onnx"
    last=$([ $bits = w8a8 ] && echo 'bias correction' || echo AdaRound)
    [ "$(column sqnr_db $bits | awk '{ printf "%.2f", $1 }')" = "$(sqnr "$last")" ] || fail "explore has another SQNR at $bits"
done
refuses 2 "--labels: judges a float network" "$qmac" explore "$tmp/net.onnx" --labels "$tmp/labels.npy"
refuses 2 "to which precisions?" "$qmac" explore "$tmp/net.onnx" --calibration "$tmp/x.npy"
refuses 2 "give one model" "$qmac" explore "$tmp/net.onnx" "$model" --calibration "$tmp/x.npy" --precision w8a8
refuses 2 "is a quantized network" "$qmac" explore "$tmp/w8a8.onnx" --calibration "$tmp/x.npy" --precision w8a8
refuses 2 "this is a float network" "$qmac" explore "$tmp/net.onnx" --precision w8a8
finish
