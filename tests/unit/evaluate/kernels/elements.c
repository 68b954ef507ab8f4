/* elements.c - functions of one float, normalized rows, quantized and gathered elements, against their definitions. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "tests/support/kernel_case.h"

enum { SEEDS = 100 };

static const enum qm_dtype types[] = {QM_I8, QM_U8, QM_F32};

/* ---- functions ---- */

static double function_of(enum qm_graph_op_kind kind, double x) {
    switch (kind) {
    case QM_OP_RELU: return fmax(x, 0);
    case QM_OP_RELU6: return fmin(fmax(x, 0), 6);
    case QM_OP_RELU_N1_TO_1: return fmin(fmax(x, -1), 1);
    case QM_OP_RELU_0_TO_1: return fmin(fmax(x, 0), 1);
    case QM_OP_LEAKY_RELU: return x > 0 ? x : x * 0.25;
    case QM_OP_ELU: return x < 0 ? exp(x) - 1 : x;
    case QM_OP_LOGISTIC: return 1 / (1 + exp(-x));
    case QM_OP_TANH: return tanh(x);
    case QM_OP_HARD_SWISH: return x * fmin(fmax(x + 3, 0), 6) / 6;
    case QM_OP_EXP: return exp(x);
    case QM_OP_ABS: return fabs(x);
    case QM_OP_NEG: return -x;
    case QM_OP_SQRT: return sqrt(x);
    case QM_OP_RSQRT: return 1 / sqrt(x);
    case QM_OP_GELU: return x / 2 * erfc(-x * M_SQRT1_2);
    case QM_OP_LOG: return log(x);
    case QM_OP_SIN: return sin(x);
    case QM_OP_COS: return cos(x);
    case QM_OP_FLOOR: return floor(x);
    case QM_OP_CEIL: return ceil(x);
    case QM_OP_ROUND: return nearbyint(x);
    default: return x * x;
    }
}

/* To single precision, which sums lose below zero and above one. */
Test(elements, functions_are_close_to_the_real_ones) {
    static const enum qm_graph_op_kind kinds[] = {
        QM_OP_RELU,       QM_OP_RELU6, QM_OP_RELU_N1_TO_1, QM_OP_RELU_0_TO_1, QM_OP_LEAKY_RELU, QM_OP_ELU,   QM_OP_LOGISTIC, QM_OP_TANH,
        QM_OP_HARD_SWISH, QM_OP_EXP,   QM_OP_ABS,          QM_OP_NEG,         QM_OP_SQRT,       QM_OP_RSQRT, QM_OP_SQUARE,   QM_OP_GELU,
        QM_OP_LOG,        QM_OP_SIN,   QM_OP_COS,          QM_OP_FLOOR,       QM_OP_CEIL,       QM_OP_ROUND};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct kernel_case c;
        kernel_case_open(&c, kinds[k], k);
        kernel_case_input(&c, QM_F32, 1, (uint32_t[]){400});
        kernel_case_output(&c, QM_F32, 1, (uint32_t[]){400});
        c.op.alpha = kinds[k] == QM_OP_ELU ? 1 : 0.25F;
        cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
        for (size_t i = 0; i < 400; i++) {
            double got = kernel_case_stored(&c, 1, i), want = function_of(kinds[k], kernel_case_stored(&c, 0, i));
            bool close = fabs(got - want) <= 1e-6 * fmax(fabs(want), 1) || (isnan(got) && isnan(want));
            cr_assert(close, "%s of %g: %g, not %g", qm_graph_op_name(kinds[k]), kernel_case_stored(&c, 0, i), got, want);
        }
        kernel_case_close(&c);
    }
}

/* What is rounded up to 0 has no sign, what is 0 keeps it: the reference kernel adds 1 to -1. */
Test(elements, rounding_is_half_to_even) {
    static const float reals[] = {0.5F, 1.5F, 2.5F, -0.5F, -1.5F, -2.5F, -0.25F, -0.0F, 0x1p30F, -3.75F};
    static const float want[] = {0, 2, 2, 0, -2, -2, 0, -0.0F, 0x1p30F, -4};
    struct kernel_case c;
    kernel_case_open(&c, QM_OP_ROUND, 0);
    kernel_case_input(&c, QM_F32, 1, (uint32_t[]){10});
    kernel_case_output(&c, QM_F32, 1, (uint32_t[]){10});
    memcpy(c.data[0], reals, sizeof reals);
    cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
    cr_expect(memcmp(c.data[1], want, sizeof want) == 0);
    kernel_case_close(&c);
}

/* ---- moves ---- */

