/* model.c - scale() of the C model, in loops with a constant rounding as sim/functional has them. */
#include "common/fixed_point.h"
#include "tests/oracle/oracle.h"

static inline void scale_all(const struct oracle_block *block, uint32_t rounding, int32_t *results) {
    for (size_t i = 0; i < block->count; i++)
        results[i] = qm_scale_biased(block->x[i], qm_bias_is_on_product(rounding) ? block->addend[i] : 0, block->multiplier[i],
                                     block->shift[i], rounding);
}

void oracle_model(const struct oracle_block *block, uint32_t rounding, int32_t *results) {
    switch (rounding) {
    case QM_rounding_TFLITE: scale_all(block, QM_rounding_TFLITE, results); break;
    case QM_rounding_SINGLE: scale_all(block, QM_rounding_SINGLE, results); break;
    case QM_rounding_EVEN: scale_all(block, QM_rounding_EVEN, results); break;
    case QM_rounding_AWAY: scale_all(block, QM_rounding_AWAY, results); break;
    case QM_rounding_ADDEND: scale_all(block, QM_rounding_ADDEND, results); break;
    case QM_rounding_OFFSET: scale_all(block, QM_rounding_OFFSET, results); break;
    default: scale_all(block, QM_rounding_FLOOR, results); break;
    }
}
