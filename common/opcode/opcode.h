/* opcode.h - what an instruction of each opcode demands, touches, issues, counts and lasts: docs/machine.md in one file an opcode.
 *
 * Decode, synchronization, counters, the units of the cycle model, the tiler's costs, limits of time and random programs ask here, and
 * nobody types an opcode's formulas again. The descriptions stand in a table made from spec/isa.def: an opcode without one does not link.
 * Fields are at most 32 bits wide, so that no sum or product of an operand leaves 63 bits.
 */
#ifndef QM_COMMON_OPCODE_OPCODE_H
#define QM_COMMON_OPCODE_OPCODE_H

#include "common/counters.h"
#include "common/csr.h"
#include "common/isa.h"
#include "common/machine.h"

/* The memories that operands lie in, in the order in which decode checks them. */
enum qm_space { QM_SPACE_ARENA, QM_SPACE_SCRATCHPAD, QM_SPACE_ACCUMULATOR, QM_SPACES };

/* Bytes, or rows of the accumulator, that an instruction reads or writes. Of begin <= b < end, which decode checks, it touches those with
 * touched_begin <= b < touched_end that lie in one of the runs at phase plus any multiples of the strides. */
struct qm_operand {
    const char *name; /* the field that holds its address */
    enum qm_space space;
    bool is_written;
    int64_t begin, end;
    int64_t touched_begin, touched_end;
    int64_t phase, run, strides[3]; /* a stride that is not taken is 0 */
};
enum { QM_OPERANDS = 5 /* of an instruction, at most */ };

/* What memory costs, and how much of an instruction's work is of use (docs/machine.md, Limits of time). */
struct qm_pace {
    uint64_t beat, burst; /* cycles */
    uint64_t bytes, sums; /* of the scratchpad, rows of the accumulator: beyond them work repeats itself. QM_ENDLESS: repetitions count */
};
#define QM_ENDLESS ((uint64_t)INT64_MAX)

/* Events that the post unit has counted after some item of an instruction. */
struct qm_post_events {
#define QM_POST_COUNTER(name, unit, text) uint64_t name;
#define QM_COUNTER(name, unit, text)
#define QM_VALUE_COUNTER(name, unit, text)
#define QM_CAUSE(group, name, text)
#include "spec/counters.def"
#undef QM_COUNTER
#undef QM_VALUE_COUNTER
#undef QM_CAUSE
};

/* What one item of an instruction reads and writes; addresses wrap like those of the hardware. */
struct qm_post_item {
    bool reads;         /* the scratchpad */
    bool reads_operand; /* a second operand there */
    bool reads_sums;    /* the accumulator */
    bool writes;        /* an output; its bytes may be none */
    uint32_t read_addr, operand_addr, acc_addr, out_addr, out_bytes;
};

/* Items one after another that have the same cause: `param` or `row`. */
struct qm_post_stretch {
    bool is_param;
    uint64_t items;
};

/* How the post unit works on an opcode: items, one a cycle. A row of wide elements is as many items as it takes cycles, and the first
 * counts its events. All are functions of how many items came before, so that any number of cycles costs the same. */
struct qm_post_shape {
    uint64_t latency_cycles;  /* from the issue of an item to its write */
    uint64_t residual_cycles; /* that a residual adds to them */
    uint64_t (*item_count)(const struct qm_insn *insn, const struct qm_machine *machine);
    struct qm_post_events (*events)(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t items); /* of the first items */
    struct qm_post_item (*item)(const struct qm_insn *insn, const struct qm_machine *machine, int64_t index);
    struct qm_post_stretch (*stretch)(const struct qm_insn *insn, const struct qm_machine *machine,
                                      uint64_t issued); /* NULL: all are `row` */
};

/* Samples of a depthwise MATMUL for a row of outputs: at least 1 in an accepted instruction, and here whatever the fields hold. */
static inline int64_t qm_samples_of_row(const struct qm_insn *insn) {
    int64_t samples = (insn->out_w - 1) * insn->sample_step + insn->run_bytes - insn->skip_left - insn->skip_right;
    return samples < 1 ? 1 : samples;
}

/* The rows that a step streams. A dense row makes an output. Of a depthwise step each is a sample, or one of the last, which read nothing:
 * an output is made after `lead` of them, and then of every step-th of the row_length rows of an output row until there are out_w. */
struct qm_matmul_stream {
    uint64_t rows, reads; /* reads: those that read the map */
    uint64_t lead, row_length, step, out_w;
};

