#!/bin/sh
# explain.sh - qmac explain says what runs with each knob doubled and halved say; qmac diff adds up to the totals of both reports.
. "$(dirname "$0")/common.sh"

# cycles_of JSON LAYER: of the layer of that number, or of all.
cycles_of() {
    awk -v layer="$2" '/"layers":/ { in_layers = 1; at = -1 } in_layers && /"name":/ { at++ }
        /"cycles":/ && ((layer == "all" && !in_layers) || (in_layers && at == layer)) { gsub(/[^0-9]/, ""); print; exit }' "$1"
}

# The table of a layer, each row by a run of its own; rows are sorted, so that the first knob that is named is the fastest.
layer=4 rows=0
accepts "$qmac" explain "$model" $layer --machine tiny
cp "$tmp/.out" "$tmp/explained"
# knob, value, cycles of the layer and of the network: a change of the layer is "-" or two words
sed -n '/^knob /,$p' "$tmp/explained" | tail -n +2 | sed 's/(sums may overflow)//' |
    awk '{ gsub(",", ""); print $1, $4, $5, $6 == "-" ? $7 : $8 }' >"$tmp/rows"
while read -r knob to of_layer whole; do
    "$qmac" run "$model" --machine tiny --engine timing --set "$knob=$to" --json "$tmp/run.json" >"$tmp/.out" || fail "$knob=$to: no run"
    ran=$(cycles_of "$tmp/run.json" $layer) network=$(cycles_of "$tmp/run.json" all)
    [ "$ran" = "$of_layer" ] || fail "$knob=$to: the layer takes $of_layer cycles, run says $ran"
    [ "$network" = "$whole" ] || fail "$knob=$to: the network takes $whole cycles, run says $network"
    rows=$((rows + 1))
done <"$tmp/rows"
[ $rows -ge 15 ] || fail "only $rows variants were run"
sort -s -n -k 3,3 "$tmp/rows" | cmp -s - "$tmp/rows" || fail "the variants are not sorted"
best=$(sed -n '/^knob /{ n; s/\([a-z_]* [0-9]* > [0-9]*\).*/\1/p; }' "$tmp/explained")
has "$tmp/explained" "knobs    $best makes it fastest: "

# By name, of the whole network, and what is no layer.
accepts "$qmac" explain "$model" pointwise --machine tiny
cmp -s "$tmp/.out" "$tmp/explained" || fail "the layer's name explains another than its number"
accepts "$qmac" explain "$model"
has "$tmp/.out" "bound    by "
# What the network needs of the array and the post unit is what they were counted to issue.
"$qmac" run "$model" --engine timing --json "$tmp/all.json" >"$tmp/run" || fail "the network does not run"
counted() { sed -n "s/^.*\"$1\":.\([0-9]*\),*$/\1/p" "$tmp/all.json"; }
needed() { sed -n "s/^  *$1  *\([0-9,]*\)  .*/\1/p" "$tmp/.out" | tr -d ,; }
[ "$(needed streams)" = "$(counted matmul_stream)" ] || fail "streams: $(needed streams), $(counted matmul_stream) were counted"
[ "$(needed post)" = $(($(counted post_row) + $(counted post_param))) ] || fail "post: $(needed post) are not those that were counted"
refuses 2 "nonsense: there is no such layer" "$qmac" explain "$model" nonsense
refuses 2 "99: there is no such layer" "$qmac" explain "$model" 99
refuses 2 "no model is named" "$qmac" explain
refuses 2 "3: one layer at a time" "$qmac" explain "$model" 2 3
"$qmac" compile "$model" -o "$tmp/program" >"$tmp/.out"
refuses 2 "is compiled already" "$qmac" explain "$tmp/program"

