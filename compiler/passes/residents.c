/* residents.c - which maps are live at the same time is asked of a tree over the values in the order of their first layers. A node knows
 * the latest last layer of the values below it, so that the time of an answer depends on its length and not on the network's.
 */
#include "compiler/passes/residents.h"

#include <stdlib.h>
#include <string.h>

enum { DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS, ADDRESS_BITS = 24 }; /* scratchpads have at most 16 MiB */

struct residents {
    struct plan *plan;
    uint32_t count, leaf_count;
    struct plan_value **by_begin; /* [count] in the order of first_layer */
    uint32_t *latest; /* [2 * leaf_count] heap: last_layer + 1 of the residents below a node, 0: none; leaf i is leaf_count + i */
    uint32_t *leaf;   /* [value_count] of a value */
    struct plan_value **by_size;        /* [count] the largest first */
    uint32_t *rank;                     /* [value_count] place in by_size */
    uint8_t *dirty;                     /* [count] by rank: something that it has to give way to has moved */
    struct plan_value **found, **spare; /* [count] */
    uint32_t found_count;
    uint64_t moves;
};

struct span {
    uint32_t first, last; /* layers */
};

static uint32_t index_of(const struct residents *r, const struct plan_value *value) {
    return (uint32_t)(value - r->plan->values);
}

static uint32_t rank_of(const struct residents *r, const struct plan_value *value) {
    return r->rank[index_of(r, value)];
}

static struct span liveness_of(const struct plan_value *value) {
    return (struct span){value->first_layer, value->last_layer};
}

/* ---- liveness ---- */

static void set_leaf(struct residents *r, uint32_t leaf, uint32_t latest) {
    uint32_t node = r->leaf_count + leaf;
    r->latest[node] = latest;
    while ((node /= 2) > 0) r->latest[node] = plan_max(r->latest[2 * node], r->latest[2 * node + 1]);
}

/* node covers the leaves from begin on. */
static void collect(struct residents *r, uint32_t node, uint32_t begin, uint32_t size, const struct span *span) {
    if (begin >= r->count || r->latest[node] <= span->first || r->by_begin[begin]->first_layer > span->last) return;
    if (size == 1) {
        r->found[r->found_count++] = r->by_begin[begin];
        return;
    }
    collect(r, 2 * node, begin, size / 2, span);
    collect(r, 2 * node + 1, begin + size / 2, size / 2, span);
}

static void find_live(struct residents *r, struct span span) {
    r->found_count = 0;
    collect(r, 1, 0, r->leaf_count, &span);
}

/* ---- where ---- */

/* By address, digit after digit. */
static void sort_found(struct residents *r) {
    for (uint32_t shift = 0; shift < ADDRESS_BITS && r->found_count > 1; shift += DIGIT_BITS) {
        uint32_t starts[DIGITS + 1] = {0};
        for (uint32_t i = 0; i < r->found_count; i++) starts[(r->found[i]->address >> shift) % DIGITS + 1]++;
        for (uint32_t digit = 0; digit < DIGITS; digit++) starts[digit + 1] += starts[digit];
        for (uint32_t i = 0; i < r->found_count; i++) r->spare[starts[(r->found[i]->address >> shift) % DIGITS]++] = r->found[i];
        struct plan_value **sorted = r->spare;
        r->spare = r->found;
        r->found = sorted;
    }
}

/* The lowest address at which the value overlaps none of those before it in by_size. */
static uint64_t lowest_address(struct residents *r, const struct plan_value *value) {
    uint32_t kept = 0;
    uint64_t address = 0;
    find_live(r, liveness_of(value));
    for (uint32_t i = 0; i < r->found_count; i++)
        if (rank_of(r, r->found[i]) < rank_of(r, value)) r->found[kept++] = r->found[i];
    r->found_count = kept;
    sort_found(r);
    for (uint32_t i = 0; i < r->found_count && r->found[i]->address < address + value->bytes; i++)
        if ((uint64_t)r->found[i]->address + r->found[i]->bytes > address) address = (uint64_t)r->found[i]->address + r->found[i]->bytes;
    return address;
}

static void forget(struct residents *r, struct plan_value *value) {
    value->resident = false;
    set_leaf(r, r->leaf[index_of(r, value)], 0);
}

static void place(struct residents *r, struct plan_value *value) {
    uint64_t address = lowest_address(r, value);
    value->address = (uint32_t)address;
    if (address + value->bytes > r->plan->machine->scratchpad_bytes) forget(r, value);
}

/* ---- making ---- */

/* The largest first; of equals the earliest. */
static int by_size(const void *a, const void *b) {
    const struct plan_value *const *left = a, *const *right = b;
    if ((*left)->bytes != (*right)->bytes) return (*left)->bytes > (*right)->bytes ? -1 : 1;
    return *left < *right ? -1 : 1;
}

