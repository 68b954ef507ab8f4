/* passes.h - the passes from network to program, in their order, and what they share. Those before them are qm_legalize and qm_narrow
 * (compiler/compiler.h).
 */
#ifndef QM_COMPILER_PASSES_PASSES_H
#define QM_COMPILER_PASSES_PASSES_H

#include "compiler/ir/plan.h"

/* ---- passes ---- */

/* Makes additions a part of the convolutions before them where REQUANTIZE can add what they add. */
QM_MUST_USE enum qm_status pass_fuse(struct plan *plan);
/* Decides which maps stay in the scratchpad and where. */
QM_MUST_USE enum qm_status pass_place(struct plan *plan);
/* Cuts every layer into blocks of positions, chunks of channels and parts of the reduction that fit, and spills maps when nothing fits.
 * Then gives the maps that are not in the scratchpad their place in the arena. */
QM_MUST_USE enum qm_status pass_tile(struct plan *plan);
/* Writes down the operations of all layers, each load right before its first use. */
QM_MUST_USE enum qm_status pass_schedule(struct plan *plan);
/* Gives buffers their addresses, and moves loads ahead as far as there is room. */
QM_MUST_USE enum qm_status pass_allocate(struct plan *plan);
/* Tokens, for each stretch of operations on the device, and the records of its operations. */
QM_MUST_USE enum qm_status pass_synchronize(struct plan *plan);

/* Refuses operations that no instruction can say, before they are timed or emitted. */
QM_MUST_USE enum qm_status check_operations(const struct plan *plan);
/* Whether the cells of the machine multiply what every layer asks for; all that ask for more are named. */
QM_MUST_USE enum qm_status check_precisions(const struct plan *plan);
/* The exact cycles of operations first_op to last_op, exclusive, of a plan that has been synchronized and checked, on an idle machine. */
uint64_t check_cycles(const struct plan *plan, uint32_t first_op, uint32_t last_op);

/* Makes plans with `make`, the passes from place to synchronize, for the machine of the plan that has begun and for such with smaller
 * memories. *best is the one of the fewest cycles on this machine, to be freed with plan_free also after a failure. Fails when the
 * machine's own plan does. */
QM_MUST_USE enum qm_status choose_plan(const struct plan *begun, enum qm_status (*make)(struct plan *plan), struct plan *best);
/* The exact cycles of a plan that has been synchronized: its stages on the device, one after the other, on the machine that it was made
 * for. */
uint64_t choose_cycles(const struct plan *plan);

/* Packs instructions and constants into the program. */
QM_MUST_USE enum qm_status pass_emit(struct plan *plan);
/* Prints where things lie in the program, and its stages. */
void emit_print(const struct plan *plan, FILE *out);

/* Whether the layer has sums, of some input of its type, that an accumulator of so many bits does not hold. Constants are there. */
bool layer_sums_may_overflow(const struct qm_network *network, const struct qm_layer *layer, uint32_t bits);

/* ---- place ---- */

/* Gives everything outside the scratchpad its place: tensors, then the image. After the last move. */
QM_MUST_USE enum qm_status place_arena(struct plan *plan);
/* Spills the largest map that stays in the scratchpad during the layer to the arena; the first layer that sees a change. False: there is
 * none.
 */
bool place_spill(struct plan *plan, uint32_t layer, uint32_t *first_changed);
/* The layer's hole_bytes, measured again if something has moved. */
uint32_t place_measure(struct plan *plan, uint32_t layer);

/* ---- lowering: a convolution as a matrix product ---- */

enum { LOWERINGS_MAX = 16 };

