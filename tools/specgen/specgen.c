/* specgen.c - prints what spec/ says in other languages: `specgen verilog` is the header that all of rtl/ includes, `specgen docs-isa`,
 * docs-csr, docs-counters and docs-params are the tables of docs/; docs-tflite and docs-onnx those of the operators (operators.h);
 * `specgen parameters MACHINE [KNOB=VALUE]...` prints the RTL's parameters of a machine.
 *
 * Nothing is typed here that spec/ knows: each printer walks a table of common/.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/counters.h"
#include "common/csr.h"
#include "common/isa.h"
#include "sim/verilated/verilog_defs.h"
#include "tools/specgen/operators.h"
#include "tools/specgen/parameters.h"

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

static const struct choice {
    const char *knob, *name, *text;
    uint32_t value;
} choices[] = {
#define QM_CHOICE(knob, name, value, text) {#knob, #name, text, value},
#include "spec/hw_params.def"
#undef QM_CHOICE
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

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void print_verilog(void) {
    verilog_defs_print(stdout);
}

/* One row a word: its fields from bit 31 down to bit 0, with the gaps. */
static void docs_word(const struct opcode *opcode, unsigned word) {
    const struct qm_field *owner[WORD_BITS] = {0};
    bool used = false;
    for (size_t i = 0; i < qm_field_count; i++) {
        if (qm_fields[i].word != word || !qm_field_applies(&qm_fields[i], opcode->code)) continue;
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
    puts("\n### Fields\n\n| field | word | bits | number | opcodes | meaning |\n|---|---|---|---|---|---|");
    for (size_t i = 0; i < qm_field_count; i++) {
        const struct qm_field *field = &qm_fields[i];
        printf("| `%s` | %u | %u:%u | %s |", field->name, field->word, field->lsb + field->width - 1u, field->lsb,
               field->is_signed   ? "signed"
               : field->is_extent ? "not 0"
                                  : "");
        for (size_t k = 0; k < COUNT(opcodes); k++)
            if (qm_field_applies(field, opcodes[k].code)) printf(" %s", opcodes[k].name);
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
    for (size_t i = 0; i < qm_enum_value_count; i++) {
        const struct qm_enum_value *value = &qm_enum_values[i];
        printf("| `%s` | %" PRId64 " | `%s` | %s | %s |\n", value->field, value->value, value->name, value->supported ? "yes" : "no",
               value->text);
    }
    puts("\n### Sizes\n\n| name | value | meaning |\n|---|---|---|");
#define QM_SIZE(name, value, text) printf("| `%s` | %d | %s |\n", #name, value, text);
#include "spec/isa.def"
#undef QM_SIZE
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
    puts("\nKnobs that are written by name:\n\n| knob | name | in the RTL | meaning |\n|---|---|---|---|");
    for (size_t i = 0; i < COUNT(choices); i++)
        printf("| `%s` | `%s` | %" PRIu32 " | %s |\n", choices[i].knob, choices[i].name, choices[i].value, choices[i].text);
}

static const struct printer {
    const char *name;
    void (*print)(void);
} printers[] = {
    {"verilog", print_verilog},         {"docs-isa", print_docs_isa},
    {"docs-csr", print_docs_csr},       {"docs-counters", print_docs_counters},
    {"docs-params", print_docs_params}, {"docs-tflite", print_docs_tflite},
    {"docs-onnx", print_docs_onnx},
};

static enum qm_status print(int argc, char **argv, struct qm_diag *diag) {
    if (argc > 1 && strcmp(argv[1], "parameters") == 0) return print_parameters(argc - 2, argv + 2, diag);
    for (size_t i = 0; argc == 2 && i < COUNT(printers); i++) {
        if (strcmp(argv[1], printers[i].name) != 0) continue;
        printers[i].print();
        return QM_OK;
    }
    return qm_fail(diag, QM_BAD_INPUT,
                   "specgen: say one of verilog, docs-isa, docs-csr, docs-counters, docs-params, docs-tflite, docs-onnx, parameters");
}

int main(int argc, char **argv) {
    struct qm_diag diag;
    enum qm_status status = print(argc, argv, &diag);
    if (status == QM_OK) return fflush(stdout) == 0 && !ferror(stdout) ? QM_OK : QM_INTERNAL;
    fprintf(stderr, "%s\n", diag.text);
    return (int)status;
}
