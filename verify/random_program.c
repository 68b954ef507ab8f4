/* random_program.c - draws instructions that decode accepts, orders them by their hazards, and spoils three programs in five.
 *
 * Sizes are drawn small and then shrunk until operands fit the machine and the work fits a budget of cycles; now and then a stride or an
 * offset is drawn from its whole range. An instruction never writes what it reads itself: that is undefined (docs/machine.md).
 */
#include "verify/random_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/opcode/opcode.h"
#include "common/precision.h"
#include "common/prng.h"
#include "common/status.h"
#include "common/work.h"
#include "compiler/compiler.h"
#include "sim/control/decode.h"
#include "verify/random_limits.h"

enum { BUDGET_CYCLES = 1500, CORNER_CYCLES = 12000, CORNER_ATTEMPTS = 400 };
enum { CODE_BYTES = QM_RANDOM_MAX_INSNS * QM_INSN_BYTES, DATA_OFFSET = 4096 };
_Static_assert(256 + CODE_BYTES <= DATA_OFFSET, "the code lies before the data");

struct generator {
    const struct qm_machine *machine;
    struct limits limits;
    struct qm_prng prng;
};

static int64_t draw(struct generator *g, int64_t low, int64_t high) {
    return low + (int64_t)(qm_prng_next(&g->prng) % (uint64_t)(high - low + 1));
}

static bool chance(struct generator *g, int percent) {
    return draw(g, 0, 99) < percent;
}

