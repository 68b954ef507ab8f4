/* main.c - qmac COMMAND ...: finds the command in a table and runs it. Exit status: 0 done, 1 a comparison failed, 2 bad input,
 * 3 our fault or the system's. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/memory.h"
#include "common/version.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"

static const struct cli_command *const commands[] = {
#define CLI_COMMAND(name) &cli_command_##name,
    CLI_COMMANDS(CLI_COMMAND)
#undef CLI_COMMAND
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *out) {
    fprintf(out, "usage: qmac COMMAND ... (qmac COMMAND --help tells more)\n\n");
    for (int i = 0; i < COMMANDS; i++) fprintf(out, "  %-8s  %s\n", commands[i]->name, commands[i]->about);
    fprintf(out, "\n  --version, --help\n\nexit status: 0 done, 1 a comparison failed, 2 bad input, 3 out of memory, a tool\nthat failed, "
                 "an internal fault\n");
    fprintf(out, "environment: QMAC_HOME a tree of qmac instead of the one above the program, QMAC_CACHE a folder for builds of the RTL\n");
}

/* Makes sure that what was printed has been written. */
static int finish(int status) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    fprintf(stderr, "qmac: stdout: cannot be written: %s\n", strerror(errno));
    return status != QM_OK ? status : QM_BAD_INPUT;
}

static int run(const struct cli_command *command, int argc, char **argv) {
    struct cli_line line = {.argc = argc, .argv = argv, .arena = qm_arena_create()};
    void *fields = qm_arena_alloc(line.arena, command->size);
    struct qm_diag diag;
    cli_begin(&line);
    if (command->begin != NULL) command->begin(fields, line.arena);
    enum qm_status status = cli_take_options(&line, command, fields, &diag);
    if (status == QM_OK && !line.has_helped) status = command->run(&line, fields, &diag);
    qm_arena_destroy(line.arena);
    return cli_fail(status, &diag);
}

int main(int argc, char **argv) {
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like any other */
    struct qm_diag diag;
    qm_reserve_stack();
    if (argc < 2) return cli_fail(qm_fail(&diag, QM_BAD_INPUT, "command line: no command: qmac --help lists them"), &diag);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return finish(QM_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("qmac %s\n", QM_VERSION);
        return finish(QM_OK);
    }
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i]->name) == 0) return finish(run(commands[i], argc - 1, argv + 1));
    return cli_fail(qm_fail(&diag, QM_BAD_INPUT, "%s: no such command: qmac --help lists them", argv[1]), &diag);
}
