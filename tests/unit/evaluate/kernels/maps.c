/* maps.c - averages and maxima over windows and bilinear resizing, against their definitions and published numbers. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "tests/support/kernel_case.h"

enum { SEEDS = 120 };

static const enum qm_dtype types[] = {QM_I8, QM_U8, QM_F32};

/* ---- windows ---- */

/* Windows of any size; the padding leaves each an element of the map. */
static void sketch_pool(struct kernel_case *c, enum qm_graph_op_kind kind, uint64_t seed) {
    kernel_case_open(c, kind, seed);
    uint32_t in[4], out[4], size[2], pad[2];
    struct qm_graph_op *op = &c->op;
    op->stride_h = kernel_case_draw(c, 1, 3);
    op->stride_w = kernel_case_draw(c, 1, 3);
    for (uint32_t d = 0; d < 4; d++) in[d] = out[d] = kernel_case_draw(c, 1, d == 0 ? 2 : 7);
    for (uint32_t d = 0; d < 2; d++) {
        size[d] = kernel_case_draw(c, 1, 9);
        pad[d] = kernel_case_draw(c, 0, size[d] - 1);
        out[1 + d] = 1 + (in[1 + d] - 1 + pad[d]) / (d == 0 ? op->stride_h : op->stride_w);
    }
    op->kernel_h = size[0];
    op->kernel_w = size[1];
    op->pad_top = pad[0];
    op->pad_left = pad[1];
    kernel_case_input(c, types[seed % 3], 4, in);
    kernel_case_output(c, types[seed % 3], 4, out);
    c->tensors[1].quant = c->tensors[0].quant;
}

static double pooled_at(const struct kernel_case *c, size_t i) {
    const uint32_t *in = c->tensors[0].dims, *out = c->tensors[1].dims;
    size_t channel = i % out[3], column = i / out[3] % out[2], row = i / out[3] / out[2] % out[1], n = i / out[3] / out[2] / out[1];
    double sum = 0, largest = -INFINITY;
    int count = 0;
    for (uint32_t ky = 0; ky < c->op.kernel_h; ky++)
        for (uint32_t kx = 0; kx < c->op.kernel_w; kx++) {
            int64_t y = (int64_t)(row * c->op.stride_h + ky) - c->op.pad_top, x = (int64_t)(column * c->op.stride_w + kx) - c->op.pad_left;
            if (y < 0 || x < 0 || y >= in[1] || x >= in[2]) continue;
            double value = kernel_case_stored(c, 0, ((n * in[1] + (size_t)y) * in[2] + (size_t)x) * in[3] + channel);
            sum = c->tensors[0].dtype == QM_F32 ? (double)(float)(sum + value) : sum + value;
            largest = value > largest ? value : largest;
            count++;
        }
    if (c->op.kind == QM_OP_MAX_POOL_2D) return largest;
    if (c->tensors[0].dtype == QM_F32) return (double)(float)(sum / count);
    return round(sum / count); /* half away from zero */
}

Test(maps, averages_and_maxima_equal_their_definitions) {
    for (uint64_t seed = 0; seed < 2 * SEEDS; seed++) {
        struct kernel_case c;
        sketch_pool(&c, seed < SEEDS ? QM_OP_AVERAGE_POOL_2D : QM_OP_MAX_POOL_2D, seed);
        cr_assert(kernel_case_check(&c) == NULL, "seed %d: %s", (int)seed, kernel_case_check(&c));
        cr_assert(kernel_case_run(&c));
        for (size_t i = 0; i < qm_graph_elements(&c.tensors[1]); i++)
            cr_assert(kernel_case_stored(&c, 1, i) == pooled_at(&c, i), "seed %d, element %zu", (int)seed, i);
        kernel_case_close(&c);
    }
}

/* ---- resizing ---- */

static void sketch_resize(struct kernel_case *c, enum qm_dtype dtype, const uint32_t in[4], const uint32_t out[4]) {
    kernel_case_input(c, dtype, 4, in);
    kernel_case_output(c, dtype, 4, out);
    c->tensors[1].quant = c->tensors[0].quant;
}

