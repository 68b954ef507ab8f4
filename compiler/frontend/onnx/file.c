/* file.c - an ONNX file's bytes to messages, and its constants to tensors, where possible without a copy.
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

/* ---- types ---- */

const char *onnx_type_name(int32_t type) {
    static const char *const names[] = {"no type", "float32", "uint8",   "int8",   "uint16", "int16",     "int32",      "int64",   "string",
                                        "bool",    "float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16"};
    switch (type) {
    case ONNX_UINT4: return "uint4";
    case ONNX_INT4: return "int4";
    case ONNX_UINT2: return "uint2";
    case ONNX_INT2: return "int2";
    default: return type >= 0 && type < (int32_t)(sizeof names / sizeof *names) ? names[type] : "a type of a later version";
    }
}

struct onnx_element onnx_element(int32_t type) {
    static const struct onnx_element elements[] = {
        [ONNX_FLOAT] = {QM_F32, 32, 0},    [ONNX_UINT8] = {QM_U8, 8, 0},    [ONNX_INT8] = {QM_I8, 8, 0},
        [ONNX_UINT16] = {QM_U16, 16, 0},   [ONNX_INT16] = {QM_I16, 16, 0},  [ONNX_INT32] = {QM_I32, 32, 0},
        [ONNX_INT64] = {QM_I64, 64, 0},    [ONNX_BOOL] = {QM_U8, 8, 0},     [ONNX_FLOAT16] = {QM_F32, 16, 0},
        [ONNX_DOUBLE] = {QM_F64, 64, 0},   [ONNX_UINT32] = {QM_I64, 32, 0}, [ONNX_UINT64] = {QM_I64, 64, 0},
        [ONNX_BFLOAT16] = {QM_F32, 16, 0}, [ONNX_UINT4] = {QM_U8, 4, 4},    [ONNX_INT4] = {QM_I8, 4, 4},
        [ONNX_UINT2] = {QM_U8, 2, 2},      [ONNX_INT2] = {QM_I8, 2, 2}};
    return type >= 0 && type < (int32_t)(sizeof elements / sizeof *elements) ? elements[type] : (struct onnx_element){.file_bits = 0};
}

/* ---- constants ---- */

enum { ELEMENTS_MAX = 1 << 28 };

static float from_half(uint32_t half) {
    float sign = (half & 0x8000) != 0 ? -1 : 1;
    int32_t exponent = (int32_t)(half >> 10 & 0x1f), fraction = (int32_t)(half & 0x3ff);
    if (exponent == 0x1f) return fraction != 0 ? NAN : sign * INFINITY;
    return exponent == 0 ? sign * ldexpf((float)fraction, -24) : sign * ldexpf((float)(1024 + fraction), exponent - 25);
}

const char onnx_is_empty[] = "is empty";

bool onnx_is_half(int64_t type) {
    return type == ONNX_FLOAT16 || type == ONNX_BFLOAT16;
}

double onnx_round_half(int32_t type, double x) {
    bool brain = type == ONNX_BFLOAT16;
    int digits = brain ? 8 : 11, smallest = brain ? -133 : -24, exponent;
    double largest = brain ? 0x1.fep127 : 65504;
    frexp(x, &exponent);
    double step = ldexp(1, exponent - digits > smallest ? exponent - digits : smallest), rounded = nearbyint(x / step) * step;
    return fabs(rounded) > largest ? copysign(INFINITY, x) : rounded;
}

/* An element that the graph holds in another form than the file: `bits` as they are in the file. */
static void convert(int32_t type, uint32_t bits, uint8_t *to, size_t i) {
    struct onnx_element element = onnx_element(type);
    float single = from_half(bits);
    uint32_t sign = element.dtype == QM_I8 && bits >> (element.file_bits - 1) != 0 ? UINT32_MAX << element.file_bits : 0;
    if (type == ONNX_BFLOAT16) memcpy(&single, &(uint32_t){bits << 16}, sizeof single);
    if (element.dtype == QM_F32)
        memcpy(to + 4 * i, &single, sizeof single);
    else if (element.dtype == QM_I64)
        memcpy(to + 8 * i, &(int64_t){bits}, sizeof(int64_t));
    else
        to[i] = (uint8_t)(bits | sign);
}

/* The first of packed little-endian elements is in the lowest bits. */
static uint32_t packed_bits(const uint8_t *bytes, uint32_t width, size_t i) {
    uint32_t bits = 0;
    if (width < 8) return (uint32_t)(bytes[i * width / 8] >> (i * width % 8)) & ((1U << width) - 1);
    memcpy(&bits, bytes + i * (width / 8), width / 8);
    return bits;
}

