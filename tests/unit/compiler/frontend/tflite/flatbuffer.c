/* flatbuffer.c - reads what is there, gives defaults for what is not, and refuses what points outside. */
#include "compiler/frontend/tflite/flatbuffer.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "tests/support/flatbuffer_build.h"

static struct fb reader(const struct fbb *b, struct qm_diag *diag) {
    return (struct fb){.bytes = b->bytes, .size = b->size, .file = "f", .diag = diag};
}

Test(flatbuffer, reads_fields_and_defaults) {
    struct fbb b;
    fbb_open(&b, "TEST");
    uint32_t root = fbb_table(&b, 6), text;
    fbb_set(&b, root, 0, 200, 1);
    fbb_set(&b, root, 2, (uint32_t)-5, 4);
    text = fbb_vector(&b, root, 3, 2, 1);
    memcpy(b.bytes + text, "hi", 2);
    fbb_put(&b, fbb_vector(&b, root, 4, 3, 4) + 8, 77, 4);
    struct qm_diag diag = {""};
    struct fb fb = reader(&b, &diag);
    struct fb_table table = fb_root(&fb, "TEST");
    cr_expect(eq(u8, fb_u8(&fb, &table, 0, 1), 200));
    cr_expect(eq(i32, fb_i32(&fb, &table, 1, 9), 9), "absent");
    cr_expect(eq(i32, fb_i32(&fb, &table, 2, 9), -5));
    cr_expect(eq(str, (char *)(uintptr_t)fb_string(&fb, &table, 3), "hi"));
    struct fb_vector vector = fb_vector(&fb, &table, 4, 4);
    cr_expect(eq(u32, vector.count, 3));
    cr_expect(eq(i32, fb_i32_at(&fb, vector, 2), 77));
    cr_expect(eq(u32, fb_subtable(&fb, &table, 5).at, 0));
    cr_expect(eq(u32, fb_u32(&fb, &table, 60, 3), 3), "beyond the field list");
    cr_expect(eq(int, fb.status, QM_OK));
}

/* Reads a vector of 4-byte elements in field 0 of the root. */
static enum qm_status read_vector(const struct fbb *b, struct qm_diag *diag) {
    struct fb fb = reader(b, diag);
    struct fb_table table = fb_root(&fb, "TEST");
    struct fb_vector vector = fb_vector(&fb, &table, 0, 4);
    cr_expect(fb.status == QM_OK || vector.count == 0);
    return fb.status;
}

Test(flatbuffer, refuses_what_leaves_the_file) {
    struct fbb good, b;
    struct qm_diag diag = {""};
    fbb_open(&good, "TEST");
    uint32_t root = fbb_table(&good, 1), first = fbb_vector(&good, root, 0, 3, 4);
    cr_expect(eq(int, read_vector(&good, &diag), QM_OK));
    const struct {
        uint32_t at;
        uint32_t value;
        const char *what;
    } rows[] = {
        {0, 0xfffffff0, "root"},
        {0, good.size - 2, "root at the end"},
        {root, 0x7fffffff, "field list before the file"},
        {root, 0x80000000, "field list behind the file"},
        {root + 8, 0xfffffffc, "vector far behind"},
        {root + 8, 0, "offset to itself"},
        {first - 4, 0x40000001, "count that wraps"},
        {first - 4, 0xffffffff, "largest count"},
        {4, 0x54534554 + 1, "identifier"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        b = good;
        fbb_put(&b, rows[i].at, rows[i].value, 4);
        cr_expect(eq(int, read_vector(&b, &diag), QM_BAD_INPUT), "%s", rows[i].what);
        cr_expect(zero(int, strncmp(diag.text, "f: at byte 0x", 13)), "%s", diag.text);
    }
    for (b = good; b.size > 0; b.size--) {
        struct fbb cut = b;
        cut.size--;
        cr_expect(eq(int, read_vector(&cut, &diag), cut.size >= first + 12 ? QM_OK : QM_BAD_INPUT), "%u bytes", cut.size);
    }
}

Test(flatbuffer, keeps_the_first_failure) {
    struct qm_diag diag = {""};
    struct fb fb = {.file = "f", .diag = &diag};
    fb_fail(&fb, 16, "first %d", 1);
    fb_fail(&fb, 32, "second");
    cr_expect(eq(str, diag.text, "f: at byte 0x10: first 1"));
}
