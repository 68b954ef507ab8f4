/* trial.c - the cut of a convolution by exact time: the layer, as it may be cut, and some layers around it are scheduled, allocated,
 * synchronized and timed without the rest of the network.
 *
 * Layers around it belong to it because loads come while the layer before works, and results leave while the next one does. So many are
 * looked at that what happens at the ends of the stretch does not count.
 *
 * Of a long batch only the first examples are tried: in the middle of it all are alike, but each has its own room in the scratchpad.
 */
#include <stddef.h>
#include <string.h>

#include "common/index.h"
#include "common/prng.h"
#include "compiler/passes/classes.h"
#include "compiler/passes/passes.h"
#include "compiler/passes/residents.h"
#include "compiler/passes/sharing.h"

enum {
    AROUND = 8, /* layers before and behind, at most */
    DOUBTS = 4  /* or fewer, if they take as many times as long as closed forms may be wrong */
};

/* ---- the time of a stretch of layers ---- */

/* A place in the arena of its own for a map, which gets its real one when all layers are cut. Beyond the arena there are no more places. */
static void put_in_arena(struct plan *trial, struct plan_value *value) {
    uint64_t end = trial->image_offset + plan_arena_bytes(value);
    value->arena_offset = trial->image_offset;
    trial->image_offset = end < UINT32_MAX ? (uint32_t)end : UINT32_MAX;
}

static void for_maps(struct plan *trial, uint32_t layer, void (*visit)(struct plan *trial, struct plan_value *value)) {
    const struct qm_layer *l = &trial->network->layers[layer];
    for (uint32_t i = 0; i < l->input_count; i++) visit(trial, plan_storage(trial, l->inputs[i]));
    visit(trial, plan_storage(trial, l->output));
}

/* As if nothing had been scheduled. */
static void forget(struct plan *trial, struct plan_value *value) {
    (void)trial;
    value->loaded_bytes = value->ready_op = value->arena_offset = 0;
    value->buffer = PLAN_NONE;
}

struct stretch {
    uint32_t first, last; /* layers, both included */
};

/* Maps from before the stretch, and those for behind it, keep their place all the time. */
static void keep_place(struct plan *trial, struct stretch stretch, const struct plan_value *value, struct plan_buffer *buffer) {
    if (value->first_layer < stretch.first || buffer->first_op == PLAN_NONE) buffer->first_op = 0;
    if (value->last_layer > stretch.last) buffer->last_op = trial->op_count - 1;
}

static bool schedule_stretch(struct plan *trial, struct stretch stretch) {
    struct plan_value *const *live;
    uint32_t count = residents_live(trial->residents, stretch.first, stretch.last, &live);
    for (uint32_t i = 0; i < count; i++) schedule_hold(trial, live[i]);
    for (uint32_t layer = stretch.first; layer <= stretch.last; layer++) for_maps(trial, layer, put_in_arena);
    bool fits = trial->image_offset <= INT32_MAX;
    for (uint32_t layer = stretch.first; fits && layer <= stretch.last; layer++) schedule_layer(trial, layer);
    for (uint32_t i = 0; i < count; i++) keep_place(trial, stretch, live[i], &trial->buffers[i]);
    for (uint32_t layer = stretch.first; layer <= stretch.last; layer++) for_maps(trial, layer, forget);
    trial->stages[0].last_op = trial->op_count;
    return fits && pass_allocate(trial) == QM_OK && pass_synchronize(trial) == QM_OK && check_operations(trial) == QM_OK;
}

static uint64_t bus_bytes(const struct plan *trial) {
    uint64_t bytes = (uint64_t)trial->op_count * QM_INSN_BYTES;
    for (uint32_t i = 0; i < trial->op_count; i++) {
        enum qm_opcode opcode = plan_opcode(&trial->ops[i]);
        if (opcode == QM_LOAD || opcode == QM_STORE) bytes += plan_transfer_bytes(&trial->ops[i]);
    }
    return bytes;
}

/* On a machine that has nothing else to do. UINT64_MAX: no instructions can say it. */
static uint64_t stretch_cost(const struct plan *plan, struct stretch stretch) {
    struct plan_stage stage = {0};
    struct plan trial = *plan;
    struct qm_diag ignored;
    uint64_t cost = UINT64_MAX;
    trial.arena = qm_arena_create();
    trial.diag = &ignored;
    trial.stages = &stage;
    trial.stage_count = 1;
    if (schedule_stretch(&trial, stretch)) {
        cost = cost_with_bus(trial.machine, check_cycles(&trial, 0, trial.op_count), bus_bytes(&trial));
    }
    plan_free(&trial);
    return cost;
}

/* ---- which layers, and which cuts ---- */

static bool is_next(const struct plan *plan, uint32_t layer, uint32_t near, uint64_t cycles) {
    return plan->network->layers[near].kind != QM_LAYER_HOST && (layer > near ? layer - near : near - layer) <= AROUND &&
           cycles < DOUBTS * cost_doubt(plan->machine);
}

static uint64_t about(const struct plan *plan, uint32_t layer) {
    const struct layer_class *class = class_of(plan, layer);
    return class->cut_count > 0 ? class->cuts[0].cycles : 0;
}

static struct stretch stretch_around(const struct plan *plan, uint32_t layer) {
    struct stretch stretch = {layer, layer};
    uint64_t cycles = 0;
    while (stretch.first > 0 && is_next(plan, layer, stretch.first - 1, cycles)) cycles += about(plan, --stretch.first);
    cycles = 0;
    while (stretch.last + 1 < plan->network->layer_count && is_next(plan, layer, stretch.last + 1, cycles))
        cycles += about(plan, ++stretch.last);
    return stretch;
}

