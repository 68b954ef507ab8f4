// gemmlowp.cpp - scale() in rounding `tflite` by gemmlowp's own functions, put together as TFLite's kernels do.
//
// gemmlowp leaves open what lies outside its range: a left shift that overflows wraps, shifts beyond -31..31 are taken as the bound
// (docs/numerics.md).
#include <algorithm>

#include <gemmlowp/fixedpoint/fixedpoint.h>

#include "tests/oracle/oracle.h"

void oracle_gemmlowp(const oracle_block *block, uint32_t, int32_t *results) {
    for (size_t i = 0; i < block->count; i++) {
        int left = std::clamp<int>(block->shift[i], 0, 31);
        int right = std::clamp<int>(-block->shift[i], 0, 31);
        auto shifted = static_cast<int32_t>(static_cast<uint32_t>(block->x[i]) << left);
        int32_t high = gemmlowp::SaturatingRoundingDoublingHighMul(shifted, block->multiplier[i]);
        results[i] = gemmlowp::RoundingDivideByPOT(high, right);
    }
}
