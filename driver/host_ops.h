/* host_ops.h - operators that stay on the host, bit for bit as the TFLite reference kernels compute them. */
#ifndef QM_DRIVER_HOST_OPS_H
#define QM_DRIVER_HOST_OPS_H

#include <stddef.h>
#include <stdint.h>

enum { QM_SOFTMAX_DEPTH_MAX = 4095 }; /* more would overflow the sum of exponentials, in TFLite as well */

struct qm_softmax {
    uint32_t rows;  /* of depth elements each */
    uint32_t depth; /* 1 .. QM_SOFTMAX_DEPTH_MAX */
    float input_scale;
    float beta; /* beta * input_scale * 2^26 must be above 1 */
};

/* output = softmax(beta * input_scale * input) of each row, int8 with scale 1/256 and zero point -128. May work in place. */
void qm_host_softmax(const struct qm_softmax *softmax, const int8_t *input, int8_t *output); /* [rows][depth] */

#endif
