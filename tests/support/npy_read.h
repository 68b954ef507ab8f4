/* npy_read.h - reads the .npy files of the test data, apart from the production reader: C order, any element type. */
#ifndef QM_TESTS_SUPPORT_NPY_READ_H
#define QM_TESTS_SUPPORT_NPY_READ_H

#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

struct npy_data {
    const void *bytes;
    size_t size_bytes;
    size_t rows; /* leading dimension */
};

/* Aborts with the file's name when it cannot be read. */
struct npy_data npy_read(const char *file, struct qm_arena *arena);

#endif
