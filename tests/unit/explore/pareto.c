/* pareto.c - the Pareto front of points made by hand. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "common/prng.h"
#include "explore/explore.h"

TestSuite(explore_pareto);

static struct point at(double seconds, double energy_pj) {
    struct point point = {.state = POINT_OK};
    point.figures[QM_FIGURE_seconds] = seconds;
    point.figures[QM_FIGURE_energy_pj] = energy_pj;
    return point;
}

Test(explore_pareto, has_no_point_that_another_beats_in_both) {
    /*                          on it      beaten     on it      beaten     on it      as 4 but slower  as 2 but costlier */
    struct point points[] = {at(5, 10), at(6, 11), at(2, 30), at(5, 31), at(9, 4), at(10, 4), at(2, 40)};
    static const uint64_t want[] = {2, 0, 4};
    uint64_t pareto[7];
    cr_assert(eq(u64, point_pareto(points, 7, false, pareto), 3));
    for (int i = 0; i < 3; i++) cr_expect(eq(u64, pareto[i], want[i]));
    for (uint64_t i = 0; i < 7; i++) cr_expect(points[i].is_pareto == (i == 0 || i == 2 || i == 4));
}

Test(explore_pareto, equal_points_are_on_it_together) {
    struct point points[] = {at(2, 3), at(1, 5), at(2, 3), at(2, 4)};
    uint64_t pareto[4];
    cr_assert(eq(u64, point_pareto(points, 4, false, pareto), 3));
    cr_expect(eq(u64, pareto[0], 1));
    cr_expect(eq(u64, pareto[1], 0));
    cr_expect(eq(u64, pareto[2], 2));
}

Test(explore_pareto, points_without_figures_are_never_on_it) {
    struct point points[] = {at(0, 0), at(0, 0), at(0, 0), at(0, 0), at(3, 3)};
    static const enum point_state states[] = {POINT_WAITS, POINT_RUNS, POINT_IMPOSSIBLE, POINT_FAULT, POINT_OK};
    uint64_t pareto[5];
    for (int i = 0; i < 5; i++) points[i].state = states[i];
    cr_assert(eq(u64, point_pareto(points, 5, false, pareto), 1));
    cr_assert(eq(u64, pareto[0], 4));
    cr_assert(eq(u64, point_pareto(points, 4, false, pareto), 0));
}

Test(explore_pareto, points_that_may_overflow_are_on_it_when_that_is_allowed) {
    struct point points[] = {at(1, 1), at(2, 3), at(3, 2)};
    uint64_t pareto[3];
    points[0].may_overflow = true;
    cr_assert(eq(u64, point_pareto(points, 3, false, pareto), 2));
    cr_expect(eq(u64, pareto[0], 1));
    cr_expect(not(points[0].is_pareto));
    cr_assert(eq(u64, point_pareto(points, 3, true, pareto), 1));
    cr_expect(eq(u64, pareto[0], 0));
}

/* Prices of the first origin may be up to a tenth off. */
static struct point priced(double seconds, double of_first, double of_second) {
    struct point point = at(seconds, of_first + of_second);
    point.energy.total.nominal_pj = of_first + of_second;
    point.energy.origins[0] = (struct qm_energy_deviation){of_first / 10, of_first / 10};
    return point;
}

Test(explore_pareto, points_that_the_prices_cannot_tell_apart_are_marked) {
    /*                       first              on it, a little less  not on it            nor this */
    struct point points[] = {priced(1, 10, 90), priced(2, 20, 79), priced(3, 22, 85), priced(4, 10, 120)};
    uint64_t pareto[4];
    cr_assert(eq(u64, point_pareto(points, 4, false, pareto), 2));
    cr_expect(not(points[0].is_undecided)); /* nothing is as fast */
    cr_expect(points[1].is_undecided);      /* 99 of 100, and 101 of 101 */
    cr_expect(not(points[2].is_undecided)); /* 107 of 99, and 104.8 of 97 */
    cr_expect(not(points[3].is_undecided));
}

/* By the definition: no other point is as good in both and better in one. */
static bool is_best(const struct point *points, int count, int index) {
    const double *mine = points[index].figures;
    for (int i = 0; i < count; i++) {
        const double *other = points[i].figures;
        double seconds = other[QM_FIGURE_seconds] - mine[QM_FIGURE_seconds],
               energy = other[QM_FIGURE_energy_pj] - mine[QM_FIGURE_energy_pj];
        if (seconds <= 0 && energy <= 0 && seconds + energy < 0) return false;
    }
    return true;
}

Test(explore_pareto, is_the_definition_on_random_points_with_many_ties) {
    enum { COUNT = 40 };
    struct qm_prng prng;
    qm_prng_init(&prng, 1);
    for (int round = 0; round < 200; round++) {
        struct point points[COUNT];
        uint64_t pareto[COUNT];
        for (int i = 0; i < COUNT; i++) points[i] = at((double)(qm_prng_next(&prng) % 12), (double)(qm_prng_next(&prng) % 12));
        point_pareto(points, COUNT, false, pareto);
        for (int i = 0; i < COUNT; i++) cr_assert(points[i].is_pareto == is_best(points, COUNT, i), "seed 1, round %d, point %d", round, i);
    }
}
