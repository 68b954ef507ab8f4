/* move_axes.c - lists of places to loops.
 *
 * An axis is cut into stretches: entries at equal distances, up in the output and up or down in the input. Where a list repeats itself
 * every p entries, as blocks and scaled maps do, each of the p lists of every pth entry is cut by itself. Stretches of one length and
 * distance are a group, and lie at the group's places; when these are at equal distances, too, they are one more loop. A move takes one
 * group of each axis, and all combinations of their places.
 */
#include "compiler/passes/move_axes.h"

#include "common/status.h"

enum { PERIOD_MAX = 64, GROUPS_MAX = 4 };

/* ---- nests of loops ---- */

void move_add_loop(struct qm_move *move, struct qm_move_loop loop) {
    if (loop.count == 1) return;
    struct qm_move_loop *outer = move->loop_count > 0 ? &move->loops[move->loop_count - 1] : NULL;
    bool follows = outer != NULL && outer->in == loop.count * loop.in && outer->out == loop.count * loop.out;
    if (follows && outer->down == loop.down)
        *outer = (struct qm_move_loop){outer->count * loop.count, loop.in, loop.out, loop.down};
    else
        move->loops[move->loop_count++] = loop;
}

void move_close_loops(struct qm_move *move) {
    const struct qm_move_loop *inner = move->loop_count > 0 ? &move->loops[move->loop_count - 1] : NULL;
    move->contiguous_bytes = 1;
    if (inner == NULL || inner->in != 1 || inner->out != 1 || inner->down) return;
    move->contiguous_bytes = inner->count;
    move->loop_count--;
}

/* ---- stretches ---- */

/* Every `period`th entry of an axis, from one on. */
struct entries {
    const struct qm_move_place *at;
    uint32_t count, period;
};

static struct qm_move_place entry(const struct entries *e, uint32_t i) {
    return e->at[(size_t)i * e->period];
}

/* Whether the step from entry i to the next goes down in the input. */
static bool steps_down(const struct entries *e, uint32_t i) {
    return entry(e, i + 1).in < entry(e, i).in;
}

/* Whether the steps from entry i to the next two are alike, and go up in the output. */
static bool is_even(const struct entries *e, uint32_t i) {
    struct qm_move_place a = entry(e, i), b = entry(e, i + 1), c = entry(e, i + 2);
    return b.in - a.in == c.in - b.in && steps_down(e, i) == steps_down(e, i + 1) && b.out - a.out == c.out - b.out && b.out >= a.out;
}

/* How many entries from entry i on are at equal distances. Two alone are left apart when a longer stretch begins with the second, and
 * when they go down and are not all. */
static uint32_t stretch(const struct entries *e, uint32_t i) {
    uint32_t end = i + 2;
    if (i + 1 >= e->count || entry(e, i + 1).out < entry(e, i).out) return 1;
    while (end < e->count && is_even(e, end - 2)) end++;
    if (end > i + 2) return end - i;
    bool begins_next = end + 1 < e->count && is_even(e, i + 1);
    return begins_next || (steps_down(e, i) && e->count > 2) ? 1 : 2;
}

/* The loop over so many entries from entry i on. */
static struct qm_move_loop loop_over(const struct entries *e, uint32_t i, uint32_t count) {
    struct qm_move_place a = entry(e, i), b = entry(e, count > 1 ? i + 1 : i);
    bool down = b.in < a.in;
    return (struct qm_move_loop){count, down ? a.in - b.in : b.in - a.in, b.out - a.out, down};
}

/* Where it begins: the nearest byte in both maps. */
static struct qm_move_place place_of(const struct entries *e, uint32_t i, const struct qm_move_loop *loop) {
    return (struct qm_move_place){entry(e, loop->down ? i + loop->count - 1 : i).in, entry(e, i).out};
}

static struct entries every(const struct move_axis *axis, uint32_t period, uint32_t first) {
    return (struct entries){axis->at + first, (axis->count - first + period - 1) / period, period};
}

static uint32_t count_stretches(const struct move_axis *axis, uint32_t period) {
    uint32_t stretches = 0;
    for (uint32_t first = 0; first < period; first++) {
        struct entries e = every(axis, period, first);
        for (uint32_t i = 0; i < e.count; i += stretch(&e, i)) stretches++;
    }
    return stretches;
}

/* The period with the fewest stretches. */
static uint32_t best_period(const struct move_axis *axis) {
    uint32_t best = 1, least = count_stretches(axis, 1);
    for (uint32_t period = 2; period <= PERIOD_MAX && 2 * period <= axis->count && least > 1; period++) {
        uint32_t stretches = period < least ? count_stretches(axis, period) : least;
        if (stretches < least) least = stretches, best = period;
    }
    return best;
}

/* ---- groups ---- */

/* Stretches that are alike, and where they begin. */
struct group {
    struct qm_move_loop loop;
    uint32_t place_count;
    struct qm_move_place *places;
    struct qm_move_loop outer; /* once the places are at equal distances: over them */
};

struct groups {
    uint32_t count;
    struct group list[GROUPS_MAX];
};

static struct group *find_group(struct groups *groups, struct qm_move_loop loop) {
    for (uint32_t i = 0; i < groups->count; i++) {
        const struct qm_move_loop *own = &groups->list[i].loop;
        bool alike = own->count == loop.count && own->in == loop.in && own->out == loop.out && own->down == loop.down;
        if (alike) return &groups->list[i];
    }
    return NULL;
}

