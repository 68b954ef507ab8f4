#!/bin/sh
# qmac explore: every point is what qmac run says of the same machine; what cannot be is explained;
# bad input is refused before anything is written.
. "$(dirname "$0")/common.sh"

# figures FILE KEY: all numbers of a key in a JSON file, one a line.
figures() {
    sed -n "s/^[[:space:]]*\"$2\":[[:space:]]*\([0-9.e+-]*\),*$/\1/p" "$1"
}

# The figures of runs, in order, and whether $tmp/x.json has the same.
begin_runs() {
    rm -f "$tmp"/run.*
}
add_run() {
    accepts "$qmac" run "$@" --json "$tmp/run.json"
    for pair in cycles:cycles seconds:seconds macs:macs utilization:utilization nominal:energy_pj low:energy_low_pj high:energy_high_pj \
        dram_read_bytes:dram_read_bytes dram_write_bytes:dram_write_bytes bytes:host_bytes_share; do
        figures "$tmp/run.json" "${pair%:*}" | head -n 1 >>"$tmp/run.${pair#*:}"
    done
}
same_as_runs() {
    for key in cycles seconds macs utilization energy_pj energy_low_pj energy_high_pj dram_read_bytes dram_write_bytes host_bytes_share; do
        [ "$(wc -l <"$tmp/run.$key")" = "$1" ] || fail "not $1 runs have $key"
        figures "$tmp/x.json" $key | cmp -s - "$tmp/run.$key" || \
            fail "$key differs from qmac run: $(figures "$tmp/x.json" $key | tr '\n' ' ') and $(tr '\n' ' ' <"$tmp/run.$key")"
    done
}

# a 3x3 grid of arrays, in the order of the axes
accepts "$qmac" explore "$model" --rows 3,8,16 --cols 1,5,16 --json "$tmp/x.json" --csv "$tmp/x.csv" --jobs 2
cp "$tmp/.out" "$tmp/table"
begin_runs
for rows in 3 8 16; do for cols in 1 5 16; do add_run "$model" --set rows=$rows --set cols=$cols; done; done
same_as_runs 9
[ "$(wc -l <"$tmp/x.csv")" = 10 ] || fail "the CSV has not a head and 9 rows"
[ "$(cut -d, -f1,2,4,6,7 "$tmp/x.csv" | sed -n '1p;3p')" = "schema,model,precision,rows,cols
2,\"$model\",model,3,5" ] || fail "CSV: $(sed -n '1p;3p' "$tmp/x.csv")"
[ "$(grep -c ',ok,1,' "$tmp/x.csv")" = "$(grep -cE '^ +[0-9]+ ' "$tmp/table")" ] || fail "the table has not the rows that the CSV marks"
column=$(head -n 1 "$tmp/x.csv" | tr ',' '\n' | grep -nx cycles | cut -d: -f1)
[ "$(tail -n +2 "$tmp/x.csv" | cut -d, -f"$column")" = "$(cat "$tmp/run.cycles")" ] \
    || fail "cycles of the CSV differ from those of qmac run"

# a profile of a framework
accepts "$qmac" explore "$model" --requant xnnpack --csv "$tmp/profile.csv"
has "$tmp/profile.csv" ",xnnpack,"

# other knobs, precisions, prices and roundings; one job or more give the same bytes
accepts "$qmac" explore "$model" --machine tiny --set dram_latency=7,300 --set clock_mhz=50,100 --precision w8a8,w4a8,w4a4 \
    --energy horowitz45 --requant single --json "$tmp/x.json" --csv "$tmp/two.csv" --jobs 2
begin_runs
for precision in w8a8 w4a8 w4a4; do for latency in 7 300; do for clock in 50 100; do
    add_run "$model" --machine tiny --set dram_latency=$latency --set clock_mhz=$clock --precision $precision \
        --energy horowitz45 --requant single
done; done; done
same_as_runs 12
accepts "$qmac" explore "$model" --machine tiny --set dram_latency=7,300 --set clock_mhz=50,100 --precision w8a8,w4a8,w4a4 \
    --energy horowitz45 --requant single --csv "$tmp/one.csv" --jobs 1