Test(elements, floats_are_repeated_and_padded) {
    static const float want[] = {1, 2, 1, 2, 1, 2, 1, 2}, padded[] = {-7.5F, 1, 2, -7.5F, -7.5F, 1, 2, -7.5F};
    for (int pads = 0; pads < 2; pads++) {
        struct kernel_case c;
        kernel_case_open(&c, pads ? QM_OP_PAD : QM_OP_TILE, 0);
        kernel_case_input(&c, QM_F32, 2, pads ? (uint32_t[]){2, 2} : (uint32_t[]){1, 2});
        kernel_case_output(&c, QM_F32, 2, (uint32_t[]){2, 4});
        c.op.low = -7.5;
        if (pads) c.op.pads[1].before = c.op.pads[1].after = 1;
        memcpy(c.data[0], want, (pads ? 4 : 2) * sizeof *want);
        cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
        cr_expect(memcmp(c.data[1], pads ? padded : want, sizeof want) == 0);
        kernel_case_close(&c);
    }
}

Test(elements, what_is_repeated_fits_a_whole_number_of_times) {
    struct kernel_case c;
    kernel_case_open(&c, QM_OP_TILE, 0);
    kernel_case_input(&c, QM_F32, 1, (uint32_t[]){3});
    kernel_case_output(&c, QM_F32, 1, (uint32_t[]){5});
    cr_expect(eq(str, (char *)kernel_case_check(&c), "the output's shape is not what the operator gives"));
    kernel_case_close(&c);
}

/* ---- CAST ---- */

enum { CASTS = 14 };

/* What [CASTS] numbers become in a type. */
struct cast {
    enum qm_dtype dtype;
    double want[CASTS];
};

static void check_cast(const struct cast *cast, enum qm_dtype from, const void *numbers) {
    struct kernel_case c;
    kernel_case_open(&c, QM_OP_CAST, 0);
    kernel_case_input(&c, from, 1, (uint32_t[]){CASTS});
    kernel_case_output(&c, cast->dtype, 1, (uint32_t[]){CASTS});
    memcpy(c.data[0], numbers, CASTS * qm_dtype_bytes(from));
    cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
    for (size_t i = 0; i < CASTS; i++) cr_expect(eq(dbl, kernel_case_stored(&c, 1, i), cast->want[i]));
    kernel_case_close(&c);
}

/* Printed by the reference kernel of LiteRT 2.3. */
Test(elements, casts_of_floats_are_cut_as_litert_cuts_them) {
    static const float floats[CASTS] = {-300.7F, -129,   -128.5F, -1.5F, -0.5F, 1.9F,          127.9F,
                                        128.2F,  255.5F, 256,     3e9F,  -3e9F, 2147483520.0F, NAN};
    static const struct cast casts[] = {
        {QM_I8, {-128, -128, -128, -1, 0, 1, 127, 127, 127, 127, 127, -128, 127, 127}},
        {QM_U8, {0, 0, 0, 0, 0, 1, 127, 128, 255, 255, 255, 0, 255, 255}},
        {QM_I16, {-300, -129, -128, -1, 0, 1, 127, 128, 255, 256, 32767, -32768, 32767, 32767}},
        {QM_BOOL, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
        {QM_I32, {-300, -129, -128, -1, 0, 1, 127, 128, 255, 256, 2147483647, -2147483648.0, 2147483520, 2147483647}}};
    for (size_t k = 0; k < sizeof casts / sizeof *casts; k++) check_cast(&casts[k], QM_F32, floats);
}

/* The same kernel; behind the eight numbers are zeros. */
Test(elements, casts_of_integers_wrap_or_round) {
    static const int32_t integers[CASTS] = {-300, -129, 127, 128, 255, 256, 16777217, 2147483647};
    static const struct cast casts[] = {{QM_I8, {-44, 127, 127, -128, -1, 0, 1, -1}},
                                        {QM_U8, {212, 127, 127, 128, 255, 0, 1, 255}},
                                        {QM_I16, {-300, -129, 127, 128, 255, 256, 1, -1}},
                                        {QM_BOOL, {1, 1, 1, 1, 1, 1, 1, 1}},
                                        {QM_F32, {-300, -129, 127, 128, 255, 256, 16777216, 2147483648}}};
    for (size_t k = 0; k < sizeof casts / sizeof *casts; k++) check_cast(&casts[k], QM_I32, integers);
}

/* ---- L2_NORMALIZATION ---- */

Test(elements, rows_are_divided_by_their_length) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct kernel_case c;
        kernel_case_open(&c, QM_OP_L2_NORMALIZATION, seed);
        enum qm_dtype dtype = types[seed % 3];
        uint32_t rows = kernel_case_draw(&c, 1, 4), depth = kernel_case_draw(&c, 1, 90);
        kernel_case_input(&c, dtype, 2, (uint32_t[]){rows, depth});
        kernel_case_output(&c, dtype, 2, (uint32_t[]){rows, depth});
        kernel_case_quant(&c, 1, 1.0F / 128, dtype == QM_U8 ? 128 : 0);
        cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
        int32_t zero = dtype == QM_F32 ? 0 : kernel_case_zero(&c, 0);
        for (uint32_t i = 0; i < rows * depth; i++) {
            double squares = 0;
            for (uint32_t j = i / depth * depth; j < (i / depth + 1) * depth; j++) squares += pow(kernel_case_stored(&c, 0, j) - zero, 2);
            double real = squares > 0 ? (kernel_case_stored(&c, 0, i) - zero) / sqrt(squares) : 0, got = kernel_case_stored(&c, 1, i);
            if (dtype != QM_F32) got = (got - kernel_case_zero(&c, 1)) / 128;
            bool close = fabs(got - (dtype == QM_F32 ? real : fmin(real, 127.0 / 128))) <= (dtype == QM_F32 ? 1e-6 : 0.55 / 128);
            cr_assert(close, "seed %d, element %u: %g, not %g", (int)seed, i, got, real);
        }
        kernel_case_close(&c);
    }
}

