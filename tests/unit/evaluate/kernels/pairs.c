/* pairs.c - sums, products, quotients, extremes and comparisons of two operands, and what bools select, against their definitions, with
 * random shapes, types and scales. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "tests/support/kernel_case.h"
#include "tests/support/reference.h"
#include "tests/support/reference_site.h"

enum { SEEDS = 150 };

static enum qm_dtype draw_type(struct kernel_case *c) {
    static const enum qm_dtype types[] = {QM_I8, QM_U8, QM_F32};
    return types[kernel_case_draw(c, 0, 2)];
}

/* Operands of which dimensions have one element, and of which the second may have fewer; then the output. */
static void sketch(struct kernel_case *c, enum qm_graph_op_kind kind, enum qm_dtype dtype, uint64_t seed) {
    uint32_t dims[4], first[4], second[4], rank;
    kernel_case_open(c, kind, seed);
    rank = kernel_case_draw(c, 1, 4);
    if (dtype == QM_ANY_DTYPES) dtype = draw_type(c);
    for (uint32_t d = 0; d < rank; d++) {
        uint32_t narrow = kernel_case_draw(c, 0, 4);
        dims[d] = kernel_case_draw(c, 1, 5);
        first[d] = narrow == 0 && kind != QM_OP_PRELU ? 1 : dims[d];
        second[d] = narrow == 1 ? 1 : dims[d];
    }
    uint32_t missing = kernel_case_draw(c, 0, 2) == 0 ? kernel_case_draw(c, 0, rank - 1) : 0;
    kernel_case_input(c, dtype, rank, first);
    kernel_case_input(c, dtype, rank - missing, second + missing);
    kernel_case_output(c, dtype, rank, dims);
}

/* The numbers of both operands that element i is made of, less their zero points. */
struct numbers {
    int32_t a, b;
    double x, y; /* as stored */
};

static struct numbers numbers_at(const struct kernel_case *c, size_t i) {
    struct numbers n = {.x = kernel_case_broadcast(c, 0, i), .y = kernel_case_broadcast(c, 1, i)};
    if (c->tensors[0].dtype == QM_F32) return n;
    n.a = (int32_t)n.x - kernel_case_zero(c, 0);
    n.b = (int32_t)n.y - kernel_case_zero(c, 1);
    return n;
}

/* Compares with a definition of bytes, and with one of floats. */
typedef double definition(const struct kernel_case *c, struct numbers n);
static void compare(struct kernel_case *c, definition *bytes, definition *floats) {
    const struct qm_graph_tensor *out = &c->tensors[2];
    cr_assert(kernel_case_check(c) == NULL, "%s", kernel_case_check(c));
    cr_assert(kernel_case_run(c));
    for (size_t i = 0; i < qm_graph_elements(out); i++) {
        struct numbers n = numbers_at(c, i);
        double want = out->dtype == QM_F32 ? (double)(float)floats(c, n) : bytes(c, n), got = kernel_case_stored(c, 2, i);
        cr_assert(got == want, "%s, element %zu: %g, not %g", qm_dtype_name(out->dtype), i, got, want);
    }
    kernel_case_close(c);
}

static double finish(const struct kernel_case *c, int32_t scaled) {
    return kernel_case_cut(c, (int64_t)scaled + kernel_case_zero(c, 2));
}

static double summed(const struct kernel_case *c, struct numbers n, int sign) {
    double a = kernel_case_scale(c, 0), b = kernel_case_scale(c, 1), out = kernel_case_scale(c, 2), twice = 2 * fmax(a, b);
    double factors[] = {a / twice, b / twice, twice / (1048576 * out)};
    if (sign < 0 && c->tensors[2].dtype == QM_I8) /* in single precision */
        for (int i = 0; i < 3; i++) factors[i] = (double)(float)factors[i];
    int32_t sum = reference_scale_real(n.a * 1048576, factors[0]) + sign * reference_scale_real(n.b * 1048576, factors[1]);
    return finish(c, reference_scale_real(sum, factors[2]));
}

static double sum_of_bytes(const struct kernel_case *c, struct numbers n) {
    return summed(c, n, 1);
}

static double difference_of_bytes(const struct kernel_case *c, struct numbers n) {
    return summed(c, n, -1);
}

static double product_of_bytes(const struct kernel_case *c, struct numbers n) {
    return finish(c, reference_scale_real(n.a * n.b, kernel_case_scale(c, 0) * kernel_case_scale(c, 1) / kernel_case_scale(c, 2)));
}

