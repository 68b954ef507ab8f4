#!/bin/sh
# One network by every way that leads to a result: compiled now or before, each engine, with files written, from another folder.
. "$(dirname "$0")/common.sh"
npy "$tmp/one.npy" '|i1' '1, 8, 8, 1' 64
npy "$tmp/three.npy" '|i1' '3, 8, 8, 1' 192
npy "$tmp/front.npy" '|i1' '3, 1, 8, 8, 1' 192
npy "$tmp/labels.npy" '|i1' '3,' 3

accepts "$qmac" run "$model" --input "$tmp/one.npy" --output "$tmp/a" --json "$tmp/a.json"
has "$tmp/.out" "machine  edge: 16x16 cells"
has "$tmp/.out" "energy   "
accepts "$qmac" compile "$model" -o "$tmp/net.prog"
accepts "$qmac" run "$tmp/net.prog" --input "$tmp/one.npy" --output "$tmp/b" --json "$tmp/b.json"
# The same but for the engine: fast for a model, cycle for a program.
same_report() {
    sed '/"engine":/d' "$1" >"$tmp/one.txt"
    sed '/"engine":/d' "$2" | cmp "$tmp/one.txt" - || fail "$3"
}
grep -q '"engine":.*"fast"' "$tmp/a.json" || fail "a model does not run on the engine fast"
grep -q '"engine":.*"cycle"' "$tmp/b.json" || fail "a program does not run on the engine cycle"
same_report "$tmp/a.json" "$tmp/b.json" "a compiled program reports something else"
accepts "$qmac" run "$model" --engine timing --json "$tmp/time.json"
accepts "$qmac" run "$model" --json "$tmp/random.json"
sed -i 's/"acc_overflows":\(.*\)0,/"acc_overflows":\1null,/; s/"seed":\(.*\)1,/"seed":\1null,/' "$tmp/random.json"
same_report "$tmp/random.json" "$tmp/time.json" "the timing engine reports something else"
diff -r "$tmp/a" "$tmp/b" || fail "a compiled program computes something else"
accepts "$qmac" run "$tmp/net.prog" --input "$tmp/one.npy" --output "$tmp/f" --engine functional
diff -r "$tmp/a" "$tmp/f" || fail "the functional engine computes something else"
accepts "$qmac" run "$model" --input "$tmp/one.npy" --output "$tmp/t" --machine tiny
diff -r "$tmp/a" "$tmp/t" || fail "machine tiny computes something else"
accepts "$qmac" run "$model" --input "$tmp/one.npy" --step --json "$tmp/step.json"
same_report "$tmp/a.json" "$tmp/step.json" "stepping reports something else than the engines that do not step"
accepts "$qmac" run "$model" --input "$tmp/one.npy" --output "$tmp/s" --stalls 0.2 --seed 3 --json "$tmp/s.json"
diff -r "$tmp/a" "$tmp/s" || fail "stalls change values"
cmp -s "$tmp/a.json" "$tmp/s.json" && fail "stalls change nothing"

