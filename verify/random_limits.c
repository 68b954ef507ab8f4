/* random_limits.c - the limits: one table for the checks that speak of several fields or of the machine, then every field's own bounds. */
#include "verify/random_limits.h"

#include <string.h>

#include "common/opcode/opcode.h"
#include "common/status.h"
#include "verify/random_program.h"

enum { A_TILE = 0, OWN_UNIT = 100 }; /* steps that depend on the instruction, on the opcode */

enum {
#define QM_OPCODE(name, code, unit, text) name = 1 << (code),
#include "spec/isa.def"
#undef QM_OPCODE
};

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
    return at->insn->depthwise != 0 || at->insn->opcode == QM_POOL ? 1 - at->insn->run_bytes : INT64_MAX;
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
    const char *name, *field;
    int64_t step;
    int64_t (*slack)(const struct limit_site *);
    bool is_tiled;
    const char *by; /* NULL, or each value of this field has a limit of its own */
} rules[] = {
    {LOAD | STORE, LIMIT_REFUSES, "end in the arena", "dram_addr", 1, operand_end, false, NULL},
    {LOAD | STORE, LIMIT_REFUSES, "end in the scratchpad", "spad_addr", 1, operand_end, false, NULL},
    {MATMUL | POOL | COPY, LIMIT_REFUSES, "end of the window", "in_addr", 1, operand_end, false, NULL},
    {MATMUL, LIMIT_REFUSES, "end of the weights", "weight_addr", 1, operand_end, false, "precision"},
    {REQUANTIZE, LIMIT_REFUSES, "end of the parameters", "param_addr", 1, operand_end, false, NULL},
    {REQUANTIZE, LIMIT_REFUSES, "end of the table", "table_addr", 1, operand_end, false, NULL},
    {REQUANTIZE | POOL, LIMIT_REFUSES, "end of the output", "out_addr", 1, operand_end, false, "out_type"},
    {COPY, LIMIT_REFUSES, "end of the output", "out_addr", 1, operand_end, false, NULL},
    {ADD, LIMIT_REFUSES, "end of the first operand", "in_addr", 1, operand_end, false, NULL},
    {ADD, LIMIT_REFUSES, "end of the second operand", "b_addr", 1, operand_end, false, NULL},
    {ADD, LIMIT_REFUSES, "end of the output", "out_addr", 1, operand_end, false, "out_type"},
    {MATMUL | REQUANTIZE, LIMIT_REFUSES, "end in the accumulator", "acc_addr", 1, operand_end, false, NULL},
    {MATMUL | REQUANTIZE, LIMIT_REFUSES, "channels for tiles", "channels", 1, channels_above, false, NULL},
    {MATMUL | REQUANTIZE, LIMIT_REFUSES, "tiles for channels", "channels", -1, channels_below, false, NULL},
    {MATMUL | POOL, LIMIT_REFUSES, "depthwise run", "run_bytes", 1, depthwise_run, false, NULL},
    {MATMUL, LIMIT_REFUSES, "depthwise precision", "precision", 1, depthwise_precision, false, NULL},
    {MATMUL, LIMIT_REFUSES, "weight_zero above", "weight_zero", 1, weight_zero_above, false, NULL},
    {MATMUL, LIMIT_REFUSES, "weight_zero below", "weight_zero", -1, weight_zero_below, false, NULL},
    {MATMUL, LIMIT_REFUSES, "depthwise weight_zero above", "weight_zero", 1, depthwise_zero_above, false, NULL},
    {MATMUL, LIMIT_REFUSES, "depthwise weight_zero below", "weight_zero", -1, depthwise_zero_below, false, NULL},
    {REQUANTIZE, LIMIT_REFUSES, "elements of a table", "out_type", 1, table_elements, false, NULL},
    {POOL | ADD, LIMIT_REFUSES, "wide elements", "out_type", 1, wide_elements, false, NULL},
    {REQUANTIZE, LIMIT_REFUSES, "tiles of nibbles", "channels", A_TILE, nibble_tiles, true, NULL},
    {POOL, LIMIT_REFUSES, "channels of nibbles", "channels", 1, nibble_channels, false, NULL},
    {ADD, LIMIT_REFUSES, "length of nibbles", "length", 1, nibble_length, false, NULL},
    {LOAD | STORE | MATMUL | REQUANTIZE | POOL | ADD | COPY, LIMIT_REFUSES, "wait for the own unit", "wait", OWN_UNIT, own_wait, false,
     NULL},
    {LOAD | STORE | MATMUL | REQUANTIZE | POOL | ADD | COPY, LIMIT_REFUSES, "signal to the own unit", "signal", OWN_UNIT, own_signal, false,
     NULL},
    {MATMUL, LIMIT_SIZE, "run of R bytes", "run_bytes", 1, run_of_rows, false, NULL},
    {MATMUL, LIMIT_SIZE, "run of 2R bytes", "run_bytes", 1, run_of_two_rows, false, NULL},
    {COPY, LIMIT_SIZE, "run of C bytes", "run_bytes", 1, run_of_cols, false, NULL},
    {MATMUL | REQUANTIZE, LIMIT_SIZE, "channels of a tile", "channels", 1, channels_of_a_tile, true, NULL},
    {POOL, LIMIT_SIZE, "channels of a tile", "channels", 1, channels_of_a_tile, false, NULL},
    {ADD, LIMIT_SIZE, "length of C", "length", 1, length_of_cols, false, NULL},
    {LOAD | STORE, LIMIT_SIZE, "row of a beat", "row_bytes", 1, row_of_a_beat, false, NULL},
    {LOAD | STORE, LIMIT_SIZE, "row of a burst", "row_bytes", 1, row_of_a_burst, false, NULL},
    {LOAD | STORE, LIMIT_SIZE, "row that ends with a beat", "dram_addr", 1, end_of_a_beat, false, NULL},
    {LOAD | STORE, LIMIT_SIZE, "row that ends with a burst", "dram_addr", 1, end_of_a_burst, false, NULL},
};
enum { RULES = sizeof rules / sizeof *rules };

