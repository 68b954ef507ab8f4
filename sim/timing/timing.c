/* timing.c - decode, queues, tokens and units as times; the memory's events drive them.
 *
 * A time is worked out as soon as all that it depends on is known, often long before the bus gets there. What is not known yet depends
 * on a later event of the bus, so that it lies behind that event: the bus never has to go back.
 */
#include "sim/timing/timing.h"

#include <stdlib.h>

#include "common/memory.h"
#include "sim/timing/state.h"

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* ---- decode ---- */

/* When the next chunk is presented, if that is known. */
static void request_fetch(struct timing *t) {
    t->fetch_from = NEVER;
    if (t->requested == t->insn_count) return;
    uint32_t needed = t->requested + (uint32_t)smaller(CHUNK, t->insn_count - t->requested);
    if (needed > FIFO + t->popped) return;
    uint64_t room = needed > FIFO ? t->pop_at[(needed - FIFO - 1) % FIFO] + 1 : 0;
    t->fetch_from = room;
}

/* Takes the head out of the FIFO if its time is known. */
static bool pop(struct timing *t) {
    if (t->popped == t->delivered) return false;
    uint32_t index = t->popped;
    struct unit *unit = &t->units[t->insns[index].unit];
    uint32_t depth = t->machine->queue_depth;
    if (unit->popped - unit->taken >= depth) return false;
    uint64_t at = t->deliver_at[index % FIFO];
    if (index > 0) at = larger(at, t->pop_at[(index - 1) % FIFO] + 1);
    if (unit->popped >= depth) at = larger(at, unit->take_at[(unit->popped - depth) % QUEUE_MAX] + 1);
    t->pop_at[index % FIFO] = unit->pop_at[unit->popped++ % QUEUE_MAX] = at;
    t->popped++;
    if (t->fetch_from == NEVER) request_fetch(t);
    return true;
}

/* ---- starts ---- */

/* A token is lost when its counter is full in the cycle in which it is given, and none is taken from it then. */
static bool is_lost(struct timing *t, enum qm_unit giver, enum qm_unit taker) {
    struct unit *to = &t->units[taker];
    struct tokens *tokens = &to->tokens[giver];
    if (tokens->taken < TOKENS_MAX) return false;
    uint64_t given = t->times[t->units[giver].members[tokens->next]].end;
    for (; tokens->passed < to->started && t->times[to->members[tokens->passed]].start <= given; tokens->passed++)
        tokens->passed_taken += t->insns[to->members[tokens->passed]].wait >> giver & 1;
    return tokens->taken - tokens->passed_taken >= TOKENS_MAX;
}

/* The first cycle in which the taker's next token from the giver is there; NEVER: not known yet. */
static uint64_t token_at(struct timing *t, enum qm_unit giver, enum qm_unit taker) {
    const struct unit *from = &t->units[giver];
    struct tokens *tokens = &t->units[taker].tokens[giver];
    while (tokens->next < from->ended && ((t->insns[from->members[tokens->next]].signal >> taker & 1) == 0 || is_lost(t, giver, taker)))
        tokens->next++;
    return tokens->next < from->ended ? t->times[from->members[tokens->next]].end + 1 : NEVER;
}

static uint64_t tokens_at(struct timing *t, enum qm_unit taker, uint8_t wait) {
    uint64_t at = 0;
    for (enum qm_unit giver = 0; giver < QM_UNITS; giver++)
        if ((wait >> giver & 1) != 0) at = larger(at, token_at(t, giver, taker));
    return at;
}

static void take_tokens(struct unit *unit, uint8_t wait) {
    for (enum qm_unit giver = 0; giver < QM_UNITS; giver++) {
        if ((wait >> giver & 1) == 0) continue;
        unit->tokens[giver].next++;
        unit->tokens[giver].taken++;
    }
}

/* Between the end of the unit's instruction before and the start of this one: cycles that wait for tokens, and the start. */
static void count_gap(const struct timing *t, struct unit *unit, uint32_t k) {
    uint64_t start = t->times[unit->members[k]].start, idle_from = k > 0 ? t->times[unit->members[k - 1]].end + 1 : 0;
    if (start < idle_from) return;
    unit->start_cycles++;
    unit->wait_token_cycles += start - larger(unit->pop_at[k % QUEUE_MAX] + 1, idle_from);
}

