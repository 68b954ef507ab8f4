/* random_program.c - draws instructions that decode accepts, orders them by their hazards, and spoils one program in five.
 *
 * Sizes are drawn small and then shrunk until operands fit the machine and the work fits a budget of cycles; now and then a stride or an
 * offset is drawn from its whole range. An instruction never writes what it reads itself: that is undefined (docs/machine.md).
 */
#include "tools/qmac/random_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/precision.h"
#include "common/prng.h"
#include "common/status.h"
#include "compiler/compiler.h"
#include "sim/cycle/decode.h"

enum { BUDGET_CYCLES = 1500, CODE_BYTES = QM_RANDOM_MAX_INSNS * QM_INSN_BYTES, DATA_OFFSET = 4096, WEIGHT_ZERO_MAX = 255 };
_Static_assert(256 + CODE_BYTES <= DATA_OFFSET, "the code lies before the data");

struct generator {
    const struct qm_machine *machine;
    struct qm_prng prng;
};

struct range {
    int64_t first, size;
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

static bool overlaps(struct range a, struct range b) {
    return a.first < b.first + b.size && b.first < a.first + a.size;
}

static struct range window_range(const struct qm_insn *insn) {
    return (struct range){insn->in_addr, (insn->in_rows - 1) * insn->in_pitch + insn->in_row_bytes};
}

static void draw_window(struct generator *g, struct qm_insn *insn, bool single_byte_runs) {
    int64_t limit = g->machine->scratchpad_bytes / 4;
    insn->kernel_h = draw(g, 1, 4);
    insn->kernel_w = draw(g, 1, 3);
    insn->run_bytes = single_byte_runs ? 1 : draw(g, 1, least(3 * g->machine->rows + 2, 60));
    insn->in_rows = draw(g, 1, 9);
    insn->in_row_bytes = draw(g, 1, 90);
    insn->in_pitch = chance(g, 10) ? 0 : draw(g, insn->in_row_bytes, insn->in_row_bytes + 20);
    while ((insn->in_rows - 1) * insn->in_pitch + insn->in_row_bytes > limit)
        halve(&insn->in_rows), halve(&insn->in_row_bytes), halve(&insn->in_pitch);
    insn->in_addr = place(g, window_range(insn).size);
    insn->out_w = draw(g, 1, 7);
    insn->out_h = draw(g, 1, 5);
    insn->y_start = chance(g, 92) ? draw(g, -3, 3) : draw(g, -32768, 32767);
    insn->x_start = chance(g, 92) ? draw(g, -20, 20) : draw(g, -32768, 32767);
    insn->x_stride = draw_wide(g, 0, 24, 65535);
    insn->y_stride = draw_wide(g, 0, 3, 255);
    insn->y_dilation = draw_wide(g, 0, 3, 255);
    insn->x_dilation = draw_wide(g, 0, 24, 65535);
    insn->pad_value = draw(g, 0, 255);
}

static void draw_out_strides(struct generator *g, struct qm_insn *insn, int64_t pixel_bytes) {
    insn->out_pixel = chance(g, 5) ? 0 : draw(g, pixel_bytes, pixel_bytes + 5);
    insn->out_pitch = chance(g, 5) ? 0 : draw(g, insn->out_w * insn->out_pixel, insn->out_w * insn->out_pixel + 9);
}

static int64_t out_size(const struct qm_insn *insn, int64_t pixel_bytes) {
    return (insn->out_h - 1) * insn->out_pitch + (insn->out_w - 1) * insn->out_pixel + pixel_bytes;
}

/* Draws out_addr so that size bytes stay clear of what the instruction reads. */
static bool place_output(struct generator *g, struct qm_insn *insn, int64_t size, const struct range *reads, int read_count) {
    if (size > g->machine->scratchpad_bytes) return false;
    for (int attempt = 0; attempt < 40; attempt++) {
        bool clear = true;
        insn->out_addr = place(g, size);
        for (int i = 0; i < read_count; i++) clear = clear && !overlaps(reads[i], (struct range){insn->out_addr, size});
        if (clear) return true;
    }
    return false;
}

static void draw_output_stage(struct generator *g, struct qm_insn *insn) {
    insn->rounding = draw(g, 0, QM_rounding_ADDEND);
    insn->out_zero = chance(g, 90) ? draw(g, -130, 130) : draw(g, -32768, 32767);
    insn->clamp_min = chance(g, 90) ? draw(g, -128, 0) : draw(g, -32768, 32767);
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

static int64_t weight_bytes(const struct generator *g, const struct qm_insn *insn) {
    return qm_weight_bytes(insn, tile_width(g, insn));
}

static bool draw_matmul(struct generator *g, struct qm_insn *insn) {
    insn->depthwise = chance(g, 30);
    if (!insn->depthwise && chance(g, 60)) insn->precision = draw(g, QM_precision_W4A8, QM_precision_W1A4);
    draw_window(g, insn, insn->depthwise != 0);
    draw_tiles(g, insn);
    while (matmul_cycles(g, insn) > BUDGET_CYCLES || weight_bytes(g, insn) > g->machine->scratchpad_bytes / 2)
        halve(&insn->kernel_h), halve(&insn->kernel_w), halve(&insn->run_bytes), halve(&insn->out_w);
    if (!insn->depthwise && chance(g, 40)) insn->weight_zero = chance(g, 80) ? draw(g, -WEIGHT_ZERO_MAX, WEIGHT_ZERO_MAX) : draw(g, -8, 8);
    insn->in_unsigned = chance(g, 30);
    insn->accumulate = chance(g, 30);
    insn->weight_addr = place(g, weight_bytes(g, insn));
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
    int64_t params_size = insn->tiles * 9 * g->machine->cols, pixel_bytes = qm_output_bytes(insn, insn->channels);
    if (params_size > g->machine->scratchpad_bytes / 2) return false;
    insn->param_addr = place(g, params_size);
    struct range reads[] = {{insn->param_addr, params_size}, {insn->table_addr, QM_TABLE_BYTES}};
    draw_output_stage(g, insn);
    if (insn->out_type == QM_out_type_BITS16 && chance(g, 70)) insn->clamp_min = draw(g, -32768, 0), insn->clamp_max = draw(g, 0, 32767);
    draw_out_strides(g, insn, pixel_bytes);
    return place_output(g, insn, out_size(insn, pixel_bytes), reads, insn->lookup != 0 ? 2 : 1);
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
    int64_t pixel_bytes = qm_output_bytes(insn, insn->channels);
    draw_output_stage(g, insn);
    draw_out_strides(g, insn, pixel_bytes);
    struct range reads = window_range(insn);
    return place_output(g, insn, out_size(insn, pixel_bytes), &reads, 1);
}

static bool draw_add(struct generator *g, struct qm_insn *insn) {
    insn->binary = draw(g, QM_binary_SUM, QM_binary_PRODUCT);
    insn->length = draw(g, 1, least(300, g->machine->scratchpad_bytes / 4));
    struct range reads[] = {{place(g, insn->length), insn->length}, {place(g, insn->length), insn->length}};
    insn->in_addr = reads[0].first;
    insn->b_addr = reads[1].first;
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
    return place_output(g, insn, qm_output_bytes(insn, insn->length), reads, 2);
}

static bool draw_copy(struct generator *g, struct qm_insn *insn) {
    draw_window(g, insn, false);
    while (insn->out_h * insn->out_w * insn->kernel_h * insn->kernel_w * ceil_div(insn->run_bytes, g->machine->cols) > BUDGET_CYCLES)
        halve(&insn->run_bytes), halve(&insn->out_h);
    int64_t pixel = insn->kernel_h * insn->kernel_w * insn->run_bytes;
    draw_out_strides(g, insn, pixel);
    struct range reads = window_range(insn);
    return place_output(g, insn, out_size(insn, pixel), &reads, 1);
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
    int64_t rows = insn->row_count - 1, planes = insn->plane_count - 1;
    int64_t spad = planes * insn->spad_plane_stride + rows * insn->spad_row_stride + insn->row_bytes;
    int64_t dram = planes * insn->dram_plane_stride + rows * insn->dram_row_stride + insn->row_bytes;
    if (spad > g->machine->scratchpad_bytes || dram > QM_RANDOM_ARENA_BYTES - DATA_OFFSET) return false;
    insn->spad_addr = place(g, spad);
    insn->dram_addr = insn->opcode == QM_LOAD && chance(g, 5) ? 0 : DATA_OFFSET + place_below(g, dram, QM_RANDOM_ARENA_BYTES - DATA_OFFSET);
    return true;
}

static void draw_insn(struct generator *g, struct qm_insn *insn) {
    static bool (*const draws[QM_OPCODE_LIMIT])(struct generator *, struct qm_insn *) = {
        [QM_LOAD] = draw_transfer, [QM_STORE] = draw_transfer, [QM_MATMUL] = draw_matmul, [QM_REQUANTIZE] = draw_requantize,
        [QM_POOL] = draw_pool,     [QM_ADD] = draw_add,        [QM_COPY] = draw_copy,
    };
    do {
        memset(insn, 0, sizeof *insn);
        insn->opcode = draw(g, QM_LOAD, QM_COPY);
    } while (!draws[insn->opcode](g, insn));
}

static void pack(struct qm_random_program *program) {
    struct qm_diag diag;
    for (uint32_t i = 0; i < program->count; i++) QM_CHECK(qm_insn_pack(&program->insns[i], program->words[i], &diag) == QM_OK);
}

/* ---- malforming: each way takes the program and says whether it applied ---- */

static uint32_t *any_words(struct generator *g, struct qm_random_program *program) {
    return program->words[draw(g, 0, program->count - 1)];
}

static bool spoil_opcode(struct generator *g, struct qm_random_program *program) {
    uint32_t *words = any_words(g, program);
    words[0] = (words[0] & ~0xffu) | (uint32_t)(chance(g, 50) ? 0 : draw(g, QM_OPCODE_LIMIT, 255));
    return true;
}

static bool spoil_reserved(struct generator *g, struct qm_random_program *program) {
    uint32_t *words = any_words(g, program);
    for (int attempt = 0; attempt < 200; attempt++) {
        uint32_t word = (uint32_t)draw(g, 0, QM_INSN_WORDS - 1), bit = 1u << draw(g, 0, 31);
        words[word] ^= bit;
        if (qm_insn_has_reserved_bits(words)) return true;
        words[word] ^= bit;
    }
    return false;
}

static const struct qm_field *field_named(const char *name) {
    for (size_t i = 0; i < qm_field_count; i++)
        if (strcmp(qm_fields[i].name, name) == 0) return &qm_fields[i];
    QM_CHECK(!"field exists");
    return NULL;
}

/* Sets a field of some instruction that has it to raw bits; false when the drawn instruction has no such field. */
static bool set_field(struct generator *g, struct qm_random_program *program, const char *name, uint32_t value) {
    const struct qm_field *field = field_named(name);
    uint32_t *words = any_words(g, program);
    if ((field->opcodes >> (words[0] & 0xff) & 1) == 0) return false;
    uint32_t mask = (uint32_t)(((uint64_t)1 << field->width) - 1);
    words[field->word] = (words[field->word] & ~(mask << field->lsb)) | (value & mask) << field->lsb;
    return true;
}

static bool spoil_extent(struct generator *g, struct qm_random_program *program) {
    static const char *const names[] = {"row_bytes", "row_count", "plane_count", "out_h",        "out_w",    "kernel_h",
                                        "kernel_w",  "run_bytes", "in_rows",     "in_row_bytes", "channels", "length"};
    return set_field(g, program, names[draw(g, 0, 11)], 0);
}

/* Values that no instruction may have: others would make a legal program, with races. */
static bool spoil_value(struct generator *g, struct qm_random_program *program) {
    static const struct {
        const char *name;
        int64_t first, last;
    } bad[] = {{"precision", QM_precision_W1A4 + 1, 7}, {"dataflow", QM_dataflow_OS, 3}, {"rounding", QM_rounding_ADDEND + 1, 7}};
    int64_t i = draw(g, 0, 2);
    return set_field(g, program, bad[i].name, (uint32_t)draw(g, bad[i].first, bad[i].last));
}

/* Values that are not supported, or not together. */
static bool spoil_combination(struct generator *g, struct qm_random_program *program) {
    uint32_t i = (uint32_t)draw(g, 0, program->count - 1);
    struct qm_insn insn = program->insns[i];
    struct qm_diag diag;
    if (insn.opcode == QM_MATMUL && chance(g, 30))
        insn.weight_zero =
            insn.depthwise != 0 ? draw(g, 1, WEIGHT_ZERO_MAX) : draw(g, WEIGHT_ZERO_MAX + 1, 32767) * (chance(g, 50) ? 1 : -1);
    else if (insn.opcode == QM_MATMUL && insn.depthwise != 0)
        insn.precision = draw(g, QM_precision_W4A8, QM_precision_W1A4);
    else if (insn.opcode == QM_POOL || insn.opcode == QM_ADD)
        insn.out_type = fits_nibbles(g, insn.opcode == QM_POOL ? insn.channels : insn.length) ? QM_out_type_BITS32 : QM_out_type_BITS4;
    else if (insn.opcode == QM_REQUANTIZE && insn.out_type != QM_out_type_BITS8)
        insn.lookup = QM_lookup_TABLE;
    else if (insn.opcode == QM_REQUANTIZE && insn.tiles > 1 && tile_width(g, &insn) % 2 != 0)
        insn.out_type = QM_out_type_BITS4;
    else
        return false;
    QM_CHECK(qm_insn_pack(&insn, program->words[i], &diag) == QM_OK);
    return true;
}

/* Whether decode refuses the instruction with the field at value. */
static bool is_bad_at(const struct generator *g, const uint32_t *words, const struct qm_field *field, uint32_t value) {
    struct decode decode;
    uint32_t changed[QM_INSN_WORDS], mask = (uint32_t)(((uint64_t)1 << field->width) - 1);
    memcpy(changed, words, sizeof changed);
    changed[field->word] = (changed[field->word] & ~mask) | value;
    decode_init(&decode, g->machine);
    return decode_check(&decode, changed, QM_RANDOM_ARENA_BYTES) != QM_ERROR_NONE;
}

static bool spoil_address(struct generator *g, struct qm_random_program *program) {
    static const char *const names[] = {"in_addr",   "weight_addr", "param_addr", "table_addr", "out_addr",       "b_addr",
                                        "spad_addr", "acc_addr",    "dram_addr",  "out_pitch",  "dram_row_stride"};
    return set_field(g, program, names[draw(g, 0, 10)], UINT32_MAX);
}

/* The first address at which the instruction is bad: one byte, or row, behind the last good one. */
static bool spoil_end(struct generator *g, struct qm_random_program *program) {
    static const char *const names[] = {"in_addr", "weight_addr", "param_addr", "table_addr", "out_addr",
                                        "b_addr",  "spad_addr",   "acc_addr",   "dram_addr"};
    const struct qm_field *field = field_named(names[draw(g, 0, 8)]);
    uint32_t *words = any_words(g, program), mask = (uint32_t)(((uint64_t)1 << field->width) - 1), good = 0, bad = mask;
    if ((field->opcodes >> (words[0] & 0xff) & 1) == 0 || field->lsb != 0 || !is_bad_at(g, words, field, bad)) return false;
    while (bad - good > 1) {
        uint32_t middle = good + (bad - good) / 2;
        *(is_bad_at(g, words, field, middle) ? &bad : &good) = middle;
    }
    words[field->word] = (words[field->word] & ~mask) | bad;
    return true;
}

/* Only where every run but one byte is illegal: elsewhere it would be another legal program, with races. */
static bool spoil_run(struct generator *g, struct qm_random_program *program) {
    uint32_t i = (uint32_t)draw(g, 0, program->count - 1);
    const struct qm_insn *insn = &program->insns[i];
    if (insn->opcode != QM_POOL && (insn->opcode != QM_MATMUL || !insn->depthwise)) return false;
    const struct qm_field *field = field_named("run_bytes");
    program->words[i][field->word] |= (uint32_t)draw(g, 1, 32767) << (field->lsb + 1);
    return true;
}

static bool spoil_tiles(struct generator *g, struct qm_random_program *program) {
    return set_field(g, program, "tiles", (uint32_t)draw(g, 0, 65535));
}

static bool spoil_own_token(struct generator *g, struct qm_random_program *program) {
    uint32_t i = (uint32_t)draw(g, 0, program->count - 1);
    program->words[i][0] |= 1u << (draw(g, 0, 1) * 4 + 8 + qm_opcode_unit(program->insns[i].opcode));
    return true;
}

static bool spoil_signal(struct generator *g, struct qm_random_program *program) {
    uint32_t *words = any_words(g, program);
    bool had = (words[0] & 0xf000) != 0;
    words[0] &= ~0xf000u;
    return had;
}

static bool spoil_wait(struct generator *g, struct qm_random_program *program) {
    uint32_t last = program->count - 1;
    uint32_t other = ((uint32_t)qm_opcode_unit(program->insns[last].opcode) + (uint32_t)draw(g, 1, 3)) % QM_UNITS;
    program->words[last][0] |= 1u << (8 + other);
    return true;
}

static bool spoil_program_register(struct generator *g, struct qm_random_program *program) {
    if (chance(g, 50))
        program->program_addr += (uint32_t)draw(g, 1, 255);
    else
        program->program_count = QM_RANDOM_ARENA_BYTES / QM_INSN_BYTES + (uint32_t)draw(g, 0, 1 << 30);
    return true;
}

static const struct spoiler {
    const char *name;
    bool (*spoil)(struct generator *, struct qm_random_program *);
} spoilers[] = {
    {"unknown opcode", spoil_opcode},   {"reserved bit", spoil_reserved}, {"empty extent", spoil_extent},
    {"enumerated value", spoil_value},  {"address", spoil_address},       {"end", spoil_end},
    {"run length", spoil_run},          {"tile count", spoil_tiles},      {"own token", spoil_own_token},
    {"lost signal", spoil_signal},      {"surplus wait", spoil_wait},     {"program register", spoil_program_register},
    {"combination", spoil_combination},
};
enum { SPOILERS = sizeof spoilers / sizeof *spoilers };

void qm_random_program_make(const struct qm_machine *machine, uint64_t seed, struct qm_random_program *program) {
    struct generator g = {.machine = machine};
    qm_prng_init(&g.prng, seed);
    memset(program, 0, sizeof *program);
    program->count = program->program_count = (uint32_t)draw(&g, 1, QM_RANDOM_MAX_INSNS);
    program->program_addr = 256 * (uint32_t)draw(&g, 0, 1);
    for (uint32_t i = 0; i < program->count; i++) draw_insn(&g, &program->insns[i]);
    qm_synchronize(program->insns, program->count, machine);
    pack(program);
    if (!chance(&g, 20)) return;
    const struct spoiler *spoiler = &spoilers[draw(&g, 0, SPOILERS - 1)];
    for (int attempt = 0; attempt < 100 && program->malformed == NULL; attempt++)
        if (spoiler->spoil(&g, program)) program->malformed = spoiler->name;
}

void qm_random_program_start(const struct qm_random_program *program, struct qm_device *device) {
    device->ops->write_memory(device, program->program_addr / 256 * 256, program->words, program->count * QM_INSN_BYTES);
    device->ops->write_csr(device, QM_CSR_PROGRAM_ADDR, program->program_addr);
    device->ops->write_csr(device, QM_CSR_PROGRAM_COUNT, program->program_count);
    device->ops->write_csr(device, QM_CSR_MEMORY_SIZE, QM_RANDOM_ARENA_BYTES);
    device->ops->write_csr(device, QM_CSR_CONTROL, QM_CONTROL_START);
}

/* ---- coverage ---- */

enum { MAX_FIELDS = 96, CLASSES = 8, CLASS_ZERO = 0, CLASS_POSITIVE = 1, CLASS_NEGATIVE = 2 };

struct qm_coverage {
    bool seen[QM_OPCODE_LIMIT][MAX_FIELDS][CLASSES];
    bool spoilt[SPOILERS];
};

size_t qm_coverage_bytes(void) {
    return sizeof(struct qm_coverage);
}

struct qm_coverage *qm_coverage_create(void) {
    QM_CHECK(qm_field_count <= MAX_FIELDS);
    struct qm_coverage *coverage = qm_alloc_zeroed(1, sizeof *coverage);
    return coverage;
}

void qm_coverage_destroy(struct qm_coverage *coverage) {
    free(coverage);
}

static bool is_mask(const struct qm_field *field) {
    return strcmp(field->name, "wait") == 0 || strcmp(field->name, "signal") == 0;
}

static bool is_enumerated(const struct qm_field *field) {
    for (size_t i = 0; i < qm_enum_value_count; i++)
        if (strcmp(qm_enum_values[i].field, field->name) == 0) return true;
    return false;
}

/* Zero is illegal in extents and in `tiles`. */
static bool never_zero(const struct qm_field *field) {
    static const char *const names[] = {"row_bytes", "row_count", "plane_count",  "out_h",    "out_w",  "kernel_h", "kernel_w",
                                        "run_bytes", "in_rows",   "in_row_bytes", "channels", "length", "tiles"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], field->name) == 0) return true;
    return false;
}

