/* timing.c - decode, queues, tokens and units as times; the memory's events drive them.
 *
 * A time is worked out as soon as all that it depends on is known, often long before the bus gets there. What is not known yet depends
 * on a later event of the bus, so that it lies behind that event: the bus never has to go back.
 */
#include <stdlib.h>

#include "common/memory.h"
#include "sim/timing/state.h"

/* The number of the lowest bit that is set. */
static uint32_t lowest_bit(uint32_t bits) {
    return (uint32_t)__builtin_ctz(bits);
}

/* ---- decode ---- */

/* When the next chunk is presented, if that is known. */
static void request_fetch(struct timing *t) {
    t->fetch_from = NEVER;
    if (t->requested == t->program_count) return;
    uint32_t needed = t->requested + (uint32_t)smaller(FETCH_CHUNK, t->program_count - t->requested);
    if (needed > FETCH_FIFO + t->popped) return;
    t->fetch_from = needed > FETCH_FIFO ? t->pop_at[(needed - FETCH_FIFO - 1) % FETCH_FIFO] + 1 : 0;
}

/* When decode looks at the next instruction, which has been delivered. */
static uint64_t look_at(const struct timing *t) {
    uint64_t at = t->deliver_at[t->popped % FETCH_FIFO];
    return t->popped > 0 ? larger(at, t->pop_at[(t->popped - 1) % FETCH_FIFO] + 1) : at;
}

static void wake(struct timing *t, uint32_t who) {
    t->awake |= who;
}

enum { DECODE = 1 << QM_UNITS };

/* What had started after the cycle has not: it has not had any effect on the bus yet, which is not there. */
static void cancel_starts(struct timing *t, uint64_t cycle) {
    for (int i = 0; i < QM_UNITS; i++) {
        struct unit *unit = &t->units[i];
        uint32_t started = unit->started;
        while (unit->started > 0 && unit->members[unit->started - 1].start > cycle) unit->started--;
        if (unit->started == started) continue;
        unit->taken = (uint32_t)smaller(unit->taken, unit->started);
        unit->ended = (uint32_t)smaller(unit->ended, unit->started);
        if (i == QM_UNIT_LOAD) t->load_from = NEVER;
        if (i == QM_UNIT_STORE) bus_drop_writes(&t->bus);
    }
}

/* Takes the head out of the FIFO if its time is known. */
static bool pop(struct timing *t) {
    if (t->popped == t->delivered || t->stop_at != NEVER) return false;
    if (t->popped == t->insn_count) {
        t->stop_at = look_at(t);
        t->is_cut = false;
        cancel_starts(t, t->stop_at);
        return false;
    }
    enum qm_unit self = t->insns[t->popped].unit;
    struct unit *unit = &t->units[self];
    uint32_t depth = t->machine->queue_depth;
    if (unit->popped - unit->taken >= depth) return false;
    uint64_t at = look_at(t);
    if (unit->popped >= depth) at = larger(at, unit->take_at[(unit->popped - depth) % QUEUE_MAX] + 1);
    t->pop_at[t->popped++ % FETCH_FIFO] = unit->pop_at[unit->popped++ % QUEUE_MAX] = at;
    wake(t, 1u << self);
    if (t->fetch_from == NEVER) request_fetch(t);
    return true;
}

/* ---- starts ---- */

/* A token is lost when its counter is full in the cycle in which it is given, and none is taken from it then. */
static bool is_lost(struct timing *t, enum qm_unit giver, enum qm_unit taker) {
    struct unit *to = &t->units[taker];
    struct tokens *tokens = &to->tokens[giver];
    if (tokens->taken < TOKENS_MAX) return false;
    uint64_t given = t->units[giver].members[tokens->next].end;
    for (; tokens->passed < to->started && to->members[tokens->passed].start <= given; tokens->passed++)
        tokens->passed_taken += to->members[tokens->passed].wait >> giver & 1;
    return tokens->taken - tokens->passed_taken >= TOKENS_MAX;
}