# Two reports whose machines differ in three knobs.
run() {
    json=$1
    shift
    "$qmac" run "$model" --json "$tmp/$json" "$@" >"$tmp/.out" || fail "does not run: $*"
}
run a.json --engine timing
run b.json --engine timing --set rows=8 --set cols=32 --set dram_latency=50
accepts "$qmac" diff "$tmp/a.json" "$tmp/b.json" --all
has "$tmp/.out" "differ   rows 16 > 8, cols 16 > 32, dram_latency 100 > 50"
a=$(cycles_of "$tmp/a.json" all) b=$(cycles_of "$tmp/b.json" all)
sum=$(sed -n '/^layer /,/^$/p' "$tmp/.out" | awk 'NR > 1 { gsub(",", ""); sum += $5 } END { print sum }')
[ "$sum" = $((b - a)) ] || fail "the layers change by $sum cycles, the network by $((b - a))"
while read -r knob to; do
    cycles=$(grep "^$knob [0-9]* > $to " "$tmp/.out" | awk '{ gsub(",", ""); print $5 }')
    "$qmac" run "$model" --engine timing --set "$knob=$to" --json "$tmp/one.json" >"$tmp/one" || fail "$knob=$to does not run"
    [ "$(cycles_of "$tmp/one.json" all)" = "$cycles" ] || fail "$knob=$to alone: $cycles cycles, run says $(cycles_of "$tmp/one.json" all)"
done <<END
rows 8
cols 32
dram_latency 50
END

# The same report; a run of another precision; a model that is gone; reports that are none.
accepts "$qmac" diff "$tmp/a.json" "$tmp/a.json"
has "$tmp/.out" "differ   in no knob and no option"
run narrow.json --precision w4a8
accepts "$qmac" diff "$tmp/a.json" "$tmp/narrow.json"
has "$tmp/.out" "differ   precision model > w4a8"
sed "s|$model|/nowhere/model.tflite|" "$tmp/a.json" >"$tmp/gone.json"
accepts "$qmac" diff "$tmp/gone.json" "$tmp/b.json"
has "$tmp/.out" "knobs    cannot be told apart: the model of A is not there"
sed 's/"energy_table_sha256":.*/"energy_table_sha256": "0",/' "$tmp/a.json" >"$tmp/prices.json"
accepts "$qmac" diff "$tmp/prices.json" "$tmp/b.json"
has "$tmp/.out" ", prices 0 > "
has "$tmp/.out" "knobs    cannot be told apart: the prices of A are others now"
"$qmac" run workloads/digits/digits_w4a4.onnx --engine timing --json "$tmp/onnx.json" >"$tmp/.out" || fail "the ONNX network does not run"
accepts "$qmac" diff "$tmp/a.json" "$tmp/onnx.json" --all
has "$tmp/.out" "only in A"
has "$tmp/.out" "only in B"
sum=$(sed -n '/^layer /,$p' "$tmp/.out" | awk 'NR > 1 { gsub(",", ""); sum += $5 } END { print sum }')
[ "$sum" = $(($(cycles_of "$tmp/onnx.json" all) - a)) ] || fail "the layers of two networks change by $sum cycles"
run values.json --engine functional
refuses 2 "values.json: the functional engine knew no time" "$qmac" diff "$tmp/a.json" "$tmp/values.json"
refuses 2 "digits_int8.tflite: JSON is not what it holds" "$qmac" diff "$model" "$tmp/a.json"
echo '{}' >"$tmp/empty.json"
refuses 2 "empty.json: model is no text there" "$qmac" diff "$tmp/empty.json" "$tmp/a.json"
sed 's/"cycles":.*/"cycles": "many",/' "$tmp/a.json" >"$tmp/text.json"
refuses 2 "text.json: cycles is no number that it could be" "$qmac" diff "$tmp/a.json" "$tmp/text.json"
for bad in -5 1e300; do
    sed "s/\"cycles\":.*/\"cycles\": $bad,/" "$tmp/a.json" >"$tmp/bad.json"
    refuses 2 "bad.json: cycles is no number that it could be" "$qmac" diff "$tmp/a.json" "$tmp/bad.json"
done
run stalled.json --stalls 0.1
accepts "$qmac" diff "$tmp/stalled.json" "$tmp/b.json"
has "$tmp/.out" "knobs    cannot be told apart: A was run with stalls"
refuses 2 "two reports are compared" "$qmac" diff "$tmp/a.json"
refuses 2 "no/such.json" "$qmac" diff "$tmp/a.json" no/such.json
finish