cmp "$tmp/one.csv" "$tmp/two.csv" || fail "the number of jobs changes results"

# what the documents show is what is printed; the model is named there as from the top folder
shows() {
    file=$1
    shift
    accepts "$qmac" explore workloads/digits/digits_int8.tflite "$@"
    while IFS= read -r line; do
        [ -z "$line" ] || grep -qxF -- "$line" "$file" || fail "$file does not show what qmac explore $* prints now: $line"
    done <"$tmp/.out"
}
for file in README.md docs/how-to/explore.md; do
    shows $file --rows 8,16,32,64 --cols 8,16,32,64 --set scratchpad_bytes=8192,32768
done
shows docs/how-to/explore.md --rows 256 --cols 100 --set accumulator_rows=2 --set scratchpad_bytes=1024,262144

# two models, one with a name that CSV must quote
cp "$model" "$tmp/a \"b\", c.tflite"
accepts "$qmac" explore "$model" "$tmp/a \"b\", c.tflite" --csv "$tmp/x.csv"
[ "$(wc -l <"$tmp/x.csv")" = 3 ] || fail "two models are not two rows"
has "$tmp/x.csv" "a \"\"b\"\", c.tflite\",$(sha256sum <"$model" | cut -c 1-64),model,edge,16,16,"
has "$tmp/.out" "c.tflite: 1 point on edge, 1 on the front"

# points that cannot be: knobs that do not go together, and a scratchpad too small for the network
accepts "$qmac" explore "$model" --set axi_bytes=8,16 --csv "$tmp/x.csv" --json "$tmp/x.json"
has "$tmp/.out" "impossible: 1 point at axi_bytes=8: edge: dram_bytes_per_cycle = 16 is more than axi_bytes = 8 can carry"
grep -qE ',impossible,0,0,,+"edge: dram_bytes_per_cycle = 16 is more than' "$tmp/x.csv" || fail "x.csv: $(cat "$tmp/x.csv")"
has "$tmp/x.json" '"state":	"impossible"'
accepts "$qmac" explore "$model" --rows 256 --cols 100 --set accumulator_rows=2 --set scratchpad_bytes=1024,262144
has "$tmp/.out" "2 points on edge, 1 on the front"
has "$tmp/.out" "impossible: 1 point at scratchpad_bytes=1024: $model: layer sum does not fit"
accepts "$qmac" explore "$model" --set axi_bytes=4,8
has "$tmp/.out" "2 points on edge, 0 on the front"

# a clock above what the table has prices for; the table by its content and the machine by its fingerprint are in every row
accepts "$qmac" explore "$model" --set clock_mhz=500,501 --csv "$tmp/x.csv" --json "$tmp/x.json"
has "$tmp/.out" "impossible: 1 point at clock_mhz=501: clock_mhz=501: energy table cmos45 has prices up to 500 MHz"
digest=$(sha256sum <spec/energy/cmos45.yaml | cut -c 1-64)
fingerprint=$("$qmac" run "$model" | sed -n 's/.*; fingerprint //p')
has "$tmp/.out" "(table cmos45, SHA-256 $(echo "$digest" | cut -c 1-16))"
[ "$(grep -c ",$fingerprint,tflite,plans,cmos45,$digest," "$tmp/x.csv")" = 2 ] || fail "x.csv: $(cat "$tmp/x.csv")"
[ "$(grep -c "\"fingerprint\":	\"$fingerprint\"" "$tmp/x.json")" = 2 ] || fail "the points of x.json have no fingerprint"
has "$tmp/x.json" "\"energy_table_sha256\":	\"$digest\""

