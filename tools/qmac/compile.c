/* compile.c - qmac compile: a network to a program file. */
#include <stdio.h>

#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"

static const char help[] =
    "usage: qmac compile MODEL -o PROGRAM [options]\n"
    "Compiles a .tflite network for a machine.\n\n"
    "  -o, --output FILE     the program file\n" CLI_BUILD_HELP "  --dump-after PASS     print what the compiler has after a pass\n";

struct compile_options {
    const char *file, *output;
    struct cli_build build;
    const char *dump_after;
    bool wants_help;
};

static enum qm_status parse_options(int argc, char **argv, struct compile_options *options, struct qm_diag *diag) {
    static const struct option table[] = {{"output", required_argument, NULL, 'o'},
                                          {"dump-after", required_argument, NULL, 'd'},
                                          {"help", no_argument, NULL, 'h'},
                                          CLI_BUILD_OPTIONS,
                                          {NULL, 0, NULL, 0}};
    int option;
    bool taken;
    for (;;) {
        QM_TRY(cli_next_option(argc, argv, table, &option, diag));
        if (option == -1) break;
        switch (option) {
        case 'o': options->output = optarg; break;
        case 'd': options->dump_after = optarg; break;
        case 'h': options->wants_help = true; return QM_OK;
        default: QM_TRY(cli_build_option(&options->build, option, optarg, &taken, diag));
        }
    }
    QM_TRY(cli_take_file(argc, argv, &options->file, diag));
    if (options->output == NULL) return qm_fail(diag, QM_BAD_INPUT, "%s: no output is named: give -o PROGRAM", options->file);
    return QM_OK;
}

static enum qm_status compile(const struct compile_options *options, struct qm_diag *diag) {
    bool is_program;
    struct cli_program opened;
    QM_TRY(cli_is_program(options->file, &is_program, diag));
    if (is_program) return qm_fail(diag, QM_BAD_INPUT, "%s: is a compiled program already", options->file);
    QM_TRY(cli_check_writable(options->output, diag));
    QM_TRY(cli_compile(options->file, &options->build, options->dump_after, &opened, diag));
    const struct qm_program *program = opened.program;
    enum qm_status status = qm_program_save(program, options->output, diag);
    if (status == QM_OK && options->dump_after == NULL)
        printf("%s: %u instructions, %u bytes of constants, %u bytes of memory, for machine %s (%08x)\n", options->output,
               program->insn_count, program->image_bytes, program->arena_bytes, opened.machine.name,
               qm_machine_fingerprint(&opened.machine));
    qm_program_destroy(opened.program);
    return status;
}

int qm_cmd_compile(int argc, char **argv) {
    struct compile_options options = {0};
    struct qm_diag diag;
    enum qm_status status = parse_options(argc, argv, &options, &diag);
    if (status == QM_OK && options.wants_help) return fputs(help, stdout) < 0;
    if (status == QM_OK) status = compile(&options, &diag);
    return cli_fail(status, &diag);
}