static double squared_difference_of_bytes(const struct kernel_case *c, struct numbers n) {
    double a = kernel_case_scale(c, 0), b = kernel_case_scale(c, 1), twice = 2 * fmax(a, b);
    int32_t difference = reference_scale_real(n.a * 128, a / twice) - reference_scale_real(n.b * 128, b / twice);
    return finish(c, reference_scale_real(difference * difference, twice * twice / (16384 * kernel_case_scale(c, 2))));
}

/* Of uint8 in single precision. */
static double prelu_of_bytes(const struct kernel_case *c, struct numbers n) {
    double a = kernel_case_scale(c, 0), out = kernel_case_scale(c, 2), product = a * kernel_case_scale(c, 1);
    double factor = n.a >= 0 ? a / out : product / out;
    if (c->tensors[2].dtype == QM_U8) factor = (double)((n.a >= 0 ? (float)a : (float)product) / (float)out);
    return finish(c, reference_scale_real(n.a >= 0 ? n.a : n.a * n.b, factor));
}

static double smaller(const struct kernel_case *c, struct numbers n) {
    (void)c;
    return fmin(n.x, n.y);
}

static double larger(const struct kernel_case *c, struct numbers n) {
    (void)c;
    return fmax(n.x, n.y);
}

/* A double has the bits that a float sum, product or quotient needs to be rounded once more without harm. */
static double sum_of_floats(const struct kernel_case *c, struct numbers n) {
    (void)c;
    return n.x + n.y;
}

static double difference_of_floats(const struct kernel_case *c, struct numbers n) {
    (void)c;
    return n.x - n.y;
}

static double product_of_floats(const struct kernel_case *c, struct numbers n) {
    (void)c;
    return n.x * n.y;
}

static double quotient_of_floats(const struct kernel_case *c, struct numbers n) {
    (void)c;
    return n.x / n.y;
}

static double squared_difference_of_floats(const struct kernel_case *c, struct numbers n) {
    (void)c;
    double difference = (double)(float)(n.x - n.y);
    return difference * difference;
}

static double prelu_of_floats(const struct kernel_case *c, struct numbers n) {
    (void)c;
    return n.x >= 0 ? n.x : n.x * n.y;
}

static double floor_quotient(const struct kernel_case *c, struct numbers n) {
    (void)c;
    return floor(n.x / n.y);
}

static const struct {
    enum qm_graph_op_kind kind;
    definition *bytes, *floats;
} pairs[] = {
    {QM_OP_ADD, sum_of_bytes, sum_of_floats},
    {QM_OP_SUB, difference_of_bytes, difference_of_floats},
    {QM_OP_MUL, product_of_bytes, product_of_floats},
    {QM_OP_PRELU, prelu_of_bytes, prelu_of_floats},
    {QM_OP_MINIMUM, smaller, smaller},
    {QM_OP_MAXIMUM, larger, larger},
};

Test(pairs, equal_their_definitions) {
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct kernel_case c;
            sketch(&c, pairs[p].kind, QM_ANY_DTYPES, seed);
            compare(&c, pairs[p].bytes, pairs[p].floats);
        }
}

Test(pairs, squared_differences_are_of_int8_and_floats) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct kernel_case c;
        sketch(&c, QM_OP_SQUARED_DIFFERENCE, seed % 2 ? QM_I8 : QM_F32, seed);
        compare(&c, squared_difference_of_bytes, squared_difference_of_floats);
    }
    struct kernel_case c;
    sketch(&c, QM_OP_SQUARED_DIFFERENCE, QM_U8, 0);
    cr_expect(kernel_case_check(&c) != NULL);
    kernel_case_close(&c);
}

Test(pairs, whole_quotients_are_of_what_is_stored) {
    int right = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct kernel_case c;
        sketch(&c, QM_OP_FLOOR_DIV, seed % 2 ? QM_I8 : QM_F32, seed);
        bool zero = false;
        for (size_t i = 0; i < qm_graph_elements(&c.tensors[1]); i++) zero = zero || kernel_case_stored(&c, 1, i) == 0;
        if (!zero) compare(&c, floor_quotient, floor_quotient);
        if (zero) {
            cr_assert(kernel_case_run(&c) == false);
            kernel_case_close(&c);
        }
        right += !zero;
    }
    cr_assert(gt(int, right, SEEDS / 2));
}

