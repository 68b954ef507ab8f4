/* blas.h - products of matrices of floats, by OpenBLAS, which is loaded when a float network needs it and not before.
 *
 * A product is computed on one thread: its sums are in one order, whatever the number of threads, so that the same call on the same
 * processor gives the same bits. Several threads may have one product each at a time.
 */
#ifndef QM_COMMON_BLAS_H
#define QM_COMMON_BLAS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/status.h"

/* The library, loaded: it stays with the process, so that there is nothing to close. */
struct qm_blas {
    void (*sgemm)(int order, int a_transposed, int b_transposed, int m, int n, int k, float alpha, const float *a, int a_stride,
                  const float *b, int b_stride, float beta, float *out, int out_stride);
};

/* out = a b, or out + a b. Strides are elements from one row, as it is stored, to the next. */
struct qm_blas_product {
    int m, n, k;    /* out is [m][n]; at most INT32_MAX each */
    const float *a; /* [m][k], or [k][m] */
    bool a_transposed;
    int a_stride;
    const float *b; /* [k][n], or [n][k] */
    bool b_transposed;
    int b_stride;
    float *out;
    int out_stride;
    bool adds; /* to what stands in out */
};

/* QM_BAD_INPUT when the library is not there. */
QM_MUST_USE enum qm_status qm_blas_open(struct qm_blas *blas, struct qm_diag *diag);

void qm_blas_multiply(const struct qm_blas *blas, const struct qm_blas_product *product);

#endif
