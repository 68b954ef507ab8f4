/* numbers.c - see numbers.h. */
#include "tests/support/numbers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "onnx.pb-c.h"

static void give_up(const char *file, const char *why) {
    fprintf(stderr, "%s: %s\n", file, why);
    abort();
}

struct file_bytes numbers_load(const char *file, struct qm_arena *arena) {
    FILE *stream = fopen(file, "rb");
    if (stream == NULL) return (struct file_bytes){NULL, 0};
    fseek(stream, 0, SEEK_END);
    size_t size = (size_t)ftell(stream);
    rewind(stream);
    uint8_t *data = qm_arena_alloc(arena, size + 1);
    if (fread(data, 1, size, stream) != size) give_up(file, "cannot be read");
    fclose(stream);
    return (struct file_bytes){data, size};
}

static uint64_t little_endian(const uint8_t *bytes, size_t size) {
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;) value = value << 8 | bytes[i];
    return value;
}

static double two_s_complement(uint64_t value, unsigned bits) {
    return (double)((int64_t)(value << (64 - bits)) >> (64 - bits));
}

static double from_float(const uint8_t *bytes) {
    float value;
    memcpy(&value, bytes, sizeof value);
    return (double)value;
}

static double from_double(const uint8_t *bytes) {
    double value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* ---- ONNX ---- */

/* Bits of the types that occur, negative when signed; float is 0. */
static int type_bits(int type) {
    switch (type) {
    case 1: return 0;
    case 2: return 8;
    case 3: return -8;
    case 4: return 16;
    case 5: return -16;
    case 6: return -32;
    case 7: return -64;
    case 21: return 4;
    case 22: return -4;
    case 25: return 2;
    case 26: return -2;
    default: return 1000;
    }
}

static double raw_number(const uint8_t *raw, int bits, size_t i) {
    unsigned width = (unsigned)abs(bits);
    uint64_t value = width < 8 ? (uint64_t)(raw[i * width / 8] >> (i * width % 8)) : little_endian(raw + i * width / 8, width / 8);
    if (bits < 0) return two_s_complement(value, width);
    return (double)(value & ((UINT64_C(1) << width) - 1));
}

static double onnx_number(const char *file, const Onnx__TensorProto *t, size_t i) {
    int bits = type_bits(t->data_type);
    if (bits == 1000) return NAN;
    if (t->has_raw_data) return bits == 0 ? from_float(t->raw_data.data + 4 * i) : raw_number(t->raw_data.data, bits, i);
    if (i < t->n_float_data) return (double)t->float_data[i];
    if (abs(bits) < 8 && i * (size_t)abs(bits) / 8 < t->n_int32_data) { /* packed in bytes, one an int32 */
        uint8_t byte = (uint8_t)t->int32_data[i * (size_t)abs(bits) / 8];
        return raw_number(&byte, bits, i % (8 / (size_t)abs(bits)));
    }
    if (i < t->n_int32_data) return t->int32_data[i];
    if (i < t->n_int64_data) return (double)t->int64_data[i];
    give_up(file, "has data in another form");
    return 0;
}

struct numbers numbers_from_tensor(const Onnx__TensorProto *t, const char *file, struct qm_arena *arena) {
    struct numbers result = {.name = qm_arena_strdup(arena, t->name != NULL ? t->name : ""), .rank = (uint32_t)t->n_dims, .count = 1};
    if (t->n_dims > NUMBERS_RANK_MAX) give_up(file, "has a tensor of too many dimensions");
    result.is_unsigned = t->data_type == 2;
    for (size_t d = 0; d < t->n_dims; d++) result.count *= (size_t)(result.dims[d] = (uint64_t)t->dims[d]);
    result.values = QM_ARENA_NEW(arena, double, result.count);
    for (size_t i = 0; i < result.count; i++) result.values[i] = onnx_number(file, t, i);
    return result;
}

struct numbers numbers_from_onnx(const char *file, struct qm_arena *arena) {
    struct file_bytes bytes = numbers_load(file, arena);
    Onnx__TensorProto *t = bytes.data != NULL ? onnx__tensor_proto__unpack(NULL, bytes.size, bytes.data) : NULL;
    if (t == NULL) give_up(file, "is not a tensor");
    struct numbers result = numbers_from_tensor(t, file, arena);
    onnx__tensor_proto__free_unpacked(t, NULL);
    return result;
}

/* ---- NumPy ---- */

static double npy_number(const uint8_t *bytes, const char *type, size_t i) {
    size_t size = (size_t)(type[1] - '0');
    if (type[0] == 'f') return size == 4 ? from_float(bytes + 4 * i) : from_double(bytes + 8 * i);
    uint64_t value = little_endian(bytes + size * i, size);
    return type[0] == 'u' ? (double)value : two_s_complement(value, (unsigned)size * 8);
}

static struct numbers parse_npy(const char *file, const uint8_t *bytes, struct qm_arena *arena) {
    const char *header = (const char *)bytes + 10, *type = strstr(header, "'descr': '"), *shape = strstr(header, "'shape': (");
    size_t offset = 10 + (size_t)little_endian(bytes + 8, 2);
    if (memcmp(bytes, "\x93NUMPY\x01", 7) != 0 || type == NULL || shape == NULL) give_up(file, "has an array that is no .npy");
    struct numbers result = {.count = 1};
    char *at = (char *)(uintptr_t)(shape + strlen("'shape': ("));
    while (*at != ')') {
        if (result.rank == NUMBERS_RANK_MAX) give_up(file, "has an array of too many dimensions");
        result.count *= (size_t)(result.dims[result.rank++] = strtoull(at, &at, 10));
        while (*at == ',' || *at == ' ') at++;
    }
    result.values = QM_ARENA_NEW(arena, double, result.count);
    for (size_t i = 0; i < result.count; i++) result.values[i] = npy_number(bytes + offset, type + strlen("'descr': '") + 1, i);
    return result;
}

struct numbers numbers_from_npy(const char *file, struct qm_arena *arena) {
    struct file_bytes bytes = numbers_load(file, arena);
    if (bytes.data == NULL || bytes.size < 12) give_up(file, "is not there");
    return parse_npy(file, bytes.data, arena);
}

/* What a member of a zip archive holds, from its entry in the directory. */
static const uint8_t *unzip(const char *file, const uint8_t *archive, const uint8_t *entry, struct qm_arena *arena) {
    uint64_t method = little_endian(entry + 10, 2), packed = little_endian(entry + 20, 4), size = little_endian(entry + 24, 4);
    const uint8_t *local = archive + little_endian(entry + 42, 4);
    const uint8_t *data = local + 30 + little_endian(local + 26, 2) + little_endian(local + 28, 2);
    if (method == 0) return data;
    uint8_t *out = qm_arena_alloc(arena, size + 1);
    z_stream stream = {.next_in = (uint8_t *)(uintptr_t)data, .avail_in = (uInt)packed, .next_out = out, .avail_out = (uInt)size};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK || inflate(&stream, Z_FINISH) != Z_STREAM_END) give_up(file, "cannot be inflated");
    inflateEnd(&stream);
    return out;
}

