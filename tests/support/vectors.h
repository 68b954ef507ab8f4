/* vectors.h - reads the .vec files of the CMSIS-NN cases: named numbers and named arrays of integers. */
#ifndef QM_TESTS_SUPPORT_VECTORS_H
#define QM_TESTS_SUPPORT_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

enum { VECTORS_MAX = 64 };

struct vectors {
    char name[80];
    char kernels[200];
    struct {
        char name[80]; /* without the case's name in front, "OUT_CH" */
        int64_t value;
    } numbers[VECTORS_MAX];
    struct {
        char name[80]; /* "weights" */
        int32_t *values;
        size_t count; /* 0: a null pointer */
    } arrays[VECTORS_MAX];
    uint32_t number_count, array_count;
    bool whole; /* false: the file has something that does not fit here */
};

/* Aborts with the file's name when it cannot be read. */
struct vectors *vectors_read(const char *file, struct qm_arena *arena);

/* A number; the fallback when the case does not have it. */
int64_t vectors_number(const struct vectors *v, const char *name, int64_t fallback);
/* The values of an array, or NULL; count may be NULL. */
const int32_t *vectors_array(const struct vectors *v, const char *name, size_t *count);
/* The same as bytes, in the arena. */
int8_t *vectors_bytes(const struct vectors *v, const char *name, struct qm_arena *arena);

#endif
