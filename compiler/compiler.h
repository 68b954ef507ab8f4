/* compiler.h - the ways into the compiler: a model file, its bytes or a network in, a program out. */
#ifndef QM_COMPILER_COMPILER_H
#define QM_COMPILER_COMPILER_H

#include <stdbool.h>
#include <stdio.h>

#include "common/machine.h"
#include "common/program.h"
#include "common/graph.h"
#include "compiler/ir/layer.h"

enum { QM_SIZES_MAX = 8 };

/* What a file does not say by itself. Zeroed: as the file is; NULL is the same. */
struct qm_model_options {
    uint32_t batch;       /* of inputs whose batch the file leaves open; 0: 1 */
    bool unsigned_inputs; /* ONNX: inputs that carry integers in wider types or floats carry uint8, else int8 */
    bool channels_last;   /* ONNX: inputs of four dimensions are given as [n][h][w][c] */
    bool saturate; /* ONNX: integers that might not fit 8 bits are cut to int8, or to uint8 when none is negative; else they are refused */
    bool has_seed; /* tables of shapes: weights are drawn from weight_seed, and their values mean something */
    uint64_t weight_seed;
    const char *sizes[QM_SIZES_MAX]; /* [size_count] tables of shapes: "parameter=number" */
    uint32_t size_count;
    const char *option; /* the last that the command line names, with its dashes: refused of a format that takes none; NULL: none */
    const char *end_at; /* ONNX: names of tensors, with commas between, that are the outputs instead of the file's; NULL: the file's */
};

/* What is tried and timed to find a fast schedule; the rest is chosen by closed forms, which is many times as quick to compile. */
enum qm_search {
    QM_SEARCH_PLANS,  /* the cuts of each layer, and whole plans, also those for smaller memories */
    QM_SEARCH_LAYERS, /* the cuts alone */
    QM_SEARCH_NONE,
    QM_SEARCHES,
};
const char *qm_search_name(enum qm_search search); /* "plans", "layers", "none" */

/* How the machine rounds where it requantizes. */
enum qm_requant_mode {
    QM_REQUANT_FILE, /* as files of the format mean it: QM_REQUANT_TFLITE of TFLite, QM_REQUANT_EVEN of ONNX */
    QM_REQUANT_TFLITE,
    QM_REQUANT_LITERT, /* profiles of TFLite files: each operator as that framework computes it (passes/legalize_profile.c) */
    QM_REQUANT_XNNPACK,
    QM_REQUANT_SINGLE,
    QM_REQUANT_EVEN,
    QM_REQUANT_FLOOR,
    QM_REQUANT_AWAY,
    QM_REQUANT_MODES,
};
/* "tflite", "single", ...; of QM_REQUANT_FILE that of a graph that was of real numbers, or of one that was not. */
const char *qm_requant_name(enum qm_requant_mode mode, bool was_real);
/* Whether the mode is another than that of such a graph's format. */
bool qm_requant_overrides(enum qm_requant_mode mode, bool was_real);
/* Whether the mode says it of each operator, and not of all. */
bool qm_requant_is_profile(enum qm_requant_mode mode);
/* QM_rounding_*, of a profile that of operators of which it says nothing else; not of QM_REQUANT_FILE. */
uint32_t qm_requant_rounding(enum qm_requant_mode mode);

/* Zeroed: the file's own values, on a schedule of the full search. */
struct qm_compile_options {
    struct qm_model_options model;
    enum qm_requant_mode requant;
    bool accept_error; /* of a graph that was of real numbers: what the machine cannot do exactly becomes the nearest that it can do, and
                        the layer is_inexact; else it is refused */
    bool compare;      /* the program has more outputs, one for each layer that is_inexact, in order: int32 in the shape of the layer's
                        output, by how many steps that is larger than what the file means; the host computes them */
    const char *precision; /* --precision: "w4a8", or "conv1=w8a8,default=w4a8" by the names of outputs; NULL: as the model's numbers are */
    enum qm_search search;
    bool keep_layers; /* store every layer's output to the arena as an extra tensor */
    bool plan_only;   /* make no instruction words and no constants: the program has its work instead (common/program_work.h), and can be
                       timed and reported, and not be saved or run */
    const char *dump_after; /* name of a pass: print the IR after it to dump; NULL: nothing */
    FILE *dump;
};