/* Mostly low..usual, now and then anything up to the field's limit. */
static int64_t draw_wide(struct generator *g, int64_t low, int64_t usual, int64_t limit) {
    return chance(g, 92) ? draw(g, low, usual) : draw(g, low, limit);
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static void halve(int64_t *value) {
    *value = (*value + 1) / 2;
}

/* A place for size of limit bytes or rows, now and then the first or the last one. */
static int64_t place_below(struct generator *g, int64_t size, int64_t limit) {
    QM_CHECK(size <= limit);
    return chance(g, 5) ? 0 : chance(g, 10) ? limit - size : draw(g, 0, limit - size);
}

static int64_t place(struct generator *g, int64_t size) {
    return place_below(g, size, g->machine->scratchpad_bytes);
}

/* The operand whose address the field holds, and must have. */
static struct qm_operand operand_at(const struct generator *g, const struct qm_insn *insn, const char *field) {
    struct qm_operand operands[QM_OPERANDS];
    uint32_t i = 0, count = qm_opcode_info(insn->opcode)->find_operands(insn, g->machine, operands);
    while (i < count && strcmp(operands[i].name, field) != 0) i++;
    QM_CHECK(i < count);
    return operands[i];
}

static int64_t operand_size(const struct generator *g, const struct qm_insn *insn, const char *field) {
    struct qm_operand operand = operand_at(g, insn, field);
    return operand.end - operand.begin;
}

static void draw_window(struct generator *g, struct qm_insn *insn, bool single_byte_runs) {
    int64_t limit = g->machine->scratchpad_bytes / 4;
    insn->kernel_h = draw(g, 1, 4);
    insn->kernel_w = draw(g, 1, 3);
    insn->run_bytes = single_byte_runs ? 1 : draw(g, 1, least(3 * g->machine->rows + 2, 60));
    insn->in_rows = draw(g, 1, 9);
    insn->in_row_bytes = draw(g, 1, 90);
    insn->in_pitch = chance(g, 10) ? 0 : draw(g, insn->in_row_bytes, insn->in_row_bytes + 20);
    while (operand_size(g, insn, "in_addr") > limit) halve(&insn->in_rows), halve(&insn->in_row_bytes), halve(&insn->in_pitch);
    insn->in_addr = place(g, operand_size(g, insn, "in_addr"));
    insn->out_w = draw(g, 1, 7);
    insn->out_h = draw(g, 1, 5);
    insn->y_start = chance(g, 92) ? draw(g, -3, 3) : draw(g, -32768, 32767);
    insn->x_start = chance(g, 92) ? draw(g, -20, 20) : draw(g, -32768, 32767);
    insn->x_stride = draw_wide(g, 0, 24, 65535);
    insn->y_stride = draw_wide(g, 0, 3, 255);
    insn->y_dilation = draw_wide(g, 0, 3, 255);
    insn->x_dilation = draw_wide(g, 0, 24, 65535);
    insn->pad_value = chance(g, 5) ? 0 : draw(g, 0, 255);
}

static void draw_out_strides(struct generator *g, struct qm_insn *insn, int64_t pixel_bytes) {
    insn->out_pixel = chance(g, 5) ? 0 : draw(g, pixel_bytes, pixel_bytes + 5);
    insn->out_pitch = chance(g, 5) ? 0 : draw(g, insn->out_w * insn->out_pixel, insn->out_w * insn->out_pixel + 9);
}

/* Whether the output stays clear of what the instruction reads. */
static bool is_clear(const struct generator *g, const struct qm_insn *insn) {
    struct qm_operand operands[QM_OPERANDS], output = operand_at(g, insn, "out_addr");
    uint32_t count = qm_opcode_info(insn->opcode)->find_operands(insn, g->machine, operands);
    for (uint32_t i = 0; i < count; i++)
        if (operands[i].space == output.space && !operands[i].is_written && operands[i].begin < output.end &&
            output.begin < operands[i].end)
            return false;
    return true;
}

/* Draws out_addr, when all else is drawn. */
static bool place_output(struct generator *g, struct qm_insn *insn) {
    int64_t size = operand_size(g, insn, "out_addr");
    if (size > g->machine->scratchpad_bytes) return false;
    for (int attempt = 0; attempt < 40; attempt++) {
        insn->out_addr = place(g, size);
        if (is_clear(g, insn)) return true;
    }
    return false;
}

static void draw_output_stage(struct generator *g, struct qm_insn *insn) {
    insn->rounding = draw(g, 0, QM_rounding_ADDEND);
    insn->out_zero = chance(g, 5) ? 0 : chance(g, 90) ? draw(g, -130, 130) : draw(g, -32768, 32767);
    insn->clamp_min = chance(g, 5) ? 0 : chance(g, 90) ? draw(g, -128, 0) : draw(g, -32768, 32767);
    insn->clamp_max = chance(g, 90) ? draw(g, 0, 255) : chance(g, 20) ? 0 : draw(g, -32768, 32767);
}

static int64_t draw_multiplier(struct generator *g) {
    static const int64_t corners[] = {0, 1, -1, 1 << 30, INT32_MAX, INT32_MIN};
    return chance(g, 15) ? corners[draw(g, 0, 5)] : draw(g, chance(g, 20) ? INT32_MIN : 1 << 30, INT32_MAX);
}

static int64_t draw_shift(struct generator *g) {
    return chance(g, 85) ? draw(g, -14, 4) : draw(g, -128, 127);
}

static int64_t tile_width(const struct generator *g, const struct qm_insn *insn) {
    return qm_machine_tile(g->machine, insn->depthwise != 0);
}

/* Channels, tiles and accumulator rows; shrinks until they fit. */
static void draw_tiles(struct generator *g, struct qm_insn *insn) {
    int64_t tile = tile_width(g, insn);
    insn->channels = draw(g, 1, least(3 * tile + 1, 70));
    int64_t rows = g->machine->accumulator_rows;
    while ((insn->tiles = ceil_div(insn->channels, tile)) * insn->out_h * insn->out_w > rows)
        halve(&insn->channels), halve(&insn->out_h), halve(&insn->out_w);
    insn->acc_addr = place_below(g, insn->tiles * insn->out_h * insn->out_w, rows);
}

static int64_t matmul_cycles(const struct generator *g, const struct qm_insn *insn) {
    int64_t piece = g->machine->rows * qm_precision_of(insn).bytes;
    int64_t rows = insn->depthwise ? 1 : least(insn->run_bytes, g->machine->rows);
    int64_t steps = insn->tiles * insn->kernel_h * insn->kernel_w * ceil_div(insn->run_bytes, piece);
    int64_t positions = insn->out_h * insn->out_w;
    return steps * (positions > rows ? positions : rows);
}

static bool draw_matmul(struct generator *g, struct qm_insn *insn) {
    insn->depthwise = chance(g, 30);
    if (!insn->depthwise && chance(g, 60)) insn->precision = draw(g, QM_precision_W4A8, QM_precision_W1A4);
    draw_window(g, insn, insn->depthwise != 0);
    draw_tiles(g, insn);
    while (matmul_cycles(g, insn) > BUDGET_CYCLES || operand_size(g, insn, "weight_addr") > g->machine->scratchpad_bytes / 2)
        halve(&insn->kernel_h), halve(&insn->kernel_w), halve(&insn->run_bytes), halve(&insn->out_w);
    if (!insn->depthwise && chance(g, 40))
        insn->weight_zero = chance(g, 80) ? draw(g, -QM_WEIGHT_ZERO_MAX, QM_WEIGHT_ZERO_MAX) : draw(g, -8, 8);
    insn->in_unsigned = chance(g, 30);
    insn->accumulate = chance(g, 30);
    insn->weight_addr = place(g, operand_size(g, insn, "weight_addr"));
    return true;
}

/* BITS4 only where no tile ends within a byte, the table only for bytes. */
static void draw_elements(struct generator *g, struct qm_insn *insn) {
    insn->out_type = chance(g, 50) ? QM_out_type_BITS8 : draw(g, QM_out_type_BITS4, QM_out_type_BITS32);
    if (insn->out_type == QM_out_type_BITS4 && insn->tiles > 1 && tile_width(g, insn) % 2 != 0) insn->out_type = QM_out_type_BITS8;
    insn->lookup = insn->out_type == QM_out_type_BITS8 && g->machine->scratchpad_bytes >= 4 * QM_TABLE_BYTES && chance(g, 40);
    if (insn->lookup != 0 || chance(g, 10)) insn->table_addr = place(g, QM_TABLE_BYTES);
}

static bool draw_requantize(struct generator *g, struct qm_insn *insn) {
    insn->depthwise = chance(g, 20);
    insn->out_w = draw(g, 1, 9);
    insn->out_h = draw(g, 1, 6);
    draw_tiles(g, insn);
    draw_elements(g, insn);
    int64_t params_size = operand_size(g, insn, "param_addr");
    if (params_size > g->machine->scratchpad_bytes / 2) return false;
    insn->param_addr = place(g, params_size);
    draw_output_stage(g, insn);
    if (insn->out_type == QM_out_type_BITS16 && chance(g, 70)) insn->clamp_min = draw(g, -32768, 0), insn->clamp_max = draw(g, 0, 32767);
    draw_out_strides(g, insn, qm_output_bytes(insn, insn->channels));
    return place_output(g, insn);
}

/* Whether POOL and ADD can write so many 4-bit elements: no piece ends within a byte. */
static bool fits_nibbles(const struct generator *g, int64_t elements) {
    return g->machine->cols % 2 == 0 || elements <= g->machine->cols;
}

static bool draw_pool(struct generator *g, struct qm_insn *insn) {
    draw_window(g, insn, true);
    insn->channels = draw(g, 1, least(3 * g->machine->cols + 1, 70));
    while (ceil_div(insn->channels, g->machine->cols) * insn->out_h * insn->out_w * insn->kernel_h * insn->kernel_w > BUDGET_CYCLES)
        halve(&insn->channels), halve(&insn->kernel_h);
    insn->pool_kind = draw(g, 0, 1);
    insn->in_unsigned = chance(g, 30);
    insn->pool_bias = chance(g, 50) ? 0 : draw(g, INT32_MIN, INT32_MAX);
    insn->out_multiplier = draw_multiplier(g);
    insn->out_shift = draw_shift(g);
    if (fits_nibbles(g, insn->channels) && chance(g, 40)) insn->out_type = QM_out_type_BITS4;
    draw_output_stage(g, insn);
    draw_out_strides(g, insn, qm_output_bytes(insn, insn->channels));
    return place_output(g, insn);
}

static bool draw_add(struct generator *g, struct qm_insn *insn) {
    insn->binary = draw(g, QM_binary_SUM, QM_binary_PRODUCT);
    insn->length = draw(g, 1, least(chance(g, 20) ? 2 * g->machine->cols : 300, g->machine->scratchpad_bytes / 4));
    insn->in_addr = place(g, insn->length);
    insn->b_addr = place(g, insn->length);
    insn->in_unsigned = chance(g, 30);
    insn->a_zero = chance(g, 5) ? 0 : draw_wide(g, -128, 127, 32767);
    insn->b_zero = chance(g, 5) ? 0 : draw_wide(g, -128, 127, 32767);
    insn->a_multiplier = draw_multiplier(g);
    insn->b_multiplier = draw_multiplier(g);
    insn->out_multiplier = draw_multiplier(g);
    insn->a_shift = draw_shift(g);
    insn->b_shift = draw_shift(g);
    insn->out_shift = draw_shift(g);
    insn->pre_shift = chance(g, 70) ? 20 : draw(g, 0, 31);
    draw_output_stage(g, insn);
    if (fits_nibbles(g, insn->length) && chance(g, 40)) insn->out_type = QM_out_type_BITS4;
    return place_output(g, insn);
}

static bool draw_copy(struct generator *g, struct qm_insn *insn) {
    draw_window(g, insn, false);
    while (insn->out_h * insn->out_w * insn->kernel_h * insn->kernel_w * ceil_div(insn->run_bytes, g->machine->cols) > BUDGET_CYCLES)
        halve(&insn->run_bytes), halve(&insn->out_h);
    draw_out_strides(g, insn, insn->kernel_h * insn->kernel_w * insn->run_bytes);
    return place_output(g, insn);
}

static bool draw_transfer(struct generator *g, struct qm_insn *insn) {
    insn->row_bytes = chance(g, 85) ? draw(g, 1, 70) : draw(g, 1, 2500);
    insn->row_count = draw(g, 1, 6);
    insn->plane_count = draw(g, 1, 3);
    while (insn->row_bytes * insn->row_count * insn->plane_count > g->machine->scratchpad_bytes / 2)
        halve(&insn->row_bytes), halve(&insn->row_count);
    insn->dram_row_stride = chance(g, 10) ? 0 : draw(g, insn->row_bytes, insn->row_bytes + 300);
    insn->dram_plane_stride = chance(g, 10) ? 0 : draw(g, 0, 4000);
    insn->spad_row_stride = chance(g, 10) ? 0 : draw(g, insn->row_bytes, insn->row_bytes + 10);
    insn->spad_plane_stride = chance(g, 10) ? 0 : draw(g, 0, insn->row_count * insn->spad_row_stride);
    int64_t spad = operand_size(g, insn, "spad_addr"), dram = operand_size(g, insn, "dram_addr");
    if (spad > g->machine->scratchpad_bytes || dram > QM_RANDOM_ARENA_BYTES - DATA_OFFSET) return false;
    insn->spad_addr = place(g, spad);
    insn->dram_addr = insn->opcode == QM_LOAD && chance(g, 5) ? 0 : DATA_OFFSET + place_below(g, dram, QM_RANDOM_ARENA_BYTES - DATA_OFFSET);
    return true;
}

static void draw_insn(struct generator *g, struct qm_insn *insn, int64_t first, int64_t last) {
    static bool (*const draws[QM_OPCODE_END])(struct generator *, struct qm_insn *) = {
        [QM_LOAD] = draw_transfer, [QM_STORE] = draw_transfer, [QM_MATMUL] = draw_matmul, [QM_REQUANTIZE] = draw_requantize,
        [QM_POOL] = draw_pool,     [QM_ADD] = draw_add,        [QM_COPY] = draw_copy,
    };
    do {
        memset(insn, 0, sizeof *insn);
        insn->opcode = draw(g, first, last);
    } while (!draws[insn->opcode](g, insn));
}

/* ---- corners: an instruction is moved to a limit, or one beyond it ---- */

/* The smallest instruction of its kind: one row of one element, so that strides, and numbers of rows, may be anything. The field stays. */
static void make_small(struct qm_insn *insn, const struct qm_field *field) {
    for (size_t i = 0; i < qm_field_count; i++)
        if (qm_fields[i].is_extent && &qm_fields[i] != field && (qm_fields[i].opcodes >> insn->opcode & 1) != 0)
            *qm_field_member(&qm_fields[i], insn) = 1;
    if (insn->opcode == QM_MATMUL || insn->opcode == QM_REQUANTIZE) insn->channels = insn->tiles = 1;
}

/* A good instruction, with defined values and short. */
static bool is_good(const struct generator *g, const struct qm_insn *insn) {
    int which;
    if (limits_broken(&g->limits, insn, &which) > 0 || qm_writes_what_it_reads(insn, g->machine)) return false;
    if (insn->opcode == QM_STORE && insn->dram_addr < DATA_OFFSET) return false;
    return qm_work_cycles(insn, g->machine) <= CORNER_CYCLES;
}

/* Whether decode refuses the instruction because of that limit, and of nothing else. */
static bool is_refused_by(const struct generator *g, const struct qm_insn *insn, const struct limit *limit) {
    int which;
    return limits_broken(&g->limits, insn, &which) == 1 && which == limit - g->limits.list;
}

/* Draws an instruction that is good, or refused, when it is moved; *moved is that one. Some limits want a small one.
 * False: it was not found. */
static bool draw_corner(struct generator *g, const struct limit *limit, bool beyond, struct qm_insn *insn, struct qm_insn *moved) {
    for (int attempt = 0; attempt < CORNER_ATTEMPTS; attempt++) {
        draw_insn(g, insn, limit->opcode, limit->opcode);
        if (attempt >= CORNER_ATTEMPTS / 8) make_small(insn, limit->field);
        *moved = *insn;
        if (!limit_move(limit, g->machine, moved, beyond)) continue;
        bool refused = beyond && limit->kind == LIMIT_REFUSES;
        if (refused ? is_refused_by(g, moved, limit) : is_good(g, moved)) return true;
    }
    return false;
}

/* Which of count things has its turn. The rounds have an odd length,
 * so that what comes by turns meets what every second or fourth seed does. */
static uint64_t in_turn(uint64_t turn, uint64_t count) {
    return turn % (count | 1) % count;
}

/* The instruction of the program that is drawn at a limit, by turns: the limits at which good instructions are,
 * and those beyond which they are. */
static const struct limit *corner_in_turn(const struct generator *g, uint64_t turn, bool *beyond) {
    const struct limit *corners[2 * QM_LIMITS_MAX];
    uint64_t count = 0, at = 0;
    for (int i = 0; i < g->limits.count; i++)
        if (g->limits.list[i].has_at) corners[count++] = &g->limits.list[i];
    at = count;
    for (int i = 0; i < g->limits.count; i++)
        if (g->limits.list[i].kind == LIMIT_SIZE && g->limits.list[i].has_beyond) corners[count++] = &g->limits.list[i];
    *beyond = in_turn(turn, count) >= at;
    return corners[in_turn(turn, count)];
}

static void draw_insn_in_turn(struct generator *g, uint64_t turn, struct qm_insn *insn) {
    struct qm_insn drawn;
    bool beyond;
    const struct limit *limit = corner_in_turn(g, turn, &beyond);
    if (!draw_corner(g, limit, beyond, &drawn, insn)) draw_insn(g, insn, QM_LOAD, QM_COPY);
}

static void pack(struct qm_random_program *program) {
    struct qm_diag diag;
    for (uint32_t i = 0; i < program->count; i++) QM_CHECK(qm_insn_pack(&program->insns[i], program->words[i], &diag) == QM_OK);
}

/* ---- malforming: each way takes the program and one of its instructions, and says whether it applied ---- */

static bool set_opcode(uint32_t *words, int64_t opcode) {
    words[0] = (words[0] & ~0xffu) | (uint32_t)opcode;
    return true;
}

static bool spoil_opcode_zero(struct generator *g, struct qm_random_program *program, uint32_t i) {
    (void)g;
    return set_opcode(program->words[i], 0);
}

static bool spoil_opcode_first(struct generator *g, struct qm_random_program *program, uint32_t i) {
    (void)g;
    return set_opcode(program->words[i], QM_OPCODE_END);
}

/* An opcode with one bit too many. */
static bool spoil_opcode_bit(struct generator *g, struct qm_random_program *program, uint32_t i) {
    int64_t opcode = draw(g, 0, QM_OPCODE_END - 1) | 8 << draw(g, 0, 4);
    return qm_opcode_name(opcode) == NULL && set_opcode(program->words[i], opcode);
}

static bool spoil_reserved(struct generator *g, struct qm_random_program *program, uint32_t i) {
    uint32_t *words = program->words[i];
    for (int attempt = 0; attempt < 200; attempt++) {
        uint32_t word = (uint32_t)draw(g, 0, QM_INSN_WORDS - 1), bit = 1u << draw(g, 0, 31);
        words[word] ^= bit;
        if (qm_insn_has_reserved_bits(words)) return true;
        words[word] ^= bit;
    }
    return false;
}

/* A field at the end of its width, or at any illegal value, where decode refuses it: others would make a legal program, with races. */
static bool spoil_field(struct generator *g, struct qm_random_program *program, uint32_t i) {
    const struct qm_field *field = &qm_fields[draw(g, 1, (int64_t)qm_field_count - 1)];
    if ((field->opcodes >> program->insns[i].opcode & 1) == 0) return false;
    uint32_t mask = (uint32_t)(((uint64_t)1 << field->width) - 1), value = chance(g, 50) ? mask : (uint32_t)qm_prng_next(&g->prng) & mask;
    uint32_t words[QM_INSN_WORDS];
    struct decode decode;
    decode_init(&decode, g->machine);
    memcpy(words, program->words[i], sizeof words);
    words[field->word] = (words[field->word] & ~(mask << field->lsb)) | value << field->lsb;
    if (decode_check(&decode, words, QM_RANDOM_ARENA_BYTES) == QM_ERROR_NONE) return false;
    memcpy(program->words[i], words, sizeof words);
    return true;
}

static bool spoil_signal(struct generator *g, struct qm_random_program *program, uint32_t i) {
    (void)g;
    uint32_t *words = program->words[i];
    bool had = (words[0] & 0xf000) != 0;
    words[0] &= ~0xf000u;
    return had;
}

static bool spoil_wait(struct generator *g, struct qm_random_program *program, uint32_t i) {
    (void)i;
    uint32_t last = program->count - 1;
    uint32_t other = ((uint32_t)qm_opcode_unit(program->insns[last].opcode) + (uint32_t)draw(g, 1, 3)) % QM_UNITS;
    program->words[last][0] |= 1u << (8 + other);
    return true;
}

/* PROGRAM_ADDR with one bit that it may not have. */
static bool spoil_program_addr(struct generator *g, struct qm_random_program *program, uint32_t i) {
    (void)i;
    program->program_addr |= 1u << draw(g, 0, 7);
    return true;
}

/* How many instructions the arena holds from the program's begin on. What lies behind the program is no instruction. */
static uint32_t instructions_to_end(const struct qm_random_program *program) {
    return (QM_RANDOM_ARENA_BYTES - program->program_addr) / QM_INSN_BYTES;
}

static bool spoil_count_end(struct generator *g, struct qm_random_program *program, uint32_t i) {
    (void)g, (void)i;
    program->program_count = instructions_to_end(program);
    return true;
}

static bool spoil_count_beyond(struct generator *g, struct qm_random_program *program, uint32_t i) {
    (void)g, (void)i;
    program->program_count = instructions_to_end(program) + 1;
    return true;
}

/* So many that their bytes are a small number again in 32 bits, or any number. */
static bool spoil_count_far(struct generator *g, struct qm_random_program *program, uint32_t i) {
    (void)i;
    uint32_t wraps = (uint32_t)(((uint64_t)1 << 32) / QM_INSN_BYTES);
    program->program_count = chance(g, 50) ? wraps + program->count : instructions_to_end(program) + 1 + (uint32_t)draw(g, 0, 1 << 30);
    return true;
}

static bool spoil_count_zero(struct generator *g, struct qm_random_program *program, uint32_t i) {
    (void)g, (void)i;
    program->program_count = 0;
    return true;
}

static const struct spoiler {
    const char *name;
    bool (*spoil)(struct generator *, struct qm_random_program *, uint32_t);
    enum qm_opcode opcode; /* of an instruction that the program must have, or 0 */
} spoilers[] = {
    {"opcode 0", spoil_opcode_zero, 0},
    {"first unknown opcode", spoil_opcode_first, 0},
    {"bit of the opcode", spoil_opcode_bit, 0},
    {"field", spoil_field, 0},
    {"lost signal", spoil_signal, 0},
    {"surplus wait", spoil_wait, 0},
    {"PROGRAM_ADDR", spoil_program_addr, 0},
    {"PROGRAM_COUNT to the end of the arena", spoil_count_end, 0},
    {"PROGRAM_COUNT one beyond the arena", spoil_count_beyond, 0},
    {"PROGRAM_COUNT far beyond the arena", spoil_count_far, 0},
    {"PROGRAM_COUNT 0", spoil_count_zero, 0},
#define QM_OPCODE(name, code, unit, text) {"reserved bit of " #name, spoil_reserved, QM_##name},
#include "spec/isa.def"
#undef QM_OPCODE
};
enum { SPOILERS = sizeof spoilers / sizeof *spoilers };
_Static_assert((int)SPOILERS == (int)QM_RANDOM_SPOILERS, "the header's number");

const char *qm_random_spoiler_name(int spoiler) {
    return spoilers[spoiler].name;
}

/* ---- a program ---- */

/* Of each five seeds two put an instruction one beyond a limit, and one spoils the program in another way, all by turns. */
struct fault {
    const struct limit *limit;
    const struct spoiler *spoiler;
    uint32_t place; /* of its instruction; rather late, so that the others run */
};

static const struct limit *refusal_in_turn(const struct generator *g, uint64_t turn) {
    const struct limit *refusals[QM_LIMITS_MAX];
    uint64_t count = 0;
    for (int i = 0; i < g->limits.count; i++)
        if (g->limits.list[i].kind == LIMIT_REFUSES && g->limits.list[i].has_beyond) refusals[count++] = &g->limits.list[i];
    return refusals[in_turn(turn, count)];
}

static struct fault fault_in_turn(struct generator *g, uint64_t seed, uint32_t count) {
    int64_t a = draw(g, 0, count - 1), b = draw(g, 0, count - 1);
    struct fault fault = {.place = (uint32_t)(a > b ? a : b)};
    if (seed % 5 == 1 || seed % 5 == 3) fault.limit = refusal_in_turn(g, seed / 5 * 2 + (seed % 5 == 3));
    if (seed % 5 == 4) fault.spoiler = &spoilers[in_turn(seed / 5, SPOILERS)];
    return fault;
}

/* The instruction as it stands in the program, with its tokens. */
static void put_beyond(struct qm_random_program *program, const struct fault *fault, struct qm_insn *moved) {
    struct qm_diag diag;
    moved->wait |= program->insns[fault->place].wait;
    moved->signal |= program->insns[fault->place].signal;
    QM_CHECK(qm_insn_pack(moved, program->words[fault->place], &diag) == QM_OK);
    program->malformed = fault->limit->name;
}

static void spoil(struct generator *g, struct qm_random_program *program, const struct fault *fault) {
    for (int attempt = 0; attempt < 100 && program->malformed == NULL; attempt++) {
        uint32_t place = fault->spoiler->opcode != 0 ? fault->place : (uint32_t)draw(g, 0, program->count - 1);
        if (fault->spoiler->spoil(g, program, place)) program->malformed = fault->spoiler->name;
    }
}

void qm_random_program_make(const struct qm_machine *machine, uint64_t seed, struct qm_random_program *program) {
    enum { EVERY_SECOND = 2, TURNS_APART = 37 };
    struct generator g = {.machine = machine};
    struct qm_insn moved;
    qm_prng_init(&g.prng, seed);
    limits_init(&g.limits, machine);
    memset(program, 0, sizeof *program);
    program->count = program->program_count = (uint32_t)draw(&g, 1, QM_RANDOM_MAX_INSNS);
    program->program_addr = 256 * (uint32_t)draw(&g, 0, 1);
    struct fault fault = fault_in_turn(&g, seed, program->count);
    for (uint32_t i = 0; i < program->count; i++)
        if (i % EVERY_SECOND == 0)
            draw_insn_in_turn(&g, seed + i / EVERY_SECOND * TURNS_APART, &program->insns[i]);
        else
            draw_insn(&g, &program->insns[i], QM_LOAD, QM_COPY);
    struct qm_insn *bad = &program->insns[fault.place];
    if (fault.spoiler != NULL && fault.spoiler->opcode != 0) draw_insn(&g, bad, fault.spoiler->opcode, fault.spoiler->opcode);
    bool is_beyond = fault.limit != NULL && draw_corner(&g, fault.limit, true, bad, &moved);
    qm_synchronize(program->insns, program->count, machine);
    pack(program);
    if (is_beyond) put_beyond(program, &fault, &moved);
    if (fault.spoiler != NULL) spoil(&g, program, &fault);
}

void qm_random_program_start(const struct qm_random_program *program, struct qm_device *device) {
    device->ops->write_memory(device, program->program_addr / 256 * 256, program->words, program->count * QM_INSN_BYTES);
    device->ops->write_csr(device, QM_CSR_PROGRAM_ADDR, program->program_addr);
    device->ops->write_csr(device, QM_CSR_PROGRAM_COUNT, program->program_count);
    device->ops->write_csr(device, QM_CSR_MEMORY_SIZE, QM_RANDOM_ARENA_BYTES);
    device->ops->write_csr(device, QM_CSR_CONTROL, QM_CONTROL_START);
}