/* ---- fields ---- */

static int64_t lowest(const struct qm_field *field) {
    return field->is_signed ? -((int64_t)1 << (field->width - 1)) : 0;
}

static int64_t highest(const struct qm_field *field) {
    return ((int64_t)1 << (field->width - field->is_signed)) - 1;
}

const struct qm_field *limit_field(const char *name) {
    for (size_t i = 0; i < qm_field_count; i++)
        if (strcmp(qm_fields[i].name, name) == 0) return &qm_fields[i];
    QM_CHECK(!"field exists");
    return NULL;
}

static bool is_one_of(const struct qm_field *field, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], field->name) == 0) return true;
    return false;
}

#define IS_ONE_OF(field, names) is_one_of(field, names, sizeof(names) / sizeof *(names))

/* So much work that no short program has it. */
static bool is_endless_at_highest(const struct qm_field *field) {
    static const char *const names[] = {"row_bytes", "row_count", "plane_count", "out_h", "out_w",
                                        "run_bytes", "channels",  "length",      "tiles"};
    return IS_ONE_OF(field, names);
}

/* Whether a rule bounds the field in that direction, within its width. */
static bool is_bounded_by_rule(const struct qm_field *field, int opcode, int64_t step) {
    for (int i = 0; i < RULES; i++)
        if (rules[i].kind == LIMIT_REFUSES && rules[i].step == step && (rules[i].opcodes >> opcode & 1) != 0 &&
            strcmp(rules[i].field, field->name) == 0)
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
    bool may_be_depthwise = opcode == QM_REQUANTIZE;
    if (rule->slack == nibble_tiles || rule->slack == nibble_channels || rule->slack == nibble_length)
        return machine->cols % 2 != 0 || (may_be_depthwise && qm_machine_tile(machine, true) % 2 != 0);
    return rule->slack != row_of_a_burst || machine->scratchpad_bytes > 4 * QM_BURST_BYTES;
}

