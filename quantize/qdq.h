/* qdq.h - a float graph and the encodings of its tensors as one graph, in the form that graphs of quantized ONNX files are read in:
 * QUANTIZE and DEQUANTIZE behind what is computed, and constants of integers that have a quantization.
 */
#ifndef QM_QUANTIZE_QDQ_H
#define QM_QUANTIZE_QDQ_H

#include "common/graph.h"
#include "quantize/encoding.h"

/* What becomes of a tensor of a float graph. */
struct qm_tensor_encoding {
    uint32_t count;                      /* of encodings; 0: it stays as it is */
    uint32_t axis;                       /* of a constant with several, one for each place of this dimension */
    const struct qm_encoding *encodings; /* [count] */
    enum qm_dtype dtype;                 /* of the integers: QM_I8, QM_U8, or QM_I32 for a bias */
    uint32_t bits;                       /* 4 or 2, when the file is to have no more of them; else 0 */
    const int32_t *integers;             /* of a constant, row-major */
};

/* Fills the type and the bits of encodings in a format. */
void qm_tensor_encoding_set(struct qm_tensor_encoding *tensor, const struct qm_format *format, const struct qm_encoding *encodings,
                            uint32_t count);

/* A copy of a graph of real numbers with the encodings [tensor_count] of its tensors. Those of a tensor that is computed, or an input, have
 * the count 1. Ends keep their names and are floats. */
struct qm_graph *qm_qdq_graph(const struct qm_graph *graph, const struct qm_tensor_encoding *encodings, struct qm_arena *arena);

#endif
