/* constants.c - what a file has of tensors: names, types of elements, constants. */
#include <string.h>

#include "common/onnx_type.h"
#include "common/prng.h"
#include "quantize/onnx/operators.h"

/* ---- types ---- */

struct onnx_stored onnx_element_of(const struct qm_graph_tensor *tensor) {
    enum { OPSET_FIRST = 13, OPSET_4_BITS = 21, OPSET_2_BITS = 25 };
    static const struct onnx_stored elements[QM_ANY_DTYPES] = {
        [QM_I8] = {ONNX_INT8, 8, OPSET_FIRST},      [QM_U8] = {ONNX_UINT8, 8, OPSET_FIRST},   [QM_I16] = {ONNX_INT16, 16, OPSET_4_BITS},
        [QM_I32] = {ONNX_INT32, 32, OPSET_FIRST},   [QM_F32] = {ONNX_FLOAT, 32, OPSET_FIRST}, [QM_I64] = {ONNX_INT64, 64, OPSET_FIRST},
        [QM_U16] = {ONNX_UINT16, 16, OPSET_4_BITS}, [QM_F64] = {ONNX_FLOAT, 32, OPSET_FIRST},
    };
    bool is_signed = tensor->dtype == QM_I8;
    if (tensor->bits == 4) return (struct onnx_stored){is_signed ? ONNX_INT4 : ONNX_UINT4, 4, OPSET_4_BITS};
    if (tensor->bits == 2) return (struct onnx_stored){is_signed ? ONNX_INT2 : ONNX_UINT2, 2, OPSET_2_BITS};
    return elements[tensor->dtype];
}

/* ---- names ---- */

struct wanted_name {
    const struct onnx_writer *w;
    const char *name;
};

static bool is_name(const void *wanted, uint32_t taken) {
    const struct wanted_name *name = wanted;
    return strcmp(name->name, name->w->taken[taken]) == 0;
}

static uint64_t hash_of(const char *name) {
    return qm_hash_bytes(0, name, strlen(name));
}

static bool is_taken(const struct onnx_writer *w, const char *name) {
    return qm_index_find(&w->taken_index, hash_of(name), is_name, &(struct wanted_name){w, name}) != QM_INDEX_NONE;
}

const char *onnx_take_name(struct onnx_writer *w, const char *wanted) {
    const char *name = wanted;
    for (uint32_t i = 2; is_taken(w, name); i++) name = qm_arena_printf(w->message.arena, "%s_%u", wanted, i);
    w->taken = qm_arena_grow(w->message.arena, w->taken, sizeof *w->taken, w->taken_count, &w->taken_room);
    w->taken[w->taken_count] = name;
    qm_index_add(&w->taken_index, hash_of(name), w->taken_count++);
    return name;
}

/* ---- constants ---- */

/* Elements of fewer bits than a byte, which take one each in the graph, packed from the lowest bits on. */
static uint8_t *packed(struct qm_arena *arena, const uint8_t *bytes, size_t count, uint32_t bits, size_t *size) {
    *size = (count * bits + 7) / 8;
    uint8_t *to = qm_arena_alloc(arena, *size);
    for (size_t i = 0; i < count; i++) to[i * bits / 8] = (uint8_t)(to[i * bits / 8] | (bytes[i] & ((1U << bits) - 1)) << (i * bits % 8));
    return to;
}

static float *as_floats(struct qm_arena *arena, const double *numbers, size_t count) {
    float *floats = QM_ARENA_NEW(arena, float, count);
    for (size_t i = 0; i < count; i++) floats[i] = (float)numbers[i];
    return floats;
}

/* Writes elements as a tensor of the graph has them. */
static void write_elements(struct onnx_writer *w, const struct qm_graph_tensor *like, const char *name, const struct qm_shape *shape,
                           const void *data) {
    struct onnx_stored element = onnx_element_of(like);
    size_t count = (size_t)qm_shape_elements(shape), size = count * element.bits / 8;
    const void *bytes = data;
    if (element.bits < 8) bytes = packed(w->message.arena, bytes, count, element.bits, &size);
    if (like->dtype == QM_F64) bytes = as_floats(w->message.arena, data, count);
    onnx_message_add_constant(&w->message, name, element.type, shape, size, bytes);
}

/* The zero points of a quantization, stored as its integers are. */
static const void *zeros_of(struct qm_arena *arena, const struct qm_graph_tensor *tensor) {
    size_t size = qm_dtype_bytes(tensor->dtype);
    uint8_t *zeros = qm_arena_alloc(arena, tensor->quant.count * size);
    for (uint32_t c = 0; c < tensor->quant.count; c++) memcpy(zeros + c * size, &tensor->quant.zero_point[c], size);
    return zeros;
}

/* Integers that mean real numbers become these by a node. */
static void write_quantized(struct onnx_writer *w, uint32_t index, const struct qm_shape *shape) {
    const struct qm_graph_tensor *tensor = &w->graph->tensors[index];
    struct qm_arena *arena = w->message.arena;
    struct qm_shape scales = {tensor->quant.count > 1 ? 1 : 0, {tensor->quant.count}};
    const char *integers = onnx_take_name(w, qm_arena_printf(arena, "%s_quantized", w->names[index]));
    const char *scale = onnx_take_name(w, qm_arena_printf(arena, "%s_scale", w->names[index]));
    const char *zero = onnx_take_name(w, qm_arena_printf(arena, "%s_zero_point", w->names[index]));
    write_elements(w, tensor, integers, shape, tensor->data);
    onnx_message_add_constant(&w->message, scale, ONNX_FLOAT, &scales, tensor->quant.count * sizeof(float), tensor->quant.scale);
    write_elements(w, tensor, zero, &scales, zeros_of(arena, tensor));
    Onnx__NodeProto *node = onnx_message_add_node(&w->message, "DequantizeLinear");
    onnx_message_add_operand(&w->message, node, integers);
    onnx_message_add_operand(&w->message, node, scale);
    onnx_message_add_operand(&w->message, node, zero);
    onnx_message_add_result(&w->message, node, w->names[index]);
    if (tensor->quant.count > 1) onnx_message_set_int(&w->message, node, "axis", tensor->quant.axis);
}

void onnx_write_constant(struct onnx_writer *w, uint32_t index) {
    const struct qm_graph_tensor *tensor = &w->graph->tensors[index];
    struct qm_shape shape = qm_graph_shape(tensor);
    if (tensor->quant.count > 0)
        write_quantized(w, index, &shape);
    else
        write_elements(w, tensor, w->names[index], &shape, tensor->data);
}

void onnx_add_numbers(struct onnx_writer *w, Onnx__NodeProto *node, const char *what, int32_t type, const struct qm_shape *shape,
                      size_t size, const void *bytes) {
    const char *name = onnx_take_name(w, qm_arena_printf(w->message.arena, "%s/%s", node->output[0], what));
    onnx_message_add_constant(&w->message, name, type, shape, size, bytes);
    onnx_message_add_operand(&w->message, node, name);
}
