/* tensors.c - a TFLite model's tensors, with their quantization and constants.
 *
 * Tensor indices of the graph are those of the file. Constants, scales, zero points and names are not copied but lie in the file's bytes.
 */
#include <math.h>
#include <string.h>

#include "compiler/frontend/tflite/tflite.h"

static const struct {
    uint8_t type;
    enum qm_dtype dtype;
    uint32_t bits; /* of an element in the file */
} types[] = {{0, QM_F32, 32}, {2, QM_I32, 32}, {3, QM_U8, 8}, {4, QM_I64, 64},
             {6, QM_BOOL, 8}, {7, QM_I16, 16}, {9, QM_I8, 8}, {17, QM_I8, 4}};

enum { TYPES = sizeof types / sizeof *types, NIBBLE = 4 };

static uint32_t find_type(uint8_t type) {
    uint32_t i = 0;
    while (i < TYPES && types[i].type != type) i++;
    return i;
}

bool tflite_type_known(uint8_t type) {
    return find_type(type) < TYPES;
}

void tflite_set_shape(struct tflite_reader *r, uint32_t index, uint32_t rank, const uint32_t *dims) {
    struct qm_graph_tensor *tensor = &r->graph->tensors[index];
    uint64_t elements = 1;
    for (uint32_t i = 0; i < rank; i++) {
        elements *= dims[i];
        if (elements == 0 || elements > INT32_MAX) {
            fb_fail(&r->fb, r->tensors.at + 4 * index, "tensor %u (%s) has dimension %u; all must be positive and their product below 2^31",
                    index, tensor->name, dims[i]);
            return;
        }
        tensor->dims[i] = dims[i];
    }
    tensor->rank = rank;
    if (tensor->dtype != QM_ANY_DTYPES) tensor->size_bytes = (size_t)elements * qm_dtype_bytes(tensor->dtype);
}

/* A dimension that the file leaves open is 1 in its shape, as converters write it, or -1. */
static void read_shape(struct tflite_reader *r, uint32_t index, const struct fb_table *table) {
    struct qm_graph_tensor *tensor = &r->graph->tensors[index];
    struct fb_vector shape = fb_vector(&r->fb, table, TENSOR_SHAPE, 4), signature = fb_vector(&r->fb, table, TENSOR_SIGNATURE, 4);
    uint32_t dims[QM_MAX_RANK];
    if (shape.count > QM_MAX_RANK) {
        fb_fail(&r->fb, shape.at, "tensor %u (%s) has %u dimensions; at most %d can be read", index, tensor->name, shape.count,
                QM_MAX_RANK);
        return;
    }
    for (uint32_t i = 0; i < shape.count; i++) {
        int32_t dim = fb_i32_at(&r->fb, shape, i);
        bool open = dim == -1 || (signature.count == shape.count && fb_i32_at(&r->fb, signature, i) == -1);
        if (open) r->open[index] |= 1U << i;
        if (dim < -1 || dim == 0) {
            fb_fail(&r->fb, shape.at + 4 * i, "tensor %u (%s) has dimension %d; all must be positive and their product below 2^31", index,
                    tensor->name, dim);
            return;
        }
        dims[i] = dim == -1 ? 1 : (uint32_t)dim;
    }
    tflite_set_shape(r, index, shape.count, dims);
}

/* One number a byte, from two a byte; the first in the low half. */
static int8_t *unpack(struct qm_arena *arena, const uint8_t *packed, size_t count) {
    int8_t *numbers = QM_ARENA_NEW(arena, int8_t, count);
    for (size_t i = 0; i < count; i++) {
        int half = packed[i / 2] >> (i % 2 * NIBBLE) & 15;
        numbers[i] = (int8_t)(half < 8 ? half : half - 16);
    }
    return numbers;
}

/* Bytes of a constant; none: it is not one. */
struct constant {
    const uint8_t *bytes;
    uint64_t count;
};

/* A buffer holds its bytes itself, or says where in the file they lie: in files that might grow beyond what the tables can reach. */
static struct constant read_buffer(struct tflite_reader *r, uint32_t buffer) {
    struct fb_table holder = fb_table_at(&r->fb, r->buffers, buffer);
    struct constant constant = {.count = fb_u64(&r->fb, &holder, BUFFER_SIZE, 0)};
    uint64_t offset = fb_u64(&r->fb, &holder, BUFFER_OFFSET, 0);
    struct fb_vector data = fb_vector(&r->fb, &holder, BUFFER_DATA, 1);
    if (offset > 1 && data.count > 0)
        fb_fail(&r->fb, holder.at, "buffer %u lies both in the model's tables and outside; the file is damaged", buffer);
    if (offset <= 1) return (struct constant){data.count > 0 ? r->fb.bytes + data.at : NULL, data.count};
    constant.bytes = fb_bytes(&r->fb, offset, constant.count, "a buffer outside the model's tables");
    return constant;
}

/* Constants of a type that the graph does not know are not sized: their tensors are refused with the operator that uses them. */
static void read_constant(struct tflite_reader *r, uint32_t index, const struct fb_table *table) {
    struct qm_graph_tensor *tensor = &r->graph->tensors[index];
    uint32_t type = find_type(r->types[index]), buffer = fb_u32(&r->fb, table, TENSOR_BUFFER, 0);
    size_t wanted = type < TYPES ? ((size_t)qm_graph_elements(tensor) * types[type].bits + 7) / 8 : 0;
    if (r->fb.status != QM_OK) return;
    if (buffer >= r->buffers.count) {
        fb_fail(&r->fb, table->at, "tensor %u (%s) is in buffer %u of %u; the file is damaged", index, tensor->name, buffer,
                r->buffers.count);
        return;
    }
    struct constant data = read_buffer(r, buffer);
    if (tensor->bits == NIBBLE && data.count == 0)
        fb_fail(&r->fb, table->at, "tensor %u (%s) has 4-bit numbers, but only constants may", index, tensor->name);
    if (r->fb.status != QM_OK || data.count == 0) return;
    if (type < TYPES && data.count != wanted) {
        fb_fail(&r->fb, (uint32_t)(data.bytes - r->fb.bytes), "tensor %u (%s) has %llu bytes of data, but its shape and type need %zu",
                index, tensor->name, (unsigned long long)data.count, wanted);
        return;
    }
    r->open[index] = 0;
    tensor->data = tensor->bits == NIBBLE ? unpack(r->arena, data.bytes, tensor->size_bytes) : (const void *)data.bytes;
}

