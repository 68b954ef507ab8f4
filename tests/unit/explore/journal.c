/* journal.c - what is read again of journals that are whole, cut at every byte, spoilt, or of another sweep. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "explore/explore.h"

enum { POINTS = 6 };
static char file[64]; /* of the test's own process, for tests run at the same time */
static const struct qm_digest sweep = {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
static struct qm_diag diag;

static void name_file(void) {
    snprintf(file, sizeof file, "build/unit-journal-%ld.tmp", (long)getpid());
}
static void remove_file(void) {
    unlink(file);
}
TestSuite(explore_journal, .init = name_file, .fini = remove_file);

static struct point point_of(uint64_t index) {
    struct point point = {.state = index == 2 ? POINT_IMPOSSIBLE : POINT_OK, .may_overflow = index == 3};
    point.figures[QM_FIGURE_cycles] = 0.1 * (double)(index + 1);
    point.energy.origins[QM_ENERGY_ORIGINS_MAX - 1].down_pj = (double)index;
    snprintf(point.why.text, sizeof point.why.text, index == 2 ? "it is too small" : "");
    return point;
}

static uint64_t open_it(struct journal *journal, struct point *points) {
    uint64_t known;
    memset(points, 0, POINTS * sizeof *points);
    cr_assert(journal_open(journal, file, &sweep, points, POINTS, &known, &diag) == QM_OK, "%s", diag.text);
    return known;
}

/* Writes points 4, 2 and 0, in that order. */
static void write_three(void) {
    struct journal journal;
    struct point points[POINTS];
    cr_assert(eq(u64, open_it(&journal, points), 0));
    for (uint64_t i = 6; i > 0; i -= 2) {
        struct point point = point_of(i - 2);
        cr_assert(journal_add(&journal, i - 2, &point, &diag) == QM_OK, "%s", diag.text);
    }
    journal_close(&journal);
}

static bool is_there(const struct point *points, uint64_t index) {
    struct point want = point_of(index);
    return memcmp(&points[index], &want, sizeof want) == 0;
}

Test(explore_journal, gives_back_the_points_and_goes_on) {
    struct journal journal;
    struct point points[POINTS], more = point_of(3);
    write_three();
    cr_assert(eq(u64, open_it(&journal, points), 3));
    for (uint64_t i = 0; i < POINTS; i++) cr_expect(i % 2 == 0 ? is_there(points, i) : points[i].state == POINT_WAITS, "point %d", (int)i);
    cr_assert(journal_add(&journal, 3, &more, &diag) == QM_OK);
    journal_close(&journal);
    cr_assert(eq(u64, open_it(&journal, points), 4));
    cr_expect(is_there(points, 3));
    journal_close(&journal);
}

/* A file cut anywhere has the points that are whole in it, and takes the others again behind them. */
Test(explore_journal, cut_anywhere_has_what_is_whole) {
    uint8_t *bytes;
    size_t size;
    uint64_t last = 0;
    write_three();
    cr_assert(qm_file_read(file, 1 << 20, &bytes, &size, &diag) == QM_OK);
    for (size_t cut = 0; cut <= size; cut++) {
        struct journal journal;
        struct point points[POINTS], more = point_of(1);
        cr_assert(qm_file_write(file, bytes, cut, &diag) == QM_OK);
        uint64_t known = open_it(&journal, points);
        cr_assert(known >= last && known <= last + 1, "%zu bytes: %d points", cut, (int)known);
        cr_assert(journal_add(&journal, 1, &more, &diag) == QM_OK);
        journal_close(&journal);
        cr_assert(eq(u64, open_it(&journal, points), known + 1), "%zu bytes", cut);
        journal_close(&journal);
        last = known;
    }
    cr_expect(eq(u64, last, 3));
    free(bytes);
}

Test(explore_journal, a_spoilt_point_and_those_behind_it_are_dropped) {
    uint8_t *bytes;
    size_t size;
    struct journal journal;
    struct point points[POINTS];
    write_three();
    cr_assert(qm_file_read(file, 1 << 20, &bytes, &size, &diag) == QM_OK);
    bytes[size / 2] ^= 1;
    cr_assert(qm_file_write(file, bytes, size, &diag) == QM_OK);
    free(bytes);
    cr_assert(eq(u64, open_it(&journal, points), 1));
    cr_expect(is_there(points, 4));
    journal_close(&journal);
}

Test(explore_journal, refuses_another_sweep_and_another_file_and_leaves_them) {
    struct journal journal;
    struct point points[POINTS] = {0};
    struct qm_digest other = sweep;
    uint64_t known;
    other.text[63] = '0';
    write_three();
    cr_expect(eq(int, journal_open(&journal, file, &other, points, POINTS, &known, &diag), QM_BAD_INPUT));
    cr_expect(strstr(diag.text, "another sweep") != NULL, "%s", diag.text);
    cr_expect(eq(u64, open_it(&journal, points), 3));
    journal_close(&journal);
    cr_assert(qm_file_write(file, "a,b\n", 4, &diag) == QM_OK);
    cr_expect(eq(int, journal_open(&journal, file, &sweep, points, POINTS, &known, &diag), QM_BAD_INPUT));
}
