/* plan.h - how the machine will compute a network: tilings, the constants as they lie in memory, and the instructions in program order.
 *
 * A layer's output is computed block by block (rows and positions), its channels chunk by chunk. A chunk is what one LOAD brings: channel parameters and the
 * weights of some tiles. A group is what one MATMUL and one REQUANTIZE do: some tiles of a chunk on one block.
 */
#ifndef QM_COMPILER_IR_PLAN_H
#define QM_COMPILER_IR_PLAN_H

#include "compiler/compiler.h"

/* Some of a window's bytes: rows ky0 .. ky0 + kernel_h - 1, bytes run0 .. run0 + run_bytes - 1 of each run. Parts of a window are accumulated. */
struct qm_part {
    uint32_t ky0, kernel_h, run0, run_bytes;
};

struct qm_chunk {
    uint32_t tile0, tiles, part0, parts;
    uint32_t image_offset, size_bytes; /* parameters first, then weights: group, part, tile, step */
    uint32_t param_bytes;              /* 0: the parameters are in the chunk of the last part */
};

/* ALL_WEIGHTS: every chunk is loaded once and stays for the layer; blocks outside, chunks inside.
 * CHUNKS_OUTSIDE: chunks are loaded once, and each sees all blocks. BLOCKS_OUTSIDE: chunks are loaded again for each block. */
enum qm_order { QM_ALL_WEIGHTS, QM_CHUNKS_OUTSIDE, QM_BLOCKS_OUTSIDE };

struct qm_block {
    uint32_t y0, h, x0, w; /* output rows and positions */
};

struct qm_tiling {
    bool depthwise;           /* the array's depthwise mode */
    bool packed;              /* a window row is one run */
    uint32_t tile, tiles;     /* channels in a tile; tiles of the layer */
    uint32_t runs, run_bytes; /* of a window row */
    uint32_t group;           /* tiles in a MATMUL at most */
    uint32_t part_count, chunk_count, block_count;
    struct qm_part *parts;
    struct qm_chunk *chunks;
    struct qm_block *blocks;
    enum qm_order order;
};

struct qm_bytes {
    uint8_t *data;
    size_t size, capacity;
};

struct qm_insns {
    struct qm_insn *data;
    uint32_t *layer; /* of each instruction */
    uint32_t count, capacity;
};

struct qm_plan {
    const struct qm_network *network;
    const struct qm_machine *machine;
    const struct qm_compile_options *options;
    struct qm_arena *arena;
    struct qm_tiling *tilings; /* [layer_count] */
    struct qm_bytes image;     /* constants, from arena offset 0 */
    struct qm_insns insns;
    uint32_t *arena_offsets; /* [value_count]; UINT32_MAX: not in the arena */
    uint32_t arena_end;
    struct qm_program *program;
};

/* Number of output rows and positions of a layer, and the value it writes. */
static inline const struct qm_value *qm_layer_output(const struct qm_network *network, const struct qm_layer *layer) {
    return &network->values[layer->output];
}

static inline bool qm_layer_has_weights(const struct qm_layer *layer) {
    return layer->kind == QM_LAYER_CONV || layer->kind == QM_LAYER_DEPTHWISE;
}

/* passes/tile: chooses block, group and chunk of every layer by the cost of docs/machine.md and fills the image. */
QM_MUST_USE enum qm_status qm_pass_tile(struct qm_plan *plan, struct qm_diag *diag);
/* passes/emit: instructions, addresses, steps. */
QM_MUST_USE enum qm_status qm_pass_emit(struct qm_plan *plan, struct qm_diag *diag);

/* Tokens, step by step. */
QM_MUST_USE enum qm_status qm_pass_synchronize(struct qm_plan *plan, struct qm_diag *diag);

void qm_plan_dump_tilings(const struct qm_plan *plan, FILE *out);
void qm_plan_dump_insns(const struct qm_plan *plan, FILE *out);

#endif