/* All lowerings of a CONV or DEPTHWISE layer; returns how many. */
uint32_t lowerings_of_layer(const struct plan *plan, uint32_t layer, struct plan_lowering *lowerings);
/* The windows of any layer that has some, one output position at a time. */
struct plan_window lowering_window(const struct plan *plan, uint32_t layer);
/* Bytes of the window of one sum. */
uint32_t lowering_depth(const struct plan_lowering *lowering);
bool lowering_is_folded(const struct plan_lowering *lowering);
/* The stretches of a row of a folded lowering, [PLAN_STRETCHES]; the first is the one whose positions stand side by side. */
uint32_t lowering_stretches(const struct plan_lowering *lowering, struct plan_stretch *stretches);
/* Output rows of each matrix of weights. */
uint32_t lowering_matrix_h(const struct plan_lowering *lowering);
/* The next number to multiply computed weights by, so that all of them sum to `missing`, the negative of a zero point: it fits a byte. */
int32_t lowering_correction(int32_t missing);
/* Window rows with weights: those of the second reading follow those of the first. */
uint32_t lowering_kernel_rows(const struct plan_lowering *lowering);
/* Weight rows of kernel_h rows of taps of `run` bytes each (docs/machine.md, Weights). */
uint32_t lowering_rows(const struct plan_lowering *lowering, uint32_t kernel_h, uint32_t run);
/* Bytes of a weight row for channels of one tile, and of so many rows for channels from a tile's first on. */
uint32_t lowering_row_bytes(const struct plan_lowering *lowering, uint32_t channels);
uint64_t lowering_weight_bytes(const struct qm_machine *machine, const struct plan_lowering *lowering, uint32_t rows, uint32_t channels);

/* ---- weights ---- */

struct range {
    uint32_t first, count;
};

/* A part of the reduction: some kernel rows, and some bytes of each run. */
struct weights_part {
    struct range kernel_h, run;
};

/* Writes the weights of a part for channels of one tile, as the machine reads them, and returns their end. */
uint8_t *weights_put(const struct qm_layer *layer, const struct plan_lowering *lowering, const struct weights_part *part,
                     struct range channels, uint8_t *at);

/* ---- areas: parts of maps ---- */

/* A block of output positions. */
struct block {
    uint32_t y, x, h, w;
};

/* Rows and bytes of a map, and where they lie: row `row`, byte `byte` of the map is byte 0 of the buffer. */
struct area {
    uint32_t row, rows, byte, bytes;
    uint32_t pitch, buffer;
};

/* The part of a map that the windows of a block touch; never empty. */
struct area area_of_block(const struct plan_window *window, const struct block *block);
/* Bytes of the part for any block of this size, and of a row of it. */
uint64_t area_bytes_at_most(const struct plan_window *window, uint32_t block_h, uint32_t block_w, uint32_t *row_bytes);
/* Sets the window fields of an instruction for a block; the area holds at least what the block touches. */
void area_set_window(struct qm_insn *insn, const struct plan_window *window, const struct block *block, const struct area *area);

/* ---- cost: cycles, by the descriptions of common/opcode/ ---- */

/* How much of a window: kernel rows, and bytes of each run. */
struct cost_part {
    uint32_t kernel_h, run;
};

/* Makes the taps of a depthwise MATMUL, of which window and channels are set, chains of the machine's array. */
void chain_set(struct qm_insn *insn, const struct qm_machine *machine);

/* The array, in a MATMUL of `positions` rows over a part of the window; of im2col, over all of it. */
uint64_t cost_matmul(const struct qm_machine *machine, const struct plan_lowering *lowering, const struct cost_part *part,
                     uint64_t positions, uint64_t tiles);
/* The post unit, in a REQUANTIZE. */
uint64_t cost_requantize(const struct qm_machine *machine, const struct plan_lowering *lowering, uint64_t positions, uint64_t tiles);
/* The post unit, gathering the windows of `positions`. */
uint64_t cost_copy(const struct qm_machine *machine, const struct plan_lowering *lowering, uint64_t positions);
/* Of so many bytes, at the memory's best rate. */
uint64_t cost_transfer(const struct qm_machine *machine, uint64_t bytes);
/* The store unit, of so many bytes in so many STOREs. */
uint64_t cost_stores(const struct qm_machine *machine, uint64_t bytes, uint64_t stores);
/* What cuts are chosen by: their time, and a part of the time in which they take the memory's bus for so many bytes. Of cuts about as fast
 * it is the one that leaves the memory alone, which layers around it may need, and which costs energy. */
