/* random_program.c - instructions that decode accepts, from verify/draw/, some of them at a boundary, ordered by their hazards; three
 * programs in five are spoilt.
 */
#include "verify/random_program.h"

#include <string.h>

#include "common/opcode/opcode.h"
#include "common/status.h"
#include "common/work.h"
#include "compiler/compiler.h"
#include "sim/control/decode.h"
#include "verify/draw/draw.h"
#include "verify/random_boundaries.h"

enum { BOUNDARY_CYCLES = 12000, BOUNDARY_ATTEMPTS = 400 };
enum { CODE_BYTES = QM_RANDOM_MAX_INSNS * QM_INSN_BYTES, DATA_OFFSET = 4096 };
_Static_assert(256 + CODE_BYTES <= DATA_OFFSET, "the code lies before the data");

struct generator {
    struct draw draw;
    struct boundaries boundaries;
};

/* ---- boundaries: an instruction is moved to a boundary, or one beyond it ---- */

/* The smallest instruction of its kind: one row of one element, so that strides, and numbers of rows, may be anything. The field stays. */
static void make_small(struct qm_insn *insn, const struct qm_field *field) {
    for (size_t i = 0; i < qm_field_count; i++)
        if (qm_fields[i].is_extent && &qm_fields[i] != field && qm_field_applies(&qm_fields[i], insn->opcode))
            *qm_field_member(&qm_fields[i], insn) = 1;
    if (qm_field_applies(&qm_fields[QM_FIELD_tiles], insn->opcode)) insn->channels = insn->tiles = 1;
}

static bool is_broken(const struct generator *g, const struct qm_insn *insn) {
    int which;
    return boundaries_broken(&g->boundaries, insn, &which) > 0;
}

/* A good instruction, with defined values and short. */
static bool is_good(const struct generator *g, const struct qm_insn *insn) {
    if (is_broken(g, insn) || qm_writes_what_it_reads(insn, g->draw.machine)) return false;
    if (qm_writes_arena_below(insn, g->draw.machine, DATA_OFFSET)) return false;
    return qm_work_cycles(insn, g->draw.machine) <= BOUNDARY_CYCLES;
}

/* Whether decode refuses the instruction because of that boundary, and of nothing else. */
static bool is_refused_by(const struct generator *g, const struct qm_insn *insn, const struct boundary *boundary) {
    int which;
    return boundaries_broken(&g->boundaries, insn, &which) == 1 && which == boundary - g->boundaries.list;
}

/* Draws an instruction that decode accepts, and that is good, or refused, when it is moved; *moved is that one. Some boundaries want a
 * small one. False: it was not found, and *insn is as before. */
static bool draw_at_boundary(struct generator *g, const struct boundary *boundary, bool beyond, struct qm_insn *insn,
                             struct qm_insn *moved) {
    bool refused = beyond && boundary->kind == BEYOND_REFUSED;
    for (int attempt = 0; attempt < BOUNDARY_ATTEMPTS; attempt++) {
        struct qm_insn drawn;
        draw_insn(&g->draw, &drawn, boundary->opcode, boundary->opcode);
        if (attempt >= BOUNDARY_ATTEMPTS / 8) make_small(&drawn, boundary->field);
        *moved = drawn;
        if (is_broken(g, &drawn) || !boundary_move(boundary, g->draw.machine, moved, beyond)) continue;
        if (!(refused ? is_refused_by(g, moved, boundary) : is_good(g, moved))) continue;
        *insn = drawn;
        return true;
    }
    return false;
}

/* Which of count things has its turn. The rounds have an odd length,
 * so that what comes by turns meets what every second or fourth seed does. */
static uint64_t in_turn(uint64_t turn, uint64_t count) {
    return turn % (count | 1) % count;
}

/* The instruction of the program that is drawn at a boundary, by turns: the boundaries at which good instructions are,
 * and those beyond which they are. */
static const struct boundary *boundary_in_turn(const struct generator *g, uint64_t turn, bool *beyond) {
    const struct boundary *boundaries[2 * QM_BOUNDARIES_MAX];
    uint64_t count = 0, at = 0;
    for (int i = 0; i < g->boundaries.count; i++)
        if (g->boundaries.list[i].has_at) boundaries[count++] = &g->boundaries.list[i];
    at = count;
    for (int i = 0; i < g->boundaries.count; i++)
        if (g->boundaries.list[i].kind == BEYOND_LEGAL && g->boundaries.list[i].has_beyond) boundaries[count++] = &g->boundaries.list[i];
    *beyond = in_turn(turn, count) >= at;
    return boundaries[in_turn(turn, count)];
}

