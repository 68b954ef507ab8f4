#!/bin/sh
# synth.sh MACHINE [KNOB=VALUE]... - synthesizes the RTL of a machine with Yosys to simple gates and prints, by module, how many of it
# there are and the gates, flip-flops and memories of all of them, without those of the modules within. Memories stay whole: scratchpad,
# accumulator and queues are no gates. The array is that of cells, not the form that simulates fast. Yosys' output stays in build/synth/.
set -eu
cd "$(dirname "$0")/.."
work=build/synth/$(printf '%s' "$*" | tr -c 'A-Za-z0-9=' '_')
mkdir -p "$work"
build/specgen parameters "$@" >"$work/parameters"
{
    echo "read_verilog -Ibuild/gen rtl/*.v rtl/lib/*.v rtl/probe/*.v"
    sed 's/^/chparam -set /; s/$/ qmac/' "$work/parameters"
    echo "synth -top qmac -run begin:fine; check -assert; opt -fast -full; techmap; opt -fast; abc -fast; opt_clean"
    echo "tee -o $work/stat stat"
} >"$work/script"
yosys -q -l "$work/log" -s "$work/script" >"$work/out" 2>&1 || {
    tail "$work/out"
    exit 1
}

# Part one of stat is a list of cells a module, part two the tree of modules, two spaces a level, with counts within the one above.
awk '
    function plain(module) {
        sub(/^\$paramod(\$[0-9a-f]+)?\\/, "", module)
        sub(/\\.*/, "", module)
        return module
    }
    /^=== design hierarchy/ { tree = 1; next }
    /^=== / { module = $2; next }
    !tree && $1 ~ /^\$_/ { gates[module] += $2; if ($1 ~ /FF/) flops[module] += $2 }
    !tree && $1 ~ /^\$mem/ { memories[module] += $2 }
    tree && NF == 2 && $2 ~ /^[0-9]+$/ {
        match($0, /^ */)
        level = RLENGTH / 2
        many[level] = level > 1 && (level - 1) in many ? many[level - 1] * $2 : $2
        name = plain($1)
        count[name] += many[level]
        sum_gates[name] += many[level] * (gates[$1] - flops[$1])
        sum_flops[name] += many[level] * flops[$1]
        sum_memories[name] += many[level] * memories[$1]
    }
    tree && /^$/ && level { exit }
    END {
        for (name in count) {
            printf "%-20s %9d %11d %11d %9d\n", name, count[name], sum_gates[name], sum_flops[name], sum_memories[name] | "sort"
            g += sum_gates[name]; f += sum_flops[name]; m += sum_memories[name]
        }
        close("sort")
        printf "%-20s %9s %11d %11d %9d\n", "total", "", g, f, m
    }' "$work/stat" >"$work/table"
printf '%-20s %9s %11s %11s %9s\n' module instances gates flip-flops memories
cat "$work/table"