# points whose accumulator does not hold every sum are marked, and judged only when that is asked for
accepts "$qmac" explore "$model" --set accumulator_bits=16,32 --csv "$tmp/x.csv" --json "$tmp/x.json"
has "$tmp/.out" "2 points on edge, 1 on the front"
has "$tmp/.out" "overflow possible: 1 point off the front"
[ "$(grep -c ',ok,0,0,possible,' "$tmp/x.csv") $(grep -c ',ok,1,0,none,' "$tmp/x.csv")" = "1 1" ] || fail "x.csv: $(cat "$tmp/x.csv")"
[ "$(grep -c '"overflow":' "$tmp/x.json")" = 2 ] || fail "x.json does not say which points may overflow"
accepts "$qmac" explore "$model" --set accumulator_bits=16,32 --allow-overflow --csv "$tmp/x.csv"
has "$tmp/.out" "accumulator_bits  overflow  cycles"
grep -q ',ok,1,[01],possible,' "$tmp/x.csv" || fail "a point that may overflow is not judged: $(cat "$tmp/x.csv")"

# nothing runs and nothing is written when anything is wrong
echo kept >"$tmp/x.csv"
files="--csv $tmp/x.csv --json $tmp/new.json"
refuses 2 "no model is named" "$qmac" explore $files
refuses 2 "a value is missing" "$qmac" explore "$model" --rows "" $files
refuses 2 "a value is missing" "$qmac" explore "$model" --rows 8,,16 $files
refuses 2 "a value is missing" "$qmac" explore "$model" --precision w8a8, $files
refuses 2 "unknown knob 'rosw'" "$qmac" explore "$model" --set rosw=8,16 $files
refuses 2 "not between 1 and 256" "$qmac" explore "$model" --cols 8,500 $files
refuses 2 "not a whole number" "$qmac" explore "$model" --cols 8,1e1 $files
refuses 2 "power of two" "$qmac" explore "$model" --set axi_bytes=16,24 $files
refuses 2 "8 is given twice" "$qmac" explore "$model" --rows 8,16,8 $files
refuses 2 "there is an axis rows already" "$qmac" explore "$model" --rows 8 --set rows=16 $files
refuses 2 "w4a8 is given twice" "$qmac" explore "$model" --precision w4a8,w8a8,w4a8 $files
refuses 2 "choose w8a8, w4a8 or w4a4" "$qmac" explore "$model" --precision w8a8,w3a8 $files
refuses 2 "No such file" "$qmac" explore "$model" "$tmp/none.tflite" $files
refuses 2 "is given twice" "$qmac" explore "$model" "$model" $files
head -c 1000 "$model" >"$tmp/cut.tflite"
refuses 2 "cut.tflite:" "$qmac" explore "$model" "$tmp/cut.tflite" $files
accepts "$qmac" compile "$model" -o "$tmp/net.prog"
refuses 2 "is compiled already" "$qmac" explore "$tmp/net.prog" $files
refuses 2 "no such name in spec/machines" "$qmac" explore "$model" --machine egde $files
refuses 2 "there are: bitfusion45, cmos45" "$qmac" explore "$model" --energy cmos7 $files
refuses 2 "there are: tflite" "$qmac" explore "$model" --requant up $files
refuses 2 "must be int8 or uint8" "$qmac" explore "$model" --integer-inputs int4 $files
refuses 2 "not between 1 and" "$qmac" explore "$model" --jobs 0 $files
refuses 2 "more than 100000 points" "$qmac" explore "$model" --rows "$(seq -s, 1 256)" --cols "$(seq -s, 1 256)" --set clock_mhz=1,2 $files
refuses 2 "$tmp/no/x.csv" "$qmac" explore "$model" --csv "$tmp/no/x.csv" --json "$tmp/new.json"
refuses 2 "is a folder" "$qmac" explore "$model" --csv "$tmp/x.csv" --json "$tmp"
[ "$(cat "$tmp/x.csv")" = kept ] || fail "a refused exploration wrote its CSV"
[ ! -e "$tmp/new.json" ] || fail "a refused exploration wrote its JSON"

# an interrupt leaves the file as it was, or whole
timeout -s INT 0.3 "$qmac" explore "$model" --rows "$(seq -s, 1 100)" --cols "$(seq -s, 1 100)" --csv "$tmp/x.csv" >/dev/null 2>&1
[ "$(cat "$tmp/x.csv")" = kept ] || [ "$(wc -l <"$tmp/x.csv")" = 10001 ] || fail "an interrupted exploration left a part of its CSV"
[ -z "$(find "$tmp" -name '*.tmp')" ] || fail "temporary files are left"
finish