Test(pairs, quotients_of_floats_are_rounded_once) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct kernel_case c;
        sketch(&c, QM_OP_DIV, QM_F32, seed);
        for (size_t i = 0; i < qm_graph_elements(&c.tensors[1]); i++)
            if (((float *)c.data[1])[i] == 0) ((float *)c.data[1])[i] = 1;
        compare(&c, quotient_of_floats, quotient_of_floats);
    }
}

/* ---- comparisons ---- */

/* Of bytes 256 times what they mean is compared, rounded; NaN is not equal to anything, and nothing else. */
Test(pairs, comparisons_equal_their_definitions) {
    static const enum qm_graph_op_kind kinds[] = {QM_OP_EQUAL, QM_OP_NOT_EQUAL,     QM_OP_GREATER,
                                                  QM_OP_LESS,  QM_OP_GREATER_EQUAL, QM_OP_LESS_EQUAL};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct kernel_case c;
        sketch(&c, kinds[seed % 6], QM_ANY_DTYPES, seed);
        c.tensors[2].dtype = QM_BOOL;
        if (seed % 5 == 0 && c.tensors[0].dtype == QM_F32) ((float *)c.data[0])[0] = NAN;
        for (uint32_t i = 0; i < 2 && c.tensors[0].dtype != QM_F32; i++)
            kernel_case_quant(&c, i, (float)(kernel_case_scale(&c, i) / 2), kernel_case_zero(&c, i));
        if (seed % 7 == 0) c.tensors[1].quant = c.tensors[0].quant;
        cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
        for (size_t i = 0; i < qm_graph_elements(&c.tensors[2]); i++) {
            struct numbers n = numbers_at(&c, i);
            bool floats = c.tensors[0].dtype == QM_F32;
            double a = floats ? n.x : reference_scale_real(n.a * 256, kernel_case_scale(&c, 0));
            double b = floats ? n.y : reference_scale_real(n.b * 256, kernel_case_scale(&c, 1));
            const bool want[] = {a == b, a != b, a > b, a < b, a >= b, a <= b};
            cr_assert(kernel_case_stored(&c, 2, i) == want[seed % 6], "%s of %g and %g", qm_graph_op_name(kinds[seed % 6]), a, b);
        }
        kernel_case_close(&c);
    }
}

Test(pairs, steps_of_one_are_not_compared) {
    struct kernel_case c;
    sketch(&c, QM_OP_GREATER, QM_I8, 1);
    c.tensors[2].dtype = QM_BOOL;
    cr_expect(kernel_case_check(&c) == NULL);
    kernel_case_quant(&c, 1, 1, 0);
    cr_expect(
        eq(str, (char *)(uintptr_t)kernel_case_check(&c), (char *)"a scale is 1 or more, for which TFLite's kernels have no comparison"));
    kernel_case_close(&c);
}

/* The condition [4][1], the operands [3] and [4][3]. */
Test(pairs, a_condition_selects_what_is_stored) {
    static const uint8_t conditions[] = {1, 0, 0, 1}, row[] = {7, 8, 9};
    struct kernel_case c;
    kernel_case_open(&c, QM_OP_SELECT, 0);
    kernel_case_input(&c, QM_BOOL, 2, (uint32_t[]){4, 1});
    kernel_case_input(&c, QM_U8, 1, (uint32_t[]){3});
    kernel_case_input(&c, QM_U8, 2, (uint32_t[]){4, 3});
    kernel_case_output(&c, QM_U8, 2, (uint32_t[]){4, 3});
    memcpy(c.data[0], conditions, sizeof conditions);
    memcpy(c.data[1], row, sizeof row);
    cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
    for (size_t i = 0; i < 12; i++)
        cr_expect(kernel_case_stored(&c, 3, i) == (conditions[i / 3] ? row[i % 3] : kernel_case_stored(&c, 2, i)));
    c.tensors[0].dtype = QM_I8;
    cr_expect(kernel_case_check(&c) != NULL);
    kernel_case_close(&c);
}

