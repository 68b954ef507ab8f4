/* flatbuffer.c - see flatbuffer.h. The layout, little-endian throughout:
 *
 *   file     [u32 offset of the root table] [4 letters] ...
 *   table    [i32 d: the vtable is at table - d] [fields ...]
 *   vtable   [u16 bytes of the vtable] [u16 bytes of the table] [u16 offset of field 0 in the table, 0: absent] ...
 *   offset   [u32 distance from here to a table, vector or string]
 *   vector   [u32 count] [elements ...]        string: a vector of bytes and one NUL more
 */
#include "compiler/frontend/tflite/flatbuffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fb_fail(struct fb *fb, uint32_t at, const char *format, ...) {
    if (fb->status != QM_OK) return;
    char text[sizeof fb->diag->text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fb->status = qm_fail(fb->diag, QM_BAD_INPUT, "%s: at byte 0x%x: %.800s", fb->file, at, text);
}

/* Whether count bytes at an offset lie inside the file; fails if not. */
static bool inside(struct fb *fb, uint64_t at, uint64_t count, const char *what) {
    if (fb->status != QM_OK) return false;
    if (at <= fb->size && count <= fb->size - at) return true;
    fb_fail(fb, (uint32_t)(at < fb->size ? at : fb->size), "%s leaves the file, which ends at byte 0x%zx; the file is damaged or cut short",
            what, fb->size);
    return false;
}

static uint64_t little(const struct fb *fb, uint32_t at, uint32_t count) {
    uint64_t value = 0;
    for (uint32_t i = 0; i < count; i++) value |= (uint64_t)fb->bytes[at + i] << (8 * i);
    return value;
}

static struct fb_table read_table(struct fb *fb, uint64_t at) {
    const struct fb_table absent = {0};
    struct fb_table table = {0};
    if (!inside(fb, at, 4, "a table")) return absent;
    table.at = (uint32_t)at;
    int64_t vtable = (int64_t)at - (int32_t)little(fb, table.at, 4);
    if (vtable < 0) {
        fb_fail(fb, table.at, "the table's field list lies before the file; the file is damaged");
        return absent;
    }
    if (!inside(fb, (uint64_t)vtable, 4, "a field list")) return absent;
    table.vtable = (uint32_t)vtable;
    table.vtable_bytes = (uint16_t)little(fb, table.vtable, 2);
    table.bytes = (uint16_t)little(fb, table.vtable + 2, 2);
    if (!inside(fb, table.vtable, table.vtable_bytes, "a field list") || !inside(fb, at, table.bytes, "a table")) return absent;
    if (table.vtable_bytes < 4 || table.bytes < 4) {
        fb_fail(fb, table.vtable, "a field list of %u bytes for a table of %u; the file is damaged", table.vtable_bytes, table.bytes);
        return absent;
    }
    return table;
}

struct fb_table fb_root(struct fb *fb, const char *identifier) {
    const struct fb_table absent = {0};
    if (!inside(fb, 0, 8, "the header")) return absent;
    if (memcmp(fb->bytes + 4, identifier, 4) != 0) {
        fb_fail(fb, 4, "the identifier is not %s", identifier);
        return absent;
    }
    return read_table(fb, little(fb, 0, 4));
}

/* Where a field of count bytes lies; 0 when absent. */
static uint32_t field(struct fb *fb, const struct fb_table *table, uint32_t slot, uint32_t count) {
    uint32_t entry = 4 + 2 * slot;
    if (fb->status != QM_OK || table->at == 0 || entry + 2 > table->vtable_bytes) return 0;
    uint32_t offset = (uint32_t)little(fb, table->vtable + entry, 2);
    if (offset == 0) return 0;
    if (offset < 4 || offset + count > table->bytes) {
        fb_fail(fb, table->vtable + entry, "field %u lies outside its table; the file is damaged", slot);
        return 0;
    }
    return table->at + offset;
}