/* The first cycle in which the taker's next token from the giver is there; NEVER: not known yet. */
static uint64_t token_at(struct timing *t, enum qm_unit giver, enum qm_unit taker) {
    const struct unit *from = &t->units[giver];
    struct tokens *tokens = &t->units[taker].tokens[giver];
    while (tokens->next < from->ended && ((from->members[tokens->next].signal >> taker & 1) == 0 || is_lost(t, giver, taker)))
        tokens->next++;
    return tokens->next < from->ended ? from->members[tokens->next].end + 1 : NEVER;
}

static uint64_t tokens_at(struct timing *t, enum qm_unit taker, uint8_t wait) {
    uint64_t at = 0;
    for (uint32_t givers = wait; givers != 0; givers &= givers - 1) at = larger(at, token_at(t, lowest_bit(givers), taker));
    return at;
}

static void take_tokens(struct unit *unit, uint8_t wait) {
    for (uint32_t givers = wait; givers != 0; givers &= givers - 1) {
        struct tokens *tokens = &unit->tokens[lowest_bit(givers)];
        tokens->next++;
        tokens->taken++;
    }
}

/* A stretch that causes are made of. */
static void note(const struct timing *t, struct spans *spans, uint64_t begin, uint64_t end) {
    if (t->has_causes) spans_add(spans, begin, end);
}

/* Between the end of the unit's instruction before and the start of this one: cycles that wait for tokens, and the start. */
static void count_gap(struct unit *unit, uint32_t k) {
    uint64_t start = unit->members[k].start, idle_from = k > 0 ? unit->members[k - 1].end + 1 : 0;
    if (start < idle_from) return;
    unit->start_cycles++;
    unit->wait_token_cycles += start - larger(unit->pop_at[k % QUEUE_MAX] + 1, idle_from);
}

static void take(struct timing *t, struct unit *unit, uint64_t cycle) {
    unit->take_at[unit->taken++ % QUEUE_MAX] = cycle;
    wake(t, DECODE);
}

/* The end of the unit's next instruction is known. */
static void end(struct timing *t, struct unit *unit, uint64_t cycle) {
    struct member *member = &unit->members[unit->ended++];
    member->end = cycle;
    wake(t, member->signal);
}

/* The back of load takes what has started once the one before has ended. */
static void take_loads(struct timing *t) {
    struct unit *unit = &t->units[QM_UNIT_LOAD];
    while (unit->taken < unit->started && unit->taken <= unit->ended) {
        uint32_t k = unit->taken;
        uint64_t cycle = unit->members[k].start;
        if (k > 0) cycle = larger(cycle, unit->members[k - 1].end);
        count_gap(unit, k);
        take(t, unit, cycle);
    }
}