/* Of all instructions of the opcode, or of those in which rule->by is value. */
static void add_rule_when(struct limits *limits, const struct rule *rule, enum qm_opcode opcode, const struct qm_enum_value *value) {
    bool exists = rule_exists(rule, limits->machine, opcode);
    add(limits, &(struct limit){.name = rule->name,
                                .opcode = opcode,
                                .kind = rule->kind,
                                .field = limit_field(rule->field),
                                .step = rule->step == OWN_UNIT ? 1 << qm_opcode_unit(opcode) : rule->step,
                                .slack = rule->slack,
                                .is_tiled = rule->is_tiled,
                                .when = value == NULL ? NULL : limit_field(value->field),
                                .value = value == NULL ? 0 : value->value,
                                .has_at = exists,
                                .has_beyond = exists && rule->kind != LIMIT_WIDTH});
}

/* POOL and ADD have no wide elements. */
static bool has_value(enum qm_opcode opcode, const struct qm_enum_value *value) {
    bool is_wide = strcmp(value->field, "out_type") == 0 && value->value > QM_out_type_BITS4;
    return value->supported && (opcode == QM_REQUANTIZE || !is_wide);
}

static void add_rule(struct limits *limits, const struct rule *rule, enum qm_opcode opcode) {
    if (rule->by == NULL) add_rule_when(limits, rule, opcode, NULL);
    for (size_t i = 0; rule->by != NULL && i < qm_enum_value_count; i++)
        if (strcmp(qm_enum_values[i].field, rule->by) == 0 && has_value(opcode, &qm_enum_values[i]))
            add_rule_when(limits, rule, opcode, &qm_enum_values[i]);
}

static struct limit bound_of(const struct qm_field *field, enum qm_opcode opcode, int64_t step, int64_t bound) {
    return (struct limit){.name = field->name, .opcode = opcode, .field = field, .step = step, .bound = bound, .last = INT64_MAX};
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
    bool is_extent = field->is_extent, is_code = opcode == QM_STORE && strcmp(field->name, "dram_addr") == 0;
    bool is_tiles = strcmp(field->name, "tiles") == 0;
    struct limit low = bound_of(field, opcode, -1, is_extent ? 1 : lowest(field));
    low.kind = is_extent ? LIMIT_REFUSES : LIMIT_WIDTH;
    low.has_at = is_extent || (!is_bounded_by_rule(field, opcode, -1) && !is_code && !is_tiles);
    low.is_tiled = opcode != QM_POOL && strcmp(field->name, "channels") == 0;
    low.has_beyond = is_extent;
    add(limits, &low);
    struct limit high = bound_of(field, opcode, 1, highest(field));
    bool has_room = strcmp(field->name, "in_row_bytes") != 0 || limits->machine->scratchpad_bytes > 2 * high.bound;
    high.kind = LIMIT_WIDTH;
    high.has_at = has_room && !is_bounded_by_rule(field, opcode, 1) && !is_endless_at_highest(field);
    add(limits, &high);
}

static bool is_header(const struct qm_field *field) {
    static const char *const names[] = {"opcode", "wait", "signal"};
    return IS_ONE_OF(field, names);
}

void limits_init(struct limits *limits, const struct qm_machine *machine) {
    limits->machine = machine;
    limits->count = 0;
    for (int i = 0; i < RULES; i++)
        for (int opcode = 1; opcode < QM_OPCODE_END; opcode++)
            if ((rules[i].opcodes >> opcode & 1) != 0) add_rule(limits, &rules[i], (enum qm_opcode)opcode);
    for (size_t f = 0; f < qm_field_count; f++) {
        const struct qm_field *field = &qm_fields[f];
        bool enumerated = qm_field_is_enumerated(field);
        for (int opcode = 1; opcode < QM_OPCODE_END && !is_header(field); opcode++)
            if ((field->opcodes >> opcode & 1) != 0) (enumerated ? add_values : add_bounds)(limits, field, (enum qm_opcode)opcode);
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
