/* verilog_defs.c - walks the tables of common/ and spec/probes.def; nothing is typed here that spec/ knows. */
#include "sim/verilated/verilog_defs.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "common/counters.h"
#include "common/csr.h"
#include "common/isa.h"
#include "common/precision.h"

enum { WORD_BITS = 32 };

static const struct opcode {
    const char *name;
    unsigned code;
    enum qm_unit unit;
} opcodes[] = {
#define QM_OPCODE(name, code, unit, text) {#name, code, QM_UNIT_##unit},
#include "spec/isa.def"
#undef QM_OPCODE
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* The name in upper case, in one of a few static buffers so that one printf can use several. */
static const char *upper(const char *name) {
    static char buffers[4][64];
    static unsigned next;
    char *out = buffers[next++ % COUNT(buffers)];
    size_t i = 0;
    for (; name[i] != 0 && i + 1 < sizeof buffers[0]; i++) out[i] = (char)toupper((unsigned char)name[i]);
    out[i] = 0;
    return out;
}

static void verilog_fields(FILE *out) {
    fputs("\n// Fields of a 512-bit instruction i.\n", out);
    for (size_t i = 0; i < qm_field_count; i++) {
        unsigned low = WORD_BITS * (unsigned)qm_fields[i].word + qm_fields[i].lsb;
        fprintf(out, "`define QM_F_%s(i) i[%u:%u]\n", upper(qm_fields[i].name), low + qm_fields[i].width - 1, low);
    }
}

static void verilog_reserved(FILE *out, const struct opcode *opcode) {
    uint32_t mask[QM_INSN_WORDS];
    memset(mask, 0xff, sizeof mask);
    for (size_t i = 0; i < qm_field_count; i++)
        if ((qm_fields[i].opcodes >> opcode->code & 1) != 0)
            mask[qm_fields[i].word] &= ~((uint32_t)(((uint64_t)1 << qm_fields[i].width) - 1) << qm_fields[i].lsb);
    fprintf(out, " \\\n    (op) == 8'd%u ? 512'h", opcode->code);
    for (int word = QM_INSN_WORDS - 1; word >= 0; word--) fprintf(out, "%08" PRIx32, mask[word]);
    fputs(" :", out);
}

/* Whether op is one of the opcodes in the mask. */
static void verilog_is_one_of(FILE *out, uint32_t mask) {
    const char *before = "(";
    for (size_t i = 0; i < COUNT(opcodes); i++) {
        if ((mask >> opcodes[i].code & 1) == 0) continue;
        fprintf(out, "%s(op) == 8'd%u", before, opcodes[i].code);
        before = " || ";
    }
    fputs(")", out);
}

static void verilog_opcodes(FILE *out) {
    fputs("\n// Opcodes. Of an opcode op: whether it is one, its unit, and the bits that no field covers; of what is none, 0.\n", out);
    for (size_t i = 0; i < COUNT(opcodes); i++) fprintf(out, "`define QM_OP_%s 8'd%u\n", opcodes[i].name, opcodes[i].code);
    fputs("`define QM_IS_OPCODE(op) ", out);
    verilog_is_one_of(out, UINT32_MAX);
    fputs("\n`define QM_UNIT_OF(op) (", out);
    for (size_t i = 0; i < COUNT(opcodes); i++) fprintf(out, "(op) == 8'd%u ? 2'd%d : ", opcodes[i].code, (int)opcodes[i].unit);
    fputs("2'd0)\n`define QM_RESERVED(op) (", out);
    for (size_t i = 0; i < COUNT(opcodes); i++) verilog_reserved(out, &opcodes[i]);
    fputs(" 512'd0)\n\n// Units: indices of queues, and bits of wait and signal.\n", out);
    for (int unit = 0; unit < QM_UNITS; unit++) fprintf(out, "`define QM_UNIT_%s %d\n", upper(qm_unit_name((enum qm_unit)unit)), unit);
}

static void verilog_enums(FILE *out) {
    fputs("\n// Values of enumerated fields.\n", out);
    for (size_t f = 0; f < qm_field_count; f++)
        for (size_t i = 0; i < qm_enum_value_count; i++)
            if (strcmp(qm_enum_values[i].field, qm_fields[f].name) == 0)
                fprintf(out, "`define QM_%s_%s %u'd%" PRId64 "\n", upper(qm_enum_values[i].field), qm_enum_values[i].name,
                        qm_fields[f].width, qm_enum_values[i].value);
}

/* A term that holds when the opcode has the field and its value is not in the mask, if there is such a value. */
static void verilog_not_in(FILE *out, const struct qm_field *field, uint32_t mask) {
    unsigned values = 1u << field->width;
    if (mask == (uint32_t)(((uint64_t)1 << values) - 1)) return;
    fputs(" \\\n    || ", out);
    verilog_is_one_of(out, field->opcodes);
    fprintf(out, " && (%u'h%" PRIx32 " >> `QM_F_%s(i) & %u'd1) == %u'd0", values, mask, upper(field->name), values, values);
}

static void verilog_bad_values(FILE *out, const char *name, bool wants_supported) {
    fprintf(out, "`define %s(i, op) (1'b0", name);
    for (size_t f = 0; f < qm_field_count; f++) {
        uint32_t mask = 0;
        for (size_t i = 0; i < qm_enum_value_count; i++)
            if (strcmp(qm_enum_values[i].field, qm_fields[f].name) == 0 && (qm_enum_values[i].supported || !wants_supported))
                mask |= 1u << qm_enum_values[i].value;
        if (qm_field_is_enumerated(&qm_fields[f])) verilog_not_in(out, &qm_fields[f], mask);
    }
    fputs(")\n", out);
}

static void verilog_checks(FILE *out) {
    fputs("\n// Of an instruction i with opcode op: a field is 0 that must not be, has a value without a name, or one that is not "
          "supported.\n",
          out);
    fputs("`define QM_HAS_EMPTY(i, op) (1'b0", out);
    for (size_t f = 0; f < qm_field_count; f++) {
        if (!qm_fields[f].is_extent) continue;
        fputs(" \\\n    || ", out);
        verilog_is_one_of(out, qm_fields[f].opcodes);
        fprintf(out, " && `QM_F_%s(i) == %u'd0", upper(qm_fields[f].name), qm_fields[f].width);
    }
    fputs(")\n", out);
    verilog_bad_values(out, "QM_HAS_UNNAMED", false);
    verilog_bad_values(out, "QM_HAS_UNSUPPORTED", true);
}

static unsigned log2_of(int64_t power) {
    return (unsigned)__builtin_ctzll((unsigned long long)power);
}

static void verilog_sizes(FILE *out) {
    fputs("\n// Sizes; of a precision p, bits of a cell's weights in the scratchpad, as a power of two, and row_mode_i of mac_array.\n",
          out);
#define QM_SIZE(name, value, text) fprintf(out, "`define QM_%s %d\n", #name, value);
#include "spec/isa.def"
#undef QM_SIZE
    fputs("`define QM_CELL_BITS_LOG2(p) (", out);
#define QM_PRECISION(name, weight_bits, activation_bits, cell_bytes)                                                                       \
    fprintf(out, "(p) == 3'd%d ? 3'd%u : ", QM_precision_##name, log2_of((weight_bits) * (cell_bytes)*8 / (activation_bits)));
#include "spec/isa.def"
#undef QM_PRECISION
    fputs("3'd0)\n", out);
#define ARRAY_MODE(name) fprintf(out, "`define QM_ARRAY_MODE_" #name " 2'd%d\n", QM_ARRAY_MODE_##name);
    ARRAY_MODE(8X8)
    ARRAY_MODE(8X4)
    ARRAY_MODE(4X4)
#undef ARRAY_MODE
    fputs("`define QM_ARRAY_MODE(p) (", out);
#define QM_PRECISION(name, weight_bits, activation_bits, cell_bytes)                                                                       \
    fprintf(out, "(p) == 3'd%d ? 2'd%u : ", QM_precision_##name, qm_array_mode(QM_precision_##name));
#include "spec/isa.def"
#undef QM_PRECISION
    fputs("2'd0)\n", out);
}

static void verilog_csrs(FILE *out) {
    fputs("\n// Registers.\n", out);
    for (size_t i = 0; i < qm_csr_count; i++) fprintf(out, "`define QM_CSR_%s 12'h%03" PRIx32 "\n", qm_csrs[i].name, qm_csrs[i].offset);
    for (size_t i = 0; i < qm_csr_count; i++) fprintf(out, "`define QM_RESET_%s 32'h%08" PRIx32 "\n", qm_csrs[i].name, qm_csrs[i].reset);
    fputs("\n// Values of ERROR_CAUSE.\n", out);
    for (uint32_t code = 0; qm_error_name(code) != NULL; code++)
        fprintf(out, "`define QM_ERROR_%s 4'd%" PRIu32 "\n", qm_error_name(code), code);
}

static void verilog_counters(FILE *out) {
    fputs("\n// Counters: indices in CSR order; the events come first, then the causes.\n", out);
    unsigned events = 0;
    for (unsigned i = 0; i < QM_COUNTERS; i++) {
        fprintf(out, "`define QM_C_%s %u\n", upper(qm_counter_infos[i].name), i);
        events += qm_counter_infos[i].group == NULL;
    }
    fprintf(out, "`define QM_EVENTS %u\n`define QM_COUNTERS %u\n", events, (unsigned)QM_COUNTERS);
}

/* A line of spec/probes.def is a register that a bench reads after the edge; \ joins the lines of a macro. */
static void verilog_probe(FILE *out, const char *width, const char *name, const char *expression) {
    fprintf(out, "    reg [%s-1:0] probe_%s; \\\n    always @(posedge clk_i) probe_%s <= %s; \\\n", width, name, name, expression);
}

static void verilog_probes(FILE *out) {
    fputs("\n// What a bench sees between the blocks, in the cycle after: registers in the scope of core.v.\n", out);
    fputs("`ifndef QM_PROBED\n`define QM_PROBES\n`else\n", out);
    fputs("`define QM_PROBES \\\n    /* verilator lint_off UNUSEDSIGNAL */ \\\n    /* verilator lint_off WIDTH */ \\\n", out);
#define QM_PROBE(unit, name, width, insn, gate, verilog, c)             verilog_probe(out, #width, #unit "_" #name, #verilog);
#define QM_PROBE_DATA(unit, name, width, insn, bytes, element, verilog) verilog_probe(out, "(" #width ")", #unit "_" #name, #verilog);
#include "spec/probes.def"
#undef QM_PROBE
#undef QM_PROBE_DATA
    fputs("    /* verilator lint_on WIDTH */ \\\n"
          "    /* verilator lint_on UNUSEDSIGNAL */\n`endif\n",
          out);
}

void verilog_defs_print(FILE *out) {
    fputs("// qmac_defs.vh - made from spec/; do not edit.\n`ifndef QMAC_DEFS_VH\n`define QMAC_DEFS_VH\n", out);
    verilog_opcodes(out);
    verilog_fields(out);
    verilog_enums(out);
    verilog_checks(out);
    verilog_sizes(out);
    verilog_csrs(out);
    verilog_counters(out);
    verilog_probes(out);
    fputs("`endif\n", out);
}
