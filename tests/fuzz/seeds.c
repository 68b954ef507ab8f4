/* seeds.c - writes the first inputs of the program fuzzer: seeds FOLDER MODEL... compiles each model for the machine tiny into FOLDER.
 *
 * Made at build time, so that they are always of today's format.
 */
#include <stdio.h>

#include "compiler/compiler.h"

static enum qm_status write_seed(const char *folder, const char *model, int number, struct qm_diag *diag) {
    struct qm_compile_options options = {0};
    struct qm_machine machine;
    struct qm_program *program;
    char file[4096];
    snprintf(file, sizeof file, "%s/%d.qmac", folder, number);
    QM_TRY(qm_machine_load("tiny", &machine, diag));
    QM_TRY(qm_compile_file(model, &machine, &options, &program, diag));
    enum qm_status status = qm_program_save(program, file, diag);
    qm_program_destroy(program);
    return status;
}

int main(int argc, char **argv) {
    struct qm_diag diag = {.text = "seeds FOLDER MODEL...: no model is named"};
    enum qm_status status = argc < 3 ? QM_BAD_INPUT : QM_OK;
    for (int i = 2; i < argc && status == QM_OK; i++) status = write_seed(argv[1], argv[i], i - 1, &diag);
    if (status != QM_OK) fprintf(stderr, "seeds: %s\n", diag.text);
    return (int)status;
}
