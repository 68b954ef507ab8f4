#!/bin/sh
# run.sh METHOD PROOF [PARAMETER=VALUE...] - one proof about the RTL: tests/proofs/PROOF.v says what is claimed, this says how it is proved.
#   values     wrong_o is 0 for all inputs and all register contents, without a clock: Yosys makes gates, ABC proves them constant
#   induction  the asserts hold in cycle 0 and, from any state in which they hold, in the next: Yosys's SAT solver proves both
#   integers   PROOF.smt2 is a claim about unbounded integers, negated: z3 finds no solution
# The last line is PROVED or REFUTED. Exit status 0, 1, or 2 when the proof could not be run. RTL names another folder than rtl/.
set -u
cd "$(dirname "$0")/../.." || exit 2
method=$1 proof=$2
shift 2
rtl=${RTL:-rtl}
limit=900  # seconds a solver may take
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

broken() {
    cat "$work"/log* 2>/dev/null
    echo "BROKEN: $1"
    exit 2
}

verdict() { # 0: proved
    [ "$1" = 0 ] && echo PROVED || echo REFUTED
    exit "$1"
}

# The units of the design come from rtl/ unless the proof has its own form of one.
set_parameters=$(for p in "$@"; do printf 'chparam -set %s %s %s_proof; ' "${p%%=*}" "${p#*=}" "$proof"; done)
read_design="read_verilog -formal -Ibuild/gen -Itests/proofs tests/proofs/$proof.v; \
    read_verilog -defer -nooverwrite -Ibuild/gen $rtl/*.v $rtl/lib/*.v $rtl/probe/*.v"
elaborate="$read_design; $set_parameters hierarchy -check -top ${proof}_proof; proc"

# Registers and memories become inputs, so that wrong_o is a function of whatever they may hold.
prove_values() {
    yosys -q -p "$elaborate; flatten; opt_clean; delete t:\$*dff* t:\$mem*; setundef -undriven -anyseq; \
        wreduce; opt; techmap; opt; aigmap; write_aiger $work/proof.aig" >"$work/log" 2>&1 || broken Yosys
    timeout $limit yosys-abc -c "read_aiger $work/proof.aig; scorr; ifraig; iprove" >"$work/log" 2>&1 || broken ABC
    grep -qw UNSATISFIABLE "$work/log" && verdict 0
    grep -qw SATISFIABLE "$work/log" && verdict 1
    broken "ABC gave no answer"
}

prove_induction() {
    timeout $limit yosys -q -l "$work/log" -p "$elaborate; memory -nomap; memory_map; flatten; opt; \
        sat -tempinduct -prove-asserts -set-assumes -maxsteps 3 -show-public" >"$work/log.out" 2>&1 || broken Yosys
    grep -q 'Induction step proven: SUCCESS!' "$work/log" && verdict 0
    grep -q 'model found\|induction proof failed\|maximum number of time steps' "$work/log" && verdict 1
    broken "Yosys gave no answer"
}

prove_integers() {
    timeout $limit z3 "tests/proofs/$proof.smt2" >"$work/log" 2>&1
    case $(sort -u "$work/log") in
    unsat) verdict 0 ;;
    *unknown* | *error* | "") broken z3 ;;
    *) verdict 1 ;;
    esac
}

case $method in
values | induction | integers) "prove_$method" ;;
*) broken "no method is called $method" ;;
esac
