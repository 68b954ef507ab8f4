/* cast.c - stored numbers in another type, without scales: floats are cut toward zero and to the type, of NaN it is the highest number;
 * integers wrap; a bool is whether a number is not 0.
 */
#include <math.h>

#include "evaluate/kernels/kernel.h"

const char *kernel_check_cast(const struct kernel *k) {
    return (QM_TYPES_STORED >> kernel_output(k)->dtype & 1) != 0 ? NULL : "the host has no kernel for its output's type";
}

/* The lowest bits of the integer, as many as the type has, which memory has first. */
static void set_integer(const struct kernel *k, size_t i, int64_t value) {
    size_t bytes = qm_dtype_bytes(kernel_output(k)->dtype);
    memcpy((uint8_t *)k->outputs[0] + i * bytes, &value, bytes);
}

static int64_t cut_float(enum qm_dtype dtype, float x) {
    int bits = dtype == QM_U8 ? 8 : 8 * (int)qm_dtype_bytes(dtype) - 1;
    float end = ldexpf(1, bits), low = dtype == QM_U8 ? 0 : -end;
    int64_t highest = (int64_t)((UINT64_C(1) << bits) - 1);
    return x <= low ? (int64_t)low : x < end ? (int64_t)x : highest;
}

static void cast_float(const struct kernel *k, size_t i) {
    enum qm_dtype to = kernel_output(k)->dtype;
    float x = kernel_float(k->inputs[0], i);
    if (to == QM_F32)
        kernel_set_float(k->outputs[0], i, x);
    else
        set_integer(k, i, to == QM_BOOL ? x != 0 : cut_float(to, x));
}

static void cast_integer(const struct kernel *k, size_t i) {
    enum qm_dtype to = kernel_output(k)->dtype;
    int64_t x = kernel_integer(kernel_input(k, 0)->dtype, k->inputs[0], i);
    if (to == QM_F32)
        kernel_set_float(k->outputs[0], i, (float)x);
    else
        set_integer(k, i, to == QM_BOOL ? x != 0 : x);
}

bool kernel_run_cast(const struct kernel *k) {
    bool from_floats = kernel_input(k, 0)->dtype == QM_F32;
    for (size_t i = 0; i < qm_graph_elements(kernel_output(k)); i++) (from_floats ? cast_float : cast_integer)(k, i);
    return true;
}