static void take(struct unit *unit, uint64_t cycle) {
    unit->take_at[unit->taken++ % QUEUE_MAX] = cycle;
}

/* The back of load takes what has started once the one before has ended. */
static void take_loads(struct timing *t) {
    struct unit *unit = &t->units[QM_UNIT_LOAD];
    while (unit->taken < unit->started && unit->taken <= unit->ended) {
        uint32_t k = unit->taken;
        uint64_t cycle = t->times[unit->members[k]].start;
        if (k > 0) cycle = larger(cycle, t->times[unit->members[k - 1]].end);
        count_gap(t, unit, k);
        take(unit, cycle);
    }
}

static void start_load(struct timing *t, const struct qm_timing_insn *insn, uint64_t start) {
    walk_begin(&t->load, insn, t->bus.beat_bytes);
    t->load_from = start + 1;
    t->units[QM_UNIT_LOAD].free_at = NEVER;
    take_loads(t);
}

static void write_bursts(struct timing *t, uint64_t cycle) {
    uint32_t beats = walk_beats(&t->store), most = (uint32_t)smaller(UINT32_MAX, t->limit_cycles), bursts = walk_bursts(&t->store, most);
    t->store_beats += (uint64_t)beats * bursts;
    bus_write(&t->bus, cycle, beats, bursts);
}

static void start_store(struct timing *t, const struct qm_timing_insn *insn, uint64_t start) {
    struct unit *unit = &t->units[QM_UNIT_STORE];
    walk_begin(&t->store, insn, t->bus.beat_bytes);
    write_bursts(t, start + 1);
    unit->free_at = NEVER;
    count_gap(t, unit, unit->taken);
    take(unit, start);
}

static void stream_step(struct timing *t, uint32_t weight_rows, uint64_t rows) {
    t->preloaded = larger(t->preloaded, t->streamed_before) + weight_rows;
    uint64_t begin = larger(t->streamed, t->preloaded);
    t->streamed_before = t->streamed;
    t->streamed = begin + rows;
    spans_add(&t->stream, begin, t->streamed);
}

/* Steps that have at least as many rows as weight rows: from the third on nothing waits. */
static void stream_rest(struct timing *t, const struct qm_timing_insn *insn, uint64_t steps) {
    uint64_t begin = t->streamed, rows = insn->matmul.rows;
    t->streamed += steps * rows;
    t->streamed_before = t->streamed - rows;
    t->preloaded = t->streamed_before - rows + insn->matmul.last_weight_rows;
    spans_add(&t->stream, begin, t->streamed);
}

/* Step by step, until nothing waits any more. */
static void stream(struct timing *t, const struct qm_timing_insn *insn) {
    uint64_t steps = insn->matmul.runs * insn->matmul.steps_per_run, rows = insn->matmul.rows;
    uint64_t single = rows >= insn->matmul.weight_rows && steps > 2 ? 2 : steps;
    uint32_t of_run = 0;
    for (uint64_t s = 0; s < single && t->streamed <= t->limit_cycles; s++) {
        bool is_last = ++of_run == insn->matmul.steps_per_run;
        stream_step(t, is_last ? insn->matmul.last_weight_rows : insn->matmul.weight_rows, rows);
        if (is_last) of_run = 0;
    }
    if (single < steps) stream_rest(t, insn, steps - single);
    t->rows += steps * rows;
}

static void start_matmul(struct timing *t, const struct qm_timing_insn *insn, uint64_t start) {
    struct unit *unit = &t->units[QM_UNIT_MATMUL];
    uint32_t k = unit->taken;
    uint64_t taken = t->streamed > 0 ? larger(start, t->streamed - 1) : start;
    if (k > 0) {
        uint64_t end = t->times[unit->members[k - 1]].end;
        t->drain_cycles += smaller(end, taken) - (t->streamed - 1);
    }
    t->preloaded = larger(t->preloaded, start + 1);
    stream(t, insn);
    uint64_t end = t->streamed - 1 + t->machine->rows + t->machine->cols;
    t->times[unit->members[k]].end = end;
    spans_add(&t->matmul_busy, taken + 1, t->streamed);
    spans_add(&t->matmul_all, taken + 1, end + 1);
    unit->free_at = t->preloaded;
    count_gap(t, unit, k);
    take(unit, taken);
    unit->ended++;
}

