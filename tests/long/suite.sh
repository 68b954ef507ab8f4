# What takes minutes: the fuzz targets, more random programs, in two simulators.
check "fuzz the readers" make --no-print-directory fuzz
for machine in one tiny m3x5 acc20 m8x16 m16x8 edge; do
    check "500 random programs on $machine" build/qmac verify --random 500 --seed 1000 --machine $machine
    check "500 random programs on $machine with stalls" build/qmac verify --random 500 --seed 2000 --machine $machine --stalls 0.2
done
check "2000 random programs on edge" build/qmac verify --random 2000 --seed 7 --machine edge --stalls 0.05
# shellcheck disable=SC2086
{
    small="scratchpad_bytes=4096 accumulator_rows=32"
    for machine in one tiny m3x5; do
        check "random programs on $machine in 4 states, with stalls" tests/icarus/run.sh cells random 15 3000 0.2 $machine $small
    done
    for machine in acc20 m8x16 m16x8 edge; do
        check "random programs on $machine in 4 states, with stalls, fast array" tests/icarus/run.sh fast random 25 3000 0.2 $machine $small
    done
}
for machine in one m3x5 acc20 m8x16 m16x8 edge; do
    check "the signals between the blocks are equal on $machine" build/qmac verify --random 200 --machine $machine --stalls 0.1 --probe
done
check "coverage of RTL, C and instruction fields is at its goals" make --no-print-directory -j2 coverage
