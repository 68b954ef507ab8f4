# Proofs about the RTL for all operands, states and lengths of time (docs/how-to/prove-the-rtl.md), and faults that must refute them.
if command -v yosys >/dev/null && command -v yosys-abc >/dev/null; then
    check "the cell's sum of products, a byte by a byte" tests/proofs/run.sh values product Mode=0
    check "the cell's sum of products, two bytes by two nibbles" tests/proofs/run.sh values product Mode=1
    check "the cell's sum of products, four nibbles by four nibbles" tests/proofs/run.sh values product Mode=2
    check "the product of a cell of 8 bits" tests/proofs/run.sh values product Mode=0 Bits=8
    check "the cell of 8 bits adds its product to the sum and keeps its weights" tests/proofs/run.sh induction mac_cell Bits=8
    check "the cell adds its product to the sum and keeps its weights" tests/proofs/run.sh induction mac_cell
    check "the cell without samples" tests/proofs/run.sh induction mac_cell HasSamples=0
    check "the requantizer's operands, 32 bits, every shift and rounding" tests/proofs/run.sh induction requantize_operands
    for rounding in 0 1 2 3 4 5 6; do
        check "the requantizer's rounding $rounding of every 64-bit product" \
            tests/proofs/run.sh induction requantize_round Rounding=$rounding
    done
    check "a queue of 2 never overflows, underflows or loses order" tests/proofs/run.sh induction queue Depth=2
    check "a queue of 8 never overflows, underflows or loses order" tests/proofs/run.sh induction queue Depth=8
    for cycles in 2 5 8; do
        check "a delay line of $cycles gives each word back in its cycle" tests/proofs/run.sh induction delay_line Cycles=$cycles
    done
    check "packed weights mean what the cells get" tests/proofs/run.sh values weight_expand
    check "the tokens from load to matmul are counted exactly" tests/proofs/run.sh induction token Giver=0 Taker=1
    check "planted faults refute the proofs" tests/proofs/faults.sh
else
    skip "proofs" "yosys and yosys-abc are not installed"
fi
