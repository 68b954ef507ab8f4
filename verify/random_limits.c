/* random_limits.c - the limits: one table for the checks that speak of several fields or of the machine, then every field's own bounds. */
#include "verify/random_limits.h"

#include <string.h>

#include "common/opcode/opcode.h"
#include "common/status.h"
#include "verify/random_program.h"

enum { A_TILE = 0, OWN_UNIT = 100 }; /* steps that depend on the instruction, on the opcode */
enum { NOTHING = -1 };               /* in place of a field */

/* HAS_tiles ...: masks of the opcodes that have a field. */
enum {
#define QM_OPCODE(name, code, unit, text) name = 1 << (code),
#include "spec/isa.def"
#undef QM_OPCODE
    ALL = -1,
#define QM_FIELD(name, word, lsb, width, sign, opcodes, text) HAS_##name = (opcodes),
#include "spec/isa.def"
#undef QM_FIELD
};

static bool has(int opcodes, int64_t opcode) {
    return (opcodes >> opcode & 1) != 0;
}

/* ---- slacks ---- */

static int64_t tile_of(const struct limit_site *at) {
    return qm_machine_tile(at->machine, at->insn->depthwise != 0);
}

/* What is left behind the operand whose address the field holds; an instruction may lack the operand. */
static int64_t operand_end(const struct limit_site *at) {
    const int64_t sizes[] = {QM_RANDOM_ARENA_BYTES, at->machine->scratchpad_bytes, at->machine->accumulator_rows};
    struct qm_operand operands[QM_OPERANDS];
    uint32_t count = qm_opcode_info(at->insn->opcode)->find_operands(at->insn, at->machine, operands);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(operands[i].name, at->field->name) == 0) return sizes[operands[i].space] - operands[i].end;
    return INT64_MAX;
}

static int64_t channels_above(const struct limit_site *at) {
    return at->insn->tiles * tile_of(at) - at->insn->channels;
}

static int64_t channels_below(const struct limit_site *at) {
    return at->insn->channels - (at->insn->tiles - 1) * tile_of(at) - 1;
}

static int64_t depthwise_run(const struct limit_site *at) {
    return at->insn->depthwise != 0 || !has(HAS_depthwise, at->insn->opcode) ? 1 - at->insn->run_bytes : INT64_MAX;
}

static int64_t depthwise_precision(const struct limit_site *at) {
    return at->insn->depthwise != 0 ? QM_precision_W8A8 - at->insn->precision : INT64_MAX;
}

static int64_t weight_zero_above(const struct limit_site *at) {
    return at->insn->depthwise != 0 ? INT64_MAX : QM_WEIGHT_ZERO_MAX - at->insn->weight_zero;
}

static int64_t weight_zero_below(const struct limit_site *at) {
    return at->insn->depthwise != 0 ? INT64_MAX : QM_WEIGHT_ZERO_MAX + at->insn->weight_zero;
}

static int64_t depthwise_zero_above(const struct limit_site *at) {
    return at->insn->depthwise != 0 ? -at->insn->weight_zero : INT64_MAX;
}

static int64_t depthwise_zero_below(const struct limit_site *at) {
    return at->insn->depthwise != 0 ? at->insn->weight_zero : INT64_MAX;
}

static int64_t table_elements(const struct limit_site *at) {
    return at->insn->lookup == QM_lookup_TABLE ? QM_out_type_BITS8 - at->insn->out_type : INT64_MAX;
}

static int64_t wide_elements(const struct limit_site *at) {
    return QM_out_type_BITS4 - at->insn->out_type;
}

static bool splits_bytes(const struct limit_site *at) {
    return at->insn->out_type == QM_out_type_BITS4 && tile_of(at) % 2 != 0;
}

static int64_t nibble_tiles(const struct limit_site *at) {
    return splits_bytes(at) ? 1 - at->insn->tiles : INT64_MAX;
}

static int64_t nibble_channels(const struct limit_site *at) {
    return splits_bytes(at) ? tile_of(at) - at->insn->channels : INT64_MAX;
}

static int64_t nibble_length(const struct limit_site *at) {
    return splits_bytes(at) ? tile_of(at) - at->insn->length : INT64_MAX;
}

static int64_t own_token(const struct limit_site *at, int64_t units) {
    return -(units >> qm_opcode_unit(at->insn->opcode) & 1);
}

