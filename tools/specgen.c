/* specgen.c - prints what spec/ says in other languages: `specgen verilog` is the header that all of rtl/ includes, `specgen docs-isa`,
 * docs-csr, docs-counters and docs-params are the tables of docs/.
 *
 * Nothing is typed here that spec/ knows: each printer walks a table of common/.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/counters.h"
#include "common/csr.h"
#include "common/isa.h"

enum { WORD_BITS = 32 };

static const struct param {
    const char *name, *verilog;
    uint32_t minimum, maximum, default_value;
    const char *rule, *unit, *text;
} params[] = {
#define QM_PARAM(name, verilog, minimum, maximum, default_value, rule, unit, text)                                                         \
    {#name, #verilog, minimum, maximum, default_value, #rule, unit, text},
#include "spec/hw_params.def"
#undef QM_PARAM
};

static const struct opcode {
    const char *name;
    unsigned code;
    enum qm_unit unit;
    const char *text;
} opcodes[] = {
#define QM_OPCODE(name, code, unit, text) {#name, code, QM_UNIT_##unit, text},
#include "spec/isa.def"
#undef QM_OPCODE
};

static const struct enum_text {
    const char *field, *name, *text;
    unsigned value, supported;
} enum_texts[] = {
#define QM_ENUM(field, name, value, supported, text) {#field, #name, text, value, supported},
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

static void verilog_fields(void) {
    puts("\n// Fields of a 512-bit instruction; QM_HAS_x: bit i says that opcode i has the field.");
    for (size_t i = 0; i < qm_field_count; i++) {
        const struct qm_field *field = &qm_fields[i];
        unsigned low = WORD_BITS * (unsigned)field->word + field->lsb;
        printf("`define QM_F_%s(i) i[%u:%u]\n", upper(field->name), low + field->width - 1, low);
        printf("`define QM_HAS_%s %d'h%02x\n", upper(field->name), QM_OPCODE_LIMIT, field->opcodes & ((1u << QM_OPCODE_LIMIT) - 1));
    }
}

static void verilog_reserved(const struct opcode *opcode) {
    uint32_t mask[QM_INSN_WORDS];
    memset(mask, 0xff, sizeof mask);
    for (size_t i = 0; i < qm_field_count; i++)
        if (has_field(opcode->code, &qm_fields[i]))
            mask[qm_fields[i].word] &= ~((uint32_t)(((uint64_t)1 << qm_fields[i].width) - 1) << qm_fields[i].lsb);
    printf("`define QM_RESERVED_%s 512'h", opcode->name);
    for (int word = QM_INSN_WORDS - 1; word >= 0; word--) printf("%08" PRIx32, mask[word]);
    puts("");
}

static void verilog_opcodes(void) {
    puts("\n// Opcodes, the unit of each, and the bits that no field of the opcode covers.");
    for (size_t i = 0; i < COUNT(opcodes); i++) {
        printf("`define QM_OP_%s 8'd%u\n", opcodes[i].name, opcodes[i].code);
        printf("`define QM_UNIT_OF_%s 2'd%d\n", opcodes[i].name, (int)opcodes[i].unit);
        verilog_reserved(&opcodes[i]);
    }
    puts("\n// Units: indices of queues, and bits of wait and signal.");
    for (int unit = 0; unit < QM_UNITS; unit++) printf("`define QM_UNIT_%s %d\n", upper(qm_unit_name((enum qm_unit)unit)), unit);
}

/* The field's line in the table, NULL when value i is not the first of its field. */
static const struct qm_field *first_of_field(size_t i) {
    if (i > 0 && strcmp(enum_texts[i].field, enum_texts[i - 1].field) == 0) return NULL;
    for (size_t k = 0; k < qm_field_count; k++)
        if (strcmp(qm_fields[k].name, enum_texts[i].field) == 0) return &qm_fields[k];
    QM_CHECK(!"an enumerated field is a field");
    return NULL;
}

static void verilog_enum_masks(const struct qm_field *field) {
    unsigned known = 0, supported = 0;
    for (size_t i = 0; i < COUNT(enum_texts); i++) {
        if (strcmp(enum_texts[i].field, field->name) != 0) continue;
        known |= 1u << enum_texts[i].value;
        supported |= enum_texts[i].supported << enum_texts[i].value;
    }
    printf("`define QM_KNOWN_%s %u'h%x\n", upper(field->name), 1u << field->width, known);
    printf("`define QM_SUPPORTED_%s %u'h%x\n", upper(field->name), 1u << field->width, supported);
}

