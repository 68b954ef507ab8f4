/* kernel.c - what several kernels need: elements, scales, activations, and shapes that are broadcast. */
#include "evaluate/kernels/kernel.h"

#include <float.h>
#include <math.h>

int64_t kernel_integer(enum qm_dtype dtype, const void *data, size_t i) {
    int64_t wide;
    int16_t half;
    if (dtype == QM_BOOL) return ((const uint8_t *)data)[i] != 0;
    if (dtype == QM_I32) return kernel_int32(data, i);
    if (dtype == QM_I16) return memcpy(&half, (const uint8_t *)data + i * sizeof half, sizeof half), half;
    if (dtype == QM_I64) return memcpy(&wide, (const uint8_t *)data + i * sizeof wide, sizeof wide), wide;
    return kernel_byte(dtype, data, i);
}

bool kernel_is_scaled(const struct qm_graph_tensor *tensor) {
    const struct qm_quant *quant = &tensor->quant;
    int64_t low = tensor->dtype == QM_U8 ? 0 : INT8_MIN;
    if (!kernel_is_byte(tensor) || tensor->bits != 0 || quant->count != 1) return false;
    return isfinite(quant->scale[0]) && quant->scale[0] > 0 && quant->zero_point[0] >= low && quant->zero_point[0] <= low + UINT8_MAX;
}

bool kernel_factor_fits(double factor, int left) {
    return isfinite(factor) && factor >= 0 && qm_multiplier_from_real(factor).shift <= left;
}

float kernel_activate(enum qm_activation activation, float x) {
    static const float lows[] = {-FLT_MAX, 0, 0, -1}, highs[] = {FLT_MAX, FLT_MAX, 6, 1};
    float raised = x < lows[activation] ? lows[activation] : x;
    return raised > highs[activation] ? highs[activation] : raised;
}

int32_t kernel_cut(const struct kernel *k, float number) {
    float low = (float)qm_graph_lowest(kernel_output(k)), high = (float)qm_graph_highest(kernel_output(k));
    return (int32_t)fminf(fmaxf(nearbyintf(number), low), high);
}

bool kernel_broadcasts(const struct qm_graph_tensor *operand, const struct qm_graph_tensor *out) {
    bool fits = operand->rank <= out->rank;
    for (uint32_t d = 0; d < operand->rank && fits; d++) {
        uint32_t dim = operand->dims[operand->rank - 1 - d];
        fits = dim == 1 || dim == out->dims[out->rank - 1 - d];
    }
    return fits;
}

struct kernel_walk kernel_walk_begin(const struct kernel *k) {
    const struct qm_graph_tensor *out = kernel_output(k);
    struct kernel_walk walk = {.rank = out->rank, .end = (size_t)qm_graph_elements(out)};
    memcpy(walk.dims, out->dims, sizeof walk.dims);
    for (uint32_t i = 0; i < KERNEL_WALK_OPERANDS && kernel_has_input(k, i); i++) {
        const struct qm_graph_tensor *operand = kernel_input(k, i);
        size_t stride = 1;
        for (uint32_t d = 0; d < operand->rank; d++) {
            uint32_t dim = operand->dims[operand->rank - 1 - d];
            walk.stride[i][out->rank - 1 - d] = dim == 1 ? 0 : stride;
            stride *= dim;
        }
    }
    return walk;
}

void kernel_walk_next(struct kernel_walk *walk) {
    walk->to++;
    for (uint32_t d = walk->rank; d-- > 0;) {
        for (uint32_t i = 0; i < KERNEL_WALK_OPERANDS; i++) walk->from[i] += walk->stride[i][d];
        if (++walk->at[d] < walk->dims[d]) return;
        walk->at[d] = 0;
        for (uint32_t i = 0; i < KERNEL_WALK_OPERANDS; i++) walk->from[i] -= walk->stride[i][d] * walk->dims[d];
    }
}
