/* cli.h - what the commands share: reading of options, opening of a model or program, and the one line of an error. */
#ifndef QM_TOOLS_CLI_H
#define QM_TOOLS_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/program.h"
#include "common/status.h"
#include "compiler/compiler.h"
#include "sim/device.h"

/* Prints "qmac: " and the line of diag to stderr, unless status is QM_OK; returns status. */
int cli_fail(enum qm_status status, const struct qm_diag *diag);

/* getopt_long that prints nothing: *option is its result, -1 at the end. An unknown option or a missing argument is QM_BAD_INPUT. -o is the
 * option of the table whose letter is o. */
QM_MUST_USE enum qm_status cli_next_option(int argc, char **argv, const struct option *options, int *option, struct qm_diag *diag);
/* The one argument that is not an option. */
QM_MUST_USE enum qm_status cli_take_file(int argc, char **argv, const char **file, struct qm_diag *diag);
QM_MUST_USE enum qm_status cli_parse_number(const char *option, const char *text, uint64_t *number, struct qm_diag *diag);
QM_MUST_USE enum qm_status cli_parse_probability(const char *option, const char *text, double *probability, struct qm_diag *diag);
/* Of --max-cycles: at least 1. */
QM_MUST_USE enum qm_status cli_parse_max_cycles(const char *text, uint64_t *cycles, struct qm_diag *diag);
/* NULL: tflite */
QM_MUST_USE enum qm_status cli_parse_rounding(const char *text, uint32_t *rounding, struct qm_diag *diag);
QM_MUST_USE enum qm_status cli_parse_engine(const char *text, const struct qm_device_ops **engine, struct qm_diag *diag);

/* How a model is compiled: the options --machine, --set, --requant, --precision and --layers.
 * Zeroed: edge, tflite, the model's own, no layers. */
enum { CLI_SETS_MAX = 64 };
struct cli_build {
    const char *machine; /* NULL: edge, or the program's own */
    const char *sets[CLI_SETS_MAX];
    unsigned set_count;
    const char *requant;   /* NULL: tflite */
    const char *precision; /* NULL: the model's own */
    bool keep_layers;
    struct qm_model_options model;
};

/* Options and help that fill struct cli_build, MODEL's or all: append to a command's own. Codes are the letters. */
#define CLI_MODEL_OPTIONS                                                                                                                  \
    {"end-at", required_argument, NULL, 'N'}, {"integer-inputs", required_argument, NULL, 'I'}, {                                          \
        "saturate", no_argument, NULL, 'C'                                                                                                 \
    }
#define CLI_BUILD_OPTIONS                                                                                                                  \
    CLI_MODEL_OPTIONS, {"machine", required_argument, NULL, 'm'}, {"set", required_argument, NULL, 's'},                                   \
        {"requant", required_argument, NULL, 'q'}, {"precision", required_argument, NULL, 'w'}, {                                          \
        "layers", no_argument, NULL, 'L'                                                                                                   \
    }
#define CLI_MODEL_HELP                                                                                                                     \
    "  --end-at NAME,...     ONNX: compute these tensors instead of the file's outputs\n"                                                  \
    "  --integer-inputs TYPE ONNX: what float inputs carry that are not quantized: int8 (default) or uint8\n"                              \
    "  --saturate            ONNX: cut integers that might not fit 8 bits, rather than refuse them\n"
#define CLI_BUILD_HELP                                                                                                                     \
    "  --machine NAME|FILE   spec/machines/NAME.yaml, or a file (default edge)\n"                                                          \
    "  --set KNOB=VALUE      change one knob of the machine; may be repeated\n"                                                            \
    "  --requant MODE        rounding of scales: tflite (default), single, even, floor, away\n"                                            \
    "  --precision P         round weights and maps to w8a8, w4a8 or w4a4, for time and energy: P, or "                                    \
    "LAYER=P,...,default=P\n" CLI_MODEL_HELP "  --layers              keep the output of every layer\n"

/* Takes one option if it is of CLI_BUILD_OPTIONS; *taken says so. */
QM_MUST_USE enum qm_status cli_build_option(struct cli_build *build, int option, const char *argument, bool *taken, struct qm_diag *diag);

/* The machine of --machine and --set. */
QM_MUST_USE enum qm_status cli_machine(const struct cli_build *build, struct qm_machine *machine, struct qm_diag *diag);

/* Loads a program file, or compiles a model. *machine is what it will run on: the program's in all that the RTL sees. */
struct cli_program {
    struct qm_program *program; /* of the caller, to destroy */
    struct qm_machine machine;
    bool was_compiled; /* here and now */
};
QM_MUST_USE enum qm_status cli_open(const char *file, const struct cli_build *build, struct cli_program *opened, struct qm_diag *diag);
/* Compiles a model. dump_after: name of a pass after which the compiler prints what it has, or NULL. */
QM_MUST_USE enum qm_status cli_compile(const struct qm_model_bytes *model, const struct cli_build *build, const char *dump_after,
                                       struct cli_program *opened, struct qm_diag *diag);
/* Reads a model or a program into arena, once, so that either may come through a pipe. */
QM_MUST_USE enum qm_status cli_read(const char *file, struct qm_arena *arena, struct qm_model_bytes *read, bool *is_program,
                                    struct qm_diag *diag);

/* Whether a file could be written there: its folder exists and a file can be made in it. */
QM_MUST_USE enum qm_status cli_check_writable(const char *file, struct qm_diag *diag);
/* The same of files in a folder, which need not exist when it could be made. */
QM_MUST_USE enum qm_status cli_check_folder(const char *folder, struct qm_diag *diag);

#endif
