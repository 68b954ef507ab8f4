#!/bin/sh
# located.sh NAME PROGRAM... - the fault NAME of faults.txt, planted, is found by `qmac verify PROGRAM...`; the report names its block, an
# instruction and the last events, and the waveforms of both engines have the same signals and differ in the marked cycle. Of a network it
# names the layer too.
set -u
cd "$(dirname "$0")/../.." || exit 2
fault=$1
shift
dir=build/tests/located/$(printf '%s' "$fault $*" | tr -c 'A-Za-z0-9' _)
mkdir -p build/tests/located
block=$(tests/lockstep/plant.sh "$fault" "$dir") || exit 2
waves=$dir-waves
rm -rf "$waves"
build/qmac verify "$@" --rtl "$dir" --waves "$waves" >"$dir-report" 2>"$dir-line"
status=$?
cat "$dir-report" "$dir-line"
wrong() {
    echo "located.sh: $*"
    exit 1
}
[ $status = 1 ] || wrong "status $status, not 1"
grep -q "^first difference: cycle [0-9]*, unit $block, signal " "$dir-report" || wrong "the report does not name $block"
grep -A 1 '^the instruction:' "$dir-report" | grep -q ' instruction [0-9]' || wrong "no instruction"
if [ "$1" != --random ]; then
    grep -A 1 '^the instruction:' "$dir-report" | grep -q ' of layer [0-9]* ([A-Z]' || wrong "no layer"
fi
grep -q '^  cycle [0-9]*: ' "$dir-report" || wrong "no events"
for file in model rtl; do
    grep '^\$var\|^\$scope' "$waves/$file.vcd" >"$waves/$file.names"
    [ "$(grep -c '^#' "$waves/$file.vcd")" -ge 100 ] || wrong "$file.vcd has fewer than 100 cycles"
done
cmp "$waves/model.names" "$waves/rtl.names" || wrong "the waveforms have other signals"
sed -n 's/^qmac\.[a-z_]*\.\([a-z_]*\).*/\1/p' "$waves/view.gtkw" | sort >"$waves/shown"
sed -n 's/^\$var wire [0-9]* . \([a-z_]*\) .*/\1/p' "$waves/model.vcd" | sort | \
    cmp - "$waves/shown" || wrong "view.gtkw shows other signals"

# The value of the named signal in the named cycle, in both files.
cycle=$(sed -n 's/^first difference: cycle \([0-9]*\),.*/\1/p' "$dir-report")
signal=$(sed -n 's/^first difference:.* signal \([a-z_]*\): .*/\1/p' "$dir-report")
value() {
    awk -v unit="$block" -v signal="$signal" -v cycle="$cycle" '
        $1 == "$scope" { scope = $3 }
        $1 == "$var" && scope == unit && $5 == signal { id = $4; width = $3 }
        /^#/ { if (substr($1, 2) + 0 > cycle) exit }
        width == 1 && substr($1, 2) == id && NF == 1 { value = substr($1, 1, 1) }
        width > 1 && $2 == id && NF == 2 { value = $1 }
        END { print value }' "$1"
}
[ -n "$(value "$waves/model.vcd")" ] && [ "$(value "$waves/model.vcd")" != "$(value "$waves/rtl.vcd")" ] \
    || wrong "the waveforms agree on $block.$signal"
