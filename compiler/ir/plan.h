/* plan.h - how the machine will compute a network: where each map lives, how each layer is cut, and the instructions in program order.
 *
 * The passes fill it from top to bottom: read (graph), legalize, narrow and fuse (network), place (values), tile (layers), schedule
 * (operations, buffers, constants), allocate (addresses and the final order), synchronize (tokens, and records of what time needs), emit
 * (the program).
 * Until allocate has run, an address in an operation is relative to its buffer.
 */
#ifndef QM_COMPILER_IR_PLAN_H
#define QM_COMPILER_IR_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/isa.h"
#include "common/record.h"
#include "compiler/compiler.h"

#define PLAN_NONE UINT32_MAX

enum {
    PLAN_POSITIONS_MAX = 65535, /* of a row, which fields of instructions hold */
    PLAN_ARENA_ALIGNMENT = 64   /* bytes, of maps and constants in the arena */
};

/* A feature map's storage: the entry of its root value (values that are reshapes of others have none). */
struct plan_value {
    uint32_t bytes;
    uint32_t first_layer, last_layer; /* that touch it */
    uint32_t last_writer;             /* the last layer that writes to it */
    bool on_device;                   /* a device layer or the network's ends touch it */
    bool from_outside;                /* network input or made on the host: must be loaded */
    bool in_arena;                    /* has a place in the arena */
    bool resident;                    /* lies whole in the scratchpad from its first layer to its last */
    uint32_t loaded_bytes;            /* schedule: so much of a resident outside value has been loaded */
    uint32_t ready_op;                /* schedule: from this operation on the arena holds it */
    uint32_t address;                 /* in the scratchpad, when resident */
    uint32_t arena_offset;
    uint32_t buffer;
};

/* Windows over a map as in docs/machine.md, before it is cut into instructions: wide fields, map at row 0 and byte 0. */
struct plan_window {
    uint32_t in_rows, in_row_bytes;
    uint32_t kernel_h, kernel_w, run_bytes; /* depthwise and pools: run_bytes is the channels */
    int32_t y_start, x_start;
    uint32_t y_stride, x_stride, y_dilation, x_dilation;
    uint32_t out_h, out_w;
};

/* A convolution as one of the matrix products that the array can do. */
struct plan_lowering {
    struct plan_window window;
    uint32_t precision; /* QM_precision_* */
    uint32_t channels;  /* output channels, all of a group */
    uint32_t out_bits;  /* of an output element */
    uint32_t group;     /* neighbouring output positions computed as one with group times the channels; depthwise: folded when above 1 */
    bool depthwise;     /* the array's mode of that name; a depthwise layer may also be a dense matrix product with zeros */
    bool twice;         /* depthwise: the window is read a second time with weights of its own */
    bool im2col;        /* COPY gathers each window into one dense row before */
    uint32_t matrices;  /* that the weights are, each for as many rows of the map; 1, unless they are computed */
    uint32_t passes;    /* MATMULs over each window: of computed weights more than one, when the input has a zero point */
};

/* Positions of a row of a folded lowering that one instruction makes: `count` times `width` side by side, from x on, each `step` after the
 * one before. */
struct plan_stretch {
    uint32_t x, count, step, width;
};
enum { PLAN_STRETCHES = 3 };

/* How a layer is cut. */
struct plan_tiling {
    struct plan_lowering lowering;    /* convolutions */
    uint32_t block_h, block_w;        /* output positions of a block */
    uint32_t chunk_channels;          /* channels whose weights are loaded together; tiles, or a part of one tile */
    uint32_t matmul_tiles;            /* tiles of one MATMUL and REQUANTIZE */
    uint32_t part_kernel_h, part_run; /* K of one MATMUL: kernel rows and bytes of each run */
    bool split;                       /* the parts of a chunk do not fit together: each is loaded when it is needed */
    bool rows_outer;                  /* for each block all chunks, else for each chunk all blocks */
    uint32_t ring;                    /* buffers in turn for results on their way out, and for the windows of im2col: 1 or 2 */
    uint32_t block_bytes;             /* ADD; MOVE: of what it fills */
    uint32_t window_in, window_out;   /* MOVE: bytes of the windows of its places (move_windows.h), at most; both 0: it has none */
};

struct plan_layer {
    uint32_t hole_bytes; /* largest free stretch of the scratchpad while it runs */
    uint32_t first_constant;
    uint32_t first_op, last_op; /* in schedule's order; last_op is exclusive */
    struct plan_tiling tiling;
    uint32_t class;       /* compiler/passes/classes.h */
    uint64_t idle_cycles; /* tile: in which the memory's bus has nothing to do, by the closed forms */
};

/* A stretch of the scratchpad that lives from operation first_op to last_op (indices in schedule's order, both included). */
struct plan_buffer {
    uint32_t bytes, address;
    uint32_t first_op, last_op;
    bool placed;
};

