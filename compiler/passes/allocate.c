/* allocate.c - addresses for everything that does not live as long as a map, and the final order of the loads.
 *
 * First every buffer gets the lowest address that is free while it lives, in the order of the schedule; tile has made sure that there is
 * one. Then every load, in order, is moved ahead as far as some address is free from there on, but never past more than a few other loads:
 * a LOAD that finds its queue full would hold up decode, and with it all units. Loads stay in order among themselves, and in their stage:
 * the host reads what the stage before it has stored, all of it.
 */
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "compiler/passes/passes.h"

enum { AHEAD_LATENCIES = 2 };

struct mover {
    struct plan *plan;
    struct qm_arena *arena; /* of what the pass needs for itself */
    uint32_t *loads;        /* [load_count] operations, in the order of the schedule */
    uint32_t *position;     /* [load_count] the operation before which each is issued */
    uint64_t *cycles;       /* [load_count] that the memory takes for it */
    uint32_t load_count, values;
    uint32_t next; /* address after the last buffer that was moved; 0 while buffers are placed first */
    /* Buffers before `seen` that still live at the earliest time that matters. Buffers begin in the order of their indices, and time only
     * grows. */
    uint32_t *active;
    uint32_t active_count, seen;
    /* The buffers of maps, which come first, begin when they are used: those before value_next in the order of their beginnings are
     * known. */
    uint32_t *by_begin; /* [values] */
    bool *known;        /* [values] are in active, or were */
    uint32_t value_next;
    const struct plan_buffer **live; /* scratch: buffers that live in a stretch of time */
};

/* ---- free addresses ---- */

static bool lives_within(const struct plan_buffer *buffer, uint32_t first_op, uint32_t last_op) {
    return buffer->placed && buffer->first_op <= last_op && first_op <= buffer->last_op;
}

/* Forgets what ended before `low`, and looks at the buffers before `end`. */
static void advance(struct mover *m, uint32_t end, uint32_t low) {
    const struct plan_buffer *buffers = m->plan->buffers;
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->active_count; i++)
        if (buffers[m->active[i]].last_op >= low) m->active[count++] = m->active[i];
    for (; m->seen < end; m->seen++)
        if (buffers[m->seen].last_op >= low) m->active[count++] = m->seen;
    m->active_count = count;
}

static void know_value(struct mover *m, uint32_t value) {
    if (!m->known[value]) m->active[m->active_count++] = value;
    m->known[value] = true;
}

/* Gathers the buffers other than self that live at some time from first_op to the end of self. */
static uint32_t gather(struct mover *m, uint32_t self, uint32_t first_op) {
    const struct plan_buffer *buffers = m->plan->buffers;
    uint32_t count = 0, last_op = buffers[self].last_op;
    while (m->value_next < m->values && buffers[m->by_begin[m->value_next]].first_op <= last_op)
        know_value(m, m->by_begin[m->value_next++]);
    for (uint32_t i = 0; i < m->active_count; i++)
        if (lives_within(&buffers[m->active[i]], first_op, last_op)) m->live[count++] = &buffers[m->active[i]];
    for (uint32_t i = self + 1; i < m->plan->buffer_count && buffers[i].placed && buffers[i].first_op <= last_op; i++)
        if (buffers[i].last_op >= first_op) m->live[count++] = &buffers[i];
    return count;
}

/* The lowest address from `at` on where bytes overlap none of the first count buffers in m->live. */
static uint64_t skip_live(const struct mover *m, uint32_t count, uint32_t bytes, uint64_t at) {
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t i = 0; i < count; i++) {
            uint64_t begin = m->live[i]->address, end = begin + m->live[i]->bytes;
            if (at + bytes <= begin || end <= at) continue;
            at = end;
            moved = true;
        }
    }
    return at;
}

/* An address that is free for self from first_op on: the lowest from m->next on, else the lowest of all; false when there is none. Going
 * round leaves what was used last alone, so that a load seldom has to wait for a reader. */
static bool find_address(struct mover *m, uint32_t self, uint32_t first_op, uint32_t *address) {
    uint32_t count = gather(m, self, first_op), bytes = m->plan->buffers[self].bytes;
    uint64_t at = skip_live(m, count, bytes, m->next), size = m->plan->machine->scratchpad_bytes;
    if (at + bytes > size) at = skip_live(m, count, bytes, 0);
    *address = (uint32_t)at;
    return at + bytes <= size;
}