/* [published: tflite-micro, resize_bilinear_test.cc] */
Test(maps, resizing_gives_the_published_numbers) {
    static const struct {
        uint32_t in[4], out[4];
        int8_t numbers[4], want[9];
    } cases[] = {
        {{1, 1, 2, 1}, {1, 1, 3, 1}, {3, 6}, {3, 5, 6}},
        {{1, 2, 1, 1}, {1, 3, 1, 1}, {3, 9}, {3, 7, 9}},
        {{1, 2, 2, 1}, {1, 3, 3, 1}, {3, 6, 9, 12}, {3, 5, 6, 7, 9, 10, 9, 11, 12}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kernel_case c;
        kernel_case_open(&c, QM_OP_RESIZE_BILINEAR, 0);
        sketch_resize(&c, QM_I8, cases[i].in, cases[i].out);
        memcpy(c.data[0], cases[i].numbers, c.tensors[0].size_bytes);
        cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
        cr_expect(memcmp(c.data[1], cases[i].want, c.tensors[1].size_bytes) == 0, "case %zu", i);
        kernel_case_close(&c);
    }
}

/* Where output position i lies on an axis of the input. */
static double place_of(const struct kernel_case *c, uint32_t d, size_t i) {
    double in = c->tensors[0].dims[d], out = c->tensors[1].dims[d];
    if (c->op.align_corners && out > 1) return (double)i * (in - 1) / (out - 1);
    double place = c->op.half_pixel_centers ? ((double)i + 0.5) * in / out - 0.5 : (double)i * in / out;
    return fmin(fmax(place, 0), in - 1);
}

static double pixel(const struct kernel_case *c, double y, double x, size_t channel) {
    const uint32_t *in = c->tensors[0].dims;
    return kernel_case_stored(c, 0, ((size_t)y * in[2] + (size_t)x) * in[3] + channel);
}

static double between(const struct kernel_case *c, size_t i) {
    const uint32_t *in = c->tensors[0].dims, *out = c->tensors[1].dims;
    double y = place_of(c, 1, i / out[3] / out[2] % out[1]), x = place_of(c, 2, i / out[3] % out[2]);
    double top = floor(y), left = floor(x), bottom = fmin(top + 1, in[1] - 1), right = fmin(left + 1, in[2] - 1);
    double upper = pixel(c, top, left, i % out[3]) * (1 - (x - left)) + pixel(c, top, right, i % out[3]) * (x - left);
    double lower = pixel(c, bottom, left, i % out[3]) * (1 - (x - left)) + pixel(c, bottom, right, i % out[3]) * (x - left);
    return upper * (1 - (y - top)) + lower * (y - top);
}

/* Bytes are rounded, from places that are off by a 2048th of an element for each position. */
Test(maps, resizing_is_close_to_the_real_function) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct kernel_case c;
        kernel_case_open(&c, QM_OP_RESIZE_BILINEAR, seed);
        uint32_t in[4] = {1}, out[4] = {1};
        for (uint32_t d = 1; d < 4; d++) {
            in[d] = kernel_case_draw(&c, 1, 6);
            out[d] = d == 3 ? in[d] : kernel_case_draw(&c, 1, 16);
        }
        c.op.align_corners = seed % 3 == 1;
        c.op.half_pixel_centers = seed % 3 == 2;
        sketch_resize(&c, types[seed / 3 % 3], in, out);
        cr_assert(kernel_case_check(&c) == NULL && kernel_case_run(&c));
        double range = c.tensors[0].dtype == QM_F32 ? 24 : 255;
        double tolerance = c.tensors[0].dtype == QM_F32 ? 1e-4 : 0.501 + (c.tensors[0].dtype == QM_I8 ? 2 * 16 * range / 2048 : 0);
        for (size_t i = 0; i < qm_graph_elements(&c.tensors[1]); i++)
            cr_assert(fabs(kernel_case_stored(&c, 1, i) - between(&c, i)) <= tolerance, "seed %d, element %zu: %g, not %g", (int)seed, i,
                      kernel_case_stored(&c, 1, i), between(&c, i));
        kernel_case_close(&c);
    }
}

/* 3 to 2000: a step of 1.536 1024ths becomes 2, so that position 1999 lies at 3.9. */
Test(maps, resizing_that_reads_behind_the_end_is_refused) {
    struct kernel_case c;
    kernel_case_open(&c, QM_OP_RESIZE_BILINEAR, 0);
    sketch_resize(&c, QM_I8, (const uint32_t[]){1, 3, 1, 1}, (const uint32_t[]){1, 2000, 1, 1});
    cr_expect(kernel_case_check(&c) != NULL);
    kernel_case_close(&c);
}