/* ---- the edges ---- */

/* Half away from zero, as C's roundf; the bounds of the type. */
Test(elements, quantizing_rounds_and_saturates) {
    static const float reals[] = {0, 0.25F, -0.25F, 0.74F, 100, -100, 1e30F, -INFINITY, NAN};
    static const int8_t want[] = {-3, -2, -4, -2, 127, -128, 127, -128, -3};
    static const uint32_t nine[] = {9};
    static const uint8_t unsigned_want[] = {200, 201, 199, 201, 255, 0, 255, 0, 200};
    for (int is_unsigned = 0; is_unsigned < 2; is_unsigned++) {
        struct kernel_case c;
        kernel_case_open(&c, QM_OP_QUANTIZE, 0);
        kernel_case_input(&c, QM_F32, 1, nine);
        kernel_case_output(&c, is_unsigned ? QM_U8 : QM_I8, 1, nine);
        kernel_case_quant(&c, 1, 0.5F, is_unsigned ? 200 : -3);
        memcpy(c.data[0], reals, sizeof reals);
        cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
        cr_expect(memcmp(c.data[1], is_unsigned ? (const void *)unsigned_want : want, 9) == 0);
        kernel_case_close(&c);
    }
}

Test(elements, dequantizing_is_a_product_of_floats) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        static const enum qm_dtype from[] = {QM_I8, QM_U8, QM_I32};
        struct kernel_case c;
        kernel_case_open(&c, QM_OP_DEQUANTIZE, seed);
        kernel_case_input(&c, from[seed % 3], 1, (uint32_t[]){50});
        kernel_case_output(&c, QM_F32, 1, (uint32_t[]){50});
        if (seed % 3 == 2) kernel_case_quant(&c, 0, 0.003F, 0);
        cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
        for (size_t i = 0; i < 50; i++) {
            double steps = (double)(float)(kernel_case_stored(&c, 0, i) - kernel_case_zero(&c, 0));
            cr_assert(kernel_case_stored(&c, 1, i) == (double)(float)(kernel_case_scale(&c, 0) * steps));
        }
        kernel_case_close(&c);
    }
}

/* ---- gathering ---- */

static void draw_indices(struct kernel_case *c, uint32_t tensor, uint32_t extent) {
    for (size_t i = 0; i < qm_graph_elements(&c->tensors[tensor]); i++) {
        int64_t index = kernel_case_draw(c, 0, extent - 1);
        size_t bytes = qm_dtype_bytes(c->tensors[tensor].dtype);
        memcpy((uint8_t *)c->data[tensor] + i * bytes, &index, bytes);
    }
}

