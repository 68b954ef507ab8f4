/* operand.c - the terms of an operand, by byte. */
#include "sim/functional/fast/operand.h"

#include "common/fixed_point.h"
#include "sim/functional/element.h"
#include "sim/functional/fast/scale.h"

void operand_scale(const struct qm_insn *insn, int64_t zero, int64_t multiplier, int64_t shift, struct operand *operand) {
    int32_t raised[OPERAND_VALUES];
    struct scale scale; /* large: set field by field */
    for (int byte = 0; byte < OPERAND_VALUES; byte++) {
        int64_t element = element_read(insn, (uint8_t)byte) - zero;
        operand->terms[byte] = (int32_t)element;
        raised[byte] = qm_wrap32(element * ((int64_t)1 << insn->pre_shift));
    }
    if (insn->opcode == QM_ADD && insn->binary == QM_binary_PRODUCT) return;
    scale_begin(insn, &scale);
    scale_set_all(&scale, OPERAND_VALUES, 0, (int32_t)multiplier, (int32_t)shift);
    scaler_best()->words(&scale, (struct scale_rows){raised, OPERAND_VALUES, 1}, operand->terms, OPERAND_VALUES);
}
