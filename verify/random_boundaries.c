/* random_boundaries.c - lists the boundaries: first those of a table, which depend on several fields or on the machine, then the extremes
 * of every field. */
#include "verify/random_boundaries.h"

#include <string.h>

#include "common/opcode/opcode.h"
#include "common/status.h"
#include "verify/random_program.h"

enum { A_TILE = 0, OWN_UNIT = 100 }; /* changes that depend on the instruction, on the opcode */
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

static int64_t tile_of(const struct boundary_site *at) {
    return qm_machine_tile(at->machine, at->insn->depthwise != 0);
}

/* Bytes or rows of memory behind the operand whose address the field holds. INT64_MAX: the instruction has no such operand. */
static int64_t operand_end(const struct boundary_site *at) {
    const int64_t sizes[] = {QM_RANDOM_ARENA_BYTES, at->machine->scratchpad_bytes, at->machine->accumulator_rows};
    struct qm_operand operands[QM_OPERANDS];
    uint32_t count = qm_opcode_info(at->insn->opcode)->find_operands(at->insn, at->machine, operands);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(operands[i].name, at->field->name) == 0) return sizes[operands[i].space] - operands[i].end;
    return INT64_MAX;
}

static int64_t channels_above(const struct boundary_site *at) {
    return at->insn->tiles * tile_of(at) - at->insn->channels;
}

static int64_t channels_below(const struct boundary_site *at) {
    return at->insn->channels - (at->insn->tiles - 1) * tile_of(at) - 1;
}

static int64_t pool_run(const struct boundary_site *at) {
    return 1 - at->insn->run_bytes;
}

static int64_t chain_taps(const struct boundary_site *at) {
    int64_t rows = at->machine->rows;
    return at->insn->depthwise != 0 ? (rows < QM_CHAIN_TAPS ? rows : QM_CHAIN_TAPS) - at->insn->run_bytes : INT64_MAX;
}

static int64_t chain_step(const struct boundary_site *at) {
    return at->insn->depthwise != 0 ? at->insn->sample_step - 1 : INT64_MAX;
}

static int64_t chain_padding(const struct boundary_site *at) {
    return at->insn->depthwise != 0 ? at->insn->run_bytes - 1 - at->insn->skip_left - at->insn->skip_right : INT64_MAX;
}

/* One instruction is beyond one boundary: that of the padding on the left, if it has such, else that on the right. */
static int64_t chain_left(const struct boundary_site *at) {
    return at->insn->skip_left > 0 ? chain_padding(at) : INT64_MAX;
}

static int64_t chain_right(const struct boundary_site *at) {
    return at->insn->skip_left > 0 ? INT64_MAX : chain_padding(at);
}

static int64_t only_wide_precision(const struct boundary_site *at) {
    return at->insn->depthwise != 0 || at->machine->cell == QM_cell_fixed8 ? QM_precision_W8A8 - at->insn->precision : INT64_MAX;
}

static int64_t weight_zero_above(const struct boundary_site *at) {
    return at->insn->depthwise != 0 ? INT64_MAX : QM_WEIGHT_ZERO_MAX - at->insn->weight_zero;
}

static int64_t weight_zero_below(const struct boundary_site *at) {
    return at->insn->depthwise != 0 ? INT64_MAX : QM_WEIGHT_ZERO_MAX + at->insn->weight_zero;
}

static int64_t depthwise_zero_above(const struct boundary_site *at) {
    return at->insn->depthwise != 0 ? -at->insn->weight_zero : INT64_MAX;
}

static int64_t depthwise_zero_below(const struct boundary_site *at) {
    return at->insn->depthwise != 0 ? at->insn->weight_zero : INT64_MAX;
}

static int64_t table_elements(const struct boundary_site *at) {
    return at->insn->lookup == QM_lookup_TABLE ? QM_out_type_BITS8 - at->insn->out_type : INT64_MAX;
}

