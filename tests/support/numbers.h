/* numbers.h - arrays of numbers from the files that other people's tests come in, apart from the production readers.
 *
 * All aborts name the file. Everything is read into doubles, which hold every integer that occurs.
 */
#ifndef QM_TESTS_SUPPORT_NUMBERS_H
#define QM_TESTS_SUPPORT_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "onnx.pb-c.h"

enum { NUMBERS_RANK_MAX = 8 };

struct numbers {
    const char *name;
    uint32_t rank;
    uint64_t dims[NUMBERS_RANK_MAX];
    size_t count;
    double *values; /* [count] */
    /* only onnx_naive looks */
    bool whole;       /* a Cast has made it integers */
    bool is_unsigned; /* of type uint8 */
};

struct file_bytes {
    uint8_t *data; /* aligned to 64 */
    size_t size;
};

/* NULL data when there is no such file. */
struct file_bytes numbers_load(const char *file, struct qm_arena *arena);
/* An ONNX TensorProto, and a file of one. */
struct numbers numbers_from_tensor(const Onnx__TensorProto *tensor, const char *file, struct qm_arena *arena);
struct numbers numbers_from_onnx(const char *file, struct qm_arena *arena);
struct numbers numbers_from_npy(const char *file, struct qm_arena *arena);
/* All arrays of a NumPy .npz archive, in its order; returns how many. */
uint32_t numbers_from_npz(const char *file, struct qm_arena *arena, struct numbers **arrays);
/* DORY's text: a title with "(shape [a, b])", then a number a line. */
struct numbers numbers_from_text(const char *file, struct qm_arena *arena);

#endif
