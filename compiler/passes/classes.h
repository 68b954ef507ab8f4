/* classes.h - layers that are alike: what is found for one of a class holds for all. Belongs to the plan's arena. */
#ifndef QM_COMPILER_PASSES_CLASSES_H
#define QM_COMPILER_PASSES_CLASSES_H

#include "compiler/passes/cuts.h"

/* All that the cuts of a layer and their time depend on, its bytes zeroed before it is filled, because they are compared. */
struct class_key {
    struct qm_layer layer;     /* without what only values depend on */
    uint32_t in[2][4], out[4]; /* maps: height, width, channels, bits */
    uint32_t hole_bytes;
    bool in_outside[2], out_outside, in_is_loaded, out_is_stored, has_table;
    struct cuts_context context;
};

struct layer_class {
    struct class_key key;
    struct cut *cuts; /* [cut_count] of a convolution: the best first; others have none */
    uint32_t cut_count;
};

/* Puts the layer into its class, which is made if it is the first, and returns it. */
const struct layer_class *class_put(struct plan *plan, uint32_t layer, const struct cuts_context *context);

/* The class that the layer was put into. */
const struct layer_class *class_of(const struct plan *plan, uint32_t layer);

#endif