/* False: there would be too many groups. */
static bool add_stretch(struct groups *groups, const struct move_axis *axis, const struct entries *e, uint32_t i, uint32_t count,
                        struct qm_arena *arena) {
    struct qm_move_loop loop = loop_over(e, i, count);
    struct group *group = find_group(groups, loop);
    if (group == NULL) {
        if (groups->count == GROUPS_MAX) return false;
        group = &groups->list[groups->count++];
        *group = (struct group){.loop = loop, .outer = {.count = 1}};
        group->places = QM_ARENA_NEW(arena, struct qm_move_place, axis->count / count + 1);
    }
    group->places[group->place_count++] = place_of(e, i, &loop);
    return true;
}

/* Places at equal distances are one place and a loop. */
static void close_group(struct group *group) {
    struct entries e = {group->places, group->place_count, 1};
    if (group->place_count == 1 || stretch(&e, 0) != group->place_count) return;
    group->outer = loop_over(&e, 0, group->place_count);
    group->places[0] = place_of(&e, 0, &group->outer);
    group->place_count = 1;
}

static bool group_stretches(const struct move_axis *axis, uint32_t period, struct groups *groups, struct qm_arena *arena) {
    groups->count = 0;
    for (uint32_t first = 0; first < period; first++) {
        struct entries e = every(axis, period, first);
        for (uint32_t i = 0, count; i < e.count; i += count)
            if (count = stretch(&e, i), !add_stretch(groups, axis, &e, i, count, arena)) return false;
    }
    for (uint32_t i = 0; i < groups->count; i++) close_group(&groups->list[i]);
    return true;
}

/* Places of all groups that are no loops. */
static uint32_t irregular_places(const struct groups *groups) {
    uint32_t places = 0;
    for (uint32_t i = 0; i < groups->count; i++) places += groups->list[i].place_count > 1 ? groups->list[i].place_count : 0;
    return places;
}

/* The groups of an axis, at most so many; else each entry is a place of its own. */
static struct groups groups_of(const struct move_axis *axis, uint32_t most, struct qm_arena *arena) {
    struct groups groups;
    if (group_stretches(axis, 1, &groups, arena) && groups.count == 1 && irregular_places(&groups) == 0) return groups;
    if (group_stretches(axis, best_period(axis), &groups, arena) && groups.count <= most) return groups;
    groups.count = 1;
    groups.list[0] = (struct group){.loop = {.count = 1}, .outer = {.count = 1}, .place_count = axis->count, .places = axis->at};
    return groups;
}

/* Rounds of all loops that go down. */
static uint32_t rounds_down(const struct groups *groups) {
    uint32_t rounds = 0;
    for (uint32_t i = 0; i < groups->count; i++) {
        const struct qm_move_loop *inner = &groups->list[i].loop, *outer = &groups->list[i].outer;
        if (inner->down || outer->down) rounds += (inner->down ? inner->count : 1) * (outer->down ? outer->count : 1);
    }
    return rounds;
}

uint32_t move_axis_places(const struct move_axis *axis, struct qm_arena *arena) {
    struct groups groups = groups_of(axis, GROUPS_MAX, arena);
    return irregular_places(&groups) + rounds_down(&groups);
}

/* ---- moves ---- */

/* All sums of a place of one list and one of the other. */
static struct qm_move_place *combine(const struct qm_move *move, const struct group *group, struct qm_arena *arena) {
    struct qm_move_place *all = QM_ARENA_NEW(arena, struct qm_move_place, (size_t)move->place_count * group->place_count);
    for (uint32_t i = 0; i < move->place_count; i++)
        for (uint32_t j = 0; j < group->place_count; j++) {
            struct qm_move_place a = move->places[i], b = group->places[j];
            all[(size_t)i * group->place_count + j] = (struct qm_move_place){a.in + b.in, a.out + b.out};
        }
    return all;
}

/* Takes one group of each axis, the `chosen` combination of them. False: too many places. */
static bool make_move(const struct groups *groups, uint32_t count, uint32_t chosen, struct qm_arena *arena, struct qm_move *move) {
    static const struct qm_move_place origin = {0, 0};
    *move = (struct qm_move){.place_count = 1, .places = &origin};
    for (uint32_t a = 0; a < count; a++) {
        const struct group *group = &groups[a].list[chosen % groups[a].count];
        chosen /= groups[a].count;
        if ((uint64_t)move->place_count * group->place_count > MOVE_AXES_PLACES) return false;
        move->places = combine(move, group, arena);
        move->place_count *= group->place_count;
        move_add_loop(move, group->outer);
        move_add_loop(move, group->loop);
    }
    move_close_loops(move);
    if (move->place_count > 1) return true;
    move->in_first = move->places[0].in;
    move->out_first = move->places[0].out;
    move->place_count = 0;
    move->places = NULL;
    return true;
}

uint32_t move_axes_split(const struct move_axis *axes, uint32_t count, struct qm_arena *arena, struct qm_move moves[MOVE_AXES_LAYERS]) {
    struct groups groups[MOVE_AXES_MAX];
    uint32_t total = 1;
    QM_CHECK(count <= MOVE_AXES_MAX);
    for (uint32_t a = 0; a < count; a++) {
        groups[a] = groups_of(&axes[a], MOVE_AXES_LAYERS / total, arena);
        total *= groups[a].count;
    }
    for (uint32_t i = 0; i < total; i++)
        if (!make_move(groups, count, i, arena, &moves[i])) return 0;
    return total;
}
