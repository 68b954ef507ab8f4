#!/bin/sh
# area.sh MACHINE... - what spec/energy/blocks.def says of a machine is what its RTL has, as Yosys sees it (tools/synth.sh): every module
# that holds something is listed, with exactly as many flip-flops, and every memory belongs to a module with bits or is one of the two
# large ones; gates of each component lie within 15 %.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
for machine in "$@"; do
    build/qmac area "$machine" | awk 'listed { print } $1 == "module" { listed = 1 }' >"$work/formulas"
    tools/synth.sh "$machine" >"$work/counted"
    awk -v machine="$machine" '
        FNR == NR { of[$1] = $2; flops[$1] += $3; gates[$1] += $4; bits[$1] += $5; share[$1, $2] = $4; parts[$2]; next }
        $1 == "module" || $1 == "total" { next }
        { counted++ }
        $3 + $4 + $5 > 0 && !($1 in of) { bad(machine ": blocks.def has no " $1) }
        $1 in of && $4 != flops[$1] { bad(machine ": flip-flops of " $1 ": " flops[$1] ", counted " $4) }
        $5 > 0 && bits[$1] == 0 && $1 != "scratchpad" && $1 != "accumulator" { bad(machine ": " $1 " has a memory and no bits") }
        $1 in of { for (p in parts) if (gates[$1] > 0) found[p] += $3 * share[$1, p] / gates[$1]; for (p in parts) said[p] += share[$1, p] }
        function bad(line) { print line; failed = 1 }
        END {
            if (counted < 20) bad(machine ": " counted " modules were counted")
            for (p in parts) if (found[p] > 4000 && (said[p] < 0.85 * found[p] || said[p] > 1.15 * found[p]))
                bad(machine ": gates of " p ": " said[p] ", counted " found[p])
            exit failed
        }' "$work/formulas" "$work/counted" || status=1
done
exit $status
