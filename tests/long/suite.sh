# What takes minutes: the fuzz targets, more random programs.
check "fuzz the readers" make --no-print-directory fuzz
for machine in one tiny m3x5 acc20 m8x16 m16x8 edge; do
    check "500 random programs on $machine" build/qmac verify --random 500 --seed 1000 --machine $machine
    check "500 random programs on $machine with stalls" build/qmac verify --random 500 --seed 2000 --machine $machine --stalls 0.2
done
check "2000 random programs on edge" build/qmac verify --random 2000 --seed 7 --machine edge --stalls 0.05
# Proofs that take longer than those of tests/proofs.
for pair in "0 1" "0 2" "0 3" "1 0" "1 2" "1 3" "2 0" "2 1" "2 3" "3 0" "3 1" "3 2"; do
    check "the tokens of the pair $pair are counted exactly" tests/proofs/run.sh induction token "Giver=${pair% *}" "Taker=${pair#* }"
done
check "a queue of 4 never overflows, underflows or loses order" tests/proofs/run.sh induction queue Depth=4
for low in 0 28; do
    check "the whole requantizer, TFLITE, operands of 4 bits from bit $low on" tests/proofs/run.sh induction requantize Rounding=0 Bits=4 Low=$low
done
for low in 0 26; do
    for rounding in 1 2 3 4 5; do
        check "the whole requantizer, rounding $rounding, operands of 6 bits from bit $low on" \
            tests/proofs/run.sh induction requantize Rounding=$rounding Bits=6 Low=$low
    done
done
check "the ranges of 32-bit products that the requantizer's proofs assume" tests/proofs/run.sh integers requantize_product
