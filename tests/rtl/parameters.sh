#!/bin/sh
# parameters.sh icarus|verilator - every illegal parameter of the RTL is refused when it is elaborated, and every bound is accepted: of
# qmac.v all that build/parameters prints, of each module with a guard of its own those that the guard names. A guard is an instance of a
# module that does not exist and has the parameter's name in its own; in that file it must be what refuses. Verilator 5.006 meets an error
# of its own before the guard when there are no columns; there Icarus alone sees that the guard is right.
set -u
cd "$(dirname "$0")/../.." || exit 2
simulator=$1
work=build/tests/parameters-$simulator
mkdir -p "$work"

elaborate() { # TOP PARAMETER=VALUE...
    top=$1
    shift
    case $simulator in
    icarus)
        # shellcheck disable=SC2046
        iverilog -g2005 -tnull -I build/gen -s "$top" $(printf -- "-P $top.%s " "$@") rtl/*.v rtl/lib/*.v rtl/probe/*.v
        ;;
    verilator)
        # shellcheck disable=SC2046
        verilator --lint-only -Wno-lint -Wno-style --top-module "$top" $(printf -- '-G%s ' "$@") \
            -Ibuild/gen -Irtl -Irtl/lib -Irtl/probe "rtl/$top.v"
        ;;
    esac
}

has() { # TOP PARAMETER
    grep -q "^ *parameter integer $2 " "rtl/$1.v"
}

guards() { # TOP PARAMETER
    [ "$1" = qmac ] || grep -Eq "(^|[ _])$2(_[A-Za-z0-9_]*)?_must_be_" "rtl/$1.v"
}

# One line of values on one module: the words of base.values that the module has, with those of the line behind them.
judge() { # TOP VERDICT PARAMETER PARAMETER=VALUE...
    top=$1 verdict=$2 parameter=$3
    shift 3
    all=
    for value in $(sed -n 's/^base //p' "$work/values"); do
        for set in "$@"; do [ "${set%=*}" = "${value%=*}" ] && value=$set; done
        has "$top" "${value%=*}" && all="$all $value"
    done
    has "$top" FastArray && all="$all FastArray=1"
    # shellcheck disable=SC2086
    output=$(elaborate "$top" $all 2>&1) && status=0 || status=1
    by_guard=$(printf '%s\n' "$output" |
        grep -E "rtl/$top\.v:.*[ '_]${parameter}_[A-Za-z0-9_]*must_be_|rtl/$top\.v:.*_must_be_[A-Za-z0-9_]*_${parameter}_")
    case $verdict in
    legal) [ $status = 0 ] && [ -z "$by_guard" ] && return ;;
    refused) [ $status = 1 ] && [ -n "$by_guard" ] && return
        [ "$simulator $*" = "verilator Cols=0" ] && printf '%s\n' "$output" | grep -q '^%Error: Internal Error' && return ;;
    esac
    printf 'parameters.sh: %s: %s with %s is not %s by its guard\n%s\n' "$simulator" "$top" "$*" "$verdict" "$output" |
        grep -v '^ ' | grep -v '^%Warning' | head -5
    return 1
}

if [ "${2:-}" = judge ]; then
    shift 2
    judge "$@"
    exit
fi
build/parameters >"$work/values" || exit 1
for file in $(grep -l '_must_be_' rtl/*.v); do
    top=$(basename "$file" .v)
    grep -v '^base' "$work/values" | while read -r verdict parameter values; do
        has "$top" "$parameter" && guards "$top" "$parameter" && echo "$top $verdict $parameter $values"
    done
done | awk '$1 == "qmac" || NF == 4' >"$work/trials" # what is forbidden together is forbidden by qmac.v alone
xargs -P 2 -L 1 "$0" "$simulator" judge <"$work/trials" || exit 1
printf '%d elaborations, each accepted or refused as it must be\n' "$(wc -l <"$work/trials")"
[ "$(grep -c '^qmac refused' "$work/trials")" -gt 16 ]
