/* edges.c - floats to bytes, and bytes or 32-bit sums to floats. */
#include <math.h>

#include "evaluate/kernels/kernel.h"

/* ---- QUANTIZE: input / scale, rounded half away from zero, plus the zero point. NaN gives the zero point. XNNPACK multiplies by 1 / scale
 * and rounds half to even. ---- */

const char *kernel_check_quantize(const struct kernel *k) {
    return kernel_is_scaled(kernel_output(k)) ? NULL : "its output has not one positive scale and a zero point of its type";
}

static float steps_of(const struct kernel *k, float x) {
    float scale = kernel_scale(kernel_output(k));
    return k->graph->kernels == QM_KERNELS_XNNPACK ? nearbyintf(x * (1.0F / scale)) : roundf(x / scale);
}

bool kernel_run_quantize(const struct kernel *k) {
    const struct qm_graph_tensor *out = kernel_output(k);
    size_t count = (size_t)qm_graph_elements(out);
    for (size_t i = 0; i < count; i++) {
        double steps = (double)steps_of(k, kernel_float(k->inputs[0], i));
        if (isnan(steps) && k->graph->kernels == QM_KERNELS_XNNPACK) return false;
        int32_t value = isnan(steps) ? 0 : (int32_t)fmin(fmax(steps, -1e6), 1e6); /* beyond bytes it only has to stay beyond */
        kernel_set_byte(k->outputs[0], i, qm_clamp(value + kernel_zero(out), qm_graph_lowest(out), qm_graph_highest(out)));
    }
    return true;
}

/* ---- DEQUANTIZE: scale * (input - zero point) ---- */

const char *kernel_check_dequantize(const struct kernel *k) {
    const struct qm_quant *quant = &kernel_input(k, 0)->quant;
    struct qm_graph_tensor in = *kernel_input(k, 0);
    in.bits = 0; /* numbers of fewer bits take a byte each, too */
    if (kernel_output(k)->dtype != QM_F32) return "its output is not float32";
    if (kernel_is_byte(&in)) return kernel_is_scaled(&in) ? NULL : "its input has not one positive scale and a zero point of its type";
    bool scaled = quant->count == 1 && isfinite(quant->scale[0]) && quant->scale[0] > 0;
    return scaled && quant->zero_point[0] == (int32_t)quant->zero_point[0] ? NULL : "its input has not one positive scale";
}

bool kernel_run_dequantize(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0);
    size_t count = (size_t)qm_graph_elements(in);
    for (size_t i = 0; i < count; i++) {
        int64_t value = in->dtype == QM_I32 ? kernel_int32(k->inputs[0], i) : kernel_byte(in->dtype, k->inputs[0], i);
        kernel_set_float(k->outputs[0], i, kernel_scale(in) * (float)(value - kernel_zero(in)));
    }
    return true;
}
