/* npy.c - scans the header's dict, which NumPy always writes with these three keys, and refuses a file with anything else. */
#include "common/npy.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/file.h"

enum { MAGIC_BYTES = 6, HEADER_MAX = 65536, ALIGNMENT = 64 };
static const uint8_t MAGIC[MAGIC_BYTES] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
static const size_t FILE_BYTES_MAX = (size_t)1 << 32;

static const struct {
    char type[3];
    size_t bytes;
} types[] = {{"b1", 1}, {"i1", 1}, {"u1", 1}, {"i2", 2}, {"i4", 4}, {"i8", 8}, {"f4", 4}, {"f8", 8}};

static size_t type_bytes(const char *type) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].type, type) == 0) return types[i].bytes;
    return 0;
}

struct scanner {
    const char *at, *end;
};

static void skip_blanks(struct scanner *scanner) {
    while (scanner->at < scanner->end && (*scanner->at == ' ' || *scanner->at == '\n')) scanner->at++;
}

static bool take(struct scanner *scanner, const char *word) {
    size_t size = strlen(word);
    skip_blanks(scanner);
    if ((size_t)(scanner->end - scanner->at) < size || memcmp(scanner->at, word, size) != 0) return false;
    scanner->at += size;
    return true;
}

static bool take_number(struct scanner *scanner, uint64_t *number) {
    skip_blanks(scanner);
    const char *begin = scanner->at;
    *number = 0;
    for (; scanner->at < scanner->end && *scanner->at >= '0' && *scanner->at <= '9'; scanner->at++) {
        if (*number > FILE_BYTES_MAX) return false;
        *number = *number * 10 + (uint64_t)(*scanner->at - '0');
    }
    return scanner->at > begin;
}

/* 'descr': '<i4' - the byte order may be anything for single bytes. */
static bool take_type(struct scanner *scanner, struct qm_npy *npy) {
    if (!take(scanner, "'") || scanner->end - scanner->at < 4) return false;
    char order = *scanner->at;
    memcpy(npy->type, scanner->at + 1, 2);
    npy->type[2] = '\0';
    scanner->at += 3;
    npy->item_bytes = type_bytes(npy->type);
    bool ordered = order == '<' || (npy->item_bytes == 1 && (order == '|' || order == '>' || order == '='));
    return npy->item_bytes != 0 && ordered && take(scanner, "'");
}

static bool take_shape(struct scanner *scanner, struct qm_npy *npy) {
    if (!take(scanner, "(")) return false;
    for (npy->rank = 0; !take(scanner, ")"); npy->rank++) {
        if (npy->rank == QM_NPY_MAX_RANK || !take_number(scanner, &npy->dims[npy->rank])) return false;
        if (!take(scanner, ",") && scanner->at < scanner->end && *scanner->at != ')') return false;
    }
    return true;
}

static enum qm_status scan_header(struct scanner *scanner, const char *name, struct qm_npy *npy, struct qm_diag *diag) {
    static const char hint[] = "save it with numpy.save as int8, uint8, int16, int32, int64 or float32";
    unsigned seen = 0;
    if (!take(scanner, "{")) return qm_fail(diag, QM_BAD_INPUT, "%s:header: not a .npy header", name);
    while (!take(scanner, "}")) {
        if (take(scanner, "'descr':")) {
            if (!take_type(scanner, npy)) return qm_fail(diag, QM_BAD_INPUT, "%s:header: element type is not supported: %s", name, hint);
            seen |= 1;
        } else if (take(scanner, "'fortran_order':")) {
            if (!take(scanner, "False"))
                return qm_fail(diag, QM_BAD_INPUT, "%s:header: Fortran order: save numpy.ascontiguousarray(a)", name);
            seen |= 2;
        } else if (take(scanner, "'shape':")) {
            if (!take_shape(scanner, npy))
                return qm_fail(diag, QM_BAD_INPUT, "%s:header: bad shape, or more than %d dimensions", name, QM_NPY_MAX_RANK);
            seen |= 4;
        } else {
            return qm_fail(diag, QM_BAD_INPUT, "%s:header: not a .npy header", name);
        }
        take(scanner, ",");
    }
    return seen == 7 ? QM_OK : qm_fail(diag, QM_BAD_INPUT, "%s:header: descr, fortran_order or shape is missing", name);
}

static enum qm_status count_items(const char *name, struct qm_npy *npy, struct qm_diag *diag) {
    npy->count = 1;
    for (uint32_t i = 0; i < npy->rank; i++) {
        if (npy->dims[i] != 0 && npy->count > FILE_BYTES_MAX / npy->dims[i])
            return qm_fail(diag, QM_BAD_INPUT, "%s:header: the shape has too many elements", name);
        npy->count *= npy->dims[i];
    }
    return QM_OK;
}

