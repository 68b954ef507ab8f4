/* flatbuffer.h - reads FlatBuffers tables from bytes that nobody has checked.
 *
 * Every offset, vtable, vector and string is checked before it is followed, so nothing outside the bytes is ever read. The first failure
 * sticks: it fills the diag with FILE: at byte 0x..., and from then on every read gives its default and every vector is empty. A caller
 * reads a whole table and looks at fb_status once; loops over vectors end by themselves.
 */
#ifndef QM_COMPILER_FRONTEND_TFLITE_FLATBUFFER_H
#define QM_COMPILER_FRONTEND_TFLITE_FLATBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

struct fb {
    const uint8_t *bytes; /* aligned to 8 */
    size_t size;          /* below 2^31, the limit of the format */
    const char *file;     /* for messages */
    struct qm_diag *diag;
    enum qm_status status;
};

struct fb_table {
    uint32_t at; /* 0: absent; its fields read as their defaults */
    uint32_t vtable;
    uint16_t vtable_bytes;
    uint16_t bytes;
};

struct fb_vector {
    uint32_t at; /* of the first element; 0: absent */
    uint32_t count;
};

/* Records a failure at a byte; later ones are dropped. */
void fb_fail(struct fb *fb, uint32_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The root table of a file with the four-letter identifier. */
struct fb_table fb_root(struct fb *fb, const char *identifier);

/* Fields by slot (the number of the field in the schema); the fallback is the schema's default. */
uint8_t fb_u8(struct fb *fb, const struct fb_table *table, uint32_t slot, uint8_t fallback);
int32_t fb_i32(struct fb *fb, const struct fb_table *table, uint32_t slot, int32_t fallback);
uint32_t fb_u32(struct fb *fb, const struct fb_table *table, uint32_t slot, uint32_t fallback);
uint64_t fb_u64(struct fb *fb, const struct fb_table *table, uint32_t slot, uint64_t fallback);
float fb_f32(struct fb *fb, const struct fb_table *table, uint32_t slot, float fallback);
struct fb_table fb_subtable(struct fb *fb, const struct fb_table *table, uint32_t slot);
/* Elements of element_bytes. They need not be aligned: some tools write them so. */
struct fb_vector fb_vector(struct fb *fb, const struct fb_table *table, uint32_t slot, uint32_t element_bytes);
/* Bytes at an offset from the start of the file; fails and gives NULL when they are not inside: "WHAT leaves the file". Not aligned. */
const void *fb_bytes(struct fb *fb, uint64_t at, uint64_t count, const char *what);
/* Ends in NUL and has no control characters; NULL when absent. Borrowed from the bytes. */
const char *fb_string(struct fb *fb, const struct fb_table *table, uint32_t slot);

/* Element index of a vector of tables or of int32; index < count. */
struct fb_table fb_table_at(struct fb *fb, struct fb_vector vector, uint32_t index);
int32_t fb_i32_at(const struct fb *fb, struct fb_vector vector, uint32_t index);

#endif