/* MATMUL writes only the accumulator and STORE reads only the scratchpad: there is no hazard between them, and no token. */
static bool token_exists(enum qm_unit a, enum qm_unit b) {
    bool matmul = a == QM_UNIT_MATMUL || b == QM_UNIT_MATMUL, store = a == QM_UNIT_STORE || b == QM_UNIT_STORE;
    return a != b && b < QM_UNITS && !(matmul && store);
}

/* Can class occur in a well-formed instruction? A STORE to 0 would overwrite the program; only REQUANTIZE writes wide elements. */
static bool class_exists(const struct qm_field *field, int opcode, int class) {
    if (is_mask(field)) return token_exists(qm_opcode_unit(opcode), (enum qm_unit) class);
    if (opcode == QM_STORE && class == CLASS_ZERO && strcmp(field->name, "dram_addr") == 0) return false;
    if (opcode != QM_REQUANTIZE && class > QM_out_type_BITS4 && strcmp(field->name, "out_type") == 0) return false;
    if (is_enumerated(field)) {
        for (size_t i = 0; i < qm_enum_value_count; i++)
            if (strcmp(qm_enum_values[i].field, field->name) == 0 && qm_enum_values[i].value == class) return qm_enum_values[i].supported;
        return false;
    }
    if (class == CLASS_ZERO) return !never_zero(field);
    return class == CLASS_POSITIVE || (class == CLASS_NEGATIVE && field->is_signed);
}