enum qm_status qm_npy_parse(const uint8_t *bytes, size_t size, const char *name, struct qm_npy *npy, struct qm_diag *diag) {
    memset(npy, 0, sizeof *npy);
    if (size < MAGIC_BYTES + 6 || memcmp(bytes, MAGIC, MAGIC_BYTES) != 0 || bytes[6] < 1 || bytes[6] > 2)
        return qm_fail(diag, QM_BAD_INPUT, "%s:0: not a .npy file of version 1 or 2", name);
    size_t length = (size_t)bytes[8] | (size_t)bytes[9] << 8, begin = 10;
    if (bytes[6] == 2) {
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
        begin = 12;
    }
    if (length > HEADER_MAX || length > size - begin) return qm_fail(diag, QM_BAD_INPUT, "%s:8: the header is longer than the file", name);
    struct scanner scanner = {(const char *)bytes + begin, (const char *)bytes + begin + length};
    QM_TRY(scan_header(&scanner, name, npy, diag));
    QM_TRY(count_items(name, npy, diag));
    size_t offset = begin + length;
    if ((size - offset) / npy->item_bytes != npy->count || (size - offset) % npy->item_bytes != 0)
        return qm_fail(diag, QM_BAD_INPUT, "%s:%zu: %zu bytes of elements, but the shape asks for %" PRIu64, name, offset, size - offset,
                       npy->count * npy->item_bytes);
    npy->data = qm_alloc(size - offset + 1);
    memcpy(npy->data, bytes + offset, size - offset);
    return QM_OK;
}

enum qm_status qm_npy_read(const char *file, struct qm_npy *npy, struct qm_diag *diag) {
    uint8_t *bytes;
    size_t size;
    QM_TRY(qm_file_read(file, FILE_BYTES_MAX, &bytes, &size, diag));
    enum qm_status status = qm_npy_parse(bytes, size, file, npy, diag);
    free(bytes);
    return status;
}

void qm_npy_free(struct qm_npy *npy) {
    free(npy->data);
    npy->data = NULL;
}

/* The text of the dict, without padding. */
static size_t print_header(const struct qm_npy *npy, char *text, size_t size) {
    int used =
        snprintf(text, size, "{'descr': '%c%s', 'fortran_order': False, 'shape': (", type_bytes(npy->type) == 1 ? '|' : '<', npy->type);
    for (uint32_t i = 0; i < npy->rank; i++)
        used += snprintf(text + used, size - (size_t)used,
                         npy->rank == 1 ? "%" PRIu64 ","
                         : i > 0        ? ", %" PRIu64
                                        : "%" PRIu64,
                         npy->dims[i]);
    return (size_t)(used + snprintf(text + used, size - (size_t)used, "), }"));
}

enum qm_status qm_npy_write(const char *file, const struct qm_npy *npy, struct qm_diag *diag) {
    char text[512];
    QM_CHECK(npy->rank <= QM_NPY_MAX_RANK && type_bytes(npy->type) != 0);
    size_t data_bytes = type_bytes(npy->type), text_bytes = print_header(npy, text, sizeof text);
    for (uint32_t i = 0; i < npy->rank; i++) data_bytes *= npy->dims[i];
    size_t header = (10 + text_bytes + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    uint8_t *bytes = qm_alloc(header + data_bytes);
    memset(bytes, ' ', header);
    memcpy(bytes, MAGIC, MAGIC_BYTES);
    bytes[6] = 1;
    bytes[7] = 0;
    bytes[8] = (uint8_t)(header - 10);
    bytes[9] = (uint8_t)((header - 10) >> 8);
    memcpy(bytes + 10, text, text_bytes);
    bytes[header - 1] = '\n';
    memcpy(bytes + header, npy->data, data_bytes);
    enum qm_status status = qm_file_write(file, bytes, header + data_bytes, diag);
    free(bytes);
    return status;
}

int64_t qm_npy_integer(const struct qm_npy *npy, uint64_t i) {
    QM_CHECK(i < npy->count && npy->type[0] != 'f');
    const uint8_t *item = npy->data + i * npy->item_bytes;
    uint64_t raw = 0;
    for (size_t byte = 0; byte < npy->item_bytes; byte++) raw |= (uint64_t)item[byte] << 8 * byte;
    if (npy->type[0] == 'u' || npy->item_bytes == 8) return (int64_t)raw;
    uint64_t sign = (uint64_t)1 << (8 * npy->item_bytes - 1);
    return (int64_t)((raw ^ sign) - sign);
}
