/* write.h - writes a graph of real numbers, with its quantizers, as an ONNX file that the reader (compiler/frontend/onnx) and onnxruntime
 * take. Names are those of the graph; where two tensors have the same one, or none, the later one gets another. Constants of doubles, which
 * a reader makes of factors, are rounded to float32.
 */
#ifndef QM_QUANTIZE_ONNX_WRITE_H
#define QM_QUANTIZE_ONNX_WRITE_H

#include "common/graph.h"
#include "common/status.h"

/* Whether the graph can be written: an operator that has no form in ONNX here is QM_BAD_INPUT, with all such operators named. */
QM_MUST_USE enum qm_status qm_onnx_check(const struct qm_graph *graph, struct qm_diag *diag);

/* The bytes of the file, in the arena. Its opset is the lowest that has all it needs, not below 13. QM_BAD_INPUT as qm_onnx_check. */
QM_MUST_USE enum qm_status qm_onnx_pack(const struct qm_graph *graph, struct qm_arena *arena, const uint8_t **bytes, size_t *size,
                                        struct qm_diag *diag);

/* The same into a file, which is written whole or not at all. */
QM_MUST_USE enum qm_status qm_onnx_write(const struct qm_graph *graph, const char *file, struct qm_diag *diag);

#endif