static int64_t own_wait(const struct limit_site *at) {
    return own_token(at, at->insn->wait);
}

static int64_t own_signal(const struct limit_site *at) {
    return own_token(at, at->insn->signal);
}

static int64_t run_of_rows(const struct limit_site *at) {
    return at->insn->depthwise != 0 ? INT64_MAX : (int64_t)at->machine->rows - at->insn->run_bytes;
}

static int64_t run_of_two_rows(const struct limit_site *at) {
    return at->insn->depthwise != 0 ? INT64_MAX : 2 * (int64_t)at->machine->rows - at->insn->run_bytes;
}

static int64_t run_of_cols(const struct limit_site *at) {
    return (int64_t)at->machine->cols - at->insn->run_bytes;
}

static int64_t channels_of_a_tile(const struct limit_site *at) {
    return tile_of(at) - at->insn->channels;
}

static int64_t length_of_cols(const struct limit_site *at) {
    return (int64_t)at->machine->cols - at->insn->length;
}

static int64_t row_of_a_beat(const struct limit_site *at) {
    return (int64_t)at->machine->axi_bytes - at->insn->row_bytes;
}

static int64_t row_of_a_burst(const struct limit_site *at) {
    return QM_BURST_BYTES - at->insn->row_bytes;
}

/* The first row ends so many bytes behind the begin of a beat, or of a burst. */
static int64_t end_of_a_beat(const struct limit_site *at) {
    return -((at->insn->dram_addr + at->insn->row_bytes) % at->machine->axi_bytes);
}

static int64_t end_of_a_burst(const struct limit_site *at) {
    return -((at->insn->dram_addr + at->insn->row_bytes) % QM_BURST_BYTES);
}

/* ---- the table ---- */

