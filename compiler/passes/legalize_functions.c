/* legalize_functions.c - functions of one byte whose tables TFLite's kernels compute in single precision, or in fixed point from the number
 * itself: ELU, GELU, EXP, LOG, SQRT, NEG, ABS and RSQRT (LiteRT's reference kernels; TensorFlow Lite for Microcontrollers has the same but
 * for GELU, LOG, SQRT and NEG, which it lacks), and LOGISTIC and TANH of uint8, which only LiteRT has. exp, log, tanh and erfc are those of
 * the C library.
 */
#include <math.h>
#include <stdlib.h>

#include "common/fixed_functions.h"
#include "common/fixed_point.h"
#include "common/precision.h"
#include "compiler/passes/legalize_site.h"

enum { SHIFT_MAX = 30, ROOT_BITS = 20 }; /* behind the point, of 1 / sqrt(x) */

static uint8_t *new_table(const struct site *s) {
    return QM_ARENA_NEW(s->l->arena, uint8_t, QM_TABLE_BYTES);
}

static int32_t lowest_input(const struct site *s) {
    return site_input(s, 0)->dtype == QM_U8 ? 0 : INT8_MIN;
}

static uint8_t cut(const struct site *s, int64_t number) {
    const struct qm_graph_tensor *out = site_output(s, 0);
    int32_t low = qm_graph_lowest(out), high = qm_graph_highest(out);
    return (uint8_t)(number < low ? low : number > high ? high : number);
}

/* ---- in single precision ---- */

static enum qm_status refuse_far(const struct site *s, float x) {
    return site_refuse(s, "of %g it is more steps of the output than fit 32 bits", (double)x);
}

typedef float function_of(const struct site *s, float x);

static enum qm_status look_up_floats(const struct site *s, function_of *f) {
    QM_TRY(site_check_activations(s));
    const struct qm_graph_tensor *in = site_input(s, 0), *out = site_output(s, 0);
    float inverse = 1.0F / out->quant.scale[0];
    uint8_t *table = new_table(s);
    for (int32_t i = 0; i < QM_TABLE_BYTES; i++) {
        int32_t number = lowest_input(s) + i;
        float x = in->quant.scale[0] * (float)(number - (int32_t)in->quant.zero_point[0]);
        float steps = roundf(f(s, x) * inverse) + (float)out->quant.zero_point[0];
        if (!(fabsf(steps) < 0x1p31F)) return refuse_far(s, x);
        table[(uint8_t)number] = cut(s, (int64_t)steps);
    }
    return site_use_table(s, table);
}

static float elu(const struct site *s, float x) {
    (void)s;
    return x < 0 ? expf(x) - 1.0F : x;
}

static float gelu(const struct site *s, float x) {
    const float root_half = 0.70710678118654752440F, root_2_by_pi = 0.79788456080286535588F;
    if (!s->op->approximate) return 0.5F * x * erfcf(x * -root_half);
    return 0.5F * x * (1.0F + tanhf(root_2_by_pi * (x + 0.044715F * x * x * x)));
}

static float exponential(const struct site *s, float x) {
    (void)s;
    return expf(x);
}

/* Where there is none it is the lowest number of the output. */
static float logarithm(const struct site *s, float x) {
    const struct qm_graph_tensor *out = site_output(s, 0);
    return x > 0 ? logf(x) : (float)(qm_graph_lowest(out) - (int32_t)out->quant.zero_point[0]) * out->quant.scale[0];
}

static float logistic(const struct site *s, float x) {
    (void)s;
    return 1.0F / (1.0F + expf(-x));
}

static float hyperbolic_tangent(const struct site *s, float x) {
    (void)s;
    return tanhf(x);
}

enum qm_status legalize_float_logistic(const struct site *s) {
    QM_TRY(site_check_activations(s));
    QM_TRY(site_check_output(s, 1.0F / 256, site_output(s, 0)->dtype == QM_U8 ? 0 : INT8_MIN));
    return look_up_floats(s, logistic);
}

enum qm_status legalize_float_tanh(const struct site *s) {
    QM_TRY(site_check_activations(s));
    QM_TRY(site_check_output(s, 1.0F / 128, site_output(s, 0)->dtype == QM_U8 ? 128 : 0));
    return look_up_floats(s, hyperbolic_tangent);
}