/* Whether raw data is the graph's as it is. */
static bool is_plain(int32_t type) {
    struct onnx_element element = onnx_element(type);
    return type != ONNX_FLOAT16 && type != ONNX_BFLOAT16 && element.file_bits == 8 * qm_dtype_bytes(element.dtype);
}

static const void *from_raw(struct onnx_reader *r, const Onnx__TensorProto *source, size_t count) {
    struct onnx_element element = onnx_element(source->data_type);
    if (is_plain(source->data_type)) return source->raw_data.data;
    uint8_t *to = qm_arena_alloc(r->arena, count * qm_dtype_bytes(element.dtype));
    for (size_t i = 0; i < count; i++) convert(source->data_type, packed_bits(source->raw_data.data, element.file_bits, i), to, i);
    return to;
}

/* The field that holds elements of the type, and how many of it there must be: what is narrower than 32 bits is in int32s, and what is
 * narrower than a byte is packed in bytes there. NULL, with as many wanted: it lacks some. */
static const void *from_field(struct onnx_reader *r, const Onnx__TensorProto *source, size_t count) {
    struct onnx_element element = onnx_element(source->data_type);
    int32_t type = source->data_type;
    if (type == ONNX_FLOAT) return source->n_float_data == count ? source->float_data : NULL;
    if (type == ONNX_DOUBLE) return source->n_double_data == count ? source->double_data : NULL;
    if (type == ONNX_INT64) return source->n_int64_data == count ? source->int64_data : NULL;
    if (type == ONNX_UINT64) return source->n_uint64_data == count ? source->uint64_data : NULL;
    bool is_u32 = type == ONNX_UINT32;
    uint32_t width = element.file_bits;
    size_t given = is_u32 ? source->n_uint64_data : source->n_int32_data;
    if (given != (width < 8 ? (count * width + 7) / 8 : count)) return NULL;
    if (type == ONNX_INT32) return source->int32_data;
    uint8_t *to = qm_arena_alloc(r->arena, count * qm_dtype_bytes(element.dtype));
    for (size_t i = 0; i < count; i++) {
        uint32_t word = is_u32 ? (uint32_t)source->uint64_data[i] : (uint32_t)source->int32_data[width < 8 ? i * width / 8 : i];
        if (width < 8) word = packed_bits((const uint8_t[]){(uint8_t)word}, width, i % (8 / width));
        if (is_plain(type))
            memcpy(to + i * width / 8, &word, width / 8);
        else
            convert(type, width < 32 ? word & ((1U << width) - 1) : word, to, i);
    }
    return to;
}

static bool is_empty(const Onnx__TensorProto *source) {
    bool empty = false, damaged = false;
    for (size_t i = 0; i < source->n_dims; i++) {
        empty = empty || source->dims[i] == 0;
        damaged = damaged || source->dims[i] < 0;
    }
    return empty && !damaged;
}

static bool read_shape(const Onnx__TensorProto *source, struct qm_shape *shape) {
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
    struct onnx_element element = onnx_element(source->data_type);
    struct qm_shape shape = {.rank = 0};
    value->is_half = onnx_is_half(source->data_type);
    bool outside = source->has_data_location && source->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT;
    if (outside || source->n_external_data > 0)
        value->unreadable = "has its data in another file; save the model as one file";
    else if (element.file_bits == 0)
        value->unreadable = "is of a type that cannot be read";
    else if (is_empty(source))
        value->unreadable = onnx_is_empty;
    else if (!read_shape(source, &shape))
        value->unreadable = "has a dimension below 0, more than 6 of them, or too many elements";
    if (value->unreadable != NULL) return QM_OK;
    size_t count = (size_t)qm_shape_elements(&shape);
    bool raw = source->has_raw_data && source->raw_data.len > 0;
    const void *data = NULL;
    if (!raw)
        data = from_field(r, source, count);
    else if (source->raw_data.len == (count * element.file_bits + 7) / 8)
        data = from_raw(r, source, count);
    if (data == NULL)
        return qm_fail(r->diag, QM_BAD_INPUT, "%s: constant %.60s has not as much data as its shape and type need; the file is damaged",
                       r->file->name, value->name);
    value->tensor = qm_graph_add_constant(&r->maker, value->name, element.dtype, &shape, data);
    r->graph->tensors[value->tensor].bits = element.bits;
    return QM_OK;
}
