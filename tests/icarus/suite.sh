# The whole RTL under a second simulator, in four states (tests/icarus/run.sh): every pin is what the C model says, and no X comes out.
# Memories that a program test or a random program of this size needs: small ones, because each program writes them whole first.
small="scratchpad_bytes=4096 accumulator_rows=32"
check "program tests, 4 states" tests/icarus/run.sh cells programs tests/programs scratchpad_bytes=1024 accumulator_rows=16
# shellcheck disable=SC2086
{
    check "random programs on m3x5, 4 states, with stalls" tests/icarus/run.sh cells random 6 1 0.2 m3x5 $small
    check "random programs on fixed8, 4 states" tests/icarus/run.sh cells random 5 31 0.1 fixed8 $small
    check "random programs on tiny, 4 states" tests/icarus/run.sh cells random 5 11 0 tiny $small
    check "random programs on edge, 4 states, fast array" tests/icarus/run.sh fast random 6 21 0.1 edge $small
}