Test(pairs, bools_say_things_together) {
    static const uint8_t a[] = {0, 0, 1, 1}, b[] = {0, 1, 0, 1};
    static const struct {
        enum qm_graph_op_kind kind;
        uint8_t want[4];
    } logics[] = {{QM_OP_LOGICAL_AND, {0, 0, 0, 1}}, {QM_OP_LOGICAL_OR, {0, 1, 1, 1}}, {QM_OP_LOGICAL_NOT, {1, 1, 0, 0}}};
    for (size_t k = 0; k < sizeof logics / sizeof *logics; k++) {
        struct kernel_case c;
        kernel_case_open(&c, logics[k].kind, 0);
        for (uint32_t i = 0; i < (logics[k].kind == QM_OP_LOGICAL_NOT ? 1 : 2); i++) {
            kernel_case_input(&c, QM_BOOL, 1, (uint32_t[]){4});
            memcpy(c.data[i], i == 0 ? a : b, sizeof a);
        }
        kernel_case_output(&c, QM_BOOL, 1, (uint32_t[]){4});
        cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
        cr_expect(memcmp(c.data[c.op.outputs[0]], logics[k].want, 4) == 0);
        kernel_case_close(&c);
    }
}

/* Of one byte each, with scales of 1 and zero points of 0. */
static bool divide(int8_t a, int8_t b, float out_scale, int8_t *quotient) {
    static const uint32_t one[] = {1};
    struct kernel_case c;
    kernel_case_open(&c, QM_OP_DIV, 0);
    for (int i = 0; i < 2; i++) kernel_case_input(&c, QM_I8, 1, one);
    kernel_case_output(&c, QM_I8, 1, one);
    for (uint32_t i = 0; i < 3; i++) kernel_case_quant(&c, i, i < 2 ? 1 : out_scale, 0);
    *(int8_t *)c.data[0] = a;
    *(int8_t *)c.data[1] = b;
    bool done = kernel_case_check(&c) == NULL && kernel_case_run(&c);
    *quotient = *(int8_t *)c.data[2];
    kernel_case_close(&c);
    return done;
}

/* Where the kernels' shifts stay within 31 bits: dividends that are large enough. */
Test(pairs, quotients_of_bytes_are_nearest) {
    for (int a = -128; a < 128; a++)
        for (int b = -128; b < 128; b++) {
            int8_t got;
            bool in_range = abs(a) >= 64 && fabs((double)a / b) < 15;
            if (b == 0 || !in_range) continue;
            cr_assert(divide((int8_t)a, (int8_t)b, 0.125F, &got));
            double real = 8.0 * a / b;
            cr_assert(fabs(fmin(fmax(real, -128), 127) - got) <= 0.5 + 1e-6, "%d / %d: %d for %g", a, b, got, real);
        }
}

/* [measured: LiteRT 2.3 on x86: a shift of 32 bits is none, and adds one] */
Test(pairs, quotients_without_bits_are_what_a_processor_makes_of_them) {
    int8_t got;
    cr_assert(divide(0, 4, 1, &got));
    cr_expect(eq(i8, got, 1));
    cr_expect(divide(5, 0, 1, &got) == false);
}

Test(pairs, activations_cut_sums) {
    static const uint32_t four[] = {4};
    static const float numbers[] = {-3, 0.5F, 5, 9};
    static const float want[][4] = {{-3, 0.5F, 5, 9}, {0, 0.5F, 5, 9}, {0, 0.5F, 5, 6}, {-1, 0.5F, 1, 1}};
    for (int activation = QM_ACT_NONE; activation <= QM_ACT_RELU_N1_TO_1; activation++) {
        struct kernel_case c;
        kernel_case_open(&c, QM_OP_ADD, 0);
        for (int i = 0; i < 2; i++) kernel_case_input(&c, QM_F32, 1, four);
        kernel_case_output(&c, QM_F32, 1, four);
        for (int i = 0; i < 4; i++) {
            ((float *)c.data[0])[i] = numbers[i];
            ((float *)c.data[1])[i] = 0;
        }
        c.op.activation = (enum qm_activation)activation;
        cr_assert(kernel_case_run(&c));
        for (int i = 0; i < 4; i++) cr_expect(kernel_case_stored(&c, 2, (size_t)i) == (double)want[activation][i]);
        kernel_case_close(&c);
    }
}

Test(pairs, scales_that_no_multiplier_has_are_refused) {
    struct kernel_case c;
    sketch(&c, QM_OP_ADD, QM_I8, 1);
    kernel_case_quant(&c, 2, 1e-20F, 0);
    cr_expect(kernel_case_check(&c) != NULL);
    kernel_case_quant(&c, 2, 1, 128);
    cr_expect(kernel_case_check(&c) != NULL);
    kernel_case_close(&c);
}
