/* blas.c - products of small matrices of integers, against their definition: every sum is exact. */
#include "common/blas.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(blas);

enum { M = 5, N = 4, K = 7, STRIDE = 9 };

static float at(const float *matrix, bool transposed, int row, int column) {
    return transposed ? matrix[column * STRIDE + row] : matrix[row * STRIDE + column];
}

static void compare(const struct qm_blas *blas, bool a_transposed, bool b_transposed, bool adds) {
    float a[STRIDE * STRIDE], b[STRIDE * STRIDE], out[M * STRIDE];
    for (int i = 0; i < STRIDE * STRIDE; i++) {
        a[i] = (float)(i * 37 % 19 - 9);
        b[i] = (float)(i * 23 % 17 - 8);
    }
    for (int i = 0; i < M * STRIDE; i++) out[i] = 100;
    qm_blas_multiply(blas, &(struct qm_blas_product){.m = M,
                                                     .n = N,
                                                     .k = K,
                                                     .a = a,
                                                     .a_transposed = a_transposed,
                                                     .a_stride = STRIDE,
                                                     .b = b,
                                                     .b_transposed = b_transposed,
                                                     .b_stride = STRIDE,
                                                     .out = out,
                                                     .out_stride = STRIDE,
                                                     .adds = adds});
    for (int i = 0; i < M * STRIDE; i++) {
        float want = 100;
        if (i % STRIDE < N) {
            if (!adds) want = 0;
            for (int k = 0; k < K; k++) want += at(a, a_transposed, i / STRIDE, k) * at(b, b_transposed, k, i % STRIDE);
        }
        cr_assert(eq(flt, out[i], want));
    }
}

Test(blas, multiplies_as_defined) {
    struct qm_blas blas;
    struct qm_diag diag;
    cr_assert(qm_blas_open(&blas, &diag) == QM_OK, "%s", diag.text);
    for (int form = 0; form < 8; form++) compare(&blas, form & 1, form & 2, form & 4);
}

Test(blas, multiplies_nothing) {
    struct qm_blas blas;
    struct qm_diag diag;
    float out = 3;
    cr_assert(qm_blas_open(&blas, &diag) == QM_OK, "%s", diag.text);
    qm_blas_multiply(&blas, &(struct qm_blas_product){
                                .m = 0, .n = 1, .k = 1, .a = &out, .a_stride = 1, .b = &out, .b_stride = 1, .out = &out, .out_stride = 1});
    cr_assert(eq(flt, out, 3));
}
