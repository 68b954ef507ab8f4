/* sharing.c - convolutions by all that their constants are made of. */
#include "compiler/passes/sharing.h"

#include <assert.h>
#include <string.h>

#include "common/index.h"
#include "common/prng.h"

enum { PARTS = 4 };

/* All that the constants of a layer are made of, but for how it is cut. */
struct numbers {
    uint32_t sizes[7];
    struct part {
        const void *bytes; /* NULL: there are none */
        size_t size_bytes;
    } parts[PARTS]; /* the largest last */
};

static_assert(sizeof(struct qm_multiplier) == 2 * sizeof(int32_t), "scales are compared by their bytes");

struct finder {
    const struct qm_network *network;
    struct qm_index index;   /* of latest, by numbers */
    uint32_t *latest, count; /* [count] the last layer yet of each set of numbers */
    struct part weights;     /* that were hashed last: all examples of a batch have them */
    uint64_t weights_hash;
};

static struct numbers numbers_of(const struct qm_network *network, uint32_t layer) {
    const struct qm_layer *l = &network->layers[layer];
    uint32_t channels = network->values[l->output].c, filters = l->kind == QM_LAYER_DEPTHWISE ? 1 : channels;
    size_t weights = (size_t)filters * l->kernel_h * l->kernel_w * l->in_channels * (l->twice ? 2 : 1);
    return (struct numbers){
        .sizes = {l->kind, channels, l->in_channels, l->kernel_h, l->kernel_w, l->twice, (uint32_t)l->weight_zero},
        .parts = {{l->table, l->table != NULL ? QM_TABLE_BYTES : 0},
                  {l->bias, channels * sizeof *l->bias},
                  {l->scales, channels * sizeof *l->scales},
                  {l->weights, l->weights != NULL ? weights : 0}},
    };
}

static bool same_part(const struct part *a, const struct part *b) {
    if (a->size_bytes != b->size_bytes) return false;
    return a->bytes == b->bytes || memcmp(a->bytes, b->bytes, a->size_bytes) == 0;
}

struct wanted {
    const struct finder *finder;
    const struct numbers *numbers;
};

static bool is_wanted(const void *wanted, uint32_t item) {
    const struct wanted *w = wanted;
    const struct numbers other = numbers_of(w->finder->network, w->finder->latest[item]);
    bool same = memcmp(w->numbers->sizes, other.sizes, sizeof other.sizes) == 0;
    for (uint32_t i = 0; same && i < PARTS; i++) same = same_part(&w->numbers->parts[i], &other.parts[i]);
    return same;
}

static uint64_t hash_weights(struct finder *f, const struct part *weights) {
    if (weights->bytes != f->weights.bytes || weights->size_bytes != f->weights.size_bytes) {
        f->weights = *weights;
        f->weights_hash = qm_hash_bytes(0, weights->bytes, weights->size_bytes);
    }
    return f->weights_hash;
}

static uint64_t hash_of(struct finder *f, const struct numbers *numbers) {
    uint64_t hash = qm_hash_bytes(hash_weights(f, &numbers->parts[PARTS - 1]), numbers->sizes, sizeof numbers->sizes);
    for (uint32_t i = 0; i < PARTS - 1; i++) hash = qm_hash_bytes(hash, numbers->parts[i].bytes, numbers->parts[i].size_bytes);
    return hash;
}

/* The last layer with the numbers of this one, which becomes the last. */
static uint32_t replace_latest(struct finder *f, uint32_t layer) {
    const struct numbers numbers = numbers_of(f->network, layer);
    uint64_t hash = hash_of(f, &numbers);
    uint32_t item = qm_index_find(&f->index, hash, is_wanted, &(struct wanted){f, &numbers}), before = PLAN_NONE;
    if (item == QM_INDEX_NONE)
        qm_index_add(&f->index, hash, item = f->count++);
    else
        before = f->latest[item];
    f->latest[item] = layer;
    return before;
}

uint32_t *sharing_find(const struct qm_network *network, struct qm_arena *arena) {
    uint32_t *same = QM_ARENA_NEW(arena, uint32_t, network->layer_count);
    struct finder f = {.network = network, .index = {.arena = arena}, .latest = QM_ARENA_NEW(arena, uint32_t, network->layer_count)};
    for (uint32_t i = 0; i < network->layer_count; i++) same[i] = is_convolution(&network->layers[i]) ? replace_latest(&f, i) : PLAN_NONE;
    return same;
}

/* The run of a group says the stride, which alone does not count. */
bool sharing_same_cuts(const struct plan_tiling *a, const struct plan_tiling *b) {
    const struct plan_lowering *x = &a->lowering, *y = &b->lowering;
    const struct plan_window *v = &x->window, *w = &y->window;
    if (x->precision != y->precision || x->group != y->group || x->depthwise != y->depthwise || x->im2col != y->im2col) return false;
    if (v->kernel_w != w->kernel_w || v->run_bytes != w->run_bytes) return false;
    return a->chunk_channels == b->chunk_channels && a->part_kernel_h == b->part_kernel_h && a->part_run == b->part_run;
}
