/* file.c - an ONNX file's bytes to messages, and its constants to arrays.
 *
 * protobuf-c checks lengths and types but follows nesting to any depth on the stack; so the nesting is measured first. Messages are taken
 * from the arena and are never freed one by one.
 */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

enum { LEVELS_MAX = 32, MODEL_VERSION_MAX = 0x7f };

/* ONNX has no magic number: the first field is the version, a small number. */
bool onnx_recognizes(const struct model_file *file) {
    const uint8_t version_key = 1 << 3;
    return file->size >= 2 && file->bytes[0] == version_key && file->bytes[1] >= 1 && file->bytes[1] <= MODEL_VERSION_MAX;
}

static const uint8_t *read_varint(const uint8_t *at, const uint8_t *end, uint64_t *value) {
    *value = 0;
    for (uint32_t shift = 0; at < end && shift < 64; shift += 7) {
        *value |= (uint64_t)(*at & 0x7f) << shift;
        if ((*at++ & 0x80) == 0) return at;
    }
    return NULL;
}

/* The bytes of a field's value begin at the result and are *size long; NULL: damaged. */
static const uint8_t *open_field(const uint8_t *at, const uint8_t *end, uint32_t wire, uint64_t *size) {
    *size = 0;
    if (wire == 0) return read_varint(at, end, &(uint64_t){0});
    if (wire == 2) at = read_varint(at, end, size);
    if (wire == 1) *size = 8;
    if (wire == 5) *size = 4;
    if (wire == 3 || wire == 4 || wire > 5 || at == NULL || (uint64_t)(end - at) < *size) return NULL;
    return at;
}

/* Where the message is damaged or too deep; NULL: nowhere. */
static const uint8_t *find_damage(const ProtobufCMessageDescriptor *type, const uint8_t *at, const uint8_t *end, uint32_t level) {
    while (at < end) {
        uint64_t key, size;
        const uint8_t *start = at;
        at = read_varint(at, end, &key);
        if (at != NULL) at = open_field(at, end, (uint32_t)(key & 7), &size);
        if (at == NULL || key >> 3 == 0 || key >> 3 > UINT32_MAX >> 3 || level == 0) return start;
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(type, (unsigned)(key >> 3));
        if (field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE && (key & 7) == 2) {
            const uint8_t *damage = find_damage(field->descriptor, at, at + size, level - 1);
            if (damage != NULL) return damage;
        }
        at += size;
    }
    return NULL;
}

static void *take(void *arena, size_t size) {
    return qm_arena_alloc(arena, size);
}

static void drop(void *arena, void *memory) {
    (void)arena;
    (void)memory;
}

enum qm_status onnx_unpack(const struct model_file *file, struct qm_arena *arena, const Onnx__ModelProto **model, struct qm_diag *diag) {
    const uint8_t *damage = find_damage(&onnx__model_proto__descriptor, file->bytes, file->bytes + file->size, LEVELS_MAX);
    if (damage != NULL)
        return qm_fail(diag, QM_BAD_INPUT, "%s: at byte 0x%zx: the file is damaged, or not an ONNX model", file->name,
                       (size_t)(damage - file->bytes));
    ProtobufCAllocator allocator = {.alloc = take, .free = drop, .allocator_data = arena};
    *model = onnx__model_proto__unpack(&allocator, file->size, file->bytes);
    if (*model != NULL) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: the file is damaged, or not an ONNX model", file->name);
}

/* ---- constants ---- */

enum { ELEMENTS_MAX = 1 << 28 };

static uint32_t type_bits(int32_t type) {
    static const uint8_t bits[] = {[ONNX_FLOAT] = 32, [ONNX_UINT8] = 8,  [ONNX_INT8] = 8,  [ONNX_UINT16] = 16,  [ONNX_INT16] = 16,
                                   [ONNX_INT32] = 32, [ONNX_INT64] = 64, [ONNX_BOOL] = 8,  [ONNX_FLOAT16] = 16, [ONNX_DOUBLE] = 64,
                                   [ONNX_UINT4] = 4,  [ONNX_INT4] = 4,   [ONNX_UINT2] = 2, [ONNX_INT2] = 2};
    return type >= 0 && type < (int32_t)sizeof bits ? bits[type] : 0;
}

static double from_half(uint32_t half) {
    double sign = (half & 0x8000) != 0 ? -1 : 1;
    int32_t exponent = (int32_t)(half >> 10 & 0x1f), fraction = (int32_t)(half & 0x3ff);
    if (exponent == 0x1f) return fraction != 0 ? NAN : sign * INFINITY;
    return exponent == 0 ? sign * ldexp(fraction, -24) : sign * ldexp(1024 + fraction, exponent - 25);
}

