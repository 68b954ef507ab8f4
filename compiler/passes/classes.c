/* classes.c - finds the class of a layer by all that its cuts and their time depend on. */
#include "compiler/passes/classes.h"

#include <stddef.h>
#include <string.h>

#include "common/prng.h"

enum { FIRST_SLOTS = 64 };

struct classes {
    struct layer_class **list; /* [count] */
    uint32_t count, room;
    uint32_t *slots, slot_count; /* hash table, a power of two: index into list + 1; 0: free */
};

static void describe_map(const struct plan *plan, uint32_t value, uint32_t *map) {
    const struct qm_value *v = &plan->network->values[value];
    memcpy(map, (uint32_t[]){v->h, v->w, v->c, v->bits}, 4 * sizeof *map);
}

static void describe(const struct plan *plan, uint32_t layer, const struct cuts_context *context, struct class_key *key) {
    const struct qm_layer *l = &plan->network->layers[layer];
    const struct plan_value *out = plan_storage(plan, l->output);
    uint32_t maps = l->kind == QM_LAYER_HOST ? 0 : l->input_count; /* the host's layers have no cuts */
    QM_CHECK(maps <= 2);
    memset(key, 0, sizeof *key);
    key->layer.kind = l->kind;
    /* the window and, of products, matrices and the zero point, which lie between these two */
    memcpy(&key->layer.kernel_h, &l->kernel_h, offsetof(struct qm_layer, pad_value) - offsetof(struct qm_layer, kernel_h));
    key->layer.precision = l->precision;
    key->layer.twice = l->twice;
    key->layer.move.loop_count = l->move.loop_count;
    for (uint32_t i = 0; i < l->move.loop_count; i++) { /* one by one, because what lies between the fields is compared, too */
        struct qm_move_loop *loop = &key->layer.move.loops[i];
        loop->count = l->move.loops[i].count;
        loop->in = l->move.loops[i].in;
        loop->out = l->move.loops[i].out;
        loop->down = l->move.loops[i].down;
    }
    key->layer.move.in_first = l->move.in_first;
    key->layer.move.out_first = l->move.out_first;
    key->layer.move.contiguous_bytes = l->move.contiguous_bytes;
    key->layer.move.fill = l->move.fill;
    key->layer.move.place_count = l->move.place_count;
    key->layer.move.places = l->move.places; /* others elsewhere are of another class */
    key->has_table = l->table != NULL;
    for (uint32_t i = 0; i < maps; i++) {
        const struct plan_value *in = plan_storage(plan, l->inputs[i]);
        describe_map(plan, l->inputs[i], key->in[i]);
        key->in_outside[i] = !in->resident;
        key->in_is_loaded |= in->resident && in->from_outside && in->first_layer == layer;
    }
    describe_map(plan, l->output, key->out);
    key->out_outside = !out->resident;
    key->out_is_stored = out->in_arena && out->last_writer == layer;
    key->hole_bytes = plan->layers[layer].hole_bytes;
    key->context = *context;
}

static uint64_t hash_of(const struct class_key *key) {
    const uint8_t *bytes = (const uint8_t *)key;
    uint64_t hash = 0, words[2];
    for (size_t at = 0; at < sizeof *key; at += sizeof words) {
        size_t left = sizeof *key - at;
        memset(words, 0, sizeof words);
        memcpy(words, bytes + at, left < sizeof words ? left : sizeof words);
        hash = qm_hash3(hash, words[0], words[1]);
    }
    return hash;
}

/* The slot of the class of a key, or the free one where it belongs. */
static uint32_t *find_slot(const struct classes *classes, const struct class_key *key) {
    uint32_t at = (uint32_t)hash_of(key) & (classes->slot_count - 1);
    while (classes->slots[at] != 0 && memcmp(&classes->list[classes->slots[at] - 1]->key, key, sizeof *key) != 0)
        at = (at + 1) & (classes->slot_count - 1);
    return &classes->slots[at];
}

/* Keeps half of the slots free. */
static void make_slots(struct plan *plan, struct classes *classes) {
    if (2 * classes->count < classes->slot_count) return;
    classes->slot_count = classes->slot_count == 0 ? FIRST_SLOTS : 2 * classes->slot_count;
    classes->slots = QM_ARENA_NEW(plan->arena, uint32_t, classes->slot_count);
    for (uint32_t i = 0; i < classes->count; i++) *find_slot(classes, &classes->list[i]->key) = i + 1;
}

/* The class of a key, which is made if it is the first. */
static uint32_t find_class(struct plan *plan, const struct class_key *key, bool *made) {
    struct classes *classes = plan->classes;
    make_slots(plan, classes);
    uint32_t *slot = find_slot(classes, key);
    *made = *slot == 0;
    if (!*made) return *slot - 1;
    classes->list = qm_arena_grow(plan->arena, classes->list, sizeof(*classes->list), classes->count, &classes->room);
    struct layer_class *class = classes->list[classes->count] = QM_ARENA_NEW(plan->arena, struct layer_class, 1);
    class->key = *key;
    *slot = ++classes->count;
    return *slot - 1;
}

const struct layer_class *class_put(struct plan *plan, uint32_t layer, const struct cuts_context *context) {
    struct class_key key;
    if (plan->classes == NULL) plan->classes = QM_ARENA_NEW(plan->arena, struct classes, 1);
    describe(plan, layer, context, &key);
    bool made;
    plan->layers[layer].class = find_class(plan, &key, &made);
    struct layer_class *class = plan->classes->list[plan->layers[layer].class];
    if (made && is_convolution(&plan->network->layers[layer])) class->cut_count = cuts_find(plan, layer, context, class->cuts);
    return class;
}

const struct layer_class *class_of(const struct plan *plan, uint32_t layer) {
    return plan->classes->list[plan->layers[layer].class];
}
