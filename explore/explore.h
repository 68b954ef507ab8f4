/* explore.h - the parts of qmac explore: a grid of choices, the figures of a point, the journal of finished ones, the pool of processes,
 * the Pareto front, the texts.
 *
 * A point is a model at a precision, on a machine, at the prices of a table. Points are numbered model by model, then precision by
 * precision, then table by table, then machine by machine with the last axis moving fastest.
 */
#ifndef QM_EXPLORE_EXPLORE_H
#define QM_EXPLORE_EXPLORE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/digest.h"
#include "common/machine.h"
#include "common/status.h"
#include "compiler/compiler.h"
#include "report/figures.h"

/* ---- grid ---- */

enum { POINTS_MAX = 100000 };
/* The first two axes have indices into lists of names for values, those behind them have a knob's. */
enum { GRID_PRECISION, GRID_ENERGY, GRID_KNOBS, GRID_AXES_MAX = 32 };

struct grid_axis {
    const struct qm_param *param; /* NULL: the values are 0 .. count - 1 */
    uint32_t *values;             /* [count] */
    uint32_t count;
};

struct grid {
    struct qm_machine base;
    uint32_t axis_count;
    struct grid_axis axes[GRID_AXES_MAX];
};

/* What a point is of: indices into the lists of an exploration, and the machine. */
struct place {
    uint32_t model, precision, energy;
    struct qm_machine machine;
};

/* A grid of one choice, the base with all knobs at their defaults. */
void grid_init(struct grid *grid);
/* Adds an axis "knob=value,value,...". A second axis of a knob, a value that the knob does not take, and an empty or repeated value are
 * QM_BAD_INPUT. Values belong to arena. */
QM_MUST_USE enum qm_status grid_add_axis(struct grid *grid, const char *text, struct qm_arena *arena, struct qm_diag *diag);
/* How many choices the grid has; above POINTS_MAX any number above it. */
uint64_t grid_count(const struct grid *grid);
/* Fills all of the choice of that index but its model. The machine has the base's name, and is not checked: knobs that are fine alone may
 * not go together. */
void grid_place(const struct grid *grid, uint64_t index, struct place *place);

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

/* How good a network is at a precision, on examples: docs/quantization.md, Quality. */
struct quality {
    double sqnr_db, agreement, accuracy; /* accuracy NAN: there were no labels */
};

struct point {
    enum point_state state;
    bool is_pareto;             /* no other point of the model is as good in latency, energy and quality and better in one */
    bool is_undecided;          /* of point_pareto: prices within their ranges could turn what it needs less or more than another */
    double quality;             /* more is better; of all points the same when nothing is known of it */
    bool may_overflow;          /* there are inputs whose sums do not fit the machine's accumulator */
    double figures[QM_FIGURES]; /* those that have a number, of the whole run */
    struct qm_energy_sum energy;
    struct qm_diag why; /* all states but WAITS and OK; while it RUNS, for the case that its process dies. The last member */
};

/* Plans the network for the machine and finds its time; fills point. */
void point_run(const struct qm_network *network, const struct qm_compile_options *options, const struct qm_energy_table *energy,
               const struct qm_machine *machine, struct point *point);

const char *point_state_name(enum point_state state);
/* Why the point has no figures; "" when it has. Borrowed. */
const char *point_why(const struct point *point);
/* Whether sums may overflow, as reports name it; points have no values, of which some could be counted. */
const char *point_overflow(const struct point *point);

/* Marks the Pareto front of one model's points, of those that may overflow only when that is allowed, and writes their indices, by latency,
 * to pareto [count]; returns how many there are. A judged point is_undecided when the table cannot tell whether it needs less energy than
 * the point of the front that is at least as fast and needs least. */
uint64_t point_pareto(struct point *points, uint64_t count, bool allow_overflow, uint64_t *pareto);

/* ---- pool ---- */

struct pool {
    uint64_t count; /* of tasks */
    uint64_t jobs;  /* processes at a time */
    void (*work)(void *context, uint64_t task);
    /* In the caller's process after every task, with how many are done; what is not QM_OK ends all. */
    enum qm_status (*done)(void *context, uint64_t task, uint64_t done, struct qm_diag *diag);
    void *context;
};

/* Does every task in one of `jobs` processes. A process that dies leaves its task unfinished, which only what the task itself has
 * written shows, and takes no other. All end when the caller dies. The signals of pool_signals end all, too: *signal is the one that
 * came, or 0. */
QM_MUST_USE enum qm_status pool_run(const struct pool *pool, int *signal, struct qm_diag *diag);

/* Those by which users and systems end a process: SIGINT, SIGTERM, SIGHUP. */
void pool_signals(sigset_t *signals);

/* ---- journal ---- */

/* The file of the points that are done, in the order of completion, until the results are written. */
struct journal {
    const char *file;
    int descriptor;
    uint64_t size_bytes; /* of what is written whole */
    double synced;       /* when it was last seen to that this survives a loss of power, in qm_seconds() */
};

/* Opens the journal of the sweep that the digest names, or makes it, and takes what it has into points [count]; *known is how many
 * that were. What was cut off at its end is dropped. QM_BAD_INPUT: it is of another sweep, or in use, or cannot be written. */
QM_MUST_USE enum qm_status journal_open(struct journal *journal, const char *file, const struct qm_digest *sweep, struct point *points,
                                        uint64_t count, uint64_t *known, struct qm_diag *diag);
/* Adds the point, whole or not at all. QM_BAD_INPUT: it cannot be written. */
QM_MUST_USE enum qm_status journal_add(struct journal *journal, uint64_t index, const struct point *point, struct qm_diag *diag);
/* Closes it. */
void journal_close(struct journal *journal);

/* ---- the whole, and its texts ---- */

/* A table of prices by name and content; prices NULL: only those are known. */
struct priced {
    const char *name;
    struct qm_digest digest;
    struct qm_energy_table *prices;
};

struct explored_model {
    const char *file;
    char sha256[QM_DIGEST_BYTES];
    const char *requant; /* name of its rounding */
};

struct exploration {
    uint32_t model_count, precision_count, energy_count;
    struct explored_model *models; /* [model_count] */
    const char **precisions;       /* [precision_count]; NULL: the model's own */
    struct priced *energies;       /* [energy_count] */
    struct qm_network **networks;  /* [model_count][precision_count] */
    struct quality *qualities;     /* [model_count][precision_count]; NULL: nothing is known of it */
    const char *search;            /* name of what the compiler tries */
    bool allow_overflow;           /* points that may overflow are on the front like others */
    uint64_t choice_count;         /* points of a model */
    struct place *places;          /* [model_count][choice_count] */
    struct point *points;          /* [model_count][choice_count] */
};

/* What the CSV and the JSON mean: another number when a field goes, or means something else. */
enum { EXPLORATION_SCHEMA = 2 };

const char *exploration_precision(const struct exploration *exploration, const struct place *place);
/* Of the network of that place; NULL: nothing is known of it. */
const struct quality *exploration_quality(const struct exploration *exploration, const struct place *place);

/* One row a point, in the order of points; texts belong to arena. */
char *exploration_csv(const struct exploration *exploration, struct qm_arena *arena);
char *exploration_json(const struct exploration *exploration, struct qm_arena *arena);
/* The page (report/page.h) that shows them; command: that makes it again. */
char *exploration_html(const struct exploration *exploration, const char *command, struct qm_arena *arena);
/* The points of a model's Pareto front, pareto [count], as a table, and what is to be said of the others. */
char *exploration_table(const struct exploration *exploration, uint32_t model, const uint64_t *pareto, uint64_t count,
                        struct qm_arena *arena);

#endif
