# What takes minutes: the fuzz targets, faults planted in the RTL, more random programs in two simulators, long proofs, coverage.
check "fuzz the readers" make --no-print-directory fuzz
check "10,000 random ONNX networks give the integers that they mean" \
    make --no-print-directory onnx-graphs ONNX_GRAPH_COUNT=10000 ONNX_GRAPH_SEED=1000
check "10,000 random TFLite networks give the bytes that naive code gives" \
    make --no-print-directory tflite-graphs TFLITE_GRAPH_COUNT=10000 TFLITE_GRAPH_SEED=1000
for seed in 99 12345 777; do
    check "300 random moves put their bytes where naive code does, and cost so many cycles a byte, seed $seed" \
        build/move_costs 25 $seed tiny edge acc20 m3x5 m8x16 m16x8
done
check "30 faults planted in the RTL are noticed" make --no-print-directory mutate MUTANTS=30
check "150 faults planted in the checks of decode are noticed" \
    make --no-print-directory mutate MUTANTS=150 MUTANT_FILE=rtl/decode.v MUTANT_DIR=build/mutants-decode
check "the timing engine equals the cycle engine on 20,000 random programs and machines" build/timing_equals_cycle 20000 100000
[ -z "${QMAC_DATA:-}" ] || check "the timing engine equals the cycle engine on a machine of one cell" tests/networks/timing.sh one
# shellcheck disable=SC2046
[ -z "${QMAC_DATA:-}" ] || check "more memory makes four networks no slower on seven arrays, 1,500 points" \
    build/memory_sizes 16x16,4x64,64x64,8x16,32x32,16x32,32x8 $(ls "$QMAC_DATA"/mlcommons-tiny/models/*_int8.tflite)
[ -z "${QMAC_DATA:-}" ] || check "float networks quantized to 4-bit weights keep their outputs" \
    build/quantize_networks w4a8 resnet8_cifar10 autoencoder_ad01
check "published machines lie within a factor of 3" make --no-print-directory validate
check "flip-flops, gates and memories of the area are those of the RTL" tests/rtl/area.sh m3x5
check "illegal parameters are refused by Verilator, too" tests/rtl/parameters.sh verilator
for machine in one tiny m3x5 fixed8 acc20 m8x16 m16x8 edge; do
    check "500 random programs on $machine" build/qmac verify --random 500 --seed 1000 --machine $machine
    check "500 random programs on $machine with stalls" build/qmac verify --random 500 --seed 2000 --machine $machine --stalls 0.2
done
check "2000 random programs on edge" build/qmac verify --random 2000 --seed 7 --machine edge --stalls 0.05
# Proofs that take longer than those of tests/proofs.
if command -v yosys >/dev/null && command -v z3 >/dev/null; then
    for pair in "0 1" "0 2" "0 3" "1 0" "1 2" "1 3" "2 0" "2 1" "2 3" "3 0" "3 1" "3 2"; do
        check "the tokens of the pair $pair are counted exactly" tests/proofs/run.sh induction token "Giver=${pair% *}" "Taker=${pair#* }"
    done
    check "a queue of 4 never overflows, underflows or loses order" tests/proofs/run.sh induction queue Depth=4
    for low in 0 28; do
        check "the whole requantizer, TFLITE, operands of 4 bits from bit $low on" \
            tests/proofs/run.sh induction requantize Rounding=0 Bits=4 Low=$low
    done
    for low in 0 26; do
        for rounding in 1 2 3 4 5 6; do
            check "the whole requantizer, rounding $rounding, operands of 6 bits from bit $low on" \
                tests/proofs/run.sh induction requantize Rounding=$rounding Bits=6 Low=$low
        done
    done
    for bytes in 4 64; do
        check "the FIFO of fetch with $bytes bytes a beat never overflows, underflows or loses order" \
            tests/proofs/run.sh induction fetch AxiBytes=$bytes
    done
    check "planted faults refute the proof of fetch" tests/proofs/faults.sh slow
    check "the ranges of 32-bit products that the requantizer's proofs assume" tests/proofs/run.sh integers requantize_product
else
    skip "long proofs" "yosys and z3 are not installed"
fi
# shellcheck disable=SC2086
{
    small="scratchpad_bytes=4096 accumulator_rows=32"
    for machine in one tiny m3x5 fixed8; do
        check "random programs on $machine in 4 states, with stalls" tests/icarus/run.sh cells random 15 3000 0.2 $machine $small
    done
    for machine in acc20 m8x16 m16x8 edge; do
        check "random programs on $machine in 4 states, with stalls, fast array" tests/icarus/run.sh fast random 25 3000 0.2 $machine $small
    done
}
for machine in one m3x5 fixed8 acc20 m8x16 m16x8 edge; do
    check "the signals between the blocks are equal on $machine" build/qmac verify --random 200 --machine $machine --stalls 0.1 --probe
done
for case in times headers copy paths errors damaged ends streams interrupted umask owner read_only; do
    check "what verify says is of the Verilog that is there: $case" tests/lockstep/builds.sh $case
done
settle # coverage writes lists of dependencies, which every make reads; what comes behind calls none
check "coverage of RTL, C and instruction fields is at its goals" make --no-print-directory -j2 coverage
check "programs that show planted faults are reduced to at most 8 instructions each" tests/lockstep/shrunk.sh
check "too little memory is status 3 and one line, in steps of 200 KiB" tests/cli/memory.sh 200
