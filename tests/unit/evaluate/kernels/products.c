/* products.c - products of two computed matrices against their definitions. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "tests/support/kernel_case.h"
#include "tests/support/reference_site.h"

enum { SEEDS = 150 };

/* Stacks of up to three dimensions, of which each operand may have one element. */
static void sketch(struct kernel_case *c, uint64_t seed) {
    uint32_t dims[3][5], over, m, n, depth;
    kernel_case_open(c, QM_OP_BATCH_MATMUL, seed);
    over = kernel_case_draw(c, 0, 3);
    m = kernel_case_draw(c, 1, 5);
    n = kernel_case_draw(c, 1, 5);
    depth = kernel_case_draw(c, 1, 9);
    c->op.first_transposed = seed % 2;
    c->op.transposed = seed / 2 % 2;
    for (uint32_t d = 0; d < over; d++) {
        uint32_t single = kernel_case_draw(c, 0, 3);
        dims[2][d] = kernel_case_draw(c, 1, 3);
        dims[0][d] = single == 0 ? 1 : dims[2][d];
        dims[1][d] = single == 1 ? 1 : dims[2][d];
    }
    const uint32_t ends[3][2] = {{m, depth}, {depth, n}, {m, n}};
    for (uint32_t i = 0; i < 3; i++)
        for (uint32_t e = 0; e < 2; e++) {
            bool turned = i == 0 ? c->op.first_transposed : i == 1 && c->op.transposed;
            dims[i][over + e] = ends[i][turned ? 1 - e : e];
        }
    uint32_t missing = kernel_case_draw(c, 0, 3) == 0 ? kernel_case_draw(c, 0, over) : 0;
    for (uint32_t d = 0; d < missing; d++) dims[0][d] = dims[2][d];
    kernel_case_input(c, QM_I8, over + 2, dims[0]);
    kernel_case_input(c, QM_I8, over + 2 - missing, dims[1] + missing);
    kernel_case_output(c, QM_I8, over + 2, dims[2]);
}

/* An operand of the output's rank: its element at the place in the stack of element i, row r and column q. */
static int32_t operand_at(const struct kernel_case *c, uint32_t operand, size_t i, const uint32_t at[2]) {
    const struct qm_graph_tensor *tensor = &c->tensors[operand], *out = &c->tensors[2];
    size_t places[6], index = 0;
    for (uint32_t d = out->rank; d-- > 0; i /= out->dims[d]) places[d] = i % out->dims[d];
    for (uint32_t d = 0; d < tensor->rank; d++) {
        uint32_t whole = d + out->rank - tensor->rank;
        size_t place = d + 2 >= tensor->rank ? at[d + 2 - tensor->rank] : tensor->dims[d] == 1 ? 0 : places[whole];
        index = index * tensor->dims[d] + place;
    }
    return (int32_t)kernel_case_stored(c, operand, index) - kernel_case_zero(c, operand);
}

static int32_t want_at(const struct kernel_case *c, size_t i) {
    const struct qm_graph_tensor *a = &c->tensors[0], *out = &c->tensors[2];
    uint32_t n = out->dims[out->rank - 1], m = out->dims[out->rank - 2], row = (uint32_t)(i / n % m), column = (uint32_t)(i % n);
    uint32_t depth = a->dims[a->rank - (c->op.first_transposed ? 2 : 1)];
    int64_t sum = 0;
    for (uint32_t k = 0; k < depth; k++) {
        const uint32_t first[2] = {c->op.first_transposed ? k : row, c->op.first_transposed ? row : k};
        const uint32_t second[2] = {c->op.transposed ? column : k, c->op.transposed ? k : column};
        sum += operand_at(c, 0, i, first) * operand_at(c, 1, i, second);
    }
    float product = c->tensors[0].quant.scale[0] * c->tensors[1].quant.scale[0];
    return kernel_case_cut(c,
                           (int64_t)reference_scale_real((int32_t)sum, (double)product / kernel_case_scale(c, 2)) + kernel_case_zero(c, 2));
}

Test(products, of_stacks_equal_the_definition) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct kernel_case c;
        sketch(&c, seed);
        cr_assert(kernel_case_check(&c) == NULL, "seed %d: %s", (int)seed, kernel_case_check(&c));
        cr_assert(kernel_case_run(&c));
        for (size_t i = 0; i < qm_graph_elements(&c.tensors[2]); i++)
            cr_assert(kernel_case_stored(&c, 2, i) == want_at(&c, i), "seed %d, element %zu", (int)seed, i);
        kernel_case_close(&c);
    }
}

/* Weights [channels][depth] are a transposed second operand, with a bias. */
Test(products, of_computed_weights_have_a_bias) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct kernel_case c;
        kernel_case_open(&c, QM_OP_FULLY_CONNECTED, seed);
        enum qm_dtype dtype = seed % 2 ? QM_I8 : QM_U8;
        uint32_t rows = kernel_case_draw(&c, 1, 4), depth = kernel_case_draw(&c, 1, 20), channels = kernel_case_draw(&c, 1, 6);
        kernel_case_input(&c, dtype, 2, (uint32_t[]){rows, depth});
        kernel_case_input(&c, dtype, 2, (uint32_t[]){channels, depth});
        uint32_t bias = kernel_case_input(&c, QM_I32, 1, &channels), out = kernel_case_output(&c, dtype, 2, (uint32_t[]){rows, channels});
        for (uint32_t i = 0; i < channels; i++) ((int32_t *)c.data[bias])[i] %= 20000;
        cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
        for (uint32_t i = 0; i < rows * channels; i++) {
            int64_t sum = ((int32_t *)c.data[bias])[i % channels];
            for (uint32_t k = 0; k < depth; k++)
                sum += (int64_t)((kernel_case_stored(&c, 0, i / channels * depth + k) - kernel_case_zero(&c, 0)) *
                                 (kernel_case_stored(&c, 1, i % channels * depth + k) - kernel_case_zero(&c, 1)));
            double factor = (double)(c.tensors[0].quant.scale[0] * c.tensors[1].quant.scale[0]) / kernel_case_scale(&c, out);
            int32_t want = kernel_case_cut(&c, (int64_t)reference_scale_real((int32_t)sum, factor) + kernel_case_zero(&c, out));
            cr_assert(kernel_case_stored(&c, out, i) == want, "seed %d, element %u", (int)seed, i);
        }
        kernel_case_close(&c);
    }
}
