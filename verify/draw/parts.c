/* parts.c - what several opcodes draw alike. */
#include "verify/draw/parts.h"

#include <string.h>

#include "common/opcode/opcode.h"
#include "common/status.h"

int64_t draw_between(struct draw *d, int64_t low, int64_t high) {
    return low + (int64_t)(qm_prng_next(&d->prng) % (uint64_t)(high - low + 1));
}

bool draw_chance(struct draw *d, int percent) {
    return draw_between(d, 0, 99) < percent;
}

int64_t draw_wide(struct draw *d, int64_t low, int64_t usual, int64_t most) {
    return draw_chance(d, 92) ? draw_between(d, low, usual) : draw_between(d, low, most);
}

int64_t draw_multiplier(struct draw *d) {
    static const int64_t corners[] = {0, 1, -1, 1 << 30, INT32_MAX, INT32_MIN};
    return draw_chance(d, 15) ? corners[draw_between(d, 0, 5)] : draw_between(d, draw_chance(d, 20) ? INT32_MIN : 1 << 30, INT32_MAX);
}

int64_t draw_shift(struct draw *d) {
    return draw_chance(d, 85) ? draw_between(d, -14, 4) : draw_between(d, -128, 127);
}

int64_t draw_place_below(struct draw *d, int64_t size, int64_t room) {
    QM_CHECK(size <= room);
    return draw_chance(d, 5) ? 0 : draw_chance(d, 10) ? room - size : draw_between(d, 0, room - size);
}

int64_t draw_place(struct draw *d, int64_t size) {
    return draw_place_below(d, size, d->machine->scratchpad_bytes);
}

/* The operand whose address the field holds, and must have. */
static struct qm_operand operand_at(const struct draw *d, const struct qm_insn *insn, const char *field) {
    struct qm_operand operands[QM_OPERANDS];
    uint32_t i = 0, count = qm_opcode_info(insn->opcode)->find_operands(insn, d->machine, operands);
    while (i < count && strcmp(operands[i].name, field) != 0) i++;
    QM_CHECK(i < count);
    return operands[i];
}

int64_t draw_operand_size(const struct draw *d, const struct qm_insn *insn, const char *field) {
    struct qm_operand operand = operand_at(d, insn, field);
    return operand.end - operand.begin;
}

void draw_window(struct draw *d, struct qm_insn *insn, bool single_byte_runs) {
    int64_t most = d->machine->scratchpad_bytes / 4;
    insn->kernel_h = draw_between(d, 1, 4);
    insn->kernel_w = draw_between(d, 1, 3);
    insn->run_bytes = single_byte_runs ? 1 : draw_between(d, 1, least(3 * d->machine->rows + 2, 60));
    insn->in_rows = draw_between(d, 1, 9);
    insn->in_row_bytes = draw_between(d, 1, 90);
    insn->in_pitch = draw_chance(d, 10) ? 0 : draw_between(d, insn->in_row_bytes, insn->in_row_bytes + 20);
    while (draw_operand_size(d, insn, "in_addr") > most) halve(&insn->in_rows), halve(&insn->in_row_bytes), halve(&insn->in_pitch);
    insn->in_addr = draw_place(d, draw_operand_size(d, insn, "in_addr"));
    insn->out_w = draw_between(d, 1, 7);
    insn->out_h = draw_between(d, 1, 5);
    insn->y_start = draw_chance(d, 92) ? draw_between(d, -3, 3) : draw_between(d, -32768, 32767);
    insn->x_start = draw_chance(d, 92) ? draw_between(d, -20, 20) : draw_between(d, -32768, 32767);
    insn->x_stride = draw_wide(d, 0, 24, 65535);
    insn->y_stride = draw_wide(d, 0, 3, 255);
    insn->y_dilation = draw_wide(d, 0, 3, 255);
    insn->x_dilation = draw_wide(d, 0, 24, 65535);
    insn->pad_value = draw_chance(d, 5) ? 0 : draw_between(d, 0, 255);
}

