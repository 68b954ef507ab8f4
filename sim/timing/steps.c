/* steps.c - the steps of a MATMUL: the recurrence of docs/machine.md, Matmul, until runs repeat themselves. */
#include "sim/timing/state.h"

static void stream_step(struct timing *t, uint32_t weight_rows, uint64_t rows) {
    t->preloaded = larger(t->preloaded, t->streamed_before) + weight_rows;
    uint64_t begin = larger(t->streamed, t->preloaded);
    t->streamed_before = t->streamed;
    t->streamed = begin + rows;
    if (t->has_causes) stream_add(&t->stream, begin, t->streamed);
}

/* The step's weights are there when the step before it has been streamed, and so are those of every step like it behind it. */
static bool hides_weights(const struct timing *t, uint32_t weight_rows, uint64_t rows) {
    return weight_rows <= rows && t->preloaded <= t->streamed_before && t->streamed_before + weight_rows <= t->streamed;
}

/* At least two steps of which none waits. */
static void stream_without_wait(struct timing *t, uint64_t steps, uint32_t weight_rows, uint64_t rows) {
    uint64_t begin = t->streamed;
    t->streamed += steps * rows;
    t->streamed_before = t->streamed - rows;
    t->preloaded = t->streamed_before - rows + weight_rows;
    if (t->has_causes) stream_add(&t->stream, begin, t->streamed);
}

static void stream_run(struct timing *t, const struct qm_matmul_run *run) {
    if (t->has_causes) stream_begin_run(&t->stream);
    for (uint32_t left = run->steps - 1; left > 0; left--) {
        if (left > 1 && hides_weights(t, run->weight_rows, run->rows)) {
            stream_without_wait(t, left, run->weight_rows, run->rows);
            break;
        }
        stream_step(t, run->weight_rows, run->rows);
    }
    stream_step(t, run->last_weight_rows, run->rows);
}

bool stream_runs(struct timing *t, const struct qm_record *insn) {
    uint64_t runs = insn->matmul.runs, steps = runs * insn->matmul.run.steps, begin = 0, preload = 0, buffer = 0;
    if (insn->matmul.run.rows > t->limit_cycles / steps) return false;
    for (uint64_t run = 0; run < runs && t->streamed <= t->limit_cycles; run++) {
        uint64_t period = t->streamed - begin;
        if (run > 0 && t->preloaded == preload + period && t->streamed_before == buffer + period) {
            uint64_t left = runs - run;
            if (period > t->limit_cycles / left) return false;
            if (t->has_causes) stream_repeat_run(&t->stream, period, left);
            t->preloaded += left * period;
            t->streamed += left * period;
            t->streamed_before += left * period;
            break;
        }
        begin = t->streamed;
        preload = t->preloaded;
        buffer = t->streamed_before;
        stream_run(t, &insn->matmul.run);
    }
    t->rows += steps * insn->matmul.run.rows;
    return t->streamed <= t->limit_cycles;
}
