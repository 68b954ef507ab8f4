/* explore.h - the parts of qmac explore: a grid of machines, the figures of a point, the pool of processes, the Pareto front, the texts.
 *
 * A point is a model at a precision on a machine. Points are numbered model by model, then precision by precision, then machine by machine
 * with the last axis moving fastest.
 */
#ifndef QM_EXPLORE_EXPLORE_H
#define QM_EXPLORE_EXPLORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/machine.h"
#include "common/status.h"
#include "compiler/compiler.h"
#include "report/figures.h"

/* ---- grid ---- */

enum { GRID_AXES_MAX = 32, POINTS_MAX = 100000 };

struct grid_axis {
    const struct qm_param *param;
    uint32_t *values; /* [count] */
    uint32_t count;
};

struct grid {
    struct qm_machine base;
    uint32_t axis_count;
    struct grid_axis axes[GRID_AXES_MAX];
};

/* Adds an axis "knob=value,value,...". A second axis of a knob, a value that the knob does not take, and an empty or repeated value are
 * QM_BAD_INPUT. Values belong to arena. */
QM_MUST_USE enum qm_status grid_add_axis(struct grid *grid, const char *text, struct qm_arena *arena, struct qm_diag *diag);
/* How many machines the grid has; above POINTS_MAX any number above it. */
uint64_t grid_machine_count(const struct grid *grid);
/* The machine of that index. It has the base's name, and is not checked: knobs that are fine alone may not go together. */
void grid_machine(const struct grid *grid, uint64_t index, struct qm_machine *machine);

/* ---- planned runs ---- */

/* What a run of a network would cost: its program, without instruction words, and the report. */
struct planned {
    struct qm_program *program;
    struct qm_report *report; /* without values; belongs to the arena, and borrows the program */
};

/* Plans the network for the machine and finds its time without running it. The machine and the prices are borrowed.
 * QM_BAD_INPUT: the machine cannot be, or cannot run it. */
QM_MUST_USE enum qm_status planned_make(const struct qm_network *network, const struct qm_compile_options *options,
                                        const struct qm_energy_table *energy, const struct qm_machine *machine, struct qm_arena *arena,
                                        struct planned *planned, struct qm_diag *diag);
void planned_end(struct planned *planned);

/* ---- points ---- */

enum point_state { POINT_WAITS, POINT_RUNS, POINT_OK, POINT_IMPOSSIBLE, POINT_FAULT };

struct point {
    enum point_state state;
    bool is_pareto;             /* no other point of the model is as good in latency and energy and better in one */
    bool is_undecided;          /* of point_pareto: prices within their ranges could turn what it needs less or more than another */
    bool may_overflow;          /* there are inputs whose sums do not fit the machine's accumulator */
    double figures[QM_FIGURES]; /* those that have a number, of the whole run */
    struct qm_energy_sum energy;
    struct qm_diag why; /* all states but WAITS and OK; while it RUNS, for the case that its process dies */
};

/* Plans the network for the machine and finds its time; fills point. */
void point_run(const struct qm_network *network, const struct qm_compile_options *options, const struct qm_energy_table *energy,
               const struct qm_machine *machine, struct point *point);

/* Why the point has no figures; "" when it has. Borrowed. */
const char *point_why(const struct point *point);

/* Marks the Pareto front of one model's points, of those that may overflow only when that is allowed, and writes their indices, by latency,
 * to pareto [count]; returns how many there are. A judged point is_undecided when the table cannot tell whether it needs less energy than
 * the point of the front that is at least as fast and needs least. */
uint64_t point_pareto(struct point *points, uint64_t count, bool allow_overflow, uint64_t *pareto);

/* ---- pool ---- */

struct pool {
    uint64_t count; /* of tasks */
    uint64_t jobs;  /* processes at a time */
    void (*work)(void *context, uint64_t task);
    void (*progress)(void *context, uint64_t done); /* in the caller's process, after every task */
    void *context;
};

/* Does every task in one of `jobs` processes. A process that dies leaves its task unfinished, which only what the task itself has
 * written shows, and takes no other. All end when the caller dies. */
QM_MUST_USE enum qm_status pool_run(const struct pool *pool, struct qm_diag *diag);

/* ---- the whole, and its texts ---- */

struct exploration {
    struct grid grid;
    uint32_t model_count, precision_count;
    const char **models;          /* [model_count] files */
    const char **precisions;      /* [precision_count]; NULL: the model's own */
    struct qm_network **networks; /* [model_count][precision_count] */
    const char *search;           /* name of what the compiler tries */
    enum qm_requant_mode requant;
    struct qm_energy_table *energy;
    bool allow_overflow; /* points that may overflow are on the front like others */
    uint64_t machine_count;
    struct point *points; /* [model_count][precision_count][machine_count] */
};

/* One row a point, in the order of points; texts belong to arena. */
char *exploration_csv(const struct exploration *exploration, struct qm_arena *arena);
char *exploration_json(const struct exploration *exploration, struct qm_arena *arena);
/* The points of a model's Pareto front, pareto [count], as a table, and what is to be said of the others. */
char *exploration_table(const struct exploration *exploration, uint32_t model, const uint64_t *pareto, uint64_t count,
                        struct qm_arena *arena);

#endif
