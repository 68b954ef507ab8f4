/* disasm.c - qmac disasm: a program's instructions, one a line, with their layers. */
#include <stdio.h>

#include "common/text.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"

static const char help[] = "usage: qmac disasm PROGRAM\n"
                           "Prints the instructions of a compiled program, step by step. Fields that are 0 are left out.\n";

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
    printf("# %s for machine %s (%08x), rounding %s\n", qm_shown(program->model).text, qm_shown(program->machine.name).text,
           qm_machine_fingerprint(&program->machine), qm_shown(program->requant).text);
    for (uint32_t i = 0; i < program->stage_count; i++) {
        const struct qm_program_stage *stage = &program->stages[i];
        if (stage->on_host) {
            printf("# step %u, on the host: %s of %s\n", i, qm_shown(program->layers[stage->layer].op).text,
                   qm_shown(program->tensors[stage->input].name).text);
            continue;
        }
        printf("# step %u: %u instructions at arena offset 0x%x\n", i, stage->insn_count,
               program->code_offset + stage->first_insn * QM_INSN_BYTES);
        print_insns(program, stage);
    }
}

static enum qm_status disasm_file(const char *file, struct qm_arena *arena, struct qm_diag *diag) {
    bool is_program;
    struct qm_model_bytes read;
    struct qm_program *program;
    QM_TRY(cli_read(file, arena, &read, &is_program, diag));
    if (!is_program) return qm_fail(diag, QM_BAD_INPUT, "%s: is not a compiled program: make one with qmac compile", file);
    QM_TRY(qm_program_parse(read.bytes, read.size, file, &program, diag));
    print_program(program);
    qm_program_destroy(program);
    return QM_OK;
}

static enum qm_status disasm(int argc, char **argv, bool *wants_help, struct qm_diag *diag) {
    static const struct option table[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int option;
    const char *file;
    QM_TRY(cli_next_option(argc, argv, table, &option, diag));
    *wants_help = option == 'h';
    if (*wants_help) return QM_OK;
    QM_TRY(cli_take_file(argc, argv, &file, diag));
    struct qm_arena *arena = qm_arena_create();
    enum qm_status status = disasm_file(file, arena, diag);
    qm_arena_destroy(arena);
    return status;
}

int qm_cmd_disasm(int argc, char **argv) {
    struct qm_diag diag;
    bool wants_help = false;
    enum qm_status status = disasm(argc, argv, &wants_help, &diag);
    if (wants_help) return fputs(help, stdout) < 0;
    return cli_fail(status, &diag);
}
