/* The front of points made by hand. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "common/prng.h"
#include "explore/explore.h"

TestSuite(explore_front);

static struct point at(double seconds, double energy_pj) {
    struct point point = {.state = POINT_OK};
    point.figures[POINT_SECONDS] = seconds;
    point.figures[POINT_ENERGY_PJ] = energy_pj;
    return point;
}

Test(explore_front, has_no_point_that_another_beats_in_both) {
    /*                          front      beaten     front      beaten     front      as 4 but slower  as 2 but costlier */
    struct point points[] = {at(5, 10), at(6, 11), at(2, 30), at(5, 31), at(9, 4), at(10, 4), at(2, 40)};
    static const uint64_t want[] = {2, 0, 4};
    uint64_t front[7];
    cr_assert(eq(u64, point_front(points, 7, front), 3));
    for (int i = 0; i < 3; i++) cr_expect(eq(u64, front[i], want[i]));
    for (uint64_t i = 0; i < 7; i++) cr_expect(points[i].is_front == (i == 0 || i == 2 || i == 4));
}

Test(explore_front, equal_points_are_on_it_together) {
    struct point points[] = {at(2, 3), at(1, 5), at(2, 3), at(2, 4)};
    uint64_t front[4];
    cr_assert(eq(u64, point_front(points, 4, front), 3));
    cr_expect(eq(u64, front[0], 1));
    cr_expect(eq(u64, front[1], 0));
    cr_expect(eq(u64, front[2], 2));
}

Test(explore_front, points_without_figures_are_never_on_it) {
    struct point points[] = {at(0, 0), at(0, 0), at(0, 0), at(0, 0), at(3, 3)};
    static const enum point_state states[] = {POINT_WAITS, POINT_RUNS, POINT_IMPOSSIBLE, POINT_FAULT, POINT_OK};
    uint64_t front[5];
    for (int i = 0; i < 5; i++) points[i].state = states[i];
    cr_assert(eq(u64, point_front(points, 5, front), 1));
    cr_assert(eq(u64, front[0], 4));
    cr_assert(eq(u64, point_front(points, 4, front), 0));
}

/* By the definition: no other point is as good in both and better in one. */
static bool is_best(const struct point *points, int count, int index) {
    const double *mine = points[index].figures;
    for (int i = 0; i < count; i++) {
        const double *other = points[i].figures;
        double seconds = other[POINT_SECONDS] - mine[POINT_SECONDS], energy = other[POINT_ENERGY_PJ] - mine[POINT_ENERGY_PJ];
        if (seconds <= 0 && energy <= 0 && seconds + energy < 0) return false;
    }
    return true;
}

Test(explore_front, is_the_definition_on_random_points_with_many_ties) {
    enum { COUNT = 40 };
    struct qm_prng prng;
    qm_prng_init(&prng, 1);
    for (int round = 0; round < 200; round++) {
        struct point points[COUNT];
        uint64_t front[COUNT];
        for (int i = 0; i < COUNT; i++) points[i] = at((double)(qm_prng_next(&prng) % 12), (double)(qm_prng_next(&prng) % 12));
        point_front(points, COUNT, front);
        for (int i = 0; i < COUNT; i++) cr_assert(points[i].is_front == is_best(points, COUNT, i), "seed 1, round %d, point %d", round, i);
    }
}