static int64_t wide_elements(const struct boundary_site *at) {
    return QM_out_type_BITS4 - at->insn->out_type;
}

static bool splits_bytes(const struct boundary_site *at) {
    return at->insn->out_type == QM_out_type_BITS4 && tile_of(at) % 2 != 0;
}

static int64_t nibble_tiles(const struct boundary_site *at) {
    return splits_bytes(at) ? 1 - at->insn->tiles : INT64_MAX;
}

static int64_t nibble_channels(const struct boundary_site *at) {
    return splits_bytes(at) ? tile_of(at) - at->insn->channels : INT64_MAX;
}

static int64_t nibble_length(const struct boundary_site *at) {
    return splits_bytes(at) ? tile_of(at) - at->insn->length : INT64_MAX;
}

static int64_t own_token(const struct boundary_site *at, int64_t units) {
    return -(units >> qm_opcode_unit(at->insn->opcode) & 1);
}

static int64_t own_wait(const struct boundary_site *at) {
    return own_token(at, at->insn->wait);
}

static int64_t own_signal(const struct boundary_site *at) {
    return own_token(at, at->insn->signal);
}

static int64_t run_of_rows(const struct boundary_site *at) {
    return at->insn->depthwise != 0 ? INT64_MAX : (int64_t)at->machine->rows - at->insn->run_bytes;
}

static int64_t run_of_two_rows(const struct boundary_site *at) {
    return at->insn->depthwise != 0 ? INT64_MAX : 2 * (int64_t)at->machine->rows - at->insn->run_bytes;
}

static int64_t run_of_cols(const struct boundary_site *at) {
    return (int64_t)at->machine->cols - at->insn->run_bytes;
}

static int64_t channels_of_a_tile(const struct boundary_site *at) {
    return tile_of(at) - at->insn->channels;
}

static int64_t length_of_cols(const struct boundary_site *at) {
    return (int64_t)at->machine->cols - at->insn->length;
}

static int64_t row_of_a_beat(const struct boundary_site *at) {
    return (int64_t)at->machine->axi_bytes - at->insn->row_bytes;
}

static int64_t row_of_a_burst(const struct boundary_site *at) {
    return QM_BURST_BYTES - at->insn->row_bytes;
}

/* The first row ends so many bytes behind the begin of a beat, or of a burst. */
static int64_t end_of_a_beat(const struct boundary_site *at) {
    return -((at->insn->dram_addr + at->insn->row_bytes) % at->machine->axi_bytes);
}

static int64_t end_of_a_burst(const struct boundary_site *at) {
    return -((at->insn->dram_addr + at->insn->row_bytes) % QM_BURST_BYTES);
}

/* ---- the table ---- */