static void verilog_enums(void) {
    puts("\n// Values of enumerated fields; bit v of QM_KNOWN_x and QM_SUPPORTED_x speaks of value v.");
    unsigned width = 0;
    for (size_t i = 0; i < COUNT(enum_texts); i++) {
        const struct qm_field *field = first_of_field(i);
        if (field != NULL) {
            width = field->width;
            verilog_enum_masks(field);
        }
        printf("`define QM_%s_%s %u'd%u\n", upper(enum_texts[i].field), enum_texts[i].name, width, enum_texts[i].value);
    }
}

static void verilog_csrs(void) {
    puts("\n// Registers.");
    for (size_t i = 0; i < qm_csr_count; i++) printf("`define QM_CSR_%s 12'h%03" PRIx32 "\n", qm_csrs[i].name, qm_csrs[i].offset);
    for (size_t i = 0; i < qm_csr_count; i++) printf("`define QM_RESET_%s 32'h%08" PRIx32 "\n", qm_csrs[i].name, qm_csrs[i].reset);
    puts("\n// Values of ERROR_CAUSE.");
    for (uint32_t code = 0; qm_error_name(code) != NULL; code++) printf("`define QM_ERROR_%s 4'd%" PRIu32 "\n", qm_error_name(code), code);
}

static void verilog_counters(void) {
    puts("\n// Counters: indices in CSR order; the events come first, then the causes.");
    unsigned events = 0;
    for (unsigned i = 0; i < QM_COUNTERS; i++) {
        printf("`define QM_C_%s %u\n", upper(qm_counter_infos[i].name), i);
        events += qm_counter_infos[i].group == NULL;
    }
    printf("`define QM_EVENTS %u\n`define QM_COUNTERS %u\n", events, (unsigned)QM_COUNTERS);
}

/* A line of spec/probes.def is a register that a bench reads after the edge; \ joins the lines of a macro. */
static void verilog_probe(const char *width, const char *name, const char *expression) {
    printf("    reg [%s-1:0] probe_%s; \\\n    always @(posedge clk_i) probe_%s <= %s; \\\n", width, name, name, expression);
}

static void verilog_probes(void) {
    puts("\n// What a bench sees between the blocks, in the cycle after: registers in the scope of qmac.v.");
    puts("`ifndef QM_PROBED\n`define QM_PROBES\n`else");
    puts("`define QM_PROBES \\\n    /* verilator lint_off UNUSEDSIGNAL */ \\\n    /* verilator lint_off WIDTH */ \\");
#define QM_PROBE(unit, name, width, insn, gate, verilog, c)             verilog_probe(#width, #unit "_" #name, #verilog);
#define QM_PROBE_DATA(unit, name, width, insn, bytes, element, verilog) verilog_probe("(" #width ")", #unit "_" #name, #verilog);
#include "spec/probes.def"
#undef QM_PROBE
#undef QM_PROBE_DATA
    puts("    /* verilator lint_on WIDTH */ \\\n"
         "    /* verilator lint_on UNUSEDSIGNAL */\n`endif");
}

static void print_verilog(void) {
    puts("// qmac_defs.vh - made by tools/specgen from spec/; do not edit.\n`ifndef QMAC_DEFS_VH\n`define QMAC_DEFS_VH");
    verilog_opcodes();
    verilog_fields();
    verilog_enums();
    verilog_csrs();
    verilog_counters();
    verilog_probes();
    puts("`endif");
}

/* One row a word: its fields from bit 31 down to bit 0, with the gaps. */
static void docs_word(const struct opcode *opcode, unsigned word) {
    const struct qm_field *owner[WORD_BITS] = {0};
    bool used = false;
    for (size_t i = 0; i < qm_field_count; i++) {
        if (qm_fields[i].word != word || !has_field(opcode->code, &qm_fields[i])) continue;
        used = true;
        for (unsigned bit = 0; bit < qm_fields[i].width; bit++) owner[qm_fields[i].lsb + bit] = &qm_fields[i];
    }
    if (!used) return;
    printf("| %u | ", word);
    for (int high = WORD_BITS - 1, low; high >= 0; high = low - 1) {
        for (low = high; low > 0 && owner[low - 1] == owner[high]; low--) {
        }
        printf("%s`%d:%d %s`", high == WORD_BITS - 1 ? "" : " ", high, low, owner[high] ? owner[high]->name : "0");
    }
    puts(" |");
}