static void cover_field(struct qm_coverage *coverage, const struct qm_insn *insn, size_t index) {
    const struct qm_field *field = &qm_fields[index];
    int64_t value = *(const int64_t *)((const char *)insn + field->offset);
    bool *seen = coverage->seen[insn->opcode][index];
    if (is_mask(field)) {
        for (int unit = 0; unit < QM_UNITS; unit++) seen[unit] = seen[unit] || (value >> unit & 1) != 0;
    } else if (is_enumerated(field)) {
        seen[value] = true;
    } else {
        seen[value == 0 ? CLASS_ZERO : value > 0 ? CLASS_POSITIVE : CLASS_NEGATIVE] = true;
    }
}

void qm_coverage_add(struct qm_coverage *coverage, const struct qm_random_program *program) {
    for (uint32_t i = 0; i < program->count; i++)
        for (size_t f = 1; f < qm_field_count; f++)
            if (qm_fields[f].opcodes >> program->insns[i].opcode & 1) cover_field(coverage, &program->insns[i], f);
    for (int i = 0; i < SPOILERS; i++)
        if (program->malformed == spoilers[i].name) coverage->spoilt[i] = true;
}

static void note_class(bool seen, const char *name, size_t *covered, size_t *all, struct qm_diag *missing) {
    (*all)++;
    *covered += seen;
    size_t used = strlen(missing->text);
    if (!seen) snprintf(missing->text + used, sizeof missing->text - used, "%s%s", used ? ", " : "", name);
}

void qm_coverage_count(const struct qm_coverage *coverage, size_t *covered, size_t *all, char *missing, size_t size) {
    struct qm_diag names = {.text = ""};
    *covered = *all = 0;
    for (int opcode = 1; opcode < QM_OPCODE_LIMIT; opcode++)
        for (size_t f = 1; f < qm_field_count; f++)
            for (int class = 0; class < CLASSES; class ++) {
                if ((qm_fields[f].opcodes >> opcode & 1) == 0 || !class_exists(&qm_fields[f], opcode, class)) continue;
                char name[80];
                snprintf(name, sizeof name, "%s.%s[%d]", qm_opcode_name(opcode), qm_fields[f].name, class);
                note_class(coverage->seen[opcode][f][class], name, covered, all, &names);
            }
    for (int i = 0; i < SPOILERS; i++) note_class(coverage->spoilt[i], spoilers[i].name, covered, all, &names);
    snprintf(missing, size, "%s", names.text);
}
