/* copies.h - weights in another order or form, written once for all layers that take the same weights so: the examples of a batch do, and
 * operators that share a tensor.
 */
#ifndef QM_COMPILER_PASSES_COPIES_H
#define QM_COMPILER_PASSES_COPIES_H

#include "common/index.h"

/* What a copy is made of. Its maker writes zeroed bytes, from these members alone; it gives those that it needs a meaning. */
struct copy {
    void (*write)(const struct copy *copy, int8_t *to);
    const int8_t *from; /* stays as it is as long as the copies live */
    uint64_t size_bytes;
    uint32_t channels, taps, depth, from_depth; /* depth: weights of a tap */
    int32_t zero;                               /* the zero point of the weights */
};

/* Zeroed but for the index's arena there are none. */
struct copies {
    struct qm_index index; /* of made */
    struct copy_made *made;
    uint32_t room;
};

/* The bytes of such a copy, which belong to the arena. */
const int8_t *copies_get(struct copies *copies, const struct copy *wanted);

#endif
