/* parts.h - the drawers, one function an opcode, and what they share.
 *
 * Sizes are drawn small and then shrunk until operands fit the machine and the work fits a budget of cycles; now and then a stride or an
 * offset is drawn from its whole range.
 */
#ifndef QM_VERIFY_DRAW_PARTS_H
#define QM_VERIFY_DRAW_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/isa.h"
#include "common/machine.h"
#include "common/prng.h"

enum { DRAW_BUDGET_CYCLES = 1500 };

struct draw {
    const struct qm_machine *machine;
    int64_t code_bytes, arena_bytes; /* instructions write no byte of the arena below code_bytes, which are the program's */
    struct qm_prng prng;
};

/* draw_LOAD ...: fill the fields of an instruction of which only the opcode is set. False: this one fits nowhere, another may. */
#define QM_OPCODE(name, code, unit, text) bool draw_##name(struct draw *d, struct qm_insn *insn);
#include "spec/isa.def"
#undef QM_OPCODE

/* ---- numbers ---- */

int64_t draw_between(struct draw *d, int64_t low, int64_t high);
bool draw_chance(struct draw *d, int percent);
/* A number of low..usual, now and then of low..most. */
int64_t draw_wide(struct draw *d, int64_t low, int64_t usual, int64_t most);
int64_t draw_multiplier(struct draw *d);
int64_t draw_shift(struct draw *d);

/* ---- parts of an instruction ---- */

/* A place for size of room bytes or rows, or for size bytes of the scratchpad, now and then the first or the last one. */
int64_t draw_place_below(struct draw *d, int64_t size, int64_t room);
int64_t draw_place(struct draw *d, int64_t size);
/* Bytes or rows of the operand whose address the field holds; the instruction must have it. */
int64_t draw_operand_size(const struct draw *d, const struct qm_insn *insn, const char *field);
void draw_window(struct draw *d, struct qm_insn *insn, bool single_byte_runs);
/* Draws channels, tiles and accumulator rows, and shrinks them until they fit. */
void draw_tiles(struct draw *d, struct qm_insn *insn);
void draw_output_stage(struct draw *d, struct qm_insn *insn);
/* Draws how two operands are brought to one scale, and the scale of their sum. */
void draw_sum(struct draw *d, struct qm_insn *insn);
/* For POOL and ADD: draws 4-bit elements now and then, where no piece of `elements` ends within a byte. */
void draw_nibbles(struct draw *d, struct qm_insn *insn, int64_t elements);
/* Draws out_addr, when all else is drawn, so that the output is clear of what the instruction reads. False: there is no room. */
bool draw_output_place(struct draw *d, struct qm_insn *insn);
/* Draws the strides of output positions of pixel_bytes, then out_addr as above. */
bool draw_output(struct draw *d, struct qm_insn *insn, int64_t pixel_bytes);

static inline int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static inline void halve(int64_t *value) {
    *value = (*value + 1) / 2;
}

static inline int64_t tile_width(const struct draw *d, const struct qm_insn *insn) {
    return qm_machine_tile(d->machine, insn->depthwise != 0);
}

#endif