static void start_post(struct timing *t, const struct qm_timing_insn *insn, uint64_t start) {
    struct unit *unit = &t->units[QM_UNIT_POST];
    uint64_t end = start + insn->post.items + insn->post.latency_cycles;
    t->times[unit->members[unit->taken]].end = end;
    t->items += insn->post.items;
    t->parameter_items += insn->post.parameter_items;
    t->latency_cycles += insn->post.latency_cycles;
    spans_add(&t->post_issue, start + 1, start + 1 + insn->post.items);
    spans_add(&t->post_all, start + 1, end + 1);
    unit->free_at = end + 1;
    count_gap(t, unit, unit->taken);
    take(unit, start);
    unit->ended++;
}

/* Starts the unit's next instruction if its time is known. */
static bool start(struct timing *t, enum qm_unit self) {
    static void (*const starts[QM_UNITS])(struct timing *, const struct qm_timing_insn *, uint64_t) = {start_load, start_matmul, start_post,
                                                                                                       start_store};
    struct unit *unit = &t->units[self];
    if (unit->started == unit->popped || unit->free_at == NEVER) return false;
    uint32_t index = unit->members[unit->started];
    const struct qm_timing_insn *insn = &t->insns[index];
    uint64_t tokens = tokens_at(t, self, insn->wait);
    if (tokens == NEVER) return false;
    take_tokens(unit, insn->wait);
    uint64_t at = larger(unit->pop_at[unit->started % QUEUE_MAX] + 1, larger(unit->free_at, tokens));
    t->times[index].start = at;
    unit->started++;
    starts[self](t, insn, at);
    return true;
}

/* Works out every time that can be known. */
static void propagate(struct timing *t) {
    for (bool goes_on = true; goes_on;) {
        goes_on = false;
        while (pop(t)) goes_on = true;
        for (enum qm_unit unit = 0; unit < QM_UNITS; unit++)
            while (start(t, unit)) goes_on = true;
    }
}

/* ---- memory ---- */

static void end_load(struct timing *t, uint64_t cycle) {
    struct unit *unit = &t->units[QM_UNIT_LOAD];
    uint32_t k = unit->ended++;
    t->times[unit->members[k]].end = cycle;
    spans_add(&t->load_busy, unit->take_at[k % QUEUE_MAX] + 1, cycle + 1);
    take_loads(t);
}

static bool end_read(struct timing *t, const struct reads *read, uint64_t cycle) {
    if (read->is_fetch)
        t->deliver_at[t->delivered++ % FIFO] = cycle + 1;
    else if (read->is_last && read->beats == 0)
        end_load(t, cycle);
    else
        return false;
    return true;
}

static bool end_write(struct timing *t, uint64_t cycle) {
    struct unit *unit = &t->units[QM_UNIT_STORE];
    if (!walk_is_done(&t->store)) {
        write_bursts(t, cycle + 1);
        return false;
    }
    uint32_t k = unit->ended++;
    struct qm_insn_time *time = &t->times[unit->members[k]];
    time->end = cycle + t->bus.latency;
    unit->free_at = time->end + 1;
    spans_add(&t->store_busy, time->start + 1, time->end + 1);
    return true;
}

/* The cycle in which the memory accepts a read burst; NEVER: none is in sight. */
static uint64_t next_accept(struct timing *t) {
    uint64_t from = smaller(t->fetch_from, t->load_from);
    if (from == NEVER) return NEVER;
    if (bus_is_full(&t->bus)) {
        t->waits_for_room = true;
        return NEVER;
    }
    if (t->waits_for_room) t->accept_from = larger(t->accept_from, t->bus.now);
    t->waits_for_room = false;
    return larger(from, t->accept_from);
}