/* The number of a type that these bits are. */
static double from_bits(int32_t type, uint64_t bits) {
    uint32_t width = type_bits(type);
    float single;
    double result;
    switch (type) {
    case ONNX_FLOAT: memcpy(&single, &(uint32_t){(uint32_t)bits}, sizeof single); return (double)single;
    case ONNX_DOUBLE: memcpy(&result, &bits, sizeof result); return result;
    case ONNX_FLOAT16: return from_half((uint32_t)bits);
    case ONNX_INT2:
    case ONNX_INT4:
    case ONNX_INT8:
    case ONNX_INT16:
    case ONNX_INT32:
    case ONNX_INT64: return (double)(int64_t)(bits >> (width - 1) & 1 ? bits | ~(UINT64_MAX >> (64 - width)) : bits);
    default: return (double)bits;
    }
}

/* Element i of packed little-endian data, the first in the lowest bits. */
static uint64_t packed_bits(const uint8_t *bytes, uint32_t width, size_t i) {
    if (width < 8) return (uint64_t)(bytes[i * width / 8] >> (i * width % 8)) & ((1U << width) - 1);
    uint64_t bits = 0;
    for (uint32_t b = 0; b < width / 8; b++) bits |= (uint64_t)bytes[i * width / 8 + b] << (8 * b);
    return bits;
}

/* How many elements the field for the type has: floats, doubles, int64s, or int32s, which also hold what is narrower (below a byte, packed
 * in bytes). 0: not as many as there must be. */
static size_t field_count(const Onnx__TensorProto *source, uint32_t width, size_t elements) {
    size_t given = source->n_int32_data, wanted = width < 8 ? (elements * width + 7) / 8 : elements;
    if (source->data_type == ONNX_FLOAT) given = source->n_float_data;
    if (source->data_type == ONNX_DOUBLE) given = source->n_double_data;
    if (source->data_type == ONNX_INT64) given = source->n_int64_data;
    return given == wanted ? elements : 0;
}

static double field_number(const Onnx__TensorProto *source, uint32_t width, size_t i) {
    if (source->data_type == ONNX_FLOAT) return (double)source->float_data[i];
    if (source->data_type == ONNX_DOUBLE) return source->double_data[i];
    if (source->data_type == ONNX_INT64) return (double)source->int64_data[i];
    if (width >= 8) return from_bits(source->data_type, (uint64_t)source->int32_data[i] & (UINT64_MAX >> (64 - width)));
    uint8_t byte = (uint8_t)source->int32_data[i * width / 8];
    return from_bits(source->data_type, packed_bits(&byte, width, i % (8 / width)));
}

static bool read_shape(const Onnx__TensorProto *source, struct onnx_shape *shape) {
    if (source->n_dims > QM_MAX_RANK) return false;
    uint64_t elements = 1;
    shape->rank = (uint32_t)source->n_dims;
    for (size_t i = 0; i < source->n_dims; i++) {
        if (source->dims[i] <= 0 || source->dims[i] > ELEMENTS_MAX) return false;
        elements *= (uint64_t)source->dims[i];
        if (elements > ELEMENTS_MAX) return false;
        shape->dims[i] = (uint32_t)source->dims[i];
    }
    return true;
}

/* A constant that cannot be read says why, and what uses it is refused. One that contradicts itself is damage. */
enum qm_status onnx_read_constant(struct onnx_reader *r, const Onnx__TensorProto *source, struct onnx_value *value) {
    value->state = ONNX_CONSTANT;
    value->type = source->data_type;
    uint32_t width = type_bits(source->data_type);
    bool outside = source->has_data_location && source->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT;
    if (outside || source->n_external_data > 0)
        value->unreadable = "has its data in another file; save the model as one file";
    else if (width == 0)
        value->unreadable = "is of a type that cannot be read";
    else if (!read_shape(source, &value->shape))
        value->unreadable = "is empty, too large, or has more than 6 dimensions";
    if (value->unreadable != NULL) return QM_OK;
    size_t count = (size_t)onnx_elements(&value->shape);
    bool raw = source->has_raw_data && source->raw_data.len > 0;
    if (raw ? source->raw_data.len != (count * width + 7) / 8 : field_count(source, width, count) != count)
        return qm_fail(r->diag, QM_BAD_INPUT, "%s: constant %.60s has not as much data as its shape and type need; the file is damaged",
                       r->file->name, value->name);
    double *numbers = QM_ARENA_NEW(r->arena, double, count);
    for (size_t i = 0; i < count; i++)
        numbers[i] = raw ? from_bits(source->data_type, packed_bits(source->raw_data.data, width, i)) : field_number(source, width, i);
    value->numbers = numbers;
    return QM_OK;
}
