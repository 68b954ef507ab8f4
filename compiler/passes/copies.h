/* copies.h - weights in another order or form, written once for all layers that take the same weights so: the examples of a batch do, and
 * operators that share a tensor.
 */
#ifndef QM_COMPILER_PASSES_COPIES_H
#define QM_COMPILER_PASSES_COPIES_H

#include "common/index.h"

struct copy;
/* Writes a copy to zeroed bytes, from the members of struct copy alone; it gives those that it needs a meaning. */
typedef void copy_write(const struct copy *copy, int8_t *to);

/* What a copy is made of. */
struct copy {
    copy_write *write;
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

/* Ways to write, and in brackets the members that each needs besides from and size_bytes. */
copy_write copy_signed;   /* [zero] uint8 less the zero */
copy_write copy_joined;   /* [all] a filter [channels][taps][from_depth] in groups as one of depth, with the zero elsewhere */
copy_write copy_expanded; /* [all but from_depth] a filter [taps][channels], of depth inputs, as [channels][taps][depth] */
copy_write copy_twice;    /* [zero] the weights, and as many that are the zero's negative */
copy_write copy_flipped;  /* [channels, taps, depth] a filter [channels][taps][depth] with its taps in reverse order */
copy_write copy_turned;   /* [channels, depth] a matrix [depth][channels] as [channels][depth] */

#endif
