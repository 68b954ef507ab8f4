/* message.h - an ONNX model in the making: the messages of the schema, in an arena, with lists that grow. */
#ifndef QM_QUANTIZE_ONNX_MESSAGE_H
#define QM_QUANTIZE_ONNX_MESSAGE_H

#include "common/arena.h"
#include "common/graph.h"
#include "onnx.pb-c.h"

struct onnx_message {
    struct qm_arena *arena;
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset, *opsets[1];
    uint32_t node_room, constant_room, input_room, output_room;
};

/* An empty model; it must not move. */
void onnx_message_open(struct onnx_message *m, struct qm_arena *arena);
/* Of the version of ONNX's operators, and of the oldest file format that has it. */
void onnx_message_set_opset(struct onnx_message *m, int64_t opset);
/* A tensor that is given, or the result; type is an ONNX_* of common/onnx_type.h. */
void onnx_message_add_input(struct onnx_message *m, const char *name, int32_t type, const struct qm_shape *shape);
void onnx_message_add_output(struct onnx_message *m, const char *name, int32_t type, const struct qm_shape *shape);
/* A constant whose elements are as in a file: little-endian and, where they have fewer bits than 8, packed. */
void onnx_message_add_constant(struct onnx_message *m, const char *name, int32_t type, const struct qm_shape *shape, size_t size,
                               const void *bytes);

/* A node without operands, and these, one after another; "" is an absent one. */
Onnx__NodeProto *onnx_message_add_node(struct onnx_message *m, const char *op);
void onnx_message_add_operand(struct onnx_message *m, Onnx__NodeProto *node, const char *name);
void onnx_message_add_result(struct onnx_message *m, Onnx__NodeProto *node, const char *name);
void onnx_message_set_int(struct onnx_message *m, Onnx__NodeProto *node, const char *name, int64_t value);
void onnx_message_set_float(struct onnx_message *m, Onnx__NodeProto *node, const char *name, float value);
void onnx_message_set_text(struct onnx_message *m, Onnx__NodeProto *node, const char *name, const char *value);
void onnx_message_set_ints(struct onnx_message *m, Onnx__NodeProto *node, const char *name, uint32_t count, const int64_t *values);

/* The bytes of a file, in the arena. */
const uint8_t *onnx_message_pack(const struct onnx_message *m, size_t *size);

#endif
