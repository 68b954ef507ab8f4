/* compile.c - qmac compile: a network to a program file. */
#include <stdio.h>

#include "common/text.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"

struct compile_options {
    const char *file, *output;
    struct cli_compilation compilation;
    const char *dump_after;
};

#define FILLS(name) .field = offsetof(struct compile_options, name)
static const struct cli_option option_rows[] = {
    {"output", "FILE", "the program file", cli_take_text, FILLS(output), .letter = 'o'},
    {.group = cli_compilation_options, FILLS(compilation)},
    {"dump-after", "PASS", "print what the compiler has after a pass", cli_take_text, FILLS(dump_after)},
    {0}};

static enum qm_status save(const struct compile_options *options, const struct cli_program *opened, struct qm_diag *diag) {
    const struct qm_program *program = opened->program;
    QM_TRY(qm_program_save(program, options->output, diag));
    if (options->dump_after == NULL)
        printf("%s: %u instructions, %u bytes of constants, %u bytes of memory, search %s, for machine %s (%08x)\n",
               qm_shown(options->output).text, program->insn_count, program->image_bytes, program->arena_bytes, program->search,
               qm_shown(opened->machine.name).text, qm_machine_fingerprint(&opened->machine));
    return QM_OK;
}

static enum qm_status compile(const struct cli_line *line, void *fields, struct qm_diag *diag) {
    struct compile_options *options = fields;
    bool is_program;
    struct qm_model_bytes read;
    struct cli_program opened;
    QM_TRY(cli_take_file(line, &options->file, diag));
    if (options->output == NULL) return qm_fail(diag, QM_BAD_INPUT, "%s: no output is named: give -o PROGRAM", options->file);
    QM_TRY(cli_read(options->file, line->arena, &read, &is_program, diag));
    if (is_program) return qm_fail(diag, QM_BAD_INPUT, "%s: is a compiled program already", options->file);
    QM_TRY(cli_check_writable(options->output, diag));
    QM_TRY(cli_compile(&read, &options->compilation, options->dump_after, &opened, diag));
    enum qm_status status = cli_check_weights(opened.program, "a program", diag);
    if (status == QM_OK) status = save(options, &opened, diag);
    qm_program_destroy(opened.program);
    return status;
}

const struct cli_command cli_command_compile = {.name = "compile",
                                                .about = "compile a network to a program file",
                                                .usage = "usage: qmac compile MODEL -o PROGRAM [options]\n"
                                                         "Compiles a .tflite network for a machine.\n\n",
                                                .options = option_rows,
                                                .size = sizeof(struct compile_options),
                                                .run = compile};