/* Weights of a chunk and its channel parameters in the image, or the layer's table. */
struct plan_constant {
    uint32_t layer, channel, channels; /* channels 0: the table */
    uint32_t offset, bytes;            /* in the image */
};

/* Which buffers the addresses of an instruction are relative to. */
enum { PLAN_READ, PLAN_READ_MORE, PLAN_WRITE, PLAN_OPERANDS };

/* An instruction in as few bytes as it has, because plans are made by the dozen and kept while they are compared. */
struct plan_op {
    union {
        uint32_t words[QM_INSN_WORDS]; /* packed */
        struct {
            uint32_t header;      /* words[0] */
            struct qm_insn *wide; /* all of it */
        };
    };
    uint32_t layer;
    uint32_t buffers[PLAN_OPERANDS]; /* PLAN_NONE: none */
    uint32_t after;                  /* a LOAD: it may be issued earlier, but not before this operation; PLAN_NONE: it may not */
    bool is_wide;                    /* it has a field that does not fit the words, and will be refused */
};

/* A stretch of operations for the device, or a layer on the host. */
struct plan_stage {
    bool on_host;
    uint32_t layer;
    uint32_t first_op, last_op; /* exclusive */
};

struct plan {
    const struct qm_model_bytes *model; /* NULL: the compilation begins with a network */
    struct qm_graph *graph;
    const struct qm_network *network;
    const struct qm_machine *machine; /* may have smaller memories than the one that the program is for */
    const struct qm_compile_options *options;
    struct qm_arena *arena;
    struct qm_diag *diag;
    struct plan_value *values;   /* [network->value_count] */
    struct residents *residents; /* compiler/passes/residents.h */
    struct classes *classes;     /* compiler/passes/classes.h */
    struct plan_layer *layers;   /* [network->layer_count] */
    struct plan_buffer *buffers;
    struct plan_op *ops;
    struct qm_record *records; /* [op_count] made by synchronize */
    struct plan_constant *constants;
    struct plan_stage *stages;
    uint32_t buffer_count, op_count, constant_count, stage_count;
    uint32_t buffer_room, op_room, constant_room;
    uint32_t image_offset, image_bytes; /* in the arena: tensors lie below, code above */
    uint32_t accumulator_next;
    uint64_t moves_max;         /* place: more maps that move when others are spilled give the plan up; 0: any number */
    bool tries_cuts;            /* tile times the cuts of layers, and does not only estimate */
    uint64_t cycles;            /* choose: its exact time, when it is compared with others */
    struct qm_program *program; /* made by emit */
};

static inline uint32_t plan_ceil_div(uint32_t a, uint32_t b) {
    return a / b + (a % b != 0);
}

/* Bytes of elements that lie one behind the other. */
static inline uint32_t plan_bytes(uint32_t elements, uint32_t bits) {
    return (uint32_t)(((uint64_t)elements * bits + 7) / 8);
}

static inline uint32_t plan_min(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static inline uint32_t plan_max(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static inline bool is_pool(const struct qm_layer *layer) {
    return layer->kind == QM_LAYER_POOL_MAX || layer->kind == QM_LAYER_POOL_AVG || layer->kind == QM_LAYER_POOL_SUM;
}

static inline bool is_convolution(const struct qm_layer *layer) {
    return layer->kind == QM_LAYER_CONV || layer->kind == QM_LAYER_DEPTHWISE;
}

static inline enum qm_opcode plan_opcode(const struct plan_op *op) {
    return (enum qm_opcode)qm_words_opcode(op->words);
}

/* What a map takes of the arena. */
static inline uint64_t plan_arena_bytes(const struct plan_value *value) {
    return ((uint64_t)value->bytes + PLAN_ARENA_ALIGNMENT - 1) / PLAN_ARENA_ALIGNMENT * PLAN_ARENA_ALIGNMENT;
}

/* The root of a value's storage. */
static inline struct plan_value *plan_storage(const struct plan *plan, uint32_t value) {
    return &plan->values[plan->network->values[value].storage];
}

const char *plan_layer_name(const struct plan *plan, uint32_t layer);

/* Frees what passes have made: the lists, and all else with the arena. */
void plan_free(struct plan *plan);

/* Each appends a record and returns its index. */
uint32_t plan_add_buffer(struct plan *plan, uint32_t bytes);                         /* lives from the next operation on */
uint32_t plan_add_op(struct plan *plan, uint32_t layer, const struct qm_insn *insn); /* has no buffers and may not be moved */
uint32_t plan_add_constant(struct plan *plan);                                       /* zeroed */

/* The instruction of an operation. */
void plan_get_insn(const struct plan_op *op, struct qm_insn *insn);
uint64_t plan_transfer_bytes(const struct plan_op *op); /* that a LOAD or STORE moves */

/* Names buffer as what the operation's address is relative to, and lets it live at least until then. */
void plan_use(struct plan *plan, uint32_t op, uint32_t operand, uint32_t buffer);

/* Prints what is known so far. */
void plan_print(const struct plan *plan, FILE *out);

#endif
