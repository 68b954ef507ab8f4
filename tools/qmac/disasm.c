/* disasm.c - qmac disasm: a program's instructions, one a line, with their layers. */
#include <stdio.h>

#include "common/text.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"

enum { LINE_BYTES = 700 };

static void print_insns(const struct qm_program *program, const struct qm_program_stage *stage) {
    uint32_t layer = UINT32_MAX;
    for (uint32_t i = stage->first_insn; i < stage->first_insn + stage->insn_count; i++) {
        struct qm_insn insn;
        char text[LINE_BYTES];
        if (program->insn_layer[i] != layer) {
            layer = program->insn_layer[i];
            printf("# layer %u: %s %s\n", layer, qm_shown(program->layers[layer].op).text, qm_shown(program->layers[layer].name).text);
        }
        qm_insn_unpack(program->insns[i], &insn);
        qm_insn_print(&insn, text, sizeof text);
        printf("%6u  %s%s\n", i, text, qm_insn_has_reserved_bits(program->insns[i]) ? "  # reserved bits are set" : "");
    }
}

static void print_program(const struct qm_program *program) {
    printf("# %s for machine %s (%08x), rounding %s", qm_shown(program->model).text, qm_shown(program->machine.name).text,
           qm_machine_fingerprint(&program->machine), qm_shown(program->requant).text);
    cli_print_search(program);
    for (uint32_t i = 0; i < program->stage_count; i++) {
        const struct qm_program_stage *stage = &program->stages[i];
        if (stage->on_host) {
            printf("# step %u, on the host: %s to %s\n", i, qm_shown(program->layers[stage->layer].op).text,
                   qm_shown(program->tensors[stage->output].name).text);
            continue;
        }
        printf("# step %u: %u instructions at arena offset 0x%x\n", i, stage->insn_count,
               program->code_offset + stage->first_insn * QM_INSN_BYTES);
        print_insns(program, stage);
    }
}

static enum qm_status disasm(const struct cli_line *line, void *fields, struct qm_diag *diag) {
    const char *file;
    bool is_program;
    struct qm_model_bytes read;
    struct qm_program *program;
    (void)fields;
    QM_TRY(cli_take_file(line, &file, diag));
    QM_TRY(cli_read(file, line->arena, &read, &is_program, diag));
    if (!is_program) return qm_fail(diag, QM_BAD_INPUT, "%s: is not a compiled program: make one with qmac compile", file);
    QM_TRY(qm_program_parse(read.bytes, read.size, file, &program, diag));
    print_program(program);
    qm_program_destroy(program);
    return QM_OK;
}

const struct cli_command cli_command_disasm = {
    .name = "disasm",
    .about = "print the instructions of a program",
    .usage = "usage: qmac disasm PROGRAM\n"
             "Prints the instructions of a compiled program, step by step. Fields that are 0 are left out.\n",
    .run = disasm};