# cycles at half and double the bandwidth are those of the same program on such a DRAM
accepts "$qmac" compile "$model" --set axi_bytes=32 -o "$tmp/wide.prog"
accepts "$qmac" run "$tmp/wide.prog" --json "$tmp/rate.json"
for pair in half:8 double:32; do
    accepts "$qmac" run "$tmp/wide.prog" --set dram_bytes_per_cycle=${pair#*:} --json "$tmp/other.json"
    cycles=$(sed -n 's/^	"cycles":	\([0-9]*\),/\1/p' "$tmp/other.json")
    has "$tmp/rate.json" "\"${pair%:*}_bandwidth_cycles\":	$cycles,"
done
accepts "$qmac" run "$model" --stalls 0.2 --json "$tmp/s.json"
has "$tmp/s.json" '"half_bandwidth_cycles":	null'
has "$tmp/a.json" "\"energy_table_sha256\":	\"$(sha256sum <spec/energy/cmos45.yaml | cut -c 1-64)\""

# 251,712 products of 8 by 8 bits at 0.2 and 0.1 pJ, and in float32 at 3.7 and 0.9; DRAM four times
accepts "$qmac" run "$model" --compare float32 --json "$tmp/c.json"
has "$tmp/.out" "ratio      18.5 x    9.0 x    4.0 x        4.5 x     28.4 x  16.0 x"
for pair in multiply_pj:50342.4, multiply_pj:931334.4, add_pj:25171.2, add_pj:226540.8, bit_ops:16109568 bit_ops:257753088; do
    has "$tmp/c.json" "\"${pair%:*}\":	${pair#*:}"
done
grep -q '"compare"' "$tmp/a.json" && fail "a run that was not asked to compares"
refuses 2 "there are: float16, float32" "$qmac" run "$model" --compare float64

# lists of examples, stacked as they came
accepts "$qmac" run "$model" --input "$tmp/three.npy" --output "$tmp/l" --labels "$tmp/labels.npy"
has "$tmp/.out" "accuracy "
has "$tmp/.out" "3 examples"
accepts "$qmac" run "$model" --input "$tmp/front.npy" --output "$tmp/m"
for file in "$tmp"/l/*.npy; do has "$file" "'shape': (3, 10)"; done
for file in "$tmp"/m/*.npy; do has "$file" "'shape': (3, 1, 10)"; done

# the same seed gives the same bytes on every machine
accepts "$qmac" run "$model" --seed 5 --output "$tmp/r1" --layers
accepts "$qmac" run "$model" --seed 5 --output "$tmp/r2" --layers --machine m3x5
diff -r "$tmp/r1" "$tmp/r2" || fail "layers differ between machines"
[ "$(ls "$tmp/r1" | wc -l)" -gt 1 ] || fail "--layers writes no layers"

# layers of 4-bit maps have a byte an element, whatever lies behind them in memory
narrow=$(dirname "$model")/digits_w4a4.onnx
MALLOC_PERTURB_=50 "$qmac" run "$narrow" --layers --output "$tmp/n1" >"$tmp/.out" || fail "layers of 4 bits cannot be written"
MALLOC_PERTURB_=90 "$qmac" run "$narrow" --layers --output "$tmp/n2" --machine tiny >"$tmp/.out" || fail "nor on another machine"
diff -r "$tmp/n1" "$tmp/n2" || fail "layers of 4 bits differ between machines"
has "$tmp/n1/branch_input.npy" "'shape': (1, 8, 8, 16)"
[ "$(tail -c 1024 "$tmp/n1/branch_input.npy" | LC_ALL=C tr -d '\000-\017' | wc -c)" = 0 ] || fail "an element of 4 bits is larger than 15"

# other tables, other roundings, knobs
accepts "$qmac" run "$model" --energy horowitz45
has "$tmp/.out" "table horowitz45"
accepts "$qmac" run "$model" --requant single
has "$tmp/.out" "rounding single"
for profile in litert xnnpack; do
    accepts "$qmac" run "$model" --requant $profile --json "$tmp/profile.json"
    has "$tmp/.out" "rounding $profile"
    has "$tmp/profile.json" "\"requant\":	\"$profile\""
    refuses 2 "--requant $profile says how TFLite files are run" "$qmac" run "$narrow" --requant $profile
done
accepts "$qmac" run "$model" --set rows=8 --set cols=32
has "$tmp/.out" "machine  edge,rows=8,cols=32: 8x32 cells"

# named machines and tables are found from anywhere
(cd / && "$qmac" run "$model" --machine tiny >/dev/null) || fail "does not run from another folder"

accepts "$qmac" disasm "$tmp/net.prog"
has "$tmp/.out" "MATMUL"
accepts "$qmac" info "$tmp/net.prog"
has "$tmp/.out" "machine edge"
accepts "$qmac" info "$model"
has "$tmp/.out" "CONV_2D"

# What is compiled twice is the same, whatever was in memory before.
narrow=workloads/digits/digits_w4a8.onnx
accepts "$qmac" compile "$narrow" -o "$tmp/first.prog"
accepts env LC_COLLATE="$(printf '%2000s' '' | tr ' ' x)" "$qmac" compile "$narrow" -o "$tmp/second.prog"
cmp -s "$tmp/first.prog" "$tmp/second.prog" || fail "the same model is compiled to different bytes"

# An input in either order of its channels: the outputs are the same bytes.
# numbers FILE TURNED: the last 64 bytes become 0 to 63, as 8 rows of 8 or, when TURNED is 1, as columns.
numbers() {
    bytes=$(awk -v turned="$2" 'BEGIN { for (i = 0; i < 64; i++) printf "\\%03o", turned ? i % 8 * 8 + int(i / 8) : i }')
    { head -c -64 "$1"; printf '%b' "$(printf '%s' "$bytes" | sed 's/\\/\\0/g')"; } >"$tmp/.numbers" && mv "$tmp/.numbers" "$1"
}
npy "$tmp/first.npy" '|i1' '1, 8, 8, 1' 64
npy "$tmp/last.npy" '|i1' '1, 8, 1, 8' 64
numbers "$tmp/first.npy" 0
numbers "$tmp/last.npy" 1
accepts "$qmac" run "$narrow" --input "$tmp/first.npy" --output "$tmp/nchw"
accepts "$qmac" run "$narrow" --input "$tmp/last.npy" --input-layout nhwc --output "$tmp/nhwc"
diff -r "$tmp/nchw" "$tmp/nhwc" >/dev/null || fail "the order of an input's channels changes the output"
refuses 2 "must be nchw or nhwc" "$qmac" run "$narrow" --input-layout chwn
refuses 2 "--input-layout is not for TFLite models" "$qmac" run "$model" --input-layout nhwc
# Sums that an accumulator does not hold: never without a word, in how many of the examples, and none where the weights allow none.
pictures=workloads/digits/pictures.npy
accepts "$qmac" run "$model" --input $pictures --json "$tmp/wide.json"
has "$tmp/.out" "overflow none: every sum fits 32 bits, whatever the input"
grep -q '"overflow":.*"none"' "$tmp/wide.json" || fail "the JSON does not say that all sums fit"
accepts "$qmac" run "$model" --set accumulator_bits=17 --input $pictures --json "$tmp/narrow.json"
grep -qE '^overflow counted: [0-9,]+ sums did not fit 17 bits and wrapped, in [0-9]+ of 1797 examples: the values are not' "$tmp/.out" ||
    fail "overflows of 17 bits are not told: $(head -6 "$tmp/.out")"
[ "$(grep -c '"overflow":.*"counted"' "$tmp/narrow.json")" = 1 ] || fail "the JSON does not say that sums did not fit"
accepts "$qmac" run "$model" --set accumulator_bits=17 --set accumulator_saturate=1 --input $pictures
has "$tmp/.out" "became the nearest that do"
accepts "$qmac" run "$model" --set accumulator_bits=17 --engine timing
has "$tmp/.out" "overflow possible: there are inputs whose sums do not fit 17 bits"
accepts "$qmac" compile "$model" --set accumulator_bits=17 -o "$tmp/narrow.prog"
accepts "$qmac" run "$tmp/narrow.prog" --engine timing
has "$tmp/.out" "overflow possible: "
finish