uint32_t numbers_from_npz(const char *file, struct qm_arena *arena, struct numbers **arrays) {
    struct file_bytes bytes = numbers_load(file, arena);
    if (bytes.data == NULL || bytes.size < 22) give_up(file, "is not there");
    const uint8_t *end = bytes.data + bytes.size - 22;
    while (little_endian(end, 4) != 0x06054b50) end--;
    uint32_t count = (uint32_t)little_endian(end + 10, 2);
    const uint8_t *entry = bytes.data + little_endian(end + 16, 4);
    *arrays = QM_ARENA_NEW(arena, struct numbers, count);
    for (uint32_t i = 0; i < count; i++) {
        size_t name_bytes = (size_t)little_endian(entry + 28, 2), suffix = strlen(".npy");
        (*arrays)[i] = parse_npy(file, unzip(file, bytes.data, entry, arena), arena);
        (*arrays)[i].name = qm_arena_printf(arena, "%.*s", (int)(name_bytes - suffix), (const char *)entry + 46);
        entry += 46 + name_bytes + little_endian(entry + 30, 2) + little_endian(entry + 32, 2);
    }
    return count;
}

/* ---- text ---- */

struct numbers numbers_from_text(const char *file, struct qm_arena *arena) {
    struct file_bytes bytes = numbers_load(file, arena);
    if (bytes.data == NULL) give_up(file, "is not there");
    char *at = strchr((char *)bytes.data, '\n');
    struct numbers result = {.rank = 1, .values = QM_ARENA_NEW(arena, double, bytes.size / 2 + 1)};
    while (at != NULL) {
        char *end;
        double value = strtod(at, &end);
        if (end == at) break;
        result.values[result.count++] = value;
        at = strchr(end, '\n');
    }
    result.dims[0] = result.count;
    return result;
}