static int by_begin(const void *a, const void *b) {
    const struct plan_value *const *left = a, *const *right = b;
    if ((*left)->first_layer != (*right)->first_layer) return (*left)->first_layer < (*right)->first_layer ? -1 : 1;
    return *left < *right ? -1 : 1;
}

static void list_residents(struct residents *r) {
    struct plan *plan = r->plan;
    for (uint32_t i = 0; i < plan->network->value_count; i++)
        if (plan->values[i].resident) r->by_size[r->count] = r->by_begin[r->count] = &plan->values[i], r->count++;
    qsort(r->by_size, r->count, sizeof(*r->by_size), by_size);
    qsort(r->by_begin, r->count, sizeof(*r->by_begin), by_begin);
    for (r->leaf_count = 1; r->leaf_count < r->count;) r->leaf_count *= 2;
    r->latest = QM_ARENA_NEW(plan->arena, uint32_t, 2 * r->leaf_count);
    for (uint32_t i = 0; i < r->count; i++) {
        r->rank[index_of(r, r->by_size[i])] = i;
        r->leaf[index_of(r, r->by_begin[i])] = i;
        set_leaf(r, i, r->by_begin[i]->last_layer + 1);
    }
}

struct residents *residents_create(struct plan *plan) {
    uint32_t room = plan->network->value_count;
    struct residents *r = QM_ARENA_NEW(plan->arena, struct residents, 1);
    *r = (struct residents){.plan = plan,
                            .by_begin = QM_ARENA_NEW(plan->arena, struct plan_value *, room),
                            .by_size = QM_ARENA_NEW(plan->arena, struct plan_value *, room),
                            .found = QM_ARENA_NEW(plan->arena, struct plan_value *, room),
                            .spare = QM_ARENA_NEW(plan->arena, struct plan_value *, room),
                            .leaf = QM_ARENA_NEW(plan->arena, uint32_t, room),
                            .rank = QM_ARENA_NEW(plan->arena, uint32_t, room),
                            .dirty = QM_ARENA_NEW(plan->arena, uint8_t, room)};
    list_residents(r);
    for (uint32_t i = 0; i < r->count; i++) place(r, r->by_size[i]);
    return r;
}

/* ---- asking and changing ---- */

struct plan_value *residents_largest(struct residents *r, uint32_t layer) {
    struct plan_value *largest = NULL;
    find_live(r, (struct span){layer, layer});
    for (uint32_t i = 0; i < r->found_count; i++)
        if (largest == NULL || rank_of(r, r->found[i]) < rank_of(r, largest)) largest = r->found[i];
    return largest;
}

uint32_t residents_live(struct residents *r, uint32_t first_layer, uint32_t last_layer, struct plan_value *const **found) {
    find_live(r, (struct span){first_layer, last_layer});
    *found = r->found;
    return r->found_count;
}

uint64_t residents_moves(const struct residents *r) {
    return r->moves;
}

uint32_t residents_hole(struct residents *r, uint32_t layer) {
    uint32_t largest = 0, end = 0;
    find_live(r, (struct span){layer, layer});
    sort_found(r);
    for (uint32_t i = 0; i < r->found_count; i++) {
        largest = plan_max(largest, r->found[i]->address - end);
        end = r->found[i]->address + r->found[i]->bytes;
    }
    return plan_max(largest, r->plan->machine->scratchpad_bytes - end);
}

/* The value has moved or gone: its layers see it, and those after it in by_size must look again. Returns how many more have to. */
static uint32_t see_change(struct residents *r, const struct plan_value *value) {
    uint32_t more = 0;
    for (uint32_t layer = value->first_layer; layer <= value->last_layer; layer++) r->plan->layers[layer].hole_bytes = PLAN_NONE;
    find_live(r, liveness_of(value));
    for (uint32_t i = 0; i < r->found_count; i++) {
        uint32_t rank = rank_of(r, r->found[i]);
        if (rank <= rank_of(r, value) || r->dirty[rank]) continue;
        r->dirty[rank] = 1;
        more++;
    }
    return more;
}

uint32_t residents_spill(struct residents *r, struct plan_value *value) {
    uint32_t first = value->first_layer, rank = rank_of(r, value);
    forget(r, value);
    for (uint32_t left = see_change(r, value); left > 0; left--) {
        const uint8_t *next = memchr(r->dirty + rank, 1, r->count - rank);
        rank = (uint32_t)(next - r->dirty);
        r->dirty[rank] = 0;
        struct plan_value *other = r->by_size[rank];
        uint32_t before = other->address;
        place(r, other);
        r->moves++;
        if (other->resident && other->address == before) continue;
        first = plan_min(first, other->first_layer);
        left += see_change(r, other);
    }
    return first;
}