static void draw_insn_in_turn(struct generator *g, uint64_t turn, struct qm_insn *insn) {
    struct qm_insn drawn;
    bool beyond;
    const struct boundary *boundary = boundary_in_turn(g, turn, &beyond);
    if (!draw_at_boundary(g, boundary, beyond, &drawn, insn)) draw_insn(&g->draw, insn, 1, QM_OPCODE_END - 1);
}

static void pack(struct qm_random_program *program) {
    struct qm_diag diag;
    for (uint32_t i = 0; i < program->count; i++) QM_CHECK(qm_insn_pack(&program->insns[i], program->words[i], &diag) == QM_OK);
}

/* ---- malforming: each way takes the program and one of its instructions, and says whether it applied ---- */

static bool set_opcode(uint32_t *words, int64_t opcode) {
    qm_field_set_bits(&qm_fields[QM_FIELD_opcode], words, (uint32_t)opcode);
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
    int64_t opcode = draw_between(&g->draw, 0, QM_OPCODE_END - 1) | 8 << draw_between(&g->draw, 0, 4);
    return qm_opcode_name(opcode) == NULL && set_opcode(program->words[i], opcode);
}

static bool spoil_reserved(struct generator *g, struct qm_random_program *program, uint32_t i) {
    uint32_t *words = program->words[i];
    for (int attempt = 0; attempt < 200; attempt++) {
        uint32_t word = (uint32_t)draw_between(&g->draw, 0, QM_INSN_WORDS - 1), bit = 1u << draw_between(&g->draw, 0, 31);
        words[word] ^= bit;
        if (qm_insn_has_reserved_bits(words)) return true;
        words[word] ^= bit;
    }
    return false;
}

/* A field at the end of its width, or at any illegal value, where decode refuses it: others would make a legal program, with races. */
static bool spoil_field(struct generator *g, struct qm_random_program *program, uint32_t i) {
    const struct qm_field *field = &qm_fields[draw_between(&g->draw, 1, (int64_t)qm_field_count - 1)];
    if (!qm_field_applies(field, program->insns[i].opcode)) return false;
    uint32_t value = draw_chance(&g->draw, 50) ? UINT32_MAX : (uint32_t)qm_prng_next(&g->draw.prng);
    uint32_t words[QM_INSN_WORDS];
    struct decode decode;
    decode_init(&decode, g->draw.machine);
    memcpy(words, program->words[i], sizeof words);
    qm_field_set_bits(field, words, value);
    if (decode_check(&decode, words, QM_RANDOM_ARENA_BYTES) == QM_ERROR_NONE) return false;
    memcpy(program->words[i], words, sizeof words);
    return true;
}

static bool spoil_signal(struct generator *g, struct qm_random_program *program, uint32_t i) {
    (void)g;
    const struct qm_field *signal = &qm_fields[QM_FIELD_signal];
    bool had = qm_field_bits(signal, program->words[i]) != 0;
    qm_field_set_bits(signal, program->words[i], 0);
    return had;
}

static bool spoil_wait(struct generator *g, struct qm_random_program *program, uint32_t i) {
    (void)i;
    const struct qm_field *wait = &qm_fields[QM_FIELD_wait];
    uint32_t last = program->count - 1;
    uint32_t other = ((uint32_t)qm_opcode_unit(program->insns[last].opcode) + (uint32_t)draw_between(&g->draw, 1, 3)) % QM_UNITS;
    qm_field_set_bits(wait, program->words[last], qm_field_bits(wait, program->words[last]) | 1u << other);
    return true;
}

