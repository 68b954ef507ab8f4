/* host_ops.h - operators that stay on the host, bit for bit as the TFLite reference kernels compute them. */
#ifndef QM_DRIVER_HOST_OPS_H
#define QM_DRIVER_HOST_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/program.h"

/* ---- softmax ---- */

enum { QM_SOFTMAX_DEPTH_MAX = 4095 }; /* more would overflow the sum of exponentials, in TFLite as well */

struct qm_softmax {
    uint32_t rows;  /* of depth elements each */
    uint32_t depth; /* 1 .. QM_SOFTMAX_DEPTH_MAX */
    float input_scale;
    float beta; /* beta * input_scale * 2^26 must be above 1 */
};

/* output = softmax(beta * input_scale * input) of each row, int8 with scale 1/256 and zero point -128. May work in place. */
void qm_host_softmax(const struct qm_softmax *softmax, const int8_t *input, int8_t *output); /* [rows][depth] */

/* output = log(softmax(input_scale * input)) of each row, int8 with scale 1/16 and zero point 127; beta is 1. */
void qm_host_log_softmax(const struct qm_softmax *softmax, const int8_t *input, int8_t *output); /* [rows][depth] */

/* ---- the edges of a network ---- */

/* Real numbers as bytes, signed or unsigned: the lowest and the highest value say which. */
struct qm_affine {
    float scale;
    int32_t zero_point, low;
    size_t count;
};

/* output = input / scale, rounded with ties away from zero, plus the zero point, cut to low .. low + 255. NaN gives the zero point. */
void qm_host_quantize(const struct qm_affine *affine, const float *input, uint8_t *output); /* [count] */
/* output = scale * (input - zero point) */
void qm_host_dequantize(const struct qm_affine *affine, const uint8_t *input, float *output); /* [count] */
/* output = scale * (input - zero point), of 32-bit sums */
void qm_host_dequantize_sums(const struct qm_affine *affine, const int32_t *input, float *output); /* [count] */

/* ---- host_graph.c ---- */

/* Runs the operators of a host stage, which have one output. Inputs and output as stored, row-major. False: they cannot be run, or not
 * with these numbers. */
bool qm_host_run(const struct qm_graph *graph, const void *const *inputs, void *output);

#endif