static void start_load(struct timing *t, const struct qm_record *insn, uint64_t start) {
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

static void start_store(struct timing *t, const struct qm_record *insn, uint64_t start) {
    struct unit *unit = &t->units[QM_UNIT_STORE];
    walk_begin(&t->store, insn, t->bus.beat_bytes);
    write_bursts(t, start + 1);
    unit->free_at = NEVER;
    count_gap(unit, unit->taken);
    take(t, unit, start);
}

static void start_matmul(struct timing *t, const struct qm_record *insn, uint64_t start) {
    struct unit *unit = &t->units[QM_UNIT_MATMUL];
    uint32_t k = unit->taken;
    uint64_t before = t->streamed, taken = before > 0 ? larger(start, before - 1) : start;
    if (k > 0) t->drain_cycles += smaller(unit->members[k - 1].end, taken) - (before - 1);
    count_gap(unit, k);
    take(t, unit, taken);
    t->preloaded = larger(t->preloaded, start + 1);
    unit->free_at = NEVER;
    if (!stream_runs(t, insn)) return;
    uint64_t last = t->streamed - 1 + t->machine->rows + t->machine->cols;
    end(t, unit, last);
    note(t, &t->matmul_busy, taken + 1, t->streamed);
    note(t, &t->matmul_all, taken + 1, last + 1);
    unit->free_at = t->preloaded;
}

static void start_post(struct timing *t, const struct qm_record *insn, uint64_t start) {
    struct unit *unit = &t->units[QM_UNIT_POST];
    count_gap(unit, unit->taken);
    take(t, unit, start);
    unit->free_at = NEVER;
    if (insn->post.items > t->limit_cycles) return;
    uint64_t issued = start + 1 + insn->post.items, last = issued - 1 + insn->post.latency_cycles;
    end(t, unit, last);
    t->items += insn->post.items;
    t->parameter_items += insn->post.parameter_items;
    t->latency_cycles += insn->post.latency_cycles;
    note(t, &t->post_issue, start + 1, issued);
    note(t, &t->post_all, start + 1, last + 1);
    unit->free_at = last + 1;
}

/* Starts the unit's next instruction if its time is known. */
static bool start(struct timing *t, enum qm_unit self) {
    static void (*const starts[QM_UNITS])(struct timing *, const struct qm_record *, uint64_t) = {start_load, start_matmul, start_post,
                                                                                                  start_store};
    struct unit *unit = &t->units[self];
    if (unit->started == unit->popped || unit->free_at == NEVER) return false;
    struct member *member = &unit->members[unit->started];
    uint64_t tokens = tokens_at(t, self, member->wait);
    if (tokens == NEVER) return false;
    uint64_t at = larger(unit->pop_at[unit->started % QUEUE_MAX] + 1, larger(unit->free_at, tokens));
    if (at > t->stop_at) return false;
    if (at > t->limit_cycles) {
        t->is_cut = true;
        return false;
    }
    take_tokens(unit, member->wait);
    member->start = at;
    unit->started++;
    starts[self](t, &t->insns[member->index], at);
    return true;
}

/* Works out every time that can be known. */
static void propagate(struct timing *t) {
    while (t->awake != 0) {
        uint32_t who = lowest_bit(t->awake);
        t->awake &= t->awake - 1;
        if (who == QM_UNITS)
            while (pop(t)) continue;
        else
            while (start(t, who)) continue;
    }
}

/* ---- memory ---- */

static void end_load(struct timing *t, uint64_t cycle) {
    struct unit *unit = &t->units[QM_UNIT_LOAD];
    note(t, &t->load_busy, unit->take_at[unit->ended % QUEUE_MAX] + 1, cycle + 1);
    end(t, unit, cycle);
    take_loads(t);
}

static void deliver(struct timing *t, uint64_t cycle) {
    t->last_fetch_beat = cycle;
    t->deliver_at[t->delivered++ % FETCH_FIFO] = cycle + 1;
    wake(t, DECODE);
}

/* No STORE is at work on the bus, or can start before all instructions up to `end` are fetched. */
static bool has_no_store(const struct timing *t, uint32_t end) {
    const struct unit *unit = &t->units[QM_UNIT_STORE];
    return unit->popped == unit->ended && (unit->popped == unit->count || unit->members[unit->popped].index >= end);
}

/* An instruction has been fetched. When nothing is written meanwhile, it is known when the others of its chunk will be. */
static void end_fetch(struct timing *t, uint64_t cycle) {
    uint32_t end = (uint32_t)smaller(t->delivered / FETCH_CHUNK * FETCH_CHUNK + FETCH_CHUNK, t->program_count);
    deliver(t, cycle);
    if (t->delivered == end || !has_no_store(t, end)) return;
    for (uint32_t n = 1; t->delivered < end; n++) deliver(t, bus_insn_cycle(&t->bus, n));
    bus_pass_fetch(&t->bus);
}

static void end_write(struct timing *t, uint64_t cycle) {
    struct unit *unit = &t->units[QM_UNIT_STORE];
    if (!walk_is_done(&t->store)) {
        write_bursts(t, cycle + 1);
        return;
    }
    uint64_t response = cycle + t->bus.latency;
    note(t, &t->store_busy, unit->members[unit->ended].start + 1, response + 1);
    end(t, unit, response);
    unit->free_at = response + 1;
    wake(t, 1 << QM_UNIT_STORE);
}

/* The cycle in which the memory accepts the next read burst; NEVER: none is in sight. */
static uint64_t find_accept(struct timing *t) {
    uint64_t from = smaller(t->fetch_from, t->load_from);
    if (from == NEVER) return NEVER;
    if (bus_is_full(&t->bus)) bus_release(&t->bus);
    if (bus_is_full(&t->bus)) {
        t->waits_for_room = true;
        return NEVER;
    }
    if (t->waits_for_room) t->accept_from = larger(t->accept_from, t->bus.now);
    t->waits_for_room = false;
    return larger(from, t->accept_from);
}

/* After the error nothing is fetched. */
static uint64_t next_accept(struct timing *t) {
    uint64_t cycle = find_accept(t);
    if (cycle == NEVER || cycle <= t->stop_at || t->fetch_from == NEVER) return cycle;
    t->fetch_from = NEVER;
    return find_accept(t);
}

static void accept_fetch(struct timing *t, uint64_t cycle) {
    uint32_t chunk = (uint32_t)smaller(FETCH_CHUNK, t->program_count - t->requested);
    bus_read(&t->bus, cycle, (struct reads){.size = chunk * t->bus.insn_beats, .bursts = 1, .is_fetch = true});
    t->accept_from = cycle + 1;
    t->requested += chunk;
    request_fetch(t);
}

/* Equal bursts of the load, but for the last one of those that are promised: its cycle must be known. */
static uint32_t pass_promised(struct timing *t, uint32_t most) {
    struct walk before = t->load;
    if (most == 0) return 0;
    uint32_t bursts = walk_bursts(&t->load, most);
    if (!walk_is_done(&t->load)) return bursts;
    t->load = before;
    return bursts > 1 ? walk_bursts(&t->load, bursts - 1) : 0;
}

/* Equal bursts that are accepted from the cycle on, or promised: at most `most`. Returns how many. */
static uint32_t accept_bursts(struct timing *t, uint64_t cycle, uint64_t most) {
    uint64_t until = t->fetch_from == NEVER ? NEVER : larger(t->fetch_from, 2) - 2;
    struct reads reads = {.size = walk_beats(&t->load)};
    if (bus_is_full(&t->bus))
        reads.bursts = pass_promised(t, (uint32_t)smaller(most, bus_promises(&t->bus, reads.size, until)));
    else
        reads.bursts = walk_bursts(&t->load, (uint32_t)smaller(most, t->bus.depth - t->bus.held));
    if (reads.bursts == 0) return 0;
    reads.is_last = walk_is_done(&t->load);
    t->load_beats += (uint64_t)reads.size * reads.bursts;
    bus_read(&t->bus, cycle, reads);
    return reads.bursts;
}

/* Bursts of the load one a cycle, as long as fetch presents nothing. What the news of the bus set off cannot be presented before the second
 * cycle after them. */
static void accept_load(struct timing *t, uint64_t cycle) {
    uint64_t last = smaller(t->fetch_from - 1, larger(bus_news_from(&t->bus), cycle));
    bus_release(&t->bus);
    for (uint32_t bursts = 1; bursts > 0 && cycle <= last && !walk_is_done(&t->load); cycle += bursts)
        bursts = accept_bursts(t, cycle, last - cycle + 1);
    t->accept_from = t->load_from = cycle;
    if (!walk_is_done(&t->load)) return;
    t->load_from = NEVER;
    t->units[QM_UNIT_LOAD].free_at = cycle;
    wake(t, 1 << QM_UNIT_LOAD);
}

static void accept(struct timing *t, uint64_t cycle) {
    if (t->fetch_from > cycle)
        accept_load(t, cycle);
    else
        accept_fetch(t, cycle);
}

/* The memory's events up to the first that wakes somebody; false: there is none before the limit. */
static bool advance(struct timing *t) {
    while (t->awake == 0) {
        if (t->bus.now > t->limit_cycles) return false;
        uint64_t cycle, accepted = next_accept(t);
        switch (bus_advance(&t->bus, accepted == NEVER ? NEVER : accepted + 1, &cycle)) {
        case BUS_ROOM: break;
        case BUS_FETCHED: end_fetch(t, cycle); break;
        case BUS_LOADED: end_load(t, cycle); break;
        case BUS_WRITTEN: end_write(t, cycle); break;
        case BUS_NOTHING:
            if (accepted == NEVER) return false;
            accept(t, accepted);
        }
    }
    return true;
}

/* ---- the whole ---- */

static void init(struct timing *t) {
    struct member *members = t->members = qm_alloc((t->insn_count + 1) * sizeof *members);
    uint32_t counts[QM_UNITS] = {0};
    bus_init(&t->bus, t->machine);
    for (uint32_t i = 0; i < t->insn_count; i++) counts[t->insns[i].unit]++;
    for (int unit = 0; unit < QM_UNITS; members += counts[unit++]) t->units[unit].members = members;
    for (uint32_t i = 0; i < t->insn_count; i++) {
        const struct qm_record *insn = &t->insns[i];
        struct unit *unit = &t->units[insn->unit];
        unit->members[unit->count++] = (struct member){.index = i, .wait = insn->wait, .signal = insn->signal};
    }
    t->load_from = t->stop_at = NEVER;
    t->awake = DECODE;
    request_fetch(t);
}

static void fini(struct timing *t) {
    struct spans *const spans[] = {&t->matmul_busy, &t->matmul_all, &t->post_issue, &t->post_all, &t->load_busy, &t->store_busy};
    stream_fini(&t->stream);
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) spans_fini(spans[i]);
    free(t->members);
    bus_fini(&t->bus);
}