static const struct rule {
    int opcodes;
    enum limit_kind kind;
    const char *name;
    enum qm_field_id field;
    int64_t step;
    int64_t (*slack)(const struct limit_site *);
    bool is_tiled;
    int by; /* of opcodes that have this field each value has a limit of its own; NOTHING: of none */
} rules[] = {
    {HAS_dram_addr, LIMIT_REFUSES, "end in the arena", QM_FIELD_dram_addr, 1, operand_end, false, NOTHING},
    {HAS_spad_addr, LIMIT_REFUSES, "end in the scratchpad", QM_FIELD_spad_addr, 1, operand_end, false, NOTHING},
    {HAS_in_rows, LIMIT_REFUSES, "end of the window", QM_FIELD_in_addr, 1, operand_end, false, NOTHING},
    {HAS_weight_addr, LIMIT_REFUSES, "end of the weights", QM_FIELD_weight_addr, 1, operand_end, false, QM_FIELD_precision},
    {HAS_param_addr, LIMIT_REFUSES, "end of the parameters", QM_FIELD_param_addr, 1, operand_end, false, NOTHING},
    {HAS_table_addr, LIMIT_REFUSES, "end of the table", QM_FIELD_table_addr, 1, operand_end, false, NOTHING},
    {HAS_out_pixel, LIMIT_REFUSES, "end of the output", QM_FIELD_out_addr, 1, operand_end, false, QM_FIELD_out_type},
    {HAS_length, LIMIT_REFUSES, "end of the first operand", QM_FIELD_in_addr, 1, operand_end, false, NOTHING},
    {HAS_b_addr, LIMIT_REFUSES, "end of the second operand", QM_FIELD_b_addr, 1, operand_end, false, NOTHING},
    {HAS_length, LIMIT_REFUSES, "end of the output", QM_FIELD_out_addr, 1, operand_end, false, QM_FIELD_out_type},
    {HAS_acc_addr, LIMIT_REFUSES, "end in the accumulator", QM_FIELD_acc_addr, 1, operand_end, false, NOTHING},
    {HAS_tiles, LIMIT_REFUSES, "channels for tiles", QM_FIELD_channels, 1, channels_above, false, NOTHING},
    {HAS_tiles, LIMIT_REFUSES, "tiles for channels", QM_FIELD_channels, -1, channels_below, false, NOTHING},
    {HAS_run_bytes & HAS_channels, LIMIT_REFUSES, "depthwise run", QM_FIELD_run_bytes, 1, depthwise_run, false, NOTHING},
    {HAS_precision, LIMIT_REFUSES, "depthwise precision", QM_FIELD_precision, 1, depthwise_precision, false, NOTHING},
    {HAS_weight_zero, LIMIT_REFUSES, "weight_zero above", QM_FIELD_weight_zero, 1, weight_zero_above, false, NOTHING},
    {HAS_weight_zero, LIMIT_REFUSES, "weight_zero below", QM_FIELD_weight_zero, -1, weight_zero_below, false, NOTHING},
    {HAS_weight_zero, LIMIT_REFUSES, "depthwise weight_zero above", QM_FIELD_weight_zero, 1, depthwise_zero_above, false, NOTHING},
    {HAS_weight_zero, LIMIT_REFUSES, "depthwise weight_zero below", QM_FIELD_weight_zero, -1, depthwise_zero_below, false, NOTHING},
    {HAS_lookup, LIMIT_REFUSES, "elements of a table", QM_FIELD_out_type, 1, table_elements, false, NOTHING},
    {HAS_out_multiplier, LIMIT_REFUSES, "wide elements", QM_FIELD_out_type, 1, wide_elements, false, NOTHING},
    {HAS_out_type & HAS_tiles, LIMIT_REFUSES, "tiles of nibbles", QM_FIELD_channels, A_TILE, nibble_tiles, true, NOTHING},
    {HAS_out_type & HAS_channels & ~HAS_tiles, LIMIT_REFUSES, "channels of nibbles", QM_FIELD_channels, 1, nibble_channels, false, NOTHING},
    {HAS_out_type & HAS_length, LIMIT_REFUSES, "length of nibbles", QM_FIELD_length, 1, nibble_length, false, NOTHING},
    {HAS_wait, LIMIT_REFUSES, "wait for the own unit", QM_FIELD_wait, OWN_UNIT, own_wait, false, NOTHING},
    {HAS_signal, LIMIT_REFUSES, "signal to the own unit", QM_FIELD_signal, OWN_UNIT, own_signal, false, NOTHING},
    {HAS_precision, LIMIT_SIZE, "run of R bytes", QM_FIELD_run_bytes, 1, run_of_rows, false, NOTHING},
    {HAS_precision, LIMIT_SIZE, "run of 2R bytes", QM_FIELD_run_bytes, 1, run_of_two_rows, false, NOTHING},
    {HAS_run_bytes & ~HAS_channels, LIMIT_SIZE, "run of C bytes", QM_FIELD_run_bytes, 1, run_of_cols, false, NOTHING},
    {HAS_tiles, LIMIT_SIZE, "channels of a tile", QM_FIELD_channels, 1, channels_of_a_tile, true, NOTHING},
    {HAS_channels & ~HAS_tiles, LIMIT_SIZE, "channels of a tile", QM_FIELD_channels, 1, channels_of_a_tile, false, NOTHING},
    {HAS_length, LIMIT_SIZE, "length of C", QM_FIELD_length, 1, length_of_cols, false, NOTHING},
    {HAS_row_bytes, LIMIT_SIZE, "row of a beat", QM_FIELD_row_bytes, 1, row_of_a_beat, false, NOTHING},
    {HAS_row_bytes, LIMIT_SIZE, "row of a burst", QM_FIELD_row_bytes, 1, row_of_a_burst, false, NOTHING},
    {HAS_dram_addr, LIMIT_SIZE, "row that ends with a beat", QM_FIELD_dram_addr, 1, end_of_a_beat, false, NOTHING},
    {HAS_dram_addr, LIMIT_SIZE, "row that ends with a burst", QM_FIELD_dram_addr, 1, end_of_a_burst, false, NOTHING},
};
enum { RULES = sizeof rules / sizeof *rules };

/* ---- fields ---- */

static int64_t lowest(const struct qm_field *field) {
    return field->is_signed ? -((int64_t)1 << (field->width - 1)) : 0;
}

static int64_t highest(const struct qm_field *field) {
    return ((int64_t)1 << (field->width - field->is_signed)) - 1;
}

/* So much work that no short program has it. */
static bool is_endless_at_highest(const struct qm_field *field) {
    static const enum qm_field_id ids[] = {QM_FIELD_row_bytes, QM_FIELD_row_count, QM_FIELD_plane_count, QM_FIELD_out_h, QM_FIELD_out_w,
                                           QM_FIELD_run_bytes, QM_FIELD_channels,  QM_FIELD_length,      QM_FIELD_tiles};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (field == &qm_fields[ids[i]]) return true;
    return false;
}