static void place_buffers(struct mover *m) {
    for (uint32_t i = m->values; i < m->plan->buffer_count; i++) {
        struct plan_buffer *buffer = &m->plan->buffers[i];
        advance(m, i, buffer->first_op);
        QM_CHECK(find_address(m, i, buffer->first_op, &buffer->address));
        buffer->placed = true;
    }
    m->active_count = m->value_next = 0;
    m->seen = m->values;
    memset(m->known, 0, m->values * sizeof *m->known);
}

/* ---- loads ---- */

static void list_loads(struct mover *m) {
    struct plan *plan = m->plan;
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->op_count; i++) count += plan_opcode(&plan->ops[i]) == QM_LOAD;
    m->loads = QM_ARENA_NEW(m->arena, uint32_t, count);
    m->position = QM_ARENA_NEW(m->arena, uint32_t, count);
    m->cycles = QM_ARENA_NEW(m->arena, uint64_t, count);
    for (uint32_t i = 0; i < plan->op_count; i++) {
        if (plan_opcode(&plan->ops[i]) != QM_LOAD) continue;
        m->position[m->load_count] = i;
        m->cycles[m->load_count] = cost_transfer(plan->machine, plan_transfer_bytes(&plan->ops[i]));
        m->loads[m->load_count++] = i;
    }
}

/* How many of the loads before it a load may pass: one, or as many as keep the memory busy for a few latencies. More would not come
 * earlier, and instructions would have to wait behind them; nor may a load find its queue full. */
static uint32_t loads_to_pass(const struct mover *m, uint32_t index) {
    uint32_t most = plan_min(index, m->plan->machine->queue_depth - 1), count = 0;
    uint64_t cycles = 0;
    for (; count < most; count++) {
        cycles += m->cycles[index - 1 - count];
        if (count > 0 && cycles > AHEAD_LATENCIES * (uint64_t)m->plan->machine->dram_latency) break;
    }
    return count;
}

/* A stage on its way through move_loads. */
struct stretch {
    uint32_t first_op, first_work; /* the first operation, and the first that is no load */
};

/* The earliest place for a load: what it reads must be there, loads stay in order and in their stage, and the first work of a stage comes
 * before the loads that it does not need, so that it is fetched before the memory is busy with them. */
static uint32_t earliest(const struct mover *m, uint32_t index, const struct stretch *stage) {
    uint32_t low = plan_max(m->plan->ops[m->loads[index]].after, index > 0 ? m->position[index - 1] : 0), first_work = stage->first_work;
    low = plan_max(low, stage->first_op);
    return m->loads[index] > first_work ? plan_max(low, plan_min(first_work + 2, m->loads[index])) : low;
}

/* Issues a load as early as an address is free from there on. Candidates are the places where the loads before it stood. */
static void move_load(struct mover *m, uint32_t index, const struct stretch *stage) {
    struct plan *plan = m->plan;
    uint32_t which = plan->ops[m->loads[index]].buffers[PLAN_WRITE], low = earliest(m, index, stage);
    struct plan_buffer *buffer = &plan->buffers[which];
    bool has_place = which < m->values || buffer->first_op < m->loads[index]; /* a map, or an earlier load has put it somewhere */
    if (!has_place) advance(m, which, low);
    for (uint32_t back = loads_to_pass(m, index) + 1; back > 0; back--) {
        uint32_t at = plan_max(low, m->loads[index + 1 - back]), address = buffer->address;
        if (!has_place && !find_address(m, which, at, &address)) continue;
        if (!has_place) m->next = address + buffer->bytes;
        buffer->address = address;
        buffer->first_op = plan_min(buffer->first_op, at);
        if (which < m->values) know_value(m, which);
        m->position[index] = at;
        return;
    }
}

static void move_loads(struct mover *m) {
    const struct plan *plan = m->plan;
    for (uint32_t i = 0, load = 0; i < plan->stage_count; i++) {
        uint32_t end = plan->stages[i].last_op;
        struct stretch stage = {plan->stages[i].first_op, plan->stages[i].first_op};
        while (stage.first_work < end && plan_opcode(&plan->ops[stage.first_work]) == QM_LOAD) stage.first_work++;
        for (; load < m->load_count && m->loads[load] < end; load++)
            if (plan->ops[m->loads[load]].after != PLAN_NONE) move_load(m, load, &stage);
    }
}

/* ---- addresses in instructions ---- */