/* Cuts that closed forms may have put behind the best one only because they leave something out. */
static uint32_t count_doubtful(const struct plan *plan, const struct layer_class *class) {
    uint32_t count = 0;
    while (count < class->cut_count && class->cuts[count].cost <= class->cuts[0].cost + cost_doubt(plan->machine)) count++;
    return count;
}

static uint32_t try_cuts(struct plan *plan, uint32_t layer, struct stretch stretch) {
    const struct layer_class *class = class_of(plan, layer);
    uint64_t least = UINT64_MAX;
    uint32_t best = 0, count = count_doubtful(plan, class);
    if (count == 1) return 0;
    for (uint32_t i = 0; i < count; i++) {
        plan->layers[layer].tiling = class->cuts[i].tiling;
        uint64_t cost = stretch_cost(plan, stretch);
        if (cost >= least) continue;
        least = cost;
        best = i;
    }
    return best;
}

/* ---- the choice for a layer, and where it holds as well ---- */

struct choice {
    uint32_t classes[2 * AROUND + 1], cuts_before[AROUND]; /* PLAN_NONE: of no layer */
    uint32_t cut;
};

struct choices {
    struct choice *list; /* [count], in the order in which they were made */
    uint32_t *cuts;      /* [layers] */
    uint32_t *examples;  /* [layers] how many examples of a batch come before it that are alike but for their room */
    uint32_t count;
    struct qm_index index; /* by all but the cut */
};

static struct choice describe(const struct plan *plan, uint32_t layer, struct stretch stretch, const uint32_t *cuts) {
    struct choice choice;
    memset(&choice, 0xff, sizeof choice);
    for (uint32_t i = stretch.first; i <= stretch.last; i++) choice.classes[AROUND + i - layer] = plan->layers[i].class;
    for (uint32_t i = stretch.first; i < layer; i++) choice.cuts_before[AROUND + i - layer] = cuts[i];
    return choice;
}

struct wanted {
    const struct choices *choices;
    const struct choice *choice;
};

static bool is_wanted(const void *wanted, uint32_t item) {
    const struct wanted *w = wanted;
    return memcmp(&w->choices->list[item], w->choice, offsetof(struct choice, cut)) == 0;
}

static uint32_t choose_cut(struct plan *plan, uint32_t layer, struct choices *choices) {
    struct stretch stretch = stretch_around(plan, layer);
    struct choice choice = describe(plan, layer, stretch, choices->cuts);
    uint64_t hash = qm_hash_bytes(0, &choice, offsetof(struct choice, cut));
    uint32_t known = qm_index_find(&choices->index, hash, is_wanted, &(struct wanted){choices, &choice});
    if (known != QM_INDEX_NONE) return choices->list[known].cut;
    choice.cut = try_cuts(plan, layer, stretch);
    qm_index_add(&choices->index, hash, choices->count);
    choices->list[choices->count++] = choice;
    return choice.cut;
}

/* ---- the examples of a batch ---- */

static bool is_same_tiling(const struct plan_tiling *a, const struct plan_tiling *b) {
    return sharing_same_cuts(a, b) && a->block_h == b->block_h && a->block_w == b->block_w && a->matmul_tiles == b->matmul_tiles &&
           a->split == b->split && a->rows_outer == b->rows_outer && a->ring == b->ring;
}

/* The cut of the example before among those of this layer; PLAN_NONE: it is one of the first, or cannot be cut like that. */
static uint32_t cut_before(const struct plan *plan, uint32_t layer, const struct choices *choices) {
    const struct layer_class *class = class_of(plan, layer);
    uint32_t count = count_doubtful(plan, class);
    if (choices->examples[layer] <= AROUND) return PLAN_NONE;
    const struct plan_tiling *before = &plan->layers[plan->network->same_numbers[layer]].tiling;
    for (uint32_t i = 0; i < count; i++)
        if (is_same_tiling(&class->cuts[i].tiling, before)) return i;
    return PLAN_NONE;
}

/* All but the room. */
static bool is_alike(const struct layer_class *a, const struct layer_class *b) {
    struct class_key key;
    memcpy(&key, &a->key, sizeof key); /* what lies between the fields is compared, too */
    key.hole_bytes = b->key.hole_bytes;
    return memcmp(&key, &b->key, sizeof key) == 0;
}

static void count_examples(const struct plan *plan, uint32_t *examples) {
    const uint32_t *same = plan->network->same_numbers;
    for (uint32_t i = 0; same != NULL && i < plan->network->layer_count; i++)
        if (same[i] != PLAN_NONE && is_alike(class_of(plan, same[i]), class_of(plan, i))) examples[i] = examples[same[i]] + 1;
}

void trial_choose(struct plan *plan) {
    uint32_t count = plan->network->layer_count;
    struct choices choices = {.list = QM_ARENA_NEW(plan->arena, struct choice, count), .cuts = QM_ARENA_NEW(plan->arena, uint32_t, count)};
    choices.examples = QM_ARENA_NEW(plan->arena, uint32_t, count);
    choices.index.arena = plan->arena;
    count_examples(plan, choices.examples);
    for (uint32_t layer = 0; layer < count; layer++) {
        const struct layer_class *class = class_of(plan, layer);
        if (class->cut_count < 2) continue;
        uint32_t before = cut_before(plan, layer, &choices);
        choices.cuts[layer] = before != PLAN_NONE ? before : choose_cut(plan, layer, &choices);
        plan->layers[layer].tiling = class->cuts[choices.cuts[layer]].tiling;
    }
}