uint64_t cost_with_bus(const struct qm_machine *machine, uint64_t cycles, uint64_t bytes);
/* By how much these may be wrong for a layer: the latencies of the memory and of the array, when it begins and when it ends. */
uint64_t cost_doubt(const struct qm_machine *machine);

/* ---- trial ---- */

/* Chooses among the cuts of every convolution by exact time, when all layers are cut and have their classes. */
void trial_choose(struct plan *plan);

/* ---- tiling ---- */

/* Bytes that one chunk's weights and parameters take. */
uint32_t tile_chunk_bytes(const struct qm_machine *machine, const struct plan_lowering *lowering, uint32_t channels);

/* ---- schedule ---- */

/* Writes down the operations of a layer on the device, behind those that the plan has. */
void schedule_layer(struct plan *plan, uint32_t layer);
/* Names the buffer of a map that stays in the scratchpad. Before all operations. */
void schedule_hold(struct plan *plan, struct plan_value *value);

void schedule_convolution(struct plan *plan, uint32_t layer);
void schedule_pool(struct plan *plan, uint32_t layer);
void schedule_add(struct plan *plan, uint32_t layer);
void schedule_move(struct plan *plan, uint32_t layer);

/* Sets how a POOL or ADD of the layer takes its input bytes and makes its output: sign, scale, rounding, zero point, clamp. */
void schedule_scale(struct qm_insn *insn, const struct qm_layer *layer);

/* Sets how operands of a sum, or of a product, are scaled, and the result. */
void schedule_operands(struct qm_insn *insn, const struct qm_layer *layer);

/* A part of a map seen as rows of row_bytes: where it lies in the scratchpad, or a LOAD of it to a buffer of its own. */
struct area schedule_input(struct plan *plan, uint32_t layer, uint32_t value, const struct area *wanted, uint32_t row_bytes);

/* The same for some channels of a map of pixel_bytes a position; the area's bytes count only these channels. Outside maps only. */
struct area schedule_input_channels(struct plan *plan, uint32_t layer, uint32_t value, const struct area *wanted, struct range channels);

/* A map's positions as rows of `width`, and some channels of a block of them. */
struct target {
    uint32_t value, width, pixel_bytes;
    struct block block;
    struct range channels; /* in bytes */
};

/* Where results go: the first byte, and the bytes from row to row and from position to position. */
struct destination {
    uint32_t buffer, offset, pitch, pixel;
};

/* Rows of positions of contiguous bytes: where the first is, and the bytes from one row and position to the next. */
struct plan_nest {
    uint32_t rows, positions, contiguous_bytes;
    uint32_t first, row, position;
};

/* The buffer that holds a map up to its byte `end` when it is in the scratchpad, else a new buffer of so many bytes for a part of it. */
uint32_t schedule_part(struct plan *plan, uint32_t layer, uint32_t value, uint32_t end, uint32_t bytes);
/* Loads these bytes of a map in the arena densely to a buffer, from its byte `at` on. */
void schedule_gather(struct plan *plan, uint32_t layer, uint32_t value, const struct plan_nest *nest, uint32_t buffer, uint32_t at);
/* Loads these bytes of a map in the arena back to a buffer in use, after all that was stored before. */
void schedule_load_back(struct plan *plan, uint32_t layer, uint32_t value, const struct plan_nest *nest, uint32_t buffer);
/* Stores these bytes of a map in the arena, which lie densely in the buffer from its byte `at` on. */
void schedule_scatter(struct plan *plan, uint32_t layer, uint32_t value, const struct plan_nest *nest, uint32_t buffer, uint32_t at);

/* In the map itself, or dense in the given buffer. */
struct destination schedule_destination(const struct plan *plan, const struct target *target, uint32_t buffer);
/* Stores a block that was written densely to the buffer to the arena. Does nothing for a map in the scratchpad. */
void schedule_store_block(struct plan *plan, uint32_t layer, const struct target *target, uint32_t buffer);
/* Stores a resident map that is wanted in the arena as well, behind the last layer that writes to it. */
void schedule_store_map(struct plan *plan, uint32_t layer, struct plan_value *value);

#endif