static void accept_fetch(struct timing *t, uint64_t cycle) {
    uint32_t chunk = (uint32_t)smaller(CHUNK, t->insn_count - t->requested);
    bus_read(&t->bus, cycle, (struct reads){.size = chunk * t->bus.insn_beats, .bursts = 1, .is_fetch = true});
    t->accept_from = cycle + 1;
    t->requested += chunk;
    request_fetch(t);
}

/* Equal bursts, one a cycle, as long as there is room and nothing can come between them. */
static bool accept_load(struct timing *t, uint64_t cycle) {
    struct reads reads = {.size = walk_beats(&t->load)};
    uint64_t most = smaller(t->bus.depth - t->bus.held, t->fetch_from == NEVER ? NEVER : t->fetch_from - cycle);
    uint64_t event = bus_event_from(&t->bus);
    if (event != NEVER) most = smaller(most, larger(event, cycle) - cycle + 1);
    reads.bursts = walk_bursts(&t->load, (uint32_t)most);
    reads.is_last = walk_is_done(&t->load);
    t->load_beats += (uint64_t)reads.size * reads.bursts;
    bus_read(&t->bus, cycle, reads);
    t->accept_from = cycle + reads.bursts;
    t->load_from = reads.is_last ? NEVER : t->accept_from;
    if (reads.is_last) t->units[QM_UNIT_LOAD].free_at = t->accept_from;
    return reads.is_last;
}

static bool accept(struct timing *t, uint64_t cycle) {
    if (t->fetch_from > cycle) return accept_load(t, cycle);
    accept_fetch(t, cycle);
    return false;
}

/* The memory's events up to the first that others may wait for; false: there is none, or the run is too long. */
static bool advance(struct timing *t) {
    for (bool is_news = false; !is_news;) {
        t->is_long = larger(t->bus.now, t->streamed) > t->limit_cycles;
        if (t->is_long) return false;
        uint64_t cycle, accepted = next_accept(t);
        struct reads read;
        switch (bus_advance(&t->bus, accepted == NEVER ? NEVER : accepted + 1, &cycle, &read)) {
        case BUS_READ: is_news = end_read(t, &read, cycle); break;
        case BUS_WRITE: is_news = end_write(t, cycle); break;
        default:
            if (accepted == NEVER) return false;
            is_news = accept(t, accepted);
        }
    }
    return true;
}

static bool is_over(const struct timing *t) {
    for (int unit = 0; unit < QM_UNITS; unit++)
        if (t->units[unit].ended < t->units[unit].count) return false;
    return true;
}

/* ---- the whole ---- */

static void init(struct timing *t, struct qm_insn_time *times) {
    t->times = times;
    bus_init(&t->bus, t->machine);
    for (int unit = 0; unit < QM_UNITS; unit++) t->units[unit].members = qm_alloc((t->insn_count + 1) * sizeof(uint32_t));
    for (uint32_t i = 0; i < t->insn_count; i++) {
        struct unit *unit = &t->units[t->insns[i].unit];
        unit->members[unit->count++] = i;
    }
    t->load_from = NEVER;
    request_fetch(t);
}

static void fini(struct timing *t) {
    struct spans *const spans[] = {&t->stream,   &t->matmul_busy, &t->matmul_all, &t->post_issue,
                                   &t->post_all, &t->load_busy,   &t->store_busy};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) spans_fini(spans[i]);
    for (int unit = 0; unit < QM_UNITS; unit++) free(t->units[unit].members);
    bus_fini(&t->bus);
}

enum qm_timing_outcome qm_timing_run(const struct qm_timing_program *program, struct qm_insn_time *times, struct qm_counters *counters,
                                     uint32_t *accepted) {
    struct timing t = {
        .machine = program->machine, .insns = program->insns, .insn_count = program->count, .limit_cycles = program->limit_cycles};
    enum qm_timing_outcome outcome = QM_TIMING_DONE;
    init(&t, times);
    do propagate(&t);
    while (advance(&t));
    if (t.is_long)
        outcome = QM_TIMING_LONG;
    else if (!is_over(&t))
        outcome = QM_TIMING_DEADLOCK;
    *accepted = t.popped;
    if (outcome == QM_TIMING_DONE) count_causes(&t, counters);
    fini(&t);
    return outcome;
}
