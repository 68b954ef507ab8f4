/* random_limits.h - what decode demands of an instruction (docs/machine.md, Decode), and where the machine's sizes matter, as numbers.
 *
 * A limit of an opcode has a slack: how far the instruction is from it. 0: exactly at the limit; -1: one beyond it; below 0 the
 * instruction is refused; of a limit of kind LIMIT_SIZE it stays legal. One field moves it. So one rule draws and recognizes every corner:
 * bounds of fields come from spec/isa.def, the others from the table here. A good instruction has no limit with a slack below 0.
 */
#ifndef QM_VERIFY_RANDOM_LIMITS_H
#define QM_VERIFY_RANDOM_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/isa.h"
#include "common/machine.h"

enum { QM_LIMITS_MAX = 512, QM_LIMIT_NONE = -1 };

/* Beyond it an instruction is refused, is another good one, or cannot be: the field has no such value. */
enum limit_kind { LIMIT_REFUSES, LIMIT_SIZE, LIMIT_WIDTH };

struct limit_site {
    const struct qm_machine *machine;
    const struct qm_insn *insn;
    const struct qm_field *field; /* what moves the limit */
};

struct limit {
    const char *name; /* static */
    enum qm_opcode opcode;
    enum limit_kind kind;
    const struct qm_field *field;                /* what moves it */
    int64_t step;                                /* of the field, for 1 of slack less; 0: a tile of channels more */
    int64_t (*slack)(const struct limit_site *); /* NULL: the field against its bound */
    int64_t bound, last;                         /* without slack: a field beyond last is another limit's */
    const struct qm_field *when;                 /* NULL, or the limit is of instructions in which this field is value */
    int64_t value;
    bool is_tiled;           /* tiles follows channels */
    bool has_at, has_beyond; /* a short program on the machine can be there */
};

struct limits {
    const struct qm_machine *machine;
    int count; /* the same limits in the same order on every machine */
    struct limit list[QM_LIMITS_MAX];
};

/* The limits of all opcodes on the machine. */
void limits_init(struct limits *limits, const struct qm_machine *machine);

/* INT64_MAX: the limit says nothing of this instruction. */
int64_t limit_slack(const struct limit *limit, const struct qm_machine *machine, const struct qm_insn *insn);

/* Moves the limit's field until the slack is 0, or -1. Whether the limit concerns the instruction and the field has that value. Other
 * limits may be broken then. */
bool limit_move(const struct limit *limit, const struct qm_machine *machine, struct qm_insn *insn, bool beyond);

/* How many limits the instruction breaks; *which is the last of them, or QM_LIMIT_NONE. */
int limits_broken(const struct limits *limits, const struct qm_insn *insn, int *which);

/* Whether good instructions of the opcode have that value of an enumerated field. */
bool limit_allows_value(int64_t opcode, const struct qm_enum_value *value);

/* Whether the field says where the opcode writes to the arena: 0 would overwrite the program. */
bool limit_is_written_address(const struct qm_field *field, int64_t opcode);

#endif