/* Whether a rule bounds the field in that direction, within its width. */
static bool is_bounded_by_rule(const struct qm_field *field, int opcode, int64_t step) {
    for (int i = 0; i < RULES; i++)
        if (rules[i].kind == LIMIT_REFUSES && rules[i].step == step && has(rules[i].opcodes, opcode) && &qm_fields[rules[i].field] == field)
            return true;
    return false;
}

/* ---- the list ---- */

static void add(struct limits *limits, const struct limit *limit) {
    QM_CHECK(limits->count < QM_LIMITS_MAX);
    limits->list[limits->count++] = *limit;
}

/* Tiles that end within a byte are those of a machine with an odd number of columns, or of rows when they are fewer. */
static bool rule_exists(const struct rule *rule, const struct qm_machine *machine, enum qm_opcode opcode) {
    if (rule->slack == nibble_tiles || rule->slack == nibble_channels || rule->slack == nibble_length)
        return machine->cols % 2 != 0 || (has(HAS_depthwise, opcode) && qm_machine_tile(machine, true) % 2 != 0);
    return rule->slack != row_of_a_burst || machine->scratchpad_bytes > 4 * QM_BURST_BYTES;
}

/* Of all instructions of the opcode, or of those in which rule->by is value. */
static void add_rule_when(struct limits *limits, const struct rule *rule, enum qm_opcode opcode, const struct qm_enum_value *value) {
    bool exists = rule_exists(rule, limits->machine, opcode);
    add(limits, &(struct limit){.name = rule->name,
                                .opcode = opcode,
                                .kind = rule->kind,
                                .field = &qm_fields[rule->field],
                                .step = rule->step == OWN_UNIT ? 1 << qm_opcode_unit(opcode) : rule->step,
                                .slack = rule->slack,
                                .is_tiled = rule->is_tiled,
                                .when = value == NULL ? NULL : &qm_fields[rule->by],
                                .value = value == NULL ? 0 : value->value,
                                .has_at = exists,
                                .has_beyond = exists && rule->kind != LIMIT_WIDTH});
}

/* What has one scale for all channels has no wide elements. */
bool limit_allows_value(int64_t opcode, const struct qm_enum_value *value) {
    bool is_wide = strcmp(value->field, "out_type") == 0 && value->value > QM_out_type_BITS4;
    return value->supported && !(is_wide && has(HAS_out_multiplier, opcode));
}

static void add_rule(struct limits *limits, const struct rule *rule, enum qm_opcode opcode) {
    const struct qm_field *by = rule->by == NOTHING ? NULL : &qm_fields[rule->by];
    bool has_values = by != NULL && qm_field_applies(by, opcode);
    if (!has_values) add_rule_when(limits, rule, opcode, NULL);
    for (size_t i = 0; has_values && i < qm_enum_value_count; i++)
        if (strcmp(qm_enum_values[i].field, by->name) == 0 && limit_allows_value(opcode, &qm_enum_values[i]))
            add_rule_when(limits, rule, opcode, &qm_enum_values[i]);
}

static struct limit bound_of(const struct qm_field *field, enum qm_opcode opcode, int64_t step, int64_t bound) {
    return (struct limit){.name = field->name, .opcode = opcode, .field = field, .step = step, .bound = bound, .last = INT64_MAX};
}

bool limit_is_written_address(const struct qm_field *field, int64_t opcode) {
    struct qm_machine machine;
    if (field != &qm_fields[QM_FIELD_dram_addr]) return false;
    qm_machine_init(&machine);
    return qm_writes_arena_below(&(struct qm_insn){.opcode = opcode}, &machine, 1);
}

/* The last value that is listed, and the last that is supported. */
static void add_values(struct limits *limits, const struct qm_field *field, enum qm_opcode opcode) {
    int64_t listed = 0, supported = 0;
    for (size_t i = 0; i < qm_enum_value_count; i++) {
        const struct qm_enum_value *value = &qm_enum_values[i];
        if (strcmp(value->field, field->name) != 0) continue;
        if (value->value > listed) listed = value->value;
        if (value->supported && value->value > supported) supported = value->value;
    }
    struct limit limit = bound_of(field, opcode, 1, listed);
    limit.has_at = listed == supported && !is_bounded_by_rule(field, opcode, 1);
    limit.has_beyond = listed < highest(field);
    limit.kind = limit.has_beyond ? LIMIT_REFUSES : LIMIT_WIDTH;
    add(limits, &limit);
    if (supported == listed) return;
    limit = bound_of(field, opcode, 1, supported);
    limit.last = listed;
    limit.has_at = limit.has_beyond = true;
    add(limits, &limit);
}