enum qm_status legalize_elu(const struct site *s) {
    return look_up_floats(s, elu);
}

enum qm_status legalize_gelu(const struct site *s) {
    return look_up_floats(s, gelu);
}

enum qm_status legalize_exp(const struct site *s) {
    return look_up_floats(s, exponential);
}

enum qm_status legalize_log(const struct site *s) {
    return look_up_floats(s, logarithm);
}

static bool is_unsigned(const struct site *s) {
    return site_input(s, 0)->dtype == QM_U8 && site_output(s, 0)->dtype == QM_U8;
}

enum qm_status legalize_logistic(const struct site *s) {
    return is_unsigned(s) ? legalize_float_logistic(s) : legalize_logistic_signed(s);
}

enum qm_status legalize_tanh(const struct site *s) {
    return is_unsigned(s) ? legalize_float_tanh(s) : legalize_tanh_signed(s);
}

/* Numbers below the zero point have no root. */
static enum qm_status check_not_negative(const struct site *s) {
    return site_input(s, 0)->quant.zero_point[0] == lowest_input(s) ? QM_OK : site_refuse(s, "its input can be below 0");
}

/* The root's steps of the output are cut to the integer below, not rounded. */
enum qm_status legalize_sqrt(const struct site *s) {
    QM_TRY(site_check_activations(s));
    QM_TRY(check_not_negative(s));
    const struct qm_quant *in = &site_input(s, 0)->quant, *out = &site_output(s, 0)->quant;
    uint8_t *table = new_table(s);
    for (int32_t x = 0; x < QM_TABLE_BYTES; x++) {
        float steps = sqrtf(in->scale[0] * (float)x) / out->scale[0];
        if (!(steps < 0x1p31F)) return refuse_far(s, in->scale[0] * (float)x);
        table[(uint8_t)(lowest_input(s) + x)] = cut(s, (int64_t)steps + out->zero_point[0]);
    }
    return site_use_table(s, table);
}

/* ---- in fixed point ---- */

/* What is stored, negated, whatever scales and zero points say; of -128 it is -128. */
enum qm_status legalize_neg(const struct site *s) {
    uint8_t *table = new_table(s);
    for (int32_t stored = 0; stored < QM_TABLE_BYTES; stored++) table[stored] = (uint8_t)-stored;
    return site_use_table(s, table);
}

enum qm_status legalize_abs(const struct site *s) {
    QM_TRY(site_check_activations(s));
    const struct qm_quant *in = &site_input(s, 0)->quant, *out = &site_output(s, 0)->quant;
    struct qm_multiplier scale;
    bool rescales = in->scale[0] != out->scale[0];
    uint8_t *table = new_table(s);
    QM_TRY(site_scale(s, (double)(in->scale[0] / out->scale[0]), SHIFT_MAX, &scale));
    for (int32_t i = 0; i < QM_TABLE_BYTES; i++) {
        int32_t number = lowest_input(s) + i, x = abs(number - (int32_t)in->zero_point[0]);
        table[(uint8_t)number] = cut(s, (rescales ? qm_multiplied(x, scale) : x) + out->zero_point[0]);
    }
    return site_use_table(s, table);
}

/* 1 / sqrt(x) of a number of steps, and of 0 the highest number. Numbers below the zero point have none. */
enum qm_status legalize_rsqrt(const struct site *s) {
    QM_TRY(site_check_activations(s));
    const struct qm_quant *in = &site_input(s, 0)->quant, *out = &site_output(s, 0)->quant;
    struct qm_multiplier scale;
    uint8_t *table = new_table(s);
    QM_TRY(check_not_negative(s));
    QM_TRY(site_scale(s, 1.0 / (double)(sqrtf(in->scale[0]) * out->scale[0]), SHIFT_MAX, &scale));
    scale.shift -= ROOT_BITS;
    for (int32_t x = 0; x < QM_TABLE_BYTES; x++) {
        struct qm_multiplier root = qm_fixed_inverse_root(x);
        root.shift += ROOT_BITS;
        int64_t number = x == 0 ? INT32_MAX : (int64_t)qm_multiplied(qm_multiplied(1, root), scale) + out->zero_point[0];
        table[(uint8_t)(lowest_input(s) + x)] = cut(s, number);
    }
    return site_use_table(s, table);
}
