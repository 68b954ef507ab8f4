/* program.h - the program file: the whole contract between the compiler and the simulator.
 *
 * It carries the instructions, the constants, where inputs and outputs lie in the arena, the host stages, and what each instruction belongs
 * to. The file is little-endian; its layout is drawn in program.c. qm_program_load checks the file's checksum, so that no damage runs, and
 * every offset before use: a file that loads is safe to run (what the instructions say is checked by the machine's decode).
 */
#ifndef QM_COMMON_PROGRAM_H
#define QM_COMMON_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/graph.h"
#include "common/isa.h"
#include "common/machine.h"
#include "common/status.h"

enum { QM_NAME_BYTES = 128 };

/* A tensor of the network that has a place in the arena. */
struct qm_program_tensor {
    char name[QM_NAME_BYTES];
    enum qm_dtype dtype;
    uint32_t rank;
    uint32_t dims[QM_MAX_RANK];
    float scale; /* real = scale * (value - zero_point); 0: not quantized */
    int32_t zero_point;
    uint32_t arena_offset;
    uint32_t size_bytes;
};

/* A stage: instructions for the device, or operators on the host. Stages run in order; printed lines call them steps. */
struct qm_program_stage {
    bool on_host;
    uint32_t first_insn, insn_count; /* device; first_insn is a multiple of 4 */
    uint32_t layer;                  /* index into layers; device: of its first */
    /* host: its inputs and its one output are these, indices into tensors */
    const struct qm_graph *graph;
    uint32_t input_count, *inputs, output;
};

struct qm_program_layer {
    char name[QM_NAME_BYTES]; /* of its output tensor */
    char op[32];              /* "CONV_2D", ... as in the source format */
    char shape[64];           /* "32x32x3 > 32x32x16, 3x3/1" for the report */
    char precision[16];       /* "w8a8" */
    uint32_t op_index;        /* in the model file */
    bool on_host;
    bool is_inexact;   /* its numbers are not what the model means, but the machine's nearest; never of a program that is saved */
    bool may_overflow; /* there are inputs for which a sum does not fit the machine's accumulator */
    uint64_t macs;     /* of the layer's definition, not of the tiling */
};

struct qm_program {
    struct qm_arena *arena; /* owns all below */
    struct qm_machine machine;
    char model[256];
    char model_sha256[65];
    char requant[16];      /* name of the rounding mode */
    char file_requant[16]; /* that which files of the model's format mean */
    bool has_no_weights;   /* they were drawn, because the file says shapes alone; never of a program that is saved */
    uint32_t other_sums;   /* of all channels of its layers: of which XNNPACK, when that is the mode, makes another number */
    char search[16];       /* what was tried and timed to find its schedule: a word of --search; empty: the compiler did not make it */
    char precision[256];   /* asked for beyond the model's own numbers, which were rounded for it; empty: nothing */

    uint32_t insn_count;
    uint32_t (*insns)[QM_INSN_WORDS]; /* [insn_count]; NULL: left out */
    uint32_t *insn_layer;             /* [insn_count] index into layers */
    struct qm_program_work *work;     /* common/program_work.h; NULL: the words are there */

    uint32_t arena_bytes;  /* of DRAM the program needs */
    uint32_t code_offset;  /* of the instructions in the arena, a multiple of 256 */
    uint32_t image_offset; /* of the constants in the arena */
    uint32_t image_bytes;
    uint8_t *image; /* [image_bytes]; NULL: it was left out */

    uint32_t tensor_count, input_count, output_count, layer_count, stage_count;
    struct qm_program_tensor *tensors; /* inputs first, then outputs, then others (layer outputs kept on request, host operands) */
    struct qm_program_layer *layers;
    struct qm_program_stage *stages;
};

/* Inputs are tensors[0 .. input_count), outputs tensors[input_count .. input_count + output_count). */

/* Whether it rounds otherwise than the model's file means: its values are not the file's. */
bool qm_program_overrides(const struct qm_program *program);

/* Allocates an empty program with its own arena. */
struct qm_program *qm_program_create(void);
void qm_program_destroy(struct qm_program *program); /* NULL is fine */
QM_MUST_USE enum qm_status qm_program_save(const struct qm_program *program, const char *file, struct qm_diag *diag);
QM_MUST_USE enum qm_status qm_program_load(const char *file, struct qm_program **program, struct qm_diag *diag);
/* Whether the bytes begin as a program file does. */
bool qm_program_recognizes(const uint8_t *bytes, size_t size);
/* qm_program_load from memory; name is for messages. */
QM_MUST_USE enum qm_status qm_program_parse(const uint8_t *bytes, size_t size, const char *name, struct qm_program **program,
                                            struct qm_diag *diag);
/* Makes the checksum in a program file's bytes the right one, after a change to them. Bytes that are too few for one stay. */
void qm_program_seal(uint8_t *bytes, size_t size);

#endif
