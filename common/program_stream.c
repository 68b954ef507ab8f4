/* program_stream.c - see program_stream.h. All numbers are little-endian 32-bit words, 64-bit ones low word first. */
#include "common/program_stream.h"

#include <math.h>
#include <string.h>

enum { WORD = 4 };

void walk_refuse(struct stream *s, const char *what) {
    if (s->status == QM_OK)
        s->status = qm_fail(s->diag, QM_BAD_INPUT, "%s: at byte 0x%zx: %s; compile the model again", s->name, s->at, what);
}

void walk_require(struct stream *s, bool holds, const char *what) {
    if (!s->writing && !holds) walk_refuse(s, what);
}

void walk_bytes(struct stream *s, void *data, size_t size) {
    if (s->status != QM_OK) return;
    if (s->writing) {
        if (s->bytes != NULL && size > 0) memcpy(s->bytes + s->at, data, size);
    } else if (s->size - s->at < size) {
        walk_refuse(s, "the file ends too early");
        return;
    } else if (size > 0) {
        memcpy(data, s->bytes + s->at, size);
    }
    s->at += size;
}

void walk_u32(struct stream *s, uint32_t *value) {
    uint8_t bytes[WORD];
    for (uint32_t i = 0; i < WORD; i++) bytes[i] = (uint8_t)(*value >> 8 * i);
    walk_bytes(s, bytes, WORD);
    if (s->writing || s->status != QM_OK) return;
    *value = 0;
    for (uint32_t i = 0; i < WORD; i++) *value |= (uint32_t)bytes[i] << 8 * i;
}

void walk_u64(struct stream *s, uint64_t *value) {
    uint32_t low = (uint32_t)*value, high = (uint32_t)(*value >> 32);
    walk_u32(s, &low);
    walk_u32(s, &high);
    *value = low | (uint64_t)high << 32;
}

void walk_i32(struct stream *s, int32_t *value) {
    uint32_t word = (uint32_t)*value;
    walk_u32(s, &word);
    *value = (int32_t)word;
}

void walk_float(struct stream *s, float *value) {
    uint32_t word;
    memcpy(&word, value, sizeof word);
    walk_u32(s, &word);
    memcpy(value, &word, sizeof word);
    walk_require(s, isfinite(*value), "a number is not finite");
}

void walk_bool(struct stream *s, bool *value) {
    uint32_t word = *value;
    walk_u32(s, &word);
    walk_require(s, word <= 1, "neither yes nor no");
    *value = word == 1;
}

void walk_text(struct stream *s, char *text, size_t size) {
    walk_bytes(s, text, size);
    if (!s->writing && s->status == QM_OK && memchr(text, '\0', size) == NULL) {
        text[size - 1] = '\0';
        walk_refuse(s, "a text does not end");
    }
}

void walk_count(struct stream *s, uint32_t *count, size_t record_bytes) {
    walk_u32(s, count);
    if (s->status == QM_OK) walk_require(s, *count <= (s->size - s->at) / record_bytes, "a count is larger than the file");
    if (s->status != QM_OK) *count = 0;
}

void walk_double(struct stream *s, double *value) {
    uint64_t bits;
    memcpy(&bits, value, sizeof bits);
    walk_u64(s, &bits);
    memcpy(value, &bits, sizeof bits);
}

void walk_choice(struct stream *s, uint32_t *value, uint32_t limit) {
    walk_u32(s, value);
    walk_require(s, s->status != QM_OK || *value < limit, "a number that stands for nothing");
    if (s->status != QM_OK) *value = 0;
}
