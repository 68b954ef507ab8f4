/* residents.c - the residents that the pass keeps up to date against their definition, worked out from the beginning each time. */
#include "compiler/passes/residents.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "common/prng.h"

enum { VALUES = 60, LAYERS = 40, ROUNDS = 200 };

struct world {
    struct qm_network network;
    struct qm_machine machine;
    struct plan plan;
    struct plan_value values[VALUES], naive[VALUES];
    struct plan_layer layers[LAYERS];
};

TestSuite(residents);

static bool together(const struct plan_value *a, const struct plan_value *b) {
    return a->first_layer <= b->last_layer && b->first_layer <= a->last_layer;
}

static bool before(const struct plan_value *a, const struct plan_value *b) {
    return a->bytes != b->bytes ? a->bytes > b->bytes : a < b;
}

static bool is_free(const struct world *w, const struct plan_value *value, uint32_t address) {
    for (const struct plan_value *other = w->naive; other < w->naive + VALUES; other++) {
        if (!other->resident || !before(other, value) || !together(other, value)) continue;
        if (address < other->address + other->bytes && other->address < address + value->bytes) return false;
    }
    return true;
}

static void place_naively(struct world *w) {
    bool placed[VALUES] = {false};
    for (int i = 0; i < VALUES; i++) {
        struct plan_value *next = NULL;
        for (struct plan_value *value = w->naive; value < w->naive + VALUES; value++)
            if (!placed[value - w->naive] && (next == NULL || before(value, next))) next = value;
        placed[next - w->naive] = true;
        for (next->address = 0; next->resident && !is_free(w, next, next->address);) next->address++;
        if (next->address + next->bytes > w->machine.scratchpad_bytes) next->resident = false;
    }
}

static uint32_t hole_naively(const struct world *w, uint32_t layer) {
    uint32_t largest = 0, run = 0;
    for (uint32_t at = 0; at < w->machine.scratchpad_bytes; at++) {
        bool taken = false;
        for (const struct plan_value *v = w->naive; v < w->naive + VALUES; v++)
            if (v->resident && v->first_layer <= layer && layer <= v->last_layer)
                taken = taken || (v->address <= at && at < v->address + v->bytes);
        run = taken ? 0 : run + 1;
        largest = plan_max(largest, run);
    }
    return largest;
}

static void equal(struct world *w, struct residents *residents, uint64_t seed) {
    for (int i = 0; i < VALUES; i++) {
        cr_assert(w->values[i].resident == w->naive[i].resident, "seed %llu value %d", (unsigned long long)seed, i);
        cr_assert(w->values[i].resident == false || w->values[i].address == w->naive[i].address, "seed %llu value %d: %u, not %u",
                  (unsigned long long)seed, i, w->values[i].address, w->naive[i].address);
    }
    for (uint32_t layer = 0; layer < LAYERS; layer++) {
        uint32_t known = w->layers[layer].hole_bytes, hole = residents_hole(residents, layer);
        cr_assert(known == PLAN_NONE || known == hole, "seed %llu layer %u: a change was not seen", (unsigned long long)seed, layer);
        w->layers[layer].hole_bytes = hole;
        cr_assert(eq(u32, hole, hole_naively(w, layer)), "seed %llu layer %u", (unsigned long long)seed, layer);
    }
}

static void draw(struct world *w, struct qm_prng *prng, struct qm_arena *arena) {
    memset(w, 0, sizeof *w);
    w->network.value_count = VALUES;
    w->network.layer_count = LAYERS;
    w->machine.scratchpad_bytes = 256;
    w->plan = (struct plan){.network = &w->network, .machine = &w->machine, .values = w->values, .layers = w->layers, .arena = arena};
    for (int i = 0; i < VALUES; i++) {
        struct plan_value *value = &w->values[i];
        value->first_layer = (uint32_t)(qm_prng_next(prng) % LAYERS);
        value->last_layer = plan_min(LAYERS - 1, value->first_layer + (uint32_t)(qm_prng_next(prng) % 6));
        value->bytes = 1 + (uint32_t)(qm_prng_next(prng) % 60);
        value->resident = qm_prng_next(prng) % 8 != 0;
    }
    for (int i = 0; i < LAYERS; i++) w->layers[i].hole_bytes = PLAN_NONE;
}

Test(residents, lie_where_a_new_start_would_put_them) {
    static struct world w;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct qm_prng prng;
        struct qm_arena *arena = qm_arena_create();
        qm_prng_init(&prng, seed);
        draw(&w, &prng, arena);
        memcpy(w.naive, w.values, sizeof w.naive);
        struct residents *residents = residents_create(&w.plan);
        place_naively(&w);
        equal(&w, residents, seed);
        for (uint32_t layer = 0; layer < LAYERS; layer += 5) {
            struct plan_value *largest = residents_largest(residents, layer);
            if (largest == NULL) continue;
            residents_spill(residents, largest);
            w.naive[largest - w.values].resident = false;
            place_naively(&w);
            equal(&w, residents, seed);
        }
        qm_arena_destroy(arena);
    }
}