static const struct rule {
    int opcodes;
    enum beyond_kind kind;
    const char *name;
    enum qm_field_id field;
    int64_t change;
    int64_t (*slack)(const struct boundary_site *);
    bool is_tiled;
    int by; /* of opcodes that have this field each value has a boundary of its own; NOTHING: of none */
} rules[] = {
    {HAS_dram_addr, BEYOND_REFUSED, "end in the arena", QM_FIELD_dram_addr, 1, operand_end, false, NOTHING},
    {HAS_spad_addr, BEYOND_REFUSED, "end in the scratchpad", QM_FIELD_spad_addr, 1, operand_end, false, NOTHING},
    {HAS_in_rows, BEYOND_REFUSED, "end of the window", QM_FIELD_in_addr, 1, operand_end, false, NOTHING},
    {HAS_weight_addr, BEYOND_REFUSED, "end of the weights", QM_FIELD_weight_addr, 1, operand_end, false, QM_FIELD_precision},
    {HAS_param_addr, BEYOND_REFUSED, "end of the parameters", QM_FIELD_param_addr, 1, operand_end, false, NOTHING},
    {HAS_table_addr, BEYOND_REFUSED, "end of the table", QM_FIELD_table_addr, 1, operand_end, false, NOTHING},
    {HAS_out_pixel, BEYOND_REFUSED, "end of the output", QM_FIELD_out_addr, 1, operand_end, false, QM_FIELD_out_type},
    {HAS_length, BEYOND_REFUSED, "end of the first operand", QM_FIELD_in_addr, 1, operand_end, false, NOTHING},
    {HAS_b_addr, BEYOND_REFUSED, "end of the second operand", QM_FIELD_b_addr, 1, operand_end, false, NOTHING},
    {HAS_length, BEYOND_REFUSED, "end of the output", QM_FIELD_out_addr, 1, operand_end, false, QM_FIELD_out_type},
    {HAS_acc_addr, BEYOND_REFUSED, "end in the accumulator", QM_FIELD_acc_addr, 1, operand_end, false, NOTHING},
    {HAS_tiles, BEYOND_REFUSED, "channels for tiles", QM_FIELD_channels, 1, channels_above, false, NOTHING},
    {HAS_tiles, BEYOND_REFUSED, "tiles for channels", QM_FIELD_channels, -1, channels_below, false, NOTHING},
    {HAS_pool_kind, BEYOND_REFUSED, "run of a pool", QM_FIELD_run_bytes, 1, pool_run, false, NOTHING},
    {HAS_sample_step, BEYOND_REFUSED, "taps of a chain", QM_FIELD_run_bytes, 1, chain_taps, false, NOTHING},
    {HAS_sample_step, BEYOND_REFUSED, "samples to the next output", QM_FIELD_sample_step, -1, chain_step, false, NOTHING},
    {HAS_skip_left, BEYOND_REFUSED, "padding left of a chain", QM_FIELD_skip_left, 1, chain_left, false, NOTHING},
    {HAS_skip_right, BEYOND_REFUSED, "padding right of a chain", QM_FIELD_skip_right, 1, chain_right, false, NOTHING},
    {HAS_precision, BEYOND_REFUSED, "precision of 8 bits only", QM_FIELD_precision, 1, only_wide_precision, false, NOTHING},
    {HAS_weight_zero, BEYOND_REFUSED, "weight_zero above", QM_FIELD_weight_zero, 1, weight_zero_above, false, NOTHING},
    {HAS_weight_zero, BEYOND_REFUSED, "weight_zero below", QM_FIELD_weight_zero, -1, weight_zero_below, false, NOTHING},
    {HAS_weight_zero, BEYOND_REFUSED, "depthwise weight_zero above", QM_FIELD_weight_zero, 1, depthwise_zero_above, false, NOTHING},
    {HAS_weight_zero, BEYOND_REFUSED, "depthwise weight_zero below", QM_FIELD_weight_zero, -1, depthwise_zero_below, false, NOTHING},
    {HAS_lookup, BEYOND_REFUSED, "elements of a table", QM_FIELD_out_type, 1, table_elements, false, NOTHING},
    {HAS_out_multiplier & ~HAS_tiles, BEYOND_REFUSED, "wide elements", QM_FIELD_out_type, 1, wide_elements, false, NOTHING},
    {HAS_out_type & HAS_tiles, BEYOND_REFUSED, "tiles of nibbles", QM_FIELD_channels, A_TILE, nibble_tiles, true, NOTHING},
    {HAS_out_type & HAS_channels & ~HAS_tiles, BEYOND_REFUSED, "channels of nibbles", QM_FIELD_channels, 1, nibble_channels, false,
     NOTHING},
    {HAS_out_type & HAS_length, BEYOND_REFUSED, "length of nibbles", QM_FIELD_length, 1, nibble_length, false, NOTHING},
    {HAS_wait, BEYOND_REFUSED, "wait for the own unit", QM_FIELD_wait, OWN_UNIT, own_wait, false, NOTHING},
    {HAS_signal, BEYOND_REFUSED, "signal to the own unit", QM_FIELD_signal, OWN_UNIT, own_signal, false, NOTHING},
    {HAS_precision, BEYOND_LEGAL, "run of R bytes", QM_FIELD_run_bytes, 1, run_of_rows, false, NOTHING},
    {HAS_precision, BEYOND_LEGAL, "run of 2R bytes", QM_FIELD_run_bytes, 1, run_of_two_rows, false, NOTHING},
    {HAS_run_bytes & ~HAS_channels, BEYOND_LEGAL, "run of C bytes", QM_FIELD_run_bytes, 1, run_of_cols, false, NOTHING},
    {HAS_tiles, BEYOND_LEGAL, "channels of a tile", QM_FIELD_channels, 1, channels_of_a_tile, true, NOTHING},
    {HAS_channels & ~HAS_tiles, BEYOND_LEGAL, "channels of a tile", QM_FIELD_channels, 1, channels_of_a_tile, false, NOTHING},
    {HAS_length, BEYOND_LEGAL, "length of C", QM_FIELD_length, 1, length_of_cols, false, NOTHING},
    {HAS_row_bytes, BEYOND_LEGAL, "row of a beat", QM_FIELD_row_bytes, 1, row_of_a_beat, false, NOTHING},
    {HAS_row_bytes, BEYOND_LEGAL, "row of a burst", QM_FIELD_row_bytes, 1, row_of_a_burst, false, NOTHING},
    {HAS_dram_addr, BEYOND_LEGAL, "row that ends with a beat", QM_FIELD_dram_addr, 1, end_of_a_beat, false, NOTHING},
    {HAS_dram_addr, BEYOND_LEGAL, "row that ends with a burst", QM_FIELD_dram_addr, 1, end_of_a_burst, false, NOTHING},
};
enum { RULES = sizeof rules / sizeof *rules };