/* Reads a model file into arena (format by content: TFLite, ONNX). Shapes, types and offsets are checked; anything that the compiler
 * cannot take is QM_BAD_INPUT, with all unsupported operators named in one message. */
QM_MUST_USE enum qm_status qm_model_read(const char *file, const struct qm_model_options *options, struct qm_arena *arena,
                                         struct qm_graph **graph, struct qm_diag *diag);
/* A whole file in memory, aligned to 8, which must outlive the graph; name is for messages. */
struct qm_model_bytes {
    const uint8_t *bytes;
    size_t size;
    const char *name;
};
QM_MUST_USE enum qm_status qm_model_parse(const struct qm_model_bytes *model, const struct qm_model_options *options,
                                          struct qm_arena *arena, struct qm_graph **graph, struct qm_diag *diag);

/* passes/integers: a graph of real numbers to one of integers; *result is the graph itself when it is of integers. What has no
 * exact integers is QM_BAD_INPUT, by operator. The options may be NULL. */
QM_MUST_USE enum qm_status qm_integers(struct qm_graph *graph, const struct qm_model_options *options, struct qm_arena *arena,
                                       struct qm_graph **result, struct qm_diag *diag);

/* passes/reals: a float network of either format to a graph of real numbers, whose maps of windows are channels first; *result is the graph
 * itself when it is one already. A quantized network is QM_BAD_INPUT, as is an operator that has no meaning in a float one. */
QM_MUST_USE enum qm_status qm_reals(struct qm_graph *graph, struct qm_arena *arena, struct qm_graph **result, struct qm_diag *diag);

/* passes/legalize: graph of integers to layers. Float, dynamic-range and other networks the machine has no arithmetic for are
 * QM_BAD_INPUT by operator. The options may be NULL. */
QM_MUST_USE enum qm_status qm_legalize(const struct qm_graph *graph, const struct qm_compile_options *options, struct qm_arena *arena,
                                       struct qm_network **network, struct qm_diag *diag);

/* passes/narrow: sets every layer's precision; scales weights and maps to 4 bits where `precision` (above) asks for it. The layers have
 * their numbers then, and those that have the same are found. */
QM_MUST_USE enum qm_status qm_narrow(struct qm_network *network, const char *precision, struct qm_arena *arena, struct qm_diag *diag);

/* Network to program for the machine: the passes from fuse on. */
QM_MUST_USE enum qm_status qm_compile_network(const struct qm_network *network, const struct qm_machine *machine,
                                              const struct qm_compile_options *options, struct qm_program **program, struct qm_diag *diag);

/* All of the above, from a model file on: every pass of compiler.c. */
QM_MUST_USE enum qm_status qm_compile(const struct qm_model_bytes *model, const struct qm_machine *machine,
                                      const struct qm_compile_options *options, struct qm_program **program, struct qm_diag *diag);
QM_MUST_USE enum qm_status qm_compile_file(const char *file, const struct qm_machine *machine, const struct qm_compile_options *options,
                                           struct qm_program **program, struct qm_diag *diag);

/* Sets wait and signal of a list of instructions (in program order, tokens empty) so that every hazard through the scratchpad, the
 * accumulator and the arena is ordered and nothing else is. Used by the compiler and by the random program generator. */
void qm_synchronize(struct qm_insn *insns, uint32_t count, const struct qm_machine *machine);
/* The instruction writes what it reads itself: its result is not defined (docs/machine.md). */
bool qm_writes_what_it_reads(const struct qm_insn *insn, const struct qm_machine *machine);

#endif