/* Something starts beyond the limit, or is at work there; or the bus is there already, and something may come of it. */
static bool is_long(const struct timing *t) {
    for (int unit = 0; unit < QM_UNITS; unit++)
        if (t->units[unit].ended < t->units[unit].started) return true;
    return t->is_cut || t->bus.now > t->limit_cycles || t->delivered < t->requested;
}

static bool all_ended(const struct timing *t) {
    for (int unit = 0; unit < QM_UNITS; unit++)
        if (t->units[unit].ended < t->units[unit].count) return false;
    return true;
}

/* The last cycle in which something happens that a run waits for. */
static uint64_t last_cycle(const struct timing *t) {
    uint64_t last = t->last_fetch_beat;
    for (int i = 0; i < QM_UNITS; i++) {
        const struct unit *unit = &t->units[i];
        if (unit->ended > 0) last = larger(last, unit->members[unit->ended - 1].end);
    }
    return last;
}

/* In the cycle after the last one all is quiet, and the run ends: at once when it is DONE or the error is known. A deadlock is seen in that
 * cycle and ends it in the next. BUSY is one cycle more than the number of the last. */
static void find_end(const struct timing *t, struct qm_timing_result *result) {
    uint64_t last = last_cycle(t);
    result->accepted = t->popped;
    result->is_long = is_long(t);
    if (t->stop_at != NEVER) {
        result->cycles = larger(last, t->stop_at) + 2;
    } else if (t->program_count == 0) {
        result->cycles = 1;
    } else if (t->insn_count == t->program_count && all_ended(t)) {
        result->cycles = last + 2;
    } else {
        result->error = QM_ERROR_DEADLOCK;
        result->cycles = larger(last, t->pop_at[(t->popped - 1) % FETCH_FIFO]) + 3;
    }
    result->is_long = result->is_long || result->cycles > t->limit_cycles;
}

static void copy_times(const struct timing *t, struct qm_insn_time *times) {
    for (uint32_t i = 0; i < t->insn_count; i++)
        times[t->members[i].index] = (struct qm_insn_time){.start = t->members[i].start, .end = t->members[i].end};
}

void timing_run(struct timing *t, struct qm_insn_time *times, struct qm_timing_result *result) {
    t->has_causes = times != NULL;
    init(t);
    do propagate(t);
    while (advance(t));
    find_end(t, result);
    if (!result->is_long && result->error == QM_ERROR_NONE && t->has_causes) {
        result->counters.value[QM_C_cycles] = result->cycles;
        count_causes(t, &result->counters);
        copy_times(t, times);
    }
    fini(t);
}