/* ---- fields ---- */

static int64_t lowest(const struct qm_field *field) {
    return field->is_signed ? -((int64_t)1 << (field->width - 1)) : 0;
}

static int64_t highest(const struct qm_field *field) {
    return ((int64_t)1 << (field->width - field->is_signed)) - 1;
}

/* Whether the highest value means more work than a short program may have. */
static bool is_endless_at_highest(const struct qm_field *field) {
    static const enum qm_field_id ids[] = {QM_FIELD_row_bytes, QM_FIELD_row_count, QM_FIELD_plane_count, QM_FIELD_out_h, QM_FIELD_out_w,
                                           QM_FIELD_run_bytes, QM_FIELD_channels,  QM_FIELD_length,      QM_FIELD_tiles};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (field == &qm_fields[ids[i]]) return true;
    return false;
}

/* Whether a boundary of the table comes before the extreme of the field in that direction. */
static bool has_rule_before(const struct qm_field *field, int opcode, int64_t change) {
    for (int i = 0; i < RULES; i++)
        if (rules[i].kind == BEYOND_REFUSED && rules[i].change == change && has(rules[i].opcodes, opcode) &&
            &qm_fields[rules[i].field] == field)
            return true;
    return false;
}

/* ---- the list ---- */

static void add(struct boundaries *boundaries, const struct boundary *boundary) {
    QM_CHECK(boundaries->count < QM_BOUNDARIES_MAX);
    boundaries->list[boundaries->count++] = *boundary;
}

/* Whether instructions can be at the rule's boundary on the machine. Tiles end within a byte when the columns, or the rows when they are
 * fewer, are odd. */
static bool rule_exists(const struct rule *rule, const struct qm_machine *machine, enum qm_opcode opcode) {
    if (rule->slack == nibble_tiles || rule->slack == nibble_channels || rule->slack == nibble_length)
        return machine->cols % 2 != 0 || (has(HAS_depthwise, opcode) && qm_machine_tile(machine, true) % 2 != 0);
    if (rule->slack == chain_left) return machine->rows > 1; /* of one tap none can be padding */
    return rule->slack != row_of_a_burst || machine->scratchpad_bytes > 4 * QM_BURST_BYTES;
}

