/* classes.c - finds the class of a layer by all that its cuts and their time depend on. */
#include "compiler/passes/classes.h"

#include <stddef.h>
#include <string.h>

#include "common/index.h"
#include "common/prng.h"

struct classes {
    struct layer_class **list; /* [count] */
    uint32_t count, room;
    struct qm_index index; /* by keys */
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

static struct layer_class *add_class(struct plan *plan) {
    struct classes *classes = plan->classes;
    classes->list = qm_arena_grow(plan->arena, classes->list, sizeof(*classes->list), classes->count, &classes->room);
    return classes->list[classes->count++] = QM_ARENA_NEW(plan->arena, struct layer_class, 1);
}

struct wanted {
    const struct classes *classes;
    const struct class_key *key;
};

static bool is_wanted(const void *wanted, uint32_t item) {
    const struct wanted *w = wanted;
    return memcmp(&w->classes->list[item]->key, w->key, sizeof *w->key) == 0;
}

static struct classes *classes_create(struct qm_arena *arena) {
    struct classes *classes = QM_ARENA_NEW(arena, struct classes, 1);
    classes->index.arena = arena;
    return classes;
}

const struct layer_class *class_put(struct plan *plan, uint32_t layer, const struct cuts_context *context) {
    struct class_key key;
    if (plan->classes == NULL) plan->classes = classes_create(plan->arena);
    describe(plan, layer, context, &key);
    uint64_t hash = qm_hash_bytes(0, &key, sizeof key);
    plan->layers[layer].class = qm_index_find(&plan->classes->index, hash, is_wanted, &(struct wanted){plan->classes, &key});
    if (plan->layers[layer].class != QM_INDEX_NONE) return class_of(plan, layer);
    plan->layers[layer].class = plan->classes->count;
    qm_index_add(&plan->classes->index, hash, plan->classes->count);
    struct layer_class *made = add_class(plan);
    made->key = key;
    if (!is_convolution(&plan->network->layers[layer])) return made;
    made->cuts = QM_ARENA_NEW(plan->arena, struct cut, CUTS);
    made->cut_count = cuts_find(plan, layer, context, made->cuts);
    return made;
}

const struct layer_class *class_of(const struct plan *plan, uint32_t layer) {
    return plan->classes->list[plan->layers[layer].class];
}