static void docs_fields(void) {
    puts("\n### Fields\n\n| field | word | bits | sign | opcodes | meaning |\n|---|---|---|---|---|---|");
    for (size_t i = 0; i < qm_field_count; i++) {
        const struct qm_field *field = &qm_fields[i];
        printf("| `%s` | %u | %u:%u | %s |", field->name, field->word, field->lsb + field->width - 1u, field->lsb,
               field->is_signed ? "signed" : "");
        for (size_t k = 0; k < COUNT(opcodes); k++)
            if (has_field(opcodes[k].code, field)) printf(" %s", opcodes[k].name);
        printf(" | %s |\n", field->text);
    }
}

static void print_docs_isa(void) {
    puts("### Opcodes\n\n| opcode | code | unit | meaning |\n|---|---|---|---|");
    for (size_t i = 0; i < COUNT(opcodes); i++)
        printf("| `%s` | %u | %s | %s |\n", opcodes[i].name, opcodes[i].code, qm_unit_name(opcodes[i].unit), opcodes[i].text);
    puts("\n### Layout\n\nBit ranges within each 32-bit word; `0` and words that are not listed must be zero.");
    for (size_t i = 0; i < COUNT(opcodes); i++) {
        printf("\n**%s**\n\n| word | bits |\n|---|---|\n", opcodes[i].name);
        for (unsigned word = 0; word < QM_INSN_WORDS; word++) docs_word(&opcodes[i], word);
    }
    docs_fields();
    puts("\n### Values\n\n| field | value | name | supported | meaning |\n|---|---|---|---|---|");
    for (size_t i = 0; i < COUNT(enum_texts); i++)
        printf("| `%s` | %u | `%s` | %s | %s |\n", enum_texts[i].field, enum_texts[i].value, enum_texts[i].name,
               enum_texts[i].supported ? "yes" : "no", enum_texts[i].text);
}

static void print_docs_csr(void) {
    puts("| offset | register | access | reset | meaning |\n|---|---|---|---|---|");
    for (size_t i = 0; i < qm_csr_count; i++)
        printf("| 0x%03" PRIx32 " | `%s` | %s | 0x%" PRIx32 " | %s |\n", qm_csrs[i].offset, qm_csrs[i].name, qm_csrs[i].access,
               qm_csrs[i].reset, qm_csrs[i].text);
    puts("\n| `ERROR_CAUSE` | name | meaning |\n|---|---|---|");
    for (uint32_t code = 0; qm_error_name(code) != NULL; code++)
        printf("| %" PRIu32 " | `%s` | %s |\n", code, qm_error_name(code), qm_error_text(code));
}

static void print_docs_counters(void) {
    puts("| offset | counter | group | unit | counts |\n|---|---|---|---|---|");
    for (uint32_t i = 0; i < QM_COUNTERS; i++) {
        const struct qm_counter_info *info = &qm_counter_infos[i];
        printf("| 0x%03" PRIx32 " | `%s` | %s | %s | %s |\n", (uint32_t)QM_CSR_COUNTERS + 8 * i, info->name, info->group ? info->group : "",
               info->unit, info->text);
    }
}

static void print_docs_params(void) {
    puts("| knob | Verilog | from | to | default | rule | unit | meaning |\n|---|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < COUNT(params); i++) {
        const struct param *param = &params[i];
        bool none = strcmp(param->verilog, "NONE") == 0;
        printf("| `%s` | %s | %" PRIu32 " | %" PRIu32 " | %" PRIu32 " | %s | %s | %s |\n", param->name, none ? "" : param->verilog,
               param->minimum, param->maximum, param->default_value, strcmp(param->rule, "POW2") == 0 ? "power of two" : "", param->unit,
               param->text);
    }
}

static const struct printer {
    const char *name;
    void (*print)(void);
} printers[] = {
    {"verilog", print_verilog},         {"docs-isa", print_docs_isa}, {"docs-csr", print_docs_csr}, {"docs-counters", print_docs_counters},
    {"docs-params", print_docs_params},
};

int main(int argc, char **argv) {
    for (size_t i = 0; argc == 2 && i < COUNT(printers); i++) {
        if (strcmp(argv[1], printers[i].name) != 0) continue;
        printers[i].print();
        return fflush(stdout) == 0 && !ferror(stdout) ? QM_OK : QM_INTERNAL;
    }
    fprintf(stderr, "specgen: say one of verilog, docs-isa, docs-csr, docs-counters, docs-params\n");
    return QM_BAD_INPUT;
}