/* Adds the rule's boundary for all instructions of the opcode, or for those in which field rule->by has the value. */
static void add_rule_when(struct boundaries *boundaries, const struct rule *rule, enum qm_opcode opcode,
                          const struct qm_enum_value *value) {
    bool exists = rule_exists(rule, boundaries->machine, opcode);
    add(boundaries, &(struct boundary){.name = rule->name,
                                       .opcode = opcode,
                                       .kind = rule->kind,
                                       .field = &qm_fields[rule->field],
                                       .change = rule->change == OWN_UNIT ? 1 << qm_opcode_unit(opcode) : rule->change,
                                       .slack = rule->slack,
                                       .is_tiled = rule->is_tiled,
                                       .when = value == NULL ? NULL : &qm_fields[rule->by],
                                       .value = value == NULL ? 0 : value->value,
                                       .has_at = exists,
                                       .has_beyond = exists && rule->kind != BEYOND_NONE});
}

/* An instruction that has one scale for all channels, and no other, has no elements wider than a byte. */
bool boundary_allows_value(int64_t opcode, const struct qm_enum_value *value) {
    bool is_wide = strcmp(value->field, "out_type") == 0 && value->value > QM_out_type_BITS4;
    return value->supported && !(is_wide && has(HAS_out_multiplier & ~HAS_tiles, opcode));
}

static void add_rule(struct boundaries *boundaries, const struct rule *rule, enum qm_opcode opcode) {
    const struct qm_field *by = rule->by == NOTHING ? NULL : &qm_fields[rule->by];
    bool has_values = by != NULL && qm_field_applies(by, opcode);
    if (!has_values) add_rule_when(boundaries, rule, opcode, NULL);
    for (size_t i = 0; has_values && i < qm_enum_value_count; i++)
        if (strcmp(qm_enum_values[i].field, by->name) == 0 && boundary_allows_value(opcode, &qm_enum_values[i]))
            add_rule_when(boundaries, rule, opcode, &qm_enum_values[i]);
}

static struct boundary extreme_of(const struct qm_field *field, enum qm_opcode opcode, int64_t change, int64_t extreme) {
    return (struct boundary){
        .name = field->name, .opcode = opcode, .field = field, .change = change, .extreme = extreme, .last = INT64_MAX};
}

bool boundary_is_written_address(const struct qm_field *field, int64_t opcode) {
    struct qm_machine machine;
    if (field != &qm_fields[QM_FIELD_dram_addr]) return false;
    qm_machine_init(&machine);
    return qm_writes_arena_below(&(struct qm_insn){.opcode = opcode}, &machine, 1);
}

/* Adds the boundaries of an enumerated field: its last listed value and, when that is another, its last supported one. */
static void add_values(struct boundaries *boundaries, const struct qm_field *field, enum qm_opcode opcode) {
    int64_t listed = 0, supported = 0;
    for (size_t i = 0; i < qm_enum_value_count; i++) {
        const struct qm_enum_value *value = &qm_enum_values[i];
        if (strcmp(value->field, field->name) != 0) continue;
        if (value->value > listed) listed = value->value;
        if (value->supported && value->value > supported) supported = value->value;
    }
    struct boundary boundary = extreme_of(field, opcode, 1, listed);
    boundary.has_at = listed == supported && !has_rule_before(field, opcode, 1);
    boundary.has_beyond = listed < highest(field);
    boundary.kind = boundary.has_beyond ? BEYOND_REFUSED : BEYOND_NONE;
    add(boundaries, &boundary);
    if (supported == listed) return;
    boundary = extreme_of(field, opcode, 1, supported);
    boundary.last = listed;
    boundary.has_at = boundary.has_beyond = true;
    add(boundaries, &boundary);
}

/* Adds the extremes of a field. Good instructions are not at 0 where a STORE would overwrite the program, nor at 0 tiles, which hold no
 * channel. 0 channels fill 0 tiles, so only the check of channels refuses them. */