/* Outputs that the first `rows` rows of the stream make. */
static inline uint64_t qm_stream_outputs(const struct qm_matmul_stream *stream, uint64_t rows) {
    if (rows <= stream->lead) return 0;
    uint64_t at = rows - stream->lead, of_row = (at % stream->row_length + stream->step - 1) / stream->step;
    return at / stream->row_length * stream->out_w + (of_row < stream->out_w ? of_row : stream->out_w);
}

/* Those of the first `rows` rows that read the map. */
static inline uint64_t qm_stream_reads(const struct qm_matmul_stream *stream, uint64_t rows) {
    return rows < stream->reads ? rows : stream->reads;
}

/* One step of an instruction in the matmul unit: the weight rows that are preloaded, the rows that are streamed. */
struct qm_matmul_step {
    const struct qm_insn *insn;
    uint64_t index; /* of the step in the instruction */
    bool is_last;
    bool adds;                   /* to what the accumulator rows hold; else it overwrites */
    int64_t tile, ky, kx, piece; /* piece: bytes of the run before it */
    uint32_t k, n;               /* bytes that a row reads, channels of the tile */
    uint64_t products;           /* of an output */
    uint32_t weight_rows;        /* to preload */
    uint32_t weight_row_bytes;   /* in the scratchpad */
    struct qm_matmul_stream stream;
};

/* The steps of a run: a tap of a tile has one for each of its pieces. */
struct qm_matmul_run {
    uint64_t rows; /* to stream, in each */
    uint32_t steps;
    uint32_t weight_rows, last_weight_rows; /* to preload: in the first, as in all but the last; in the last */
};

/* How the matmul unit works on an opcode: steps, run by run. All runs are alike but for the channels of the last tile. */
struct qm_matmul_shape {
    uint64_t (*run_count)(const struct qm_insn *insn);
    struct qm_matmul_run (*run)(const struct qm_insn *insn, const struct qm_machine *machine);
    struct qm_matmul_step (*step)(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t index);
    /* Cycles of all steps, each preloaded while the one before streams. */
    uint64_t (*issue_cycles)(const struct qm_insn *insn, const struct qm_machine *machine);
};

struct qm_opcode_info {
    /* What decode refuses beyond the checks of single fields and of the operands' ends: the first cause, or QM_ERROR_NONE.
     * NULL: nothing. */
    enum qm_error (*check)(const struct qm_insn *insn, const struct qm_machine *machine);
    /* Fills operands [QM_OPERANDS] and returns how many there are, whatever the fields hold. */
    uint32_t (*find_operands)(const struct qm_insn *insn, const struct qm_machine *machine, struct qm_operand *operands);
    /* qm_opcode_add_events, of another unit than the post unit, whose items say it. */
    void (*add_events)(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t *value);
    /* An upper bound of the cycles that the instruction needs alone, at most QM_ENDLESS, whatever the fields hold. */
    uint64_t (*limit_cycles)(const struct qm_insn *insn, const struct qm_machine *machine, const struct qm_pace *pace);
    /* qm_opcode_alone_cycles, likewise. */
    uint64_t (*alone_cycles)(const struct qm_insn *insn, const struct qm_machine *machine);
    const struct qm_matmul_shape *matmul; /* NULL: of another unit */
    const struct qm_post_shape *post;     /* NULL: of another unit */
};

/* The description of a known opcode. Another opcode is a fault of the caller. */
const struct qm_opcode_info *qm_opcode_info(int64_t opcode);

/* Cycles from the issue of an item of the post unit to its write. */
uint64_t qm_post_latency(const struct qm_insn *insn);

/* Whether the instruction writes to the first `bytes` bytes of the arena. */
bool qm_writes_arena_below(const struct qm_insn *insn, const struct qm_machine *machine, int64_t bytes);

/* Adds the events of an accepted instruction to value [QM_COUNTERS]; those of its fetch are not among them. */
void qm_opcode_add_events(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t *value);

/* Cycles from the start of an accepted instruction to its end when it is alone and nothing waits: the memory accepts a burst in any
 * cycle and moves a beat in each. Exact (docs/machine.md, Closed forms). */
uint64_t qm_opcode_alone_cycles(const struct qm_insn *insn, const struct qm_machine *machine);

/* Adds to value [QM_COUNTERS] the events between two points of an instruction. */
void qm_post_count(const struct qm_post_events *from, const struct qm_post_events *to, uint64_t *value);

#endif