void draw_tiles(struct draw *d, struct qm_insn *insn) {
    int64_t tile = tile_width(d, insn);
    insn->channels = draw_between(d, 1, least(3 * tile + 1, 70));
    int64_t rows = d->machine->accumulator_rows;
    while ((insn->tiles = ceil_div(insn->channels, tile)) * insn->out_h * insn->out_w > rows)
        halve(&insn->channels), halve(&insn->out_h), halve(&insn->out_w);
    insn->acc_addr = draw_place_below(d, insn->tiles * insn->out_h * insn->out_w, rows);
}

static int64_t largest_value(const char *field) {
    int64_t largest = 0;
    for (size_t i = 0; i < qm_enum_value_count; i++)
        if (strcmp(qm_enum_values[i].field, field) == 0 && qm_enum_values[i].value > largest) largest = qm_enum_values[i].value;
    return largest;
}

void draw_output_stage(struct draw *d, struct qm_insn *insn) {
    insn->rounding = draw_between(d, 0, largest_value("rounding"));
    insn->out_zero = draw_chance(d, 5) ? 0 : draw_chance(d, 90) ? draw_between(d, -130, 130) : draw_between(d, -32768, 32767);
    insn->clamp_min = draw_chance(d, 5) ? 0 : draw_chance(d, 90) ? draw_between(d, -128, 0) : draw_between(d, -32768, 32767);
    insn->clamp_max = draw_chance(d, 90) ? draw_between(d, 0, 255) : draw_chance(d, 20) ? 0 : draw_between(d, -32768, 32767);
}

void draw_sum(struct draw *d, struct qm_insn *insn) {
    insn->in_unsigned = draw_chance(d, 30);
    insn->b_zero = draw_chance(d, 5) ? 0 : draw_wide(d, -128, 127, 32767);
    insn->a_multiplier = draw_multiplier(d);
    insn->b_multiplier = draw_multiplier(d);
    insn->out_multiplier = draw_multiplier(d);
    insn->a_shift = draw_shift(d);
    insn->b_shift = draw_shift(d);
    insn->out_shift = draw_shift(d);
    insn->pre_shift = draw_chance(d, 70) ? 20 : draw_between(d, 0, 31);
}

void draw_nibbles(struct draw *d, struct qm_insn *insn, int64_t elements) {
    bool fits = d->machine->cols % 2 == 0 || elements <= d->machine->cols;
    if (fits && draw_chance(d, 40)) insn->out_type = QM_out_type_BITS4;
}

/* Whether the output stays clear of what the instruction reads. */
static bool is_clear(const struct draw *d, const struct qm_insn *insn) {
    struct qm_operand operands[QM_OPERANDS], output = operand_at(d, insn, "out_addr");
    uint32_t count = qm_opcode_info(insn->opcode)->find_operands(insn, d->machine, operands);
    for (uint32_t i = 0; i < count; i++)
        if (operands[i].space == output.space && !operands[i].is_written && operands[i].begin < output.end &&
            output.begin < operands[i].end)
            return false;
    return true;
}

bool draw_output_place(struct draw *d, struct qm_insn *insn) {
    int64_t size = draw_operand_size(d, insn, "out_addr");
    if (size > d->machine->scratchpad_bytes) return false;
    for (int attempt = 0; attempt < 40; attempt++) {
        insn->out_addr = draw_place(d, size);
        if (is_clear(d, insn)) return true;
    }
    return false;
}

bool draw_output(struct draw *d, struct qm_insn *insn, int64_t pixel_bytes) {
    insn->out_pixel = draw_chance(d, 5) ? 0 : draw_between(d, pixel_bytes, pixel_bytes + 5);
    insn->out_pitch = draw_chance(d, 5) ? 0 : draw_between(d, insn->out_w * insn->out_pixel, insn->out_w * insn->out_pixel + 9);
    return draw_output_place(d, insn);
}