/* Adds where its buffer lies to an address; the whole buffer is in the scratchpad, so the sum fits the field. */
static void add_base(struct plan_op *op, const struct qm_field *field, uint32_t base) {
    uint32_t sum = qm_field_bits(field, op->words) + base;
    QM_CHECK(op->is_wide || sum >> field->width == 0);
    if (op->is_wide)
        *qm_field_member(field, op->wide) += base;
    else
        qm_field_set_bits(field, op->words, sum);
}

static void resolve(const struct plan *plan, struct plan_op *op) {
    static const struct {
        enum qm_field_id field;
        uint32_t operand;
    } addresses[] = {{QM_FIELD_spad_addr, PLAN_WRITE},       {QM_FIELD_spad_addr, PLAN_READ},      {QM_FIELD_out_addr, PLAN_WRITE},
                     {QM_FIELD_in_addr, PLAN_READ},          {QM_FIELD_param_addr, PLAN_READ},     {QM_FIELD_b_addr, PLAN_READ_MORE},
                     {QM_FIELD_weight_addr, PLAN_READ_MORE}, {QM_FIELD_table_addr, PLAN_READ_MORE}};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        uint32_t buffer = op->buffers[addresses[i].operand];
        const struct qm_field *field = &qm_fields[addresses[i].field];
        if (buffer != PLAN_NONE && (field->opcodes >> plan_opcode(op) & 1) != 0) add_base(op, field, plan->buffers[buffer].address);
    }
}

/* ---- the final order ---- */

/* Moves operations to their places within the list. A load only moves ahead, past fewer loads than a queue has entries, so that any other
 * moves back by less than that many: it waits in a ring from when its old place is taken until its new one is reached. */
struct reordering {
    struct plan *plan;
    uint32_t count;          /* operations that are in place */
    struct plan_op *waiting; /* [entries of a queue] */
};

static struct plan_op *waiting(struct reordering *r, uint32_t op) {
    return &r->waiting[op % r->plan->machine->queue_depth];
}

static void put(struct reordering *r, const struct plan_op *op) {
    struct plan_op *place = &r->plan->ops[r->count];
    if (op != place) {
        if (plan_opcode(place) != QM_LOAD) *waiting(r, r->count) = *place;
        *place = *op;
    }
    resolve(r->plan, place);
    r->count++;
}

static void put_other(struct reordering *r, uint32_t op) {
    QM_CHECK(op <= r->count && r->count < op + r->plan->machine->queue_depth);
    put(r, r->count > op ? waiting(r, op) : &r->plan->ops[op]);
}

static void reorder(struct mover *m) {
    struct plan *plan = m->plan;
    struct reordering r = {.plan = plan, .waiting = QM_ARENA_NEW(m->arena, struct plan_op, plan->machine->queue_depth)};
    for (uint32_t i = 0, load = 0, next_load = 0; i < plan->op_count; i++) {
        for (; load < m->load_count && m->position[load] <= i; load++) put(&r, &plan->ops[m->loads[load]]);
        if (next_load < m->load_count && m->loads[next_load] == i)
            next_load++;
        else
            put_other(&r, i);
    }
    QM_CHECK(r.count == plan->op_count);
}

/* By index when they begin together, so that the order does not depend on how the library sorts. */
static int compare_begins(const void *a, const void *b, void *context) {
    const struct plan_buffer *buffers = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b, x = buffers[i].first_op, y = buffers[j].first_op;
    return x != y ? (x > y) - (x < y) : (i > j) - (i < j);
}

static void list_values(struct mover *m) {
    struct plan *plan = m->plan;
    while (m->values < plan->buffer_count && plan->buffers[m->values].placed) m->values++;
    m->by_begin = QM_ARENA_NEW(m->arena, uint32_t, m->values);
    m->known = QM_ARENA_NEW(m->arena, bool, m->values);
    for (uint32_t i = 0; i < m->values; i++) m->by_begin[i] = i;
    qsort_r(m->by_begin, m->values, sizeof *m->by_begin, compare_begins, plan->buffers);
}

enum qm_status pass_allocate(struct plan *plan) {
    struct mover m = {.plan = plan, .arena = qm_arena_create()};
    m.active = QM_ARENA_NEW(m.arena, uint32_t, plan->buffer_count);
    m.live = QM_ARENA_NEW(m.arena, const struct plan_buffer *, plan->buffer_count);
    list_values(&m);
    m.seen = m.values;
    place_buffers(&m);
    list_loads(&m);
    move_loads(&m);
    reorder(&m);
    qm_arena_destroy(m.arena);
    return QM_OK;
}
