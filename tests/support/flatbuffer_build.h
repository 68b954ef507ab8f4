/* flatbuffer_build.h - writes FlatBuffers tables for tests, right ones and wrong ones. Children are written after their parents. */
#ifndef QM_TESTS_SUPPORT_FLATBUFFER_BUILD_H
#define QM_TESTS_SUPPORT_FLATBUFFER_BUILD_H

#include <stdint.h>

enum { FBB_BYTES = 1 << 19 };

struct fbb {
    _Alignas(8) uint8_t bytes[FBB_BYTES];
    uint32_t size;
};

/* Starts a file; its root is the table that is written next. */
void fbb_open(struct fbb *b, const char *identifier);
/* A table with room for slots fields of up to 8 bytes, all absent; where it is. */
uint32_t fbb_table(struct fbb *b, uint32_t slots);
void fbb_set(struct fbb *b, uint32_t table, uint32_t slot, uint64_t value, uint32_t bytes);
void fbb_link(struct fbb *b, uint32_t table, uint32_t slot, uint32_t target);
/* A vector of zeros (elements of up to 8 bytes), linked to a field; where its first element is. */
uint32_t fbb_vector(struct fbb *b, uint32_t table, uint32_t slot, uint32_t count, uint32_t element_bytes);
void fbb_put(struct fbb *b, uint32_t at, uint64_t value, uint32_t bytes);
/* Makes the element of a vector of offsets point to the target. */
void fbb_point(struct fbb *b, uint32_t element, uint32_t target);

#endif