uint8_t fb_u8(struct fb *fb, const struct fb_table *table, uint32_t slot, uint8_t fallback) {
    uint32_t at = field(fb, table, slot, 1);
    return at ? fb->bytes[at] : fallback;
}

int32_t fb_i32(struct fb *fb, const struct fb_table *table, uint32_t slot, int32_t fallback) {
    return (int32_t)fb_u32(fb, table, slot, (uint32_t)fallback);
}

uint32_t fb_u32(struct fb *fb, const struct fb_table *table, uint32_t slot, uint32_t fallback) {
    uint32_t at = field(fb, table, slot, 4);
    return at ? (uint32_t)little(fb, at, 4) : fallback;
}

uint64_t fb_u64(struct fb *fb, const struct fb_table *table, uint32_t slot, uint64_t fallback) {
    uint32_t at = field(fb, table, slot, 8);
    return at ? little(fb, at, 8) : fallback;
}

float fb_f32(struct fb *fb, const struct fb_table *table, uint32_t slot, float fallback) {
    uint32_t at = field(fb, table, slot, 4);
    if (at == 0) return fallback;
    uint32_t bits = (uint32_t)little(fb, at, 4);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Follows the offset at a byte. Distances are unsigned and not zero, so that a chain of them only moves forward. */
static uint64_t follow(struct fb *fb, uint32_t at) {
    uint32_t distance = (uint32_t)little(fb, at, 4);
    if (distance == 0) fb_fail(fb, at, "an offset points to itself; the file is damaged");
    return (uint64_t)at + distance;
}

struct fb_table fb_subtable(struct fb *fb, const struct fb_table *table, uint32_t slot) {
    uint32_t at = field(fb, table, slot, 4);
    return at ? read_table(fb, follow(fb, at)) : (struct fb_table){0};
}

struct fb_vector fb_vector(struct fb *fb, const struct fb_table *table, uint32_t slot, uint32_t element_bytes) {
    const struct fb_vector absent = {0};
    uint32_t field_at = field(fb, table, slot, 4);
    if (field_at == 0) return absent;
    uint64_t at = follow(fb, field_at);
    if (!inside(fb, at, 4, "a vector")) return absent;
    struct fb_vector vector = {.at = (uint32_t)at + 4, .count = (uint32_t)little(fb, (uint32_t)at, 4)};
    if (!inside(fb, vector.at, (uint64_t)vector.count * element_bytes, "a vector")) return absent;
    return vector;
}

const void *fb_bytes(struct fb *fb, uint64_t at, uint64_t count, const char *what) {
    return inside(fb, at, count, what) ? fb->bytes + at : NULL;
}

const char *fb_string(struct fb *fb, const struct fb_table *table, uint32_t slot) {
    struct fb_vector vector = fb_vector(fb, table, slot, 1);
    if (vector.at == 0 || !inside(fb, vector.at, (uint64_t)vector.count + 1, "a string")) return NULL;
    const uint8_t *text = fb->bytes + vector.at;
    for (uint32_t i = 0; i < vector.count; i++) {
        if (text[i] >= ' ' && text[i] != 0x7f) continue;
        fb_fail(fb, vector.at + i, "a name with the control character 0x%02x; the file is damaged", text[i]);
        return NULL;
    }
    if (text[vector.count] != '\0') {
        fb_fail(fb, vector.at + vector.count, "a string that does not end; the file is damaged");
        return NULL;
    }
    return (const char *)text;
}

struct fb_table fb_table_at(struct fb *fb, struct fb_vector vector, uint32_t index) {
    QM_CHECK(index < vector.count);
    return read_table(fb, follow(fb, vector.at + 4 * index));
}

int32_t fb_i32_at(const struct fb *fb, struct fb_vector vector, uint32_t index) {
    QM_CHECK(index < vector.count);
    return (int32_t)little(fb, vector.at + 4 * index, 4);
}