/* PROGRAM_ADDR with one bit that it may not have. */
static bool spoil_program_addr(struct generator *g, struct qm_random_program *program, uint32_t i) {
    (void)i;
    program->program_addr |= 1u << draw_between(&g->draw, 0, 7);
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
    program->program_count = draw_chance(&g->draw, 50) ? wraps + program->count
                                                       : instructions_to_end(program) + 1 + (uint32_t)draw_between(&g->draw, 0, 1 << 30);
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

/* Of each five seeds two put an instruction one beyond a boundary, and one spoils the program in another way, all by turns. */
struct malformation {
    const struct boundary *boundary;
    const struct spoiler *spoiler;
    uint32_t place; /* of its instruction; rather late, so that the others run */
};

static const struct boundary *refusal_in_turn(const struct generator *g, uint64_t turn) {
    const struct boundary *refusals[QM_BOUNDARIES_MAX];
    uint64_t count = 0;
    for (int i = 0; i < g->boundaries.count; i++)
        if (g->boundaries.list[i].kind == BEYOND_REFUSED && g->boundaries.list[i].has_beyond) refusals[count++] = &g->boundaries.list[i];
    return refusals[in_turn(turn, count)];
}

static struct malformation malformation_in_turn(struct generator *g, uint64_t seed, uint32_t count) {
    int64_t a = draw_between(&g->draw, 0, count - 1), b = draw_between(&g->draw, 0, count - 1);
    struct malformation malformation = {.place = (uint32_t)(a > b ? a : b)};
    if (seed % 5 == 1 || seed % 5 == 3) malformation.boundary = refusal_in_turn(g, seed / 5 * 2 + (seed % 5 == 3));
    if (seed % 5 == 4) malformation.spoiler = &spoilers[in_turn(seed / 5, SPOILERS)];
    return malformation;
}

/* The instruction as it stands in the program, with its tokens. */
static void put_beyond(struct qm_random_program *program, const struct malformation *malformation, struct qm_insn *moved) {
    struct qm_diag diag;
    moved->wait |= program->insns[malformation->place].wait;
    moved->signal |= program->insns[malformation->place].signal;
    QM_CHECK(qm_insn_pack(moved, program->words[malformation->place], &diag) == QM_OK);
    program->malformed = malformation->boundary->name;
}

static void spoil(struct generator *g, struct qm_random_program *program, const struct malformation *malformation) {
    for (int attempt = 0; attempt < 100 && program->malformed == NULL; attempt++) {
        uint32_t place = malformation->spoiler->opcode != 0 ? malformation->place : (uint32_t)draw_between(&g->draw, 0, program->count - 1);
        if (malformation->spoiler->spoil(g, program, place)) program->malformed = malformation->spoiler->name;
    }
}

void qm_random_program_make(const struct qm_machine *machine, uint64_t seed, struct qm_random_program *program) {
    enum { EVERY_SECOND = 2, TURNS_APART = 37, SEEDS_OF_A_DISTANCE = 300 };
    struct generator g = {.draw = {.machine = machine, .code_bytes = DATA_OFFSET, .arena_bytes = QM_RANDOM_ARENA_BYTES}};
    struct qm_insn moved;
    qm_prng_init(&g.draw.prng, seed);
    boundaries_init(&g.boundaries, machine);
    memset(program, 0, sizeof *program);
    program->count = program->program_count = (uint32_t)draw_between(&g.draw, 1, QM_RANDOM_MAX_INSNS);
    program->program_addr = 256 * (uint32_t)draw_between(&g.draw, 0, 1);
    struct malformation malformation = malformation_in_turn(&g, seed, program->count);
    uint64_t apart = TURNS_APART + seed / SEEDS_OF_A_DISTANCE; /* or a boundary would always have the same others beside it */
    for (uint32_t i = 0; i < program->count; i++)
        if (i % EVERY_SECOND == 0)
            draw_insn_in_turn(&g, seed + i / EVERY_SECOND * apart, &program->insns[i]);
        else
            draw_insn(&g.draw, &program->insns[i], 1, QM_OPCODE_END - 1);
    struct qm_insn *bad = &program->insns[malformation.place];
    if (malformation.spoiler != NULL && malformation.spoiler->opcode != 0)
        draw_insn(&g.draw, bad, malformation.spoiler->opcode, malformation.spoiler->opcode);
    bool is_beyond = malformation.boundary != NULL && draw_at_boundary(&g, malformation.boundary, true, bad, &moved);
    qm_synchronize(program->insns, program->count, machine);
    pack(program);
    if (is_beyond) put_beyond(program, &malformation, &moved);
    if (malformation.spoiler != NULL) spoil(&g, program, &malformation);
}

void qm_random_program_start(const struct qm_random_program *program, struct qm_device *device) {
    device->ops->write_memory(device, program->program_addr / 256 * 256, program->words, program->count * QM_INSN_BYTES);
    device->ops->write_csr(device, QM_CSR_PROGRAM_ADDR, program->program_addr);
    device->ops->write_csr(device, QM_CSR_PROGRAM_COUNT, program->program_count);
    device->ops->write_csr(device, QM_CSR_MEMORY_SIZE, QM_RANDOM_ARENA_BYTES);
    device->ops->write_csr(device, QM_CSR_CONTROL, QM_CONTROL_START);
}