static void add_extremes(struct boundaries *boundaries, const struct qm_field *field, enum qm_opcode opcode) {
    bool is_extent = field->is_extent, is_code = boundary_is_written_address(field, opcode), is_tiles = field == &qm_fields[QM_FIELD_tiles];
    struct boundary low = extreme_of(field, opcode, -1, is_extent ? 1 : lowest(field));
    low.kind = is_extent ? BEYOND_REFUSED : BEYOND_NONE;
    low.has_at = is_extent || (!has_rule_before(field, opcode, -1) && !is_code && !is_tiles);
    low.is_tiled = has(HAS_tiles, opcode) && field == &qm_fields[QM_FIELD_channels];
    low.has_beyond = is_extent;
    add(boundaries, &low);
    struct boundary high = extreme_of(field, opcode, 1, highest(field));
    bool has_room = field != &qm_fields[QM_FIELD_in_row_bytes] || boundaries->machine->scratchpad_bytes > 2 * high.extreme;
    high.kind = BEYOND_NONE;
    high.has_at = has_room && !has_rule_before(field, opcode, 1) && !is_endless_at_highest(field);
    add(boundaries, &high);
}

static bool is_header(const struct qm_field *field) {
    return qm_field_applies(field, 0);
}

void boundaries_init(struct boundaries *boundaries, const struct qm_machine *machine) {
    boundaries->machine = machine;
    boundaries->count = 0;
    for (int i = 0; i < RULES; i++)
        for (int opcode = 1; opcode < QM_OPCODE_END; opcode++)
            if (has(rules[i].opcodes, opcode)) add_rule(boundaries, &rules[i], (enum qm_opcode)opcode);
    for (size_t f = 0; f < qm_field_count; f++) {
        const struct qm_field *field = &qm_fields[f];
        bool enumerated = qm_field_is_enumerated(field);
        for (int opcode = 1; opcode < QM_OPCODE_END && !is_header(field); opcode++)
            if (qm_field_applies(field, opcode)) (enumerated ? add_values : add_extremes)(boundaries, field, (enum qm_opcode)opcode);
    }
}

/* ---- an instruction ---- */

int64_t boundary_slack(const struct boundary *boundary, const struct qm_machine *machine, const struct qm_insn *insn) {
    if (insn->opcode != boundary->opcode) return INT64_MAX;
    if (boundary->when != NULL && qm_field_value(boundary->when, insn) != boundary->value) return INT64_MAX;
    if (boundary->slack != NULL) return boundary->slack(&(struct boundary_site){machine, insn, boundary->field});
    int64_t value = qm_field_value(boundary->field, insn);
    if (value > boundary->last) return INT64_MAX;
    return boundary->change > 0 ? boundary->extreme - value : value - boundary->extreme;
}

bool boundary_move(const struct boundary *boundary, const struct qm_machine *machine, struct qm_insn *insn, bool beyond) {
    int64_t slack = boundary_slack(boundary, machine, insn), tile = qm_machine_tile(machine, insn->depthwise != 0);
    if (slack == INT64_MAX) return false;
    int64_t *value = qm_field_member(boundary->field, insn);
    *value += (boundary->change == A_TILE ? tile : boundary->change) * (slack + beyond);
    if (boundary->is_tiled) insn->tiles = (insn->channels + tile - 1) / tile;
    return *value >= lowest(boundary->field) && *value <= highest(boundary->field) &&
           boundary_slack(boundary, machine, insn) == -(int64_t)beyond;
}

int boundaries_broken(const struct boundaries *boundaries, const struct qm_insn *insn, int *which) {
    int count = 0;
    *which = QM_BOUNDARY_NONE;
    for (int i = 0; i < boundaries->count; i++) {
        const struct boundary *boundary = &boundaries->list[i];
        if (boundary->kind == BEYOND_LEGAL || boundary_slack(boundary, boundaries->machine, insn) >= 0) continue;
        *which = i;
        count++;
    }
    return count;
}