/* The elements of a vector where they may be read as numbers: in the file's bytes, or in a copy when the file did not align them. */
static const void *aligned(const struct tflite_reader *r, struct fb_vector vector, size_t element_bytes) {
    if (vector.at % element_bytes == 0) return r->fb.bytes + vector.at;
    size_t size = vector.count * element_bytes;
    return memcpy(qm_arena_alloc(r->arena, size), r->fb.bytes + vector.at, size);
}

static void check_scales(struct tflite_reader *r, uint32_t index, const struct qm_quant *quant, uint32_t at) {
    for (uint32_t i = 0; i < quant->count; i++) {
        if (isfinite(quant->scale[i]) && quant->scale[i] >= 0) continue;
        fb_fail(&r->fb, at, "tensor %u (%s) has the scale %g; scales must be finite and not negative", index, r->graph->tensors[index].name,
                (double)quant->scale[i]);
        return;
    }
}

static void read_quantization(struct tflite_reader *r, uint32_t index, const struct fb_table *tensor_table) {
    struct qm_graph_tensor *tensor = &r->graph->tensors[index];
    struct fb_table table = fb_subtable(&r->fb, tensor_table, TENSOR_QUANTIZATION);
    struct fb_vector scale = fb_vector(&r->fb, &table, QUANT_SCALE, 4);
    struct fb_vector zero_point = fb_vector(&r->fb, &table, QUANT_ZERO_POINT, 8);
    int32_t axis = fb_i32(&r->fb, &table, QUANT_AXIS, 0);
    if (fb_u8(&r->fb, &table, QUANT_DETAILS_TYPE, 0) != 0)
        fb_fail(&r->fb, table.at, "tensor %u (%s) has a custom quantization, which is not supported", index, tensor->name);
    if (r->fb.status != QM_OK || scale.count == 0) return;
    if (tensor->rank == 1) axis = 0; /* converters give biases the axis of their filter */
    bool has_axis = axis >= 0 && (uint32_t)axis < tensor->rank;
    if (zero_point.count != scale.count) {
        fb_fail(&r->fb, table.at, "tensor %u (%s) has %u scales but %u zero points", index, tensor->name, scale.count, zero_point.count);
    } else if (scale.count > 1 && (!has_axis || tensor->dims[axis] != scale.count)) {
        fb_fail(&r->fb, table.at, "tensor %u (%s) has %u scales, but axis %d has not as many channels", index, tensor->name, scale.count,
                axis);
    } else {
        tensor->quant = (struct qm_quant){.count = scale.count,
                                          .scale = aligned(r, scale, sizeof(float)),
                                          .zero_point = aligned(r, zero_point, sizeof(int64_t)),
                                          .axis = scale.count > 1 ? (uint32_t)axis : 0};
        check_scales(r, index, &tensor->quant, scale.at);
    }
}

static void read_tensor(struct tflite_reader *r, uint32_t index) {
    struct qm_graph_tensor *tensor = &r->graph->tensors[index];
    struct fb_table table = fb_table_at(&r->fb, r->tensors, index);
    const char *name = fb_string(&r->fb, &table, TENSOR_NAME);
    tensor->name = name != NULL && name[0] != '\0' ? name : qm_arena_printf(r->arena, "tensor_%u", index);
    r->types[index] = fb_u8(&r->fb, &table, TENSOR_TYPE, 0);
    uint32_t type = find_type(r->types[index]);
    tensor->dtype = type < TYPES ? types[type].dtype : QM_ANY_DTYPES;
    if (type < TYPES && types[type].bits == NIBBLE) tensor->bits = NIBBLE;
    read_shape(r, index, &table);
    read_constant(r, index, &table);
    read_quantization(r, index, &table);
    if (fb_u8(&r->fb, &table, TENSOR_VARIABLE, 0) != 0)
        fb_fail(&r->fb, table.at, "tensor %u (%s) is a variable; state between runs is not supported", index, tensor->name);
    if (fb_subtable(&r->fb, &table, TENSOR_SPARSITY).at != 0)
        fb_fail(&r->fb, table.at, "tensor %u (%s) is sparse, which is not supported", index, tensor->name);
}

void tflite_read_tensors(struct tflite_reader *r, const bool *used) {
    struct qm_graph *graph = r->graph;
    graph->tensor_count = r->tensors.count;
    graph->tensors = QM_ARENA_NEW(r->arena, struct qm_graph_tensor, graph->tensor_count);
    r->types = QM_ARENA_NEW(r->arena, uint8_t, graph->tensor_count);
    r->known = QM_ARENA_NEW(r->arena, bool, graph->tensor_count);
    r->open = QM_ARENA_NEW(r->arena, uint32_t, graph->tensor_count);
    for (uint32_t i = 0; i < graph->tensor_count && r->fb.status == QM_OK; i++) {
        graph->tensors[i].dtype = QM_ANY_DTYPES;
        if (!used[i]) continue;
        read_tensor(r, i);
        r->known[i] = graph->tensors[i].data != NULL;
    }
}
