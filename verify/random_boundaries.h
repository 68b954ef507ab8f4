/* random_boundaries.h - the boundaries of instructions, as numbers: what decode demands (docs/machine.md, Decode), and where the sizes of
 * the machine matter.
 *
 * Each boundary has a slack: how far an instruction is from it. At 0 the instruction is at the boundary, at -1 one beyond, where decode
 * refuses it unless the boundary is BEYOND_LEGAL. One field moves the slack, so that one rule draws an instruction at the boundary and
 * recognizes one. The extremes of fields come from spec/isa.def, other boundaries from the table in random_boundaries.c. An instruction is
 * legal when no slack is below 0, but for those of BEYOND_LEGAL.
 */
#ifndef QM_VERIFY_RANDOM_BOUNDARIES_H
#define QM_VERIFY_RANDOM_BOUNDARIES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/isa.h"
#include "common/machine.h"

enum { QM_BOUNDARIES_MAX = 512, QM_BOUNDARY_NONE = -1 };

/* Beyond it an instruction is refused, is another good one, or cannot be: the field has no such value. */
enum beyond_kind { BEYOND_REFUSED, BEYOND_LEGAL, BEYOND_NONE };

struct boundary_site {
    const struct qm_machine *machine;
    const struct qm_insn *insn;
    const struct qm_field *field; /* that moves the slack */
};

struct boundary {
    const char *name; /* static */
    enum qm_opcode opcode;
    enum beyond_kind kind;
    const struct qm_field *field;                   /* that moves the slack */
    int64_t change;                                 /* of the field, for 1 of slack less; 0: a tile of channels more */
    int64_t (*slack)(const struct boundary_site *); /* NULL: the field against its extreme */
    int64_t extreme, last;                          /* without slack: a field beyond last is another boundary's */
    const struct qm_field *when;                    /* NULL, or the boundary is of instructions in which this field is value */
    int64_t value;
    bool is_tiled;           /* tiles follows channels */
    bool has_at, has_beyond; /* a short program on the machine can be there */
};

struct boundaries {
    const struct qm_machine *machine;
    int count; /* the same boundaries in the same order on every machine */
    struct boundary list[QM_BOUNDARIES_MAX];
};

/* The boundaries of all opcodes on the machine. */
void boundaries_init(struct boundaries *boundaries, const struct qm_machine *machine);

/* The slack of the instruction; INT64_MAX: the boundary says nothing of it. */
int64_t boundary_slack(const struct boundary *boundary, const struct qm_machine *machine, const struct qm_insn *insn);

/* Moves the boundary's field until the slack is 0, or -1 when beyond. False: the boundary says nothing of the instruction, or the field has
 * no such value. Other boundaries may be broken then. */
bool boundary_move(const struct boundary *boundary, const struct qm_machine *machine, struct qm_insn *insn, bool beyond);

/* How many boundaries the instruction breaks; *which is the last of them, or QM_BOUNDARY_NONE. */
int boundaries_broken(const struct boundaries *boundaries, const struct qm_insn *insn, int *which);

/* Whether good instructions of the opcode have that value of an enumerated field. */
bool boundary_allows_value(int64_t opcode, const struct qm_enum_value *value);

/* Whether the field says where the opcode writes to the arena: 0 would overwrite the program. */
bool boundary_is_written_address(const struct qm_field *field, int64_t opcode);

#endif
