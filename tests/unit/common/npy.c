/* npy.c - arrays that NumPy writes, and files that are refused. */
#include "common/npy.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(npy);

static struct qm_diag diag;

/* A version 1 or 2 file in memory with the given dict and data_bytes bytes 0, 1, 2 ... */
static size_t build(uint8_t *bytes, int version, const char *dict, size_t data_bytes) {
    size_t length = strlen(dict), at = 8;
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (uint8_t)version;
    bytes[7] = 0;
    for (int i = 0; i < (version == 1 ? 2 : 4); i++) bytes[at++] = (uint8_t)(length >> 8 * i);
    memcpy(bytes + at, dict, length);
    for (size_t i = 0; i < data_bytes; i++) bytes[at + length + i] = (uint8_t)i;
    return at + length + data_bytes;
}

static enum qm_status parse(int version, const char *dict, size_t data_bytes, struct qm_npy *npy) {
    uint8_t bytes[1024];
    return qm_npy_parse(bytes, build(bytes, version, dict, data_bytes), "f.npy", npy, &diag);
}

Test(npy, reads_what_numpy_writes) {
    struct qm_npy npy;
    cr_assert(parse(1, "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }      \n", 12, &npy) == QM_OK, "%s", diag.text);
    cr_assert(eq(str, npy.type, "i2"));
    cr_assert(eq(u32, npy.rank, 2));
    cr_assert(eq(u64, npy.dims[1], 3));
    cr_assert(eq(i64, qm_npy_integer(&npy, 5), 0x0b0a));
    qm_npy_free(&npy);
    cr_assert(eq(int, parse(2, "{'shape': (3,), 'fortran_order': False, 'descr': '|u1'}\n", 3, &npy), QM_OK));
    cr_assert(eq(u64, npy.count, 3));
    qm_npy_free(&npy);
    cr_assert(eq(int, parse(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", 4, &npy), QM_OK));
    cr_assert(eq(u64, npy.count, 1));
    qm_npy_free(&npy);
}

Test(npy, sign_extends_by_type) {
    struct qm_npy npy = {.type = "i1", .item_bytes = 1, .count = 1, .data = (uint8_t[]){0x80}};
    cr_assert(eq(i64, qm_npy_integer(&npy, 0), -128));
    npy.type[0] = 'u';
    cr_assert(eq(i64, qm_npy_integer(&npy, 0), 128));
    struct qm_npy wide = {.type = "i4", .item_bytes = 4, .count = 1, .data = (uint8_t[]){0xfe, 0xff, 0xff, 0xff}};
    cr_assert(eq(i64, qm_npy_integer(&wide, 0), -2));
}

Test(npy, refuses_what_it_cannot_hold) {
    static const struct {
        const char *dict;
        size_t data_bytes;
        const char *words;
    } cases[] = {
        {"{'descr': '>i2', 'fortran_order': False, 'shape': (1,), }", 2, "element type"},
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (1,), }", 8, "element type"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8, "element type"},
        {"{'descr': '|i1', 'fortran_order': True, 'shape': (1,), }", 1, "Fortran"},
        {"{'descr': '|i1', 'fortran_order': False, 'shape': (2,), }", 1, "1 bytes of elements, but the shape asks for 2"},
        {"{'descr': '|i1', 'fortran_order': False, 'shape': (2,), }", 3, "3 bytes"},
        {"{'descr': '|i1', 'fortran_order': False, 'shape': (-2,), }", 2, "shape"},
        {"{'descr': '|i1', 'fortran_order': False, 'shape': (99999999, 99999999), }", 2, "too many"},
        {"{'descr': '|i1', 'fortran_order': False, 'shape': (99999999999999999999,), }", 2, "shape"},
        {"{'descr': '|i1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 1, "dimensions"},
        {"{'descr': '|i1', 'fortran_order': False, }", 1, "missing"},
        {"{'descr': '|i1', 'colour': 3, }", 1, "header"},
        {"{'descr': '|i", 0, "type"},
        {"[]", 0, "header"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct qm_npy npy;
        cr_assert(parse(1, cases[i].dict, cases[i].data_bytes, &npy) == QM_BAD_INPUT, "case %zu", i);
        cr_assert(strstr(diag.text, cases[i].words) != NULL, "case %zu: %s", i, diag.text);
    }
}

Test(npy, refuses_every_cut_of_a_file) {
    uint8_t bytes[1024];
    size_t size = build(bytes, 2, "{'descr': '|i1', 'fortran_order': False, 'shape': (4,), }", 4);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = malloc(cut + 1); /* so that the sanitizer sees a read beyond the end */
        struct qm_npy npy;
        copy = realloc(memcpy(copy, bytes, cut), cut > 0 ? cut : 1);
        cr_assert(qm_npy_parse(copy, cut, "f.npy", &npy, &diag) == QM_BAD_INPUT, "cut at %zu", cut);
        free(copy);
    }
}

Test(npy, what_is_written_can_be_read) {
    static uint8_t data[24];
    char path[] = "/tmp/qmac-npy-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && close(fd) == 0);
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(200 + i);
    struct qm_npy out = {.type = "i4", .rank = 3, .dims = {1, 2, 3}, .data = data}, in;
    cr_assert(qm_npy_write(path, &out, &diag) == QM_OK, "%s", diag.text);
    cr_assert(qm_npy_read(path, &in, &diag) == QM_OK, "%s", diag.text);
    unlink(path);
    cr_assert(eq(str, in.type, "i4"));
    cr_assert(eq(u32, in.rank, 3));
    cr_assert(in.dims[0] == 1 && in.dims[1] == 2 && in.dims[2] == 3 && memcmp(in.data, data, sizeof data) == 0);
    qm_npy_free(&in);
}

Test(npy, a_file_that_cannot_be_written_or_read_says_why) {
    static uint8_t data[1];
    struct qm_npy npy = {.type = "i1", .rank = 0, .data = data};
    cr_assert(eq(int, qm_npy_write("/nonexistent/a.npy", &npy, &diag), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "No such file") != NULL, "%s", diag.text);
    cr_assert(eq(int, qm_npy_read("/nonexistent/a.npy", &npy, &diag), QM_BAD_INPUT));
    cr_assert(eq(int, qm_npy_read("/tmp", &npy, &diag), QM_BAD_INPUT));
}
