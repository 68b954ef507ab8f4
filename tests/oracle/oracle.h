/* oracle.h - operands of scale() (docs/numerics.md) in blocks, and what several independent parties make of them.
 *
 * A stream gives all corners once (powers of two and their neighbours: each x by each multiplier by every value of the shift field), then
 * random operands, many of them at ties. The parties: the C model, gemmlowp (`tflite` only), the definition in numbers of 128 bits,
 * the Verilated unit.
 */
#ifndef QM_TESTS_ORACLE_ORACLE_H
#define QM_TESTS_ORACLE_ORACLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ORACLE_BLOCK = 4096, ORACLE_CORNERS_MAX = 192 };

struct oracle_block {
    size_t count; /* <= ORACLE_BLOCK */
    int32_t x[ORACLE_BLOCK];
    int32_t multiplier[ORACLE_BLOCK];
    int32_t addend[ORACLE_BLOCK]; /* met by roundings ADDEND and OFFSET only */
    int8_t shift[ORACLE_BLOCK];
};

struct oracle_stream {
    int32_t corners[ORACLE_CORNERS_MAX];
    uint64_t corner_values; /* used of corners */
    uint64_t next, corner_end, end;
    uint64_t random; /* state */
};

/* All corners, then random_count operands that follow from seed. */
void oracle_stream_init(struct oracle_stream *stream, uint64_t random_count, uint64_t seed);

/* Fills the block; its count is 0 at the end. */
void oracle_stream_read(struct oracle_stream *stream, struct oracle_block *block);

/* A party: results[i] = scale(operand i, rounding). */
typedef void oracle_party(const struct oracle_block *block, uint32_t rounding, int32_t *results);

oracle_party oracle_model;
oracle_party oracle_gemmlowp; /* whatever the rounding */
oracle_party oracle_definition;
oracle_party oracle_rtl;

#ifdef __cplusplus
}
#endif

#endif
