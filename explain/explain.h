/* explain.h - why a run costs what it costs: what a layer's cycles are for and what bounds them, and what each knob of the machine would
 * change. diff.h: where two runs differ.
 */
#ifndef QM_EXPLAIN_EXPLAIN_H
#define QM_EXPLAIN_EXPLAIN_H

#include "explore/explore.h"

/* What is explained: a network, as the compiler takes it, at these prices. */
struct explain_subject {
    const struct qm_network *network;
    struct qm_compile_options options;
    const struct qm_energy_table *energy;
};

enum { EXPLAIN_ALL = UINT32_MAX };

struct explain_cost {
    uint64_t cycles;
    double seconds, pj;
};

/* ---- needs ---- */

/* The cycles that a part of a run needs at least for one of its parts alone, if all others took no time. */
enum explain_need { EXPLAIN_PRODUCTS, EXPLAIN_STREAMS, EXPLAIN_WEIGHTS, EXPLAIN_POST, EXPLAIN_MEMORY, EXPLAIN_NEEDS };

uint64_t explain_need(const struct qm_report_part *part, enum explain_need need);

/* ---- knobs ---- */

enum { EXPLAIN_WAYS = 2 }; /* a knob is doubled, and halved */

/* The run with one knob of the machine doubled or halved. */
struct explain_variant {
    const struct qm_param *param;
    uint32_t from, to;
    bool may_overflow;                /* there are inputs whose sums do not fit the accumulator then */
    struct explain_cost whole, layer; /* layer: as the whole, when none was asked for */
};

/* What a layer costs, or EXPLAIN_ALL. */
struct explain_cost explain_cost(const struct qm_report *report, uint32_t layer);

/* Runs the network on the machine with param at the value `to` instead, and fills the variant's costs. QM_BAD_INPUT: that machine cannot
 * be, or cannot run the network. */
QM_MUST_USE enum qm_status explain_knob(const struct explain_subject *subject, const struct qm_machine *machine, uint32_t layer,
                                        struct explain_variant *variant, struct qm_diag *diag);

/* "rows 16 > 32", and that sums may not fit, when they may not. */
void explain_variant_name(const struct explain_variant *variant, qm_cell out);

/* Runs the network once for each knob doubled and halved, as far as the machine may have it and can run the network then, and sorts the
 * variants: fewest cycles of the layer first, then of the whole, then least energy. variants: [EXPLAIN_WAYS * qm_param_count].
 * QM_BAD_INPUT only as of a machine that cannot run it. */
QM_MUST_USE enum qm_status explain_knobs(const struct explain_subject *subject, const struct qm_machine *machine, uint32_t layer,
                                         struct explain_variant *variants, uint32_t *count, struct qm_diag *diag);

/* The explanation of a run and of the layer, or EXPLAIN_ALL, with variants [count] of explain_knobs. Text belongs to arena. */
char *explain_text(const struct qm_report *report, uint32_t layer, const struct explain_variant *variants, uint32_t count,
                   struct qm_arena *arena);

#endif
