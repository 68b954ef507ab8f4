/* machine.h - one machine: the knobs of spec/hw_params.def with values, read from a YAML file (spec/machines/NAME.yaml).
 *
 * The fingerprint is a 32-bit hash of the knobs that the RTL sees, with the instruction set's own hash, so that a program, an RTL build and
 * a model can tell whether they belong together.
 */
#ifndef QM_COMMON_MACHINE_H
#define QM_COMMON_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

struct qm_machine {
    char name[64];
#define QM_PARAM(name, verilog, minimum, maximum, default_value, rule, unit, text) uint32_t name;
#include "spec/hw_params.def"
#undef QM_PARAM
};

/* The named values of knobs: QM_cell_fixed8 ... */
enum {
#define QM_CHOICE(knob, name, value, text) QM_##knob##_##name = value,
#include "spec/hw_params.def"
#undef QM_CHOICE
};

/* The most that a knob may be: QM_MOST_cols ... */
enum {
#define QM_PARAM(name, verilog, minimum, maximum, default_value, rule, unit, text) QM_MOST_##name = maximum,
#include "spec/hw_params.def"
#undef QM_PARAM
};

/* Sets every knob to its default; the name becomes "default". */
void qm_machine_init(struct qm_machine *machine);

/* Reads a machine by file name (contains '/' or ends in .yaml) or by name (looked up in spec/machines of the source or installed tree).
 * Unknown and repeated keys, values out of range and bad YAML are QM_BAD_INPUT with file and line. */
QM_MUST_USE enum qm_status qm_machine_load(const char *name_or_file, struct qm_machine *machine, struct qm_diag *diag);

/* Sets one knob from "key=value" (the command line's --set), the value as in a machine file; the name grows by ",key=value".
 * qm_machine_check comes after the last. */
QM_MUST_USE enum qm_status qm_machine_set(struct qm_machine *machine, const char *assignment, struct qm_diag *diag);

/* Checks every knob's range and rule, and what they must be together. */
QM_MUST_USE enum qm_status qm_machine_check(const struct qm_machine *machine, struct qm_diag *diag);

uint32_t qm_machine_fingerprint(const struct qm_machine *machine);

/* One line of the knob table, for printers and generators. */
struct qm_param {
    const char *name, *verilog, *unit, *text; /* verilog is NULL for a knob the RTL does not see */
    uint32_t minimum, maximum, default_value;
    bool power_of_two;
    size_t offset; /* of the uint32_t in struct qm_machine */
};
extern const struct qm_param qm_params[];
extern const size_t qm_param_count;

/* The knob of that name; NULL when there is none. */
const struct qm_param *qm_param_find(const char *name);
/* A machine's value of a knob. */
uint32_t qm_machine_knob(const struct qm_machine *machine, const struct qm_param *param);
/* The name of a knob's value; NULL when its values are numbers. */
const char *qm_param_choice(const struct qm_param *param, uint32_t value);
/* A value of a knob as it is written: its name, or the number. */
struct qm_knob_text {
    char text[16];
};
struct qm_knob_text qm_param_text(const struct qm_param *param, uint32_t value);
/* Reads a value of a knob as it is written; where is the place that a message names. */
QM_MUST_USE enum qm_status qm_param_parse(const struct qm_param *param, const char *text, const char *where, uint32_t *value,
                                          struct qm_diag *diag);

/* Channels of a tile: cols, or min(rows, cols) when depthwise. */
static inline uint32_t qm_machine_tile(const struct qm_machine *machine, bool depthwise) {
    return depthwise && machine->rows < machine->cols ? machine->rows : machine->cols;
}

#endif