/* A STORE to 0 would overwrite the program, and 0 tiles hold no channel; 0 channels are in 0 tiles,
 * which only the check of channels refuses. */
static void add_bounds(struct limits *limits, const struct qm_field *field, enum qm_opcode opcode) {
    bool is_extent = field->is_extent, is_code = limit_is_written_address(field, opcode), is_tiles = field == &qm_fields[QM_FIELD_tiles];
    struct limit low = bound_of(field, opcode, -1, is_extent ? 1 : lowest(field));
    low.kind = is_extent ? LIMIT_REFUSES : LIMIT_WIDTH;
    low.has_at = is_extent || (!is_bounded_by_rule(field, opcode, -1) && !is_code && !is_tiles);
    low.is_tiled = has(HAS_tiles, opcode) && field == &qm_fields[QM_FIELD_channels];
    low.has_beyond = is_extent;
    add(limits, &low);
    struct limit high = bound_of(field, opcode, 1, highest(field));
    bool has_room = field != &qm_fields[QM_FIELD_in_row_bytes] || limits->machine->scratchpad_bytes > 2 * high.bound;
    high.kind = LIMIT_WIDTH;
    high.has_at = has_room && !is_bounded_by_rule(field, opcode, 1) && !is_endless_at_highest(field);
    add(limits, &high);
}

static bool is_header(const struct qm_field *field) {
    return qm_field_applies(field, 0);
}

void limits_init(struct limits *limits, const struct qm_machine *machine) {
    limits->machine = machine;
    limits->count = 0;
    for (int i = 0; i < RULES; i++)
        for (int opcode = 1; opcode < QM_OPCODE_END; opcode++)
            if (has(rules[i].opcodes, opcode)) add_rule(limits, &rules[i], (enum qm_opcode)opcode);
    for (size_t f = 0; f < qm_field_count; f++) {
        const struct qm_field *field = &qm_fields[f];
        bool enumerated = qm_field_is_enumerated(field);
        for (int opcode = 1; opcode < QM_OPCODE_END && !is_header(field); opcode++)
            if (qm_field_applies(field, opcode)) (enumerated ? add_values : add_bounds)(limits, field, (enum qm_opcode)opcode);
    }
}

/* ---- an instruction ---- */

int64_t limit_slack(const struct limit *limit, const struct qm_machine *machine, const struct qm_insn *insn) {
    if (insn->opcode != limit->opcode) return INT64_MAX;
    if (limit->when != NULL && qm_field_value(limit->when, insn) != limit->value) return INT64_MAX;
    if (limit->slack != NULL) return limit->slack(&(struct limit_site){machine, insn, limit->field});
    int64_t value = qm_field_value(limit->field, insn);
    if (value > limit->last) return INT64_MAX;
    return limit->step > 0 ? limit->bound - value : value - limit->bound;
}

bool limit_move(const struct limit *limit, const struct qm_machine *machine, struct qm_insn *insn, bool beyond) {
    int64_t slack = limit_slack(limit, machine, insn), tile = qm_machine_tile(machine, insn->depthwise != 0);
    if (slack == INT64_MAX) return false;
    int64_t *value = qm_field_member(limit->field, insn);
    *value += (limit->step == A_TILE ? tile : limit->step) * (slack + beyond);
    if (limit->is_tiled) insn->tiles = (insn->channels + tile - 1) / tile;
    return *value >= lowest(limit->field) && *value <= highest(limit->field) && limit_slack(limit, machine, insn) == -(int64_t)beyond;
}

int limits_broken(const struct limits *limits, const struct qm_insn *insn, int *which) {
    int count = 0;
    *which = QM_LIMIT_NONE;
    for (int i = 0; i < limits->count; i++) {
        const struct limit *limit = &limits->list[i];
        if (limit->kind == LIMIT_SIZE || limit_slack(limit, limits->machine, insn) >= 0) continue;
        *which = i;
        count++;
    }
    return count;
}
