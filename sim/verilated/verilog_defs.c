/* verilog_defs.c - walks the tables of common/ and spec/probes.def; nothing is typed here that spec/ knows. */
#include "sim/verilated/verilog_defs.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "common/counters.h"
#include "common/csr.h"
#include "common/isa.h"

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

static const struct enum_value {
    const char *field, *name;
    unsigned value, supported;
} enum_values[] = {
#define QM_ENUM(field, name, value, supported, text) {#field, #name, value, supported},
#include "spec/isa.def"
#undef QM_ENUM
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

static bool has_field(unsigned opcode, const struct qm_field *field) {
    return (field->opcodes >> opcode & 1) != 0;
}

static void verilog_fields(FILE *out) {
    fputs("\n// Fields of a 512-bit instruction; QM_HAS_x: bit i says that opcode i has the field.\n", out);
    for (size_t i = 0; i < qm_field_count; i++) {
        const struct qm_field *field = &qm_fields[i];
        unsigned low = WORD_BITS * (unsigned)field->word + field->lsb;
        fprintf(out, "`define QM_F_%s(i) i[%u:%u]\n", upper(field->name), low + field->width - 1, low);
        fprintf(out, "`define QM_HAS_%s %d'h%02x\n", upper(field->name), QM_OPCODE_LIMIT, field->opcodes & ((1u << QM_OPCODE_LIMIT) - 1));
    }
}

static void verilog_reserved(FILE *out, const struct opcode *opcode) {
    uint32_t mask[QM_INSN_WORDS];
    memset(mask, 0xff, sizeof mask);
    for (size_t i = 0; i < qm_field_count; i++)
        if (has_field(opcode->code, &qm_fields[i]))
            mask[qm_fields[i].word] &= ~((uint32_t)(((uint64_t)1 << qm_fields[i].width) - 1) << qm_fields[i].lsb);
    fprintf(out, "`define QM_RESERVED_%s 512'h", opcode->name);
    for (int word = QM_INSN_WORDS - 1; word >= 0; word--) fprintf(out, "%08" PRIx32, mask[word]);
    fputs("\n", out);
}

static void verilog_opcodes(FILE *out) {
    fputs("\n// Opcodes, the unit of each, and the bits that no field of the opcode covers.\n", out);
    for (size_t i = 0; i < COUNT(opcodes); i++) {
        fprintf(out, "`define QM_OP_%s 8'd%u\n", opcodes[i].name, opcodes[i].code);
        fprintf(out, "`define QM_UNIT_OF_%s 2'd%d\n", opcodes[i].name, (int)opcodes[i].unit);
        verilog_reserved(out, &opcodes[i]);
    }
    fputs("\n// Units: indices of queues, and bits of wait and signal.\n", out);
    for (int unit = 0; unit < QM_UNITS; unit++) fprintf(out, "`define QM_UNIT_%s %d\n", upper(qm_unit_name((enum qm_unit)unit)), unit);
}

/* The field's line in the table, NULL when value i is not the first of its field. */
static const struct qm_field *first_of_field(size_t i) {
    if (i > 0 && strcmp(enum_values[i].field, enum_values[i - 1].field) == 0) return NULL;
    for (size_t k = 0; k < qm_field_count; k++)
        if (strcmp(qm_fields[k].name, enum_values[i].field) == 0) return &qm_fields[k];
    QM_CHECK(!"an enumerated field is a field");
    return NULL;
}

static void verilog_enum_masks(FILE *out, const struct qm_field *field) {
    unsigned known = 0, supported = 0;
    for (size_t i = 0; i < COUNT(enum_values); i++) {
        if (strcmp(enum_values[i].field, field->name) != 0) continue;
        known |= 1u << enum_values[i].value;
        supported |= enum_values[i].supported << enum_values[i].value;
    }
    fprintf(out, "`define QM_KNOWN_%s %u'h%x\n", upper(field->name), 1u << field->width, known);
    fprintf(out, "`define QM_SUPPORTED_%s %u'h%x\n", upper(field->name), 1u << field->width, supported);
}

static void verilog_enums(FILE *out) {
    fputs("\n// Values of enumerated fields; bit v of QM_KNOWN_x and QM_SUPPORTED_x speaks of value v.\n", out);
    unsigned width = 0;
    for (size_t i = 0; i < COUNT(enum_values); i++) {
        const struct qm_field *field = first_of_field(i);
        if (field != NULL) {
            width = field->width;
            verilog_enum_masks(out, field);
        }
        fprintf(out, "`define QM_%s_%s %u'd%u\n", upper(enum_values[i].field), enum_values[i].name, width, enum_values[i].value);
    }
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
    fputs("\n// What a bench sees between the blocks, in the cycle after: registers in the scope of qmac.v.\n", out);
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
    verilog_csrs(out);
    verilog_counters(out);
    verilog_probes(out);
    fputs("`endif\n", out);
}