/* in [outer][extent][inner] by indices [a][b] is [outer][a][b][inner]. */
Test(elements, gathers_along_the_axis) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct kernel_case c;
        kernel_case_open(&c, QM_OP_GATHER, seed);
        uint32_t n[5];
        for (int i = 0; i < 5; i++) n[i] = kernel_case_draw(&c, 1, 5);
        kernel_case_input(&c, types[seed % 3], 3, (uint32_t[]){n[0], n[1], n[2]});
        kernel_case_input(&c, seed % 2 ? QM_I32 : QM_I64, 2, (uint32_t[]){n[3], n[4]});
        kernel_case_output(&c, types[seed % 3], 4, (uint32_t[]){n[0], n[3], n[4], n[2]});
        c.tensors[2].quant = c.tensors[0].quant;
        c.op.axis = 1;
        draw_indices(&c, 1, n[1]);
        cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
        for (size_t i = 0; i < qm_graph_elements(&c.tensors[2]); i++) {
            size_t inner = i % n[2], at = i / n[2] % (n[3] * n[4]), outer = i / n[2] / (n[3] * n[4]);
            size_t from = (outer * n[1] + (size_t)kernel_case_stored(&c, 1, at)) * n[2] + inner;
            cr_assert(kernel_case_stored(&c, 2, i) == kernel_case_stored(&c, 0, from));
        }
        memset(c.data[1], 0x7f, c.tensors[1].size_bytes);
        cr_expect(kernel_case_run(&c) == false, "an index outside");
        kernel_case_close(&c);
    }
}

/* in [n0][n1][n2] by [count][2] is [count][n2]. */
Test(elements, gathers_what_indices_name) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct kernel_case c;
        kernel_case_open(&c, QM_OP_GATHER_ND, seed);
        uint32_t count = kernel_case_draw(&c, 1, 6), inner = kernel_case_draw(&c, 1, 5);
        kernel_case_input(&c, types[seed % 3], 3, (uint32_t[]){3, 3, inner});
        kernel_case_input(&c, seed % 2 ? QM_I32 : QM_I64, 2, (uint32_t[]){count, 2});
        kernel_case_output(&c, types[seed % 3], 2, (uint32_t[]){count, inner});
        c.tensors[2].quant = c.tensors[0].quant;
        draw_indices(&c, 1, 3);
        cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
        for (size_t i = 0; i < qm_graph_elements(&c.tensors[2]); i++) {
            size_t row = (size_t)kernel_case_stored(&c, 1, i / inner * 2), column = (size_t)kernel_case_stored(&c, 1, i / inner * 2 + 1);
            cr_assert(kernel_case_stored(&c, 2, i) == kernel_case_stored(&c, 0, (row * 3 + column) * inner + i % inner));
        }
        memset(c.data[1], 0xff, c.tensors[1].size_bytes);
        cr_expect(kernel_case_run(&c) == false, "an index outside");
        kernel_case_close(&c);
    }
}

Test(elements, floats_lie_beside_floats) {
    struct kernel_case c;
    kernel_case_open(&c, QM_OP_CONCATENATION, 0);
    kernel_case_input(&c, QM_F32, 2, (uint32_t[]){2, 1});
    kernel_case_input(&c, QM_F32, 2, (uint32_t[]){2, 2});
    kernel_case_output(&c, QM_F32, 2, (uint32_t[]){2, 3});
    c.op.axis = 1;
    cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
    const float *a = c.data[0], *b = c.data[1], *out = c.data[2];
    const float want[] = {a[0], b[0], b[1], a[1], b[2], b[3]};
    cr_expect(memcmp(out, want, sizeof want) == 0);
    kernel_case_close(&c);
}

/* ---- sums of several ---- */

/* In the order of the operands, each rounded, and from 0 on: a sum of zeros below 0 has no sign. */
Test(elements, sums_of_several_are_those_of_single_precision) {
    static const float operands[3][3] = {{1, 0x1p24F, -0.0F}, {0x1p24F, 1, -0.0F}, {-0x1p24F, 1, -0.0F}};
    static const float want[3] = {0, 0x1p24F, 0.0F};
    struct kernel_case c;
    kernel_case_open(&c, QM_OP_ADD_N, 0);
    for (int i = 0; i < 3; i++) kernel_case_input(&c, QM_F32, 1, (uint32_t[]){3});
    kernel_case_output(&c, QM_F32, 1, (uint32_t[]){3});
    for (int i = 0; i < 3; i++) memcpy(c.data[i], operands[i], sizeof operands[i]);
    cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
    cr_expect(memcmp(c.data[3], want, sizeof want) == 0);
    kernel_case_close(&c);
}

Test(elements, sums_of_several_are_of_one_shape_and_type) {
    for (int wrong = 0; wrong < 2; wrong++) {
        struct kernel_case c;
        kernel_case_open(&c, QM_OP_ADD_N, 0);
        kernel_case_input(&c, QM_F32, 1, (uint32_t[]){6});
        kernel_case_input(&c, wrong == 0 ? QM_I8 : QM_F32, wrong == 0 ? 1 : 2, wrong == 0 ? (uint32_t[]){6, 1} : (uint32_t[]){3, 2});
        kernel_case_output(&c, QM_F32, 1, (uint32_t[]){6});
        cr_expect(kernel_case_check(&c) != NULL);
        kernel_case_close(&c);
    }
}
