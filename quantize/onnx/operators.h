/* operators.h - inside of the writer: what it knows while it writes, and the table of operators. */
#ifndef QM_QUANTIZE_ONNX_OPERATORS_H
#define QM_QUANTIZE_ONNX_OPERATORS_H

#include "common/index.h"
#include "quantize/onnx/message.h"

struct onnx_writer {
    const struct qm_graph *graph;
    struct onnx_message message;
    const char **names; /* [tensor_count] of the graph */
    const char **taken; /* [taken_count] all names of the file */
    uint32_t taken_count, taken_room;
    struct qm_index taken_index;
    int64_t opset; /* of the file */
};

/* ---- constants.c ---- */

/* How a file has elements of a tensor, and the first version in which quantizers take them. */
struct onnx_stored {
    int32_t type;
    uint32_t bits;
    int64_t opset;
};
struct onnx_stored onnx_element_of(const struct qm_graph_tensor *tensor);

/* Takes the name, or one like it that nothing has yet. */
const char *onnx_take_name(struct onnx_writer *w, const char *wanted);
/* Writes a constant of the graph; of one with a quantization the node, too, that makes real numbers of its integers. */
void onnx_write_constant(struct onnx_writer *w, uint32_t index);
/* A constant of the writer's own as the next operand of a node; named by the node's first result. */
void onnx_add_numbers(struct onnx_writer *w, Onnx__NodeProto *node, const char *what, int32_t type, const struct qm_shape *shape,
                      size_t size, const void *bytes);

/* ---- operators.c ---- */

/* Adds what an operator has behind its operands and results: attributes, and constants that say a shape. */
typedef void onnx_filling(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node);

struct onnx_form {
    const char *op;     /* NULL: the graph's operator has no form in ONNX */
    int64_t opset;      /* that has it so */
    onnx_filling *fill; /* NULL: nothing but operands and results */
};

/* The form of an operator of the graph. */
struct onnx_form onnx_form_of(const struct qm_graph *graph, const struct qm_graph_op *op);

/* Whether the matrices of the second operand stand there transposed: their dimensions are exchanged by a node before. */
bool onnx_exchanges(const struct qm_graph_op *op);

#endif
