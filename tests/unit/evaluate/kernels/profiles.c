/* profiles.c - kernels by the rules of LiteRT and of XNNPACK, where these differ from TFLite's: numbers worked out by hand. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "tests/support/kernel_case.h"

static void set_bytes(struct kernel_case *c, uint32_t tensor, const int8_t *numbers, size_t count) {
    memcpy(c->data[tensor], numbers, count);
}

/* The first numbers of the output by the rules of one and of the other. */
static void run_both(struct kernel_case *c, int32_t *tflite, int32_t *other, enum qm_kernels kernels, size_t count) {
    for (int i = 0; i < 2; i++) {
        c->graph.kernels = i == 0 ? QM_KERNELS_TFLITE : kernels;
        cr_assert(kernel_case_check(c) == NULL && kernel_case_run(c), "%s", kernel_case_check(c));
        for (size_t k = 0; k < count; k++) (i == 0 ? tflite : other)[k] = (int32_t)kernel_case_stored(c, kernel_case_last(c), k);
    }
}

static void one_scale(struct kernel_case *c, uint32_t tensors) {
    for (uint32_t i = 0; i < tensors; i++) kernel_case_quant(c, i, 1, 0);
}

/* 2.5 and -2.5 steps. */
Test(profiles, xnnpack_quantizes_floats_half_to_even) {
    struct kernel_case c;
    const float floats[] = {2.5F, -2.5F, 3.5F};
    int32_t tflite[3], xnnpack[3];
    kernel_case_open(&c, QM_OP_QUANTIZE, 1);
    kernel_case_input(&c, QM_F32, 1, (uint32_t[]){3});
    kernel_case_output(&c, QM_I8, 1, (uint32_t[]){3});
    kernel_case_quant(&c, 1, 1, 0);
    memcpy(c.data[0], floats, sizeof floats);
    run_both(&c, tflite, xnnpack, QM_KERNELS_XNNPACK, 3);
    cr_expect(tflite[0] == 3 && tflite[1] == -3 && tflite[2] == 4);
    cr_expect(xnnpack[0] == 2 && xnnpack[1] == -2 && xnnpack[2] == 4);
    kernel_case_close(&c);
}

/* The mean of 2 and 3; with both zero points 1 it is 2.5 all the same, which is half to even with the zero point in it. */
Test(profiles, xnnpack_adds_the_zero_point_before_a_mean_is_rounded) {
    for (int64_t zero = 0; zero < 2; zero++) {
        struct kernel_case c;
        int32_t tflite, xnnpack;
        kernel_case_open(&c, QM_OP_MEAN, 1);
        kernel_case_input(&c, QM_I8, 1, (uint32_t[]){2});
        kernel_case_output(&c, QM_I8, 1, (uint32_t[]){1});
        c.op.axes = 1;
        for (uint32_t i = 0; i < 2; i++) kernel_case_quant(&c, i, 1, zero);
        set_bytes(&c, 0, (int8_t[]){2, 3}, 2);
        run_both(&c, &tflite, &xnnpack, QM_KERNELS_XNNPACK, 1);
        cr_expect(eq(i32, tflite, 3));
        cr_expect(eq(i32, xnnpack, 2));
        kernel_case_close(&c);
    }
}

/* Half way between 0 and -3. */
Test(profiles, xnnpack_resizes_half_up) {
    struct kernel_case c;
    int32_t tflite[4], xnnpack[4];
    kernel_case_open(&c, QM_OP_RESIZE_BILINEAR, 1);
    kernel_case_input(&c, QM_I8, 4, (uint32_t[]){1, 1, 2, 1});
    kernel_case_output(&c, QM_I8, 4, (uint32_t[]){1, 1, 4, 1});
    one_scale(&c, 2);
    set_bytes(&c, 0, (int8_t[]){0, -3}, 2);
    run_both(&c, tflite, xnnpack, QM_KERNELS_XNNPACK, 4);
    cr_expect(tflite[1] == -2 && tflite[2] == -3 && tflite[3] == -3);
    cr_expect(xnnpack[0] == 0 && xnnpack[1] == -1 && xnnpack[2] == -3 && xnnpack[3] == -3);
    kernel_case_close(&c);
}

/* A number that is one lower has exp(-1) = 0.368 of the other: of 256 these are 187.1 and 68.9. */
Test(profiles, softmax_in_single_precision) {
    struct kernel_case c;
    int32_t tflite[2], xnnpack[2];
    kernel_case_open(&c, QM_OP_SOFTMAX, 1);
    kernel_case_input(&c, QM_I8, 2, (uint32_t[]){1, 2});
    kernel_case_output(&c, QM_I8, 2, (uint32_t[]){1, 2});
    kernel_case_quant(&c, 0, 0.5F, 0);
    kernel_case_quant(&c, 1, 1.0F / 256, -128);
    c.op.beta = 1;
    set_bytes(&c, 0, (int8_t[]){5, 3}, 2);
    run_both(&c, tflite, xnnpack, QM_KERNELS_XNNPACK, 2);
    cr_expect(xnnpack[0] == 187 - 128 && xnnpack[1] == 69 - 128, "%d %d", xnnpack[0], xnnpack[1]);
    kernel_case_close(&c);
}

/* -6 / 4 is -1.5: rounded once it goes up; the second of two roundings goes away from zero. */
Test(profiles, litert_rounds_computed_weights_once) {
    struct kernel_case c;
    int32_t tflite, litert;
    kernel_case_open(&c, QM_OP_FULLY_CONNECTED, 1);
    kernel_case_input(&c, QM_I8, 2, (uint32_t[]){1, 1});
    kernel_case_input(&c, QM_I8, 2, (uint32_t[]){1, 1});
    kernel_case_output(&c, QM_I8, 2, (uint32_t[]){1, 1});
    one_scale(&c, 2);
    kernel_case_quant(&c, 2, 4, 0);
    set_bytes(&c, 0, (int8_t[]){6}, 1);
    set_bytes(&c, 1, (int8_t[]){-1}, 1);
    run_both(&c, &tflite, &litert, QM_KERNELS_LITERT, 1);
    cr_expect(eq(i32, tflite, -2));
    cr_expect(eq(i32, litert, -1));
    kernel_case_close(&c);
}
