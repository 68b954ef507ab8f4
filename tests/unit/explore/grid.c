/* grid.c - grids against machines counted by hand. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "explore/explore.h"

TestSuite(explore_grid);

static struct qm_diag diag;

static void add(struct grid *grid, const char *text, struct qm_arena *arena) {
    cr_assert(grid_add_axis(grid, text, arena, &diag) == QM_OK, "%s", diag.text);
}

Test(explore_grid, without_axes_is_the_base) {
    struct grid grid;
    struct place place;
    grid_init(&grid);
    grid.base.rows = 7;
    cr_assert(eq(u64, grid_count(&grid), 1));
    grid_place(&grid, 0, &place);
    cr_assert(memcmp(&place.machine, &grid.base, sizeof grid.base) == 0);
}

Test(explore_grid, the_last_axis_moves_fastest_and_other_knobs_stay) {
    static const uint32_t want[6][2] = {{8, 1}, {8, 2}, {8, 5}, {3, 1}, {3, 2}, {3, 5}}; /* rows, clock_mhz */
    struct qm_arena *arena = qm_arena_create();
    struct grid grid;
    grid_init(&grid);
    grid.base.cols = 9;
    add(&grid, "rows=8,3", arena);
    add(&grid, "clock_mhz=1,2,5", arena);
    cr_assert(eq(u64, grid_count(&grid), 6));
    for (uint64_t i = 0; i < 6; i++) {
        struct place place;
        grid_place(&grid, i, &place);
        cr_expect(eq(u32, place.machine.rows, want[i][0]));
        cr_expect(eq(u32, place.machine.clock_mhz, want[i][1]));
        cr_expect(eq(u32, place.machine.cols, 9));
        cr_expect(eq(u32, place.machine.scratchpad_bytes, 262144));
    }
    qm_arena_destroy(arena);
}

Test(explore_grid, refuses_what_is_no_axis_and_names_it) {
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"rows", "write knob=value,value"}, {"rows=", "a value is missing"},       {"rows=8,", "a value is missing"},
        {"rows=,8", "a value is missing"},  {"rows=8,,9", "a value is missing"},   {"rosw=8", "unknown knob 'rosw'"},
        {"=8", "unknown knob ''"},          {"rows=8,0", "not between 1 and 256"}, {"rows=8,257", "not between 1 and 256"},
        {"rows=8,x", "not a whole number"}, {"rows=8,16,8", "8 is given twice"},   {"scratchpad_bytes=1024,3000", "power of two"},
        {"rows=8,08", "8 is given twice"},  {"rows=-1", "not a whole number"},     {"cols=4", "there is an axis cols already"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct qm_arena *arena = qm_arena_create();
        struct grid grid;
        grid_init(&grid);
        add(&grid, "cols=4,8", arena);
        cr_expect(eq(int, grid_add_axis(&grid, cases[i].text, arena, &diag), QM_BAD_INPUT), "%s", cases[i].text);
        cr_expect(strstr(diag.text, cases[i].words) != NULL, "%s: %s", cases[i].text, diag.text);
        cr_expect(eq(u64, grid_count(&grid), 2), "%s", cases[i].text);
        qm_arena_destroy(arena);
    }
}

Test(explore_grid, precisions_move_slowest_then_prices) {
    static const uint32_t want[8][3] = {{0, 0, 8}, {0, 0, 3}, {0, 1, 8}, {0, 1, 3}, {1, 0, 8}, {1, 0, 3}, {1, 1, 8}, {1, 1, 3}};
    struct qm_arena *arena = qm_arena_create();
    struct grid grid;
    grid_init(&grid);
    add(&grid, "rows=8,3", arena);
    grid.axes[GRID_PRECISION].count = grid.axes[GRID_ENERGY].count = 2;
    cr_assert(eq(u64, grid_count(&grid), 8));
    for (uint64_t i = 0; i < 8; i++) {
        struct place place;
        grid_place(&grid, i, &place);
        cr_expect(eq(u32, place.precision, want[i][0]));
        cr_expect(eq(u32, place.energy, want[i][1]));
        cr_expect(eq(u32, place.machine.rows, want[i][2]));
    }
    qm_arena_destroy(arena);
}

/* 256^8 = 2^64 would wrap around to 0. */
Test(explore_grid, counting_does_not_wrap_around) {
    static const char *const knobs[] = {"rows", "cols", "clock_mhz", "dram_latency", "dram_queue"};
    struct qm_arena *arena = qm_arena_create();
    char values[2000] = "1";
    struct grid grid;
    grid_init(&grid);
    for (int i = 2; i <= 256; i++) snprintf(values + strlen(values), sizeof values - strlen(values), ",%d", i);
    for (size_t i = 0; i < sizeof knobs / sizeof *knobs; i++) add(&grid, qm_arena_printf(arena, "%s=%s", knobs[i], values), arena);
    for (uint32_t i = 0; i < 3; i++) grid.axes[grid.axis_count++] = grid.axes[GRID_KNOBS + i];
    cr_assert(gt(u64, grid_count(&grid), POINTS_MAX));
    qm_arena_destroy(arena);
}
