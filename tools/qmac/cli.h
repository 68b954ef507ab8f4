/* cli.h - what the commands share: how a model is compiled, opening of a model or program, and the one line of an error. */
#ifndef QM_TOOLS_CLI_H
#define QM_TOOLS_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "common/program.h"
#include "common/status.h"
#include "compiler/compiler.h"
#include "sim/device.h"
#include "tools/qmac/options.h"

/* Prints "qmac: " and the line of diag to stderr, unless status is QM_OK; returns status. */
int cli_fail(enum qm_status status, const struct qm_diag *diag);

/* Words of --requant and --search; those of --engine, and the setter that fills a const struct qm_device_ops *. */
cli_words cli_roundings, cli_searches, cli_engines;
cli_setter cli_take_engine;
/* The engine of float networks, which is no device: infer/. */
extern const struct qm_device_ops cli_engine_float;
/* NULL: the file's */
QM_MUST_USE enum qm_status cli_parse_requant(const char *text, enum qm_requant_mode *mode, struct qm_diag *diag);
/* NULL: plans */
QM_MUST_USE enum qm_status cli_parse_search(const char *text, enum qm_search *search, struct qm_diag *diag);

/* How a model is compiled. Zeroed: edge, the model's own, no layers. */
struct cli_compilation {
    const char *machine; /* NULL: edge, or the program's own */
    struct cli_list sets;
    const char *requant;   /* NULL: the file's */
    const char *search;    /* NULL: plans */
    const char *precision; /* NULL: the model's own */
    bool keep_layers;
    bool accept_error; /* qmac run only */
    struct qm_model_options model;
};

/* The options that fill struct cli_compilation, and those of them that fill struct qm_model_options: groups for a command's own table. */
extern const struct cli_option cli_compilation_options[], cli_model_options[];

/* Refuses options of a model that say how its integers are found: a float network has none. */
QM_MUST_USE enum qm_status cli_check_float(const struct qm_model_options *model, struct qm_diag *diag);

/* The machine of --machine and --set. */
QM_MUST_USE enum qm_status cli_machine(const struct cli_compilation *compilation, struct qm_machine *machine, struct qm_diag *diag);

/* How the compiler takes it, but for where it prints. */
QM_MUST_USE enum qm_status cli_compile_options(const struct cli_compilation *compilation, struct qm_compile_options *options,
                                               struct qm_diag *diag);

/* Loads a program file, or compiles a model. *machine is what it will run on: the program's in all that the RTL sees. */
struct cli_program {
    struct qm_program *program;    /* of the caller, to destroy */
    struct qm_program *comparison; /* the same with qm_compile_options.compare, to destroy; NULL: no layer is_inexact */
    struct qm_machine machine;
    bool was_compiled; /* here and now */
};
QM_MUST_USE enum qm_status cli_open(const char *file, const struct cli_compilation *compilation, struct cli_program *opened,
                                    struct qm_diag *diag);
/* Refuses a program whose weights were drawn, where values matter: `what` is what needs them. */
QM_MUST_USE enum qm_status cli_check_weights(const struct qm_program *program, const char *what, struct qm_diag *diag);

/* Compiles a model. dump_after: name of a pass after which the compiler prints what it has, or NULL. */
QM_MUST_USE enum qm_status cli_compile(const struct qm_model_bytes *model, const struct cli_compilation *compilation,
                                       const char *dump_after, struct cli_program *opened, struct qm_diag *diag);
/* Ends a line about the program with the search that made it, if one did. */
void cli_print_search(const struct qm_program *program);
/* Reads a model or a program into arena, once, so that either may come through a pipe. */
QM_MUST_USE enum qm_status cli_read(const char *file, struct qm_arena *arena, struct qm_model_bytes *read, bool *is_program,
                                    struct qm_diag *diag);

/* The graph of a model, and the network of a graph, for who plans it for more machines than one. A program is QM_BAD_INPUT. */
QM_MUST_USE enum qm_status cli_read_graph(const char *file, const struct qm_model_options *options, struct qm_arena *arena,
                                          struct qm_graph **graph, struct qm_diag *diag);
QM_MUST_USE enum qm_status cli_make_network(struct qm_graph *graph, const struct qm_compile_options *options, struct qm_arena *arena,
                                            struct qm_network **network, struct qm_diag *diag);

/* The command line as a shell reads it back: "qmac run 'my net.tflite'". */
char *cli_command_text(const struct cli_line *line);

/* The command line whose outputs cli_check_writable compares with all else that it names. */
void cli_begin(const struct cli_line *line);
/* Whether a file could be written there: its folder exists, a file can be made in it, and no other word of the command line names the same
 * file, which is an input or another output. */
QM_MUST_USE enum qm_status cli_check_writable(const char *file, struct qm_diag *diag);
/* The same of files in a folder, which need not exist when it could be made. */
QM_MUST_USE enum qm_status cli_check_folder(const char *folder, struct qm_diag *diag);

#endif
