/* onnx_naive.h - evaluates an ONNX model node by node in doubles, as its operators are defined, apart from the front end and the machine.
 *
 * Only the operators of the networks that are tested with it; it aborts on others.
 */
#ifndef QM_TESTS_SUPPORT_ONNX_NAIVE_H
#define QM_TESTS_SUPPORT_ONNX_NAIVE_H

#include "tests/support/numbers.h"

struct onnx_naive {
    struct qm_arena *arena;
    const Onnx__ModelProto *model;
    uint32_t count, room;
    struct numbers *values; /* [count] constants, the input, results; by name */
};

/* The values of all tensors for one input. */
struct onnx_naive onnx_naive_run(const Onnx__ModelProto *model, struct numbers input, struct qm_arena *arena);
const struct numbers *onnx_naive_find(const struct onnx_naive *run, const char *name);

#endif
