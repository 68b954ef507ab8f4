/* reduce.c - sums, means and extremes along random axes, and where the extremes are, against their definitions. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "tests/support/kernel_case.h"
#include "tests/support/reference.h"

enum { SEEDS = 200 };

static const enum qm_dtype types[] = {QM_I8, QM_U8, QM_F32};

/* Reduced dimensions are gone from the output, or have one element. */
static void sketch(struct kernel_case *c, enum qm_graph_op_kind kind, uint64_t seed) {
    uint32_t dims[4], out[4], left = 0;
    kernel_case_open(c, kind, seed);
    uint32_t rank = kernel_case_draw(c, 1, 4), keep = kernel_case_draw(c, 0, 1);
    enum qm_dtype dtype = types[kernel_case_draw(c, 0, 2)];
    c->op.axes = kernel_case_draw(c, 0, (1U << rank) - 1);
    for (uint32_t d = 0; d < rank; d++) {
        dims[d] = kernel_case_draw(c, 1, 6);
        bool reduced = (c->op.axes >> d & 1) != 0;
        if (!reduced || keep) out[left++] = reduced ? 1 : dims[d];
    }
    kernel_case_input(c, dtype, rank, dims);
    kernel_case_output(c, dtype, left, out);
}

/* Which element of the output element i of the input belongs to. */
static size_t place_of(const struct kernel_case *c, size_t i) {
    const struct qm_graph_tensor *in = &c->tensors[0];
    size_t place = 0, step = 1;
    for (uint32_t d = in->rank; d-- > 0; i /= in->dims[d]) {
        if ((c->op.axes >> d & 1) != 0) continue;
        place += i % in->dims[d] * step;
        step *= in->dims[d];
    }
    return place;
}

/* Of a mean the multiplier is divided, as far as its bits go. */
static double scaled(const struct kernel_case *c, int64_t sum, int64_t count) {
    int32_t multiplier;
    int shift, bits = 0;
    reference_multiplier(kernel_case_scale(c, 0) / kernel_case_scale(c, 1), &multiplier, &shift);
    while (c->op.kind == QM_OP_MEAN && INT64_C(2) << bits <= count) bits++;
    int64_t divided = multiplier * (INT64_C(1) << bits) / (c->op.kind == QM_OP_MEAN ? count : 1);
    return kernel_case_cut(c, (int64_t)reference_scale((int32_t)sum, (int32_t)divided, shift - bits) + kernel_case_zero(c, 1));
}

static double want_at(const struct kernel_case *c, size_t place) {
    bool floats = c->tensors[0].dtype == QM_F32, first = true;
    int64_t sum = 0, count = 0;
    float total = 0;
    double largest = 0, smallest = 0;
    for (size_t i = 0; i < qm_graph_elements(&c->tensors[0]); i++) {
        if (place_of(c, i) != place) continue;
        double x = kernel_case_stored(c, 0, i);
        largest = first || x > largest ? x : largest;
        smallest = first || x < smallest ? x : smallest;
        first = false;
        total = (float)((double)total + x);
        if (!floats) sum += (int64_t)x - kernel_case_zero(c, 0);
        count++;
    }
    if (c->op.kind == QM_OP_REDUCE_MAX) return largest;
    if (c->op.kind == QM_OP_REDUCE_MIN) return smallest;
    if (!floats) return scaled(c, sum, count);
    return (double)(c->op.kind == QM_OP_SUM ? total : (float)((double)total / (double)count));
}

Test(reduce, equals_the_definitions) {
    static const enum qm_graph_op_kind kinds[] = {QM_OP_SUM, QM_OP_MEAN, QM_OP_REDUCE_MAX, QM_OP_REDUCE_MIN};
    for (uint64_t seed = 0; seed < 4 * SEEDS; seed++) {
        struct kernel_case c;
        sketch(&c, kinds[seed % 4], seed);
        if (seed % 4 > 1) c.tensors[1].quant = c.tensors[0].quant;
        cr_assert(kernel_case_check(&c) == NULL, "%s", kernel_case_check(&c));
        cr_assert(kernel_case_run(&c));
        for (size_t i = 0; i < qm_graph_elements(&c.tensors[1]); i++)
            cr_assert(kernel_case_stored(&c, 1, i) == want_at(&c, i), "seed %d %s: %g, not %g", (int)seed, qm_graph_op_name(c.op.kind),
                      kernel_case_stored(&c, 1, i), want_at(&c, i));
        kernel_case_close(&c);
    }
}

Test(reduce, extremes_do_not_rescale) {
    struct kernel_case c;
    uint64_t seed = 0;
    for (sketch(&c, QM_OP_REDUCE_MAX, seed); c.tensors[0].dtype == QM_F32; sketch(&c, QM_OP_REDUCE_MAX, ++seed)) kernel_case_close(&c);
    cr_expect(kernel_case_check(&c) != NULL);
    kernel_case_close(&c);
}

/* The first of equal ones. */
static int64_t extreme_at(const struct kernel_case *c, size_t place) {
    uint32_t axis = c->op.axis, count = c->tensors[0].dims[axis];
    int64_t best = 0;
    double best_value = 0;
    size_t inner = 1;
    for (uint32_t d = axis + 1; d < c->tensors[0].rank; d++) inner *= c->tensors[0].dims[d];
    for (uint32_t i = 0; i < count; i++) {
        double x = kernel_case_stored(c, 0, (place / inner * count + i) * inner + place % inner);
        if (i > 0 && !(c->op.kind == QM_OP_ARG_MAX ? x > best_value : x < best_value)) continue;
        best = i;
        best_value = x;
    }
    return best;
}

Test(reduce, finds_the_first_extreme) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct kernel_case c;
        uint32_t dims[4], out[4], left = 0;
        kernel_case_open(&c, seed % 2 ? QM_OP_ARG_MAX : QM_OP_ARG_MIN, seed);
        uint32_t rank = kernel_case_draw(&c, 1, 4);
        c.op.axis = kernel_case_draw(&c, 0, rank - 1);
        for (uint32_t d = 0; d < rank; d++) {
            dims[d] = kernel_case_draw(&c, 1, 6);
            if (d != c.op.axis) out[left++] = dims[d];
        }
        kernel_case_input(&c, types[seed % 3], rank, dims);
        kernel_case_output(&c, seed % 5 < 2 ? QM_I64 : QM_I32, left, out);
        for (size_t i = 0; i < c.tensors[0].size_bytes && seed % 3 < 2; i++) ((uint8_t *)c.data[0])[i] &= 3; /* equal ones */
        cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
        for (size_t i = 0; i < qm_graph_elements(&c.tensors[1]); i++) cr_assert(kernel_case_stored(&c, 1, i) == (double)extreme_at(&c, i));
        kernel_case_close(&c);
    }
}
