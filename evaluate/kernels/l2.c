/* l2.c - L2_NORMALIZATION: the elements of the last dimension, divided by the root of the sum of their squares.
 *
 * Of bytes the root's reciprocal is in fixed point (common/fixed_functions.h). The output's scale is 1/128.
 */
#include <math.h>

#include "common/fixed_functions.h"
#include "evaluate/kernels/kernel.h"

enum { DEPTH_MAX = INT32_MAX / (UINT8_MAX * UINT8_MAX), OUT_BITS = 7 };

const char *kernel_check_l2(const struct kernel *k) {
    const struct qm_graph_tensor *out = kernel_output(k);
    if (out->rank == 0) return "its input is a scalar";
    if (out->dtype == QM_F32) return NULL;
    if (kernel_scale(out) != 1.0F / (1 << OUT_BITS) || kernel_zero(out) != (out->dtype == QM_U8 ? 1 << OUT_BITS : 0))
        return "its output has not scale 1/128 and the zero point in the middle";
    return out->dims[out->rank - 1] > DEPTH_MAX ? "its sums do not fit 32 bits" : NULL;
}

/* int8 is scaled at once; of uint8 the 7 bits of the output's scale are given before. */
static int32_t normalized(enum qm_dtype dtype, int32_t x, struct qm_multiplier root) {
    if (dtype == QM_U8) return qm_clamp(qm_multiplied(x * (1 << OUT_BITS), root) + (1 << OUT_BITS), 0, UINT8_MAX);
    root.shift += OUT_BITS;
    return qm_clamp(qm_multiplied(x, root), INT8_MIN, INT8_MAX);
}

static void normalize_bytes(const struct kernel *k, size_t first, uint32_t depth) {
    enum qm_dtype dtype = kernel_input(k, 0)->dtype;
    int32_t zero = kernel_zero(kernel_input(k, 0)), sum = 0;
    for (size_t i = first; i < first + depth; i++) {
        int32_t x = kernel_byte(dtype, k->inputs[0], i) - zero;
        sum += x * x;
    }
    struct qm_multiplier root = qm_fixed_inverse_root(sum);
    for (size_t i = first; i < first + depth; i++)
        kernel_set_byte(k->outputs[0], i, normalized(dtype, kernel_byte(dtype, k->inputs[0], i) - zero, root));
}

static void normalize_floats(const struct kernel *k, size_t first, uint32_t depth) {
    const float least = 1e-6F;
    float sum = 0;
    for (size_t i = first; i < first + depth; i++) sum += kernel_float(k->inputs[0], i) * kernel_float(k->inputs[0], i);
    float root = sqrtf(sum);
    if (root < least) root = least;
    for (size_t i = first; i < first + depth; i++) kernel_set_float(k->outputs[0], i, kernel_float(k->inputs[0], i) / root);
}

bool kernel_run_l2(const struct kernel *k) {
    const struct qm_graph_tensor *out = kernel_output(k);
    uint32_t depth = out->dims[out->rank - 1];
    for (size_t i = 0; i < qm_graph_elements(out); i += depth) (out->dtype == QM_F32 ? normalize_floats : normalize_bytes)(k, i, depth);
    return true;
}
