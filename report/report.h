/* report.h - what a run means: cycles, causes, traffic and energy of each layer and of the whole,
 * as a table for people and JSON for programs.
 *
 * Layers share the machine: the next layer's weights are loaded while this one computes. A cycle belongs to the layer whose rows the array
 * streams in it, or else to that of the oldest instruction in program order that has not ended, so that the layers' cycles add up to the
 * run's. In each cycle the first of these that holds is the cause: compute (a row enters the array), weights (the streamer waits for them),
 * post (a post instruction has started and not ended), drain (the same of a MATMUL), memory (of a LOAD or STORE), control (nothing).
 * Events are split by layer with common/work.h, and must add up to the machine's counters: that is checked in every report.
 */
#ifndef QM_REPORT_REPORT_H
#define QM_REPORT_REPORT_H

#include "common/arena.h"
#include "common/program.h"
#include "common/run.h"
#include "report/energy.h"

enum qm_layer_cause {
    QM_LAYER_COMPUTE,
    QM_LAYER_WEIGHTS,
    QM_LAYER_POST,
    QM_LAYER_DRAIN,
    QM_LAYER_MEMORY,
    QM_LAYER_CONTROL,
    QM_LAYER_CAUSES
};
const char *qm_layer_cause_name(unsigned cause);

/* Whether sums fit the accumulator: all that any input could have, or else all that this run had, or not even these. */
enum qm_overflow { QM_OVERFLOW_NONE, QM_OVERFLOW_POSSIBLE, QM_OVERFLOW_COUNTED };
const char *qm_overflow_name(enum qm_overflow overflow); /* "none", "possible", "counted" */

/* How far the machine's numbers of a layer that is_inexact are from those that the model means, over all elements and examples. */
struct qm_deviation {
    uint32_t layer;       /* of the program */
    double largest, mean; /* of the absolute differences, in steps of the layer's output */
};

struct qm_report_source {
    const struct qm_program *program;
    const struct qm_machine *machine; /* that ran it: the program's in all that the RTL sees */
    const struct qm_run *run;         /* of one example; the others cost the same */
    const struct qm_energy_table *energy;
    const char *engine;
    const char *command;                         /* that makes the report again; NULL: not known */
    const char *verilog_folder, *verilog_sha256; /* of the engine rtl; NULL: another one */
    uint64_t examples;
    uint64_t labelled, correct; /* labelled 0: no labels were given */
    uint64_t seed;
    double stalls;
    /* Of the same program when only the DRAM's rate is another, and the bus carries it; 0: not known. */
    uint64_t half_bandwidth_cycles, double_bandwidth_cycles;
    const char *compared; /* number format to set the run's beside (report/compare.h); NULL: none */
    bool random_input;
    uint64_t overflows;            /* sums that did not fit the accumulator, over all examples; 0 without values */
    uint64_t overflowing_examples; /* of how many */
    bool accepts_error;            /* layers that are not exact were accepted, if there are some */
    uint32_t deviation_count;
    const struct qm_deviation *deviations; /* [deviation_count] */
};

/* Work and cost of a layer or of the whole run of one example. */
struct qm_report_part {
    const struct qm_report *report;
    const struct qm_program_layer *layer; /* NULL: the whole run */
    uint64_t macs;                        /* of the definition */
    double products_per_cell;             /* in a cycle, at the layer's precision; of the whole at 8 bits: 1 */
    double cell_cycles; /* that these take when every cell works at the layer's precision: macs, half or a quarter of them */
    uint64_t causes[QM_LAYER_CAUSES];
    uint64_t weight_rows, post_items; /* that its instructions issue, one a cycle; 0 without time. Rows of maps: causes[QM_LAYER_COMPUTE] */
    struct qm_counters counters;      /* events; of a layer the cause counters are 0 */
    struct qm_energy_sum energy;
};

/* Of a layer never QM_OVERFLOW_COUNTED: the machine counts them together. */
enum qm_overflow qm_report_overflow(const struct qm_report_part *part);

struct qm_report {
    struct qm_report_source source;
    struct qm_report_part total;
    struct qm_report_part *layers;    /* [layer_count] */
    uint64_t host_macs, host_bytes;   /* of the host's operators; the bytes of their maps, read and written */
    uint64_t host_cycles;             /* not of the total: to move the maps of the host's operators at the DRAM's rate */
    struct qm_energy_sum host_energy; /* and at its price */
};

/* The report belongs to arena and borrows what source points to.
 * QM_INTERNAL when the machine's counters are not what the program adds up to. */
QM_MUST_USE enum qm_status qm_report_make(const struct qm_report_source *source, struct qm_arena *arena, struct qm_report **report,
                                          struct qm_diag *diag);

/* Formats for files: the name of the format, of its option of qmac run and of the function qm_report_NAME, and the option's help. */
#define QM_REPORT_FORMATS(FORMAT)                                                                                                          \
    FORMAT(json, "write the report as JSON")                                                                                               \
    FORMAT(html, "write the report as a page that any browser opens, with its timeline")                                                   \
    FORMAT(trace, "write when each instruction ran as a trace that Perfetto and Chrome open")

/* Texts belong to arena. */
char *qm_report_table(const struct qm_report *report, struct qm_arena *arena);
#define QM_REPORT_FORMAT(name, help) char *qm_report_##name(const struct qm_report *report, struct qm_arena *arena);
QM_REPORT_FORMATS(QM_REPORT_FORMAT)
#undef QM_REPORT_FORMAT

#endif
