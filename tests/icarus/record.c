/* record.c - one program on the cycle model, written down pin by pin for the Icarus bench (tests/icarus/bench.v).
 *
 *   build/icarus_record FOLDER program FILE.prog [KNOB=VALUE]...
 *   build/icarus_record FOLDER random SEED COUNT STALLS MACHINE [KNOB=VALUE]...
 *
 * FOLDER/vectors has a line for each clock: what the bench drives, and what the RTL must drive and do. The DRAM's pins come from a second
 * DRAM model that is told what the events say. Nothing is put into the RTL's memories behind its back, but for the sums that a program test
 * states: a first program loads the whole scratchpad and computes every row of the accumulator, then comes the one under test. COUNT random
 * programs follow one another on the memories as they are left, each with one instruction after it that decode must refuse.
 * FOLDER/scratchpad and FOLDER/accumulator are the end states, FOLDER/parameters the machine's for iverilog.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/prng.h"
#include "sim/memory/dram.h"
#include "verify/program_text.h"
#include "verify/random_program.h"

/* The arena of the first program begins FILL_BASE bytes into the DRAM; FILL_IMAGE bytes into it are those that fill the scratchpad. */
enum { FILL_BASE = QM_TEXT_ARENA_BYTES, FILL_IMAGE = 4096 };
enum { CYCLE_LIMIT = 2000000, RESET_CYCLES = 4, TEXT_BASE = 0x10000 };

/* The first word of a line. A bit that brings more words with it says which; START and END have a bit for each unit. */
enum {
    CSR_WRITE = 1 << 0, /* address, data */
    CSR_READ = 1 << 1,  /* address, data expected */
    AR_READY = 1 << 2,
    R_VALID = 1 << 3, /* id, last, error, data */
    AW_READY = 1 << 4,
    W_READY = 1 << 5,
    B_VALID = 1 << 6, /* error */
    BUSY = 1 << 7,
    IRQ = 1 << 8,
    READ_BURST = 1 << 9,   /* accepted: id, address, beats */
    WRITE_BURST = 1 << 10, /* accepted: address, beats */
    WRITE_BEAT = 1 << 11,  /* accepted: strobe, data */
    START = 1 << 12,
    END = 1 << 16,
    RESET = 1 << 20,
    PRESET_SUMS = 1 << 21, /* the bench reads FOLDER/sums into the accumulator */
};

struct record {
    struct qm_event event;
    uint8_t data[64];
};

struct recorder {
    struct qm_machine machine;
    struct qm_device_options options;
    struct qm_device *model;
    struct qm_memory *dram; /* in the state of the model's */
    FILE *vectors;
    struct record *records; /* of this run */
    size_t count, capacity;
    bool irq_enabled, finished;
};

/* What a program starts from: its memories and its registers. */
struct setup {
    uint8_t *scratchpad; /* [scratchpad_bytes], zero unless given */
    int32_t *sums;       /* [accumulator_rows][cols] that the program test states, or NULL */
    bool has_sums;
    bool is_random;
    uint8_t arena[QM_TEXT_ARENA_BYTES];
    uint32_t arena_offset; /* of arena: the registers say that the memory begins so many bytes before it */
    uint32_t program_addr, program_count, memory_size;
};

static void fail(const char *text) {
    fprintf(stderr, "icarus_record: %s\n", text);
    exit(2);
}

static FILE *create_file(const char *folder, const char *name) {
    char path[512];
    QM_CHECK(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
    FILE *file = fopen(path, "w");
    if (file == NULL) fail("a file cannot be written: the folder must exist");
    return file;
}

/* ---- lines ---- */

static void record_event(void *context, const struct qm_event *event) {
    struct recorder *self = context;
    if (self->count == self->capacity) {
        self->capacity = 2 * self->capacity + 1024;
        self->records = realloc(self->records, self->capacity * sizeof *self->records);
        QM_CHECK(self->records != NULL);
    }
    struct record *record = &self->records[self->count++];
    record->event = *event;
    if (event->data != NULL) memcpy(record->data, event->data, self->machine.axi_bytes);
}

/* Prints the bytes of a beat as a number, whose lowest byte is the first. */
static void print_beat(const struct recorder *self, const uint8_t *bytes, uint64_t strobe) {
    fputc(' ', self->vectors);
    for (uint32_t i = self->machine.axi_bytes; i-- > 0;) fprintf(self->vectors, "%02x", strobe >> i & 1 ? bytes[i] : 0);
}

static unsigned idle_flags(const struct recorder *self) {
    return self->irq_enabled && self->finished ? IRQ : 0;
}

static void write_csr(struct recorder *self, uint32_t offset, uint32_t value) {
    fprintf(self->vectors, "%x %x %x\n", CSR_WRITE | idle_flags(self), offset, value);
    self->model->ops->write_csr(self->model, offset, value);
    if (offset == QM_CSR_IRQ_ENABLE) self->irq_enabled = (value & 1) != 0;
    if (offset == QM_CSR_CONTROL) self->finished = false;
}

static void read_csr(struct recorder *self, uint32_t offset) {
    fprintf(self->vectors, "%x %x %x\n", CSR_READ | idle_flags(self), offset, self->model->ops->read_csr(self->model, offset));
}

static void read_all_csrs(struct recorder *self) {
    for (size_t i = 0; i < qm_csr_count; i++)
        if (qm_csrs[i].offset != QM_CSR_COUNTERS) read_csr(self, qm_csrs[i].offset);
    for (uint32_t i = 0; i < 2 * QM_COUNTERS; i++) read_csr(self, QM_CSR_COUNTERS + 4 * i);
}

/* Sets what the memory accepts by the event, and returns the bits that the event has in the first word of a line. */
static unsigned take_event(const struct record *record, struct qm_memory_in *in) {
    const struct qm_event *event = &record->event;
    switch (event->kind) {
    case QM_EVENT_START: return (unsigned)START << event->unit;
    case QM_EVENT_END: return (unsigned)END << event->unit;
    case QM_EVENT_READ_BURST:
        in->ar_valid = true, in->ar_id = (uint8_t)event->index, in->ar_address = event->address, in->ar_beats = (uint32_t)event->size;
        return READ_BURST;
    case QM_EVENT_WRITE_BURST:
        in->aw_valid = true, in->aw_address = event->address, in->aw_beats = (uint32_t)event->size;
        return WRITE_BURST;
    case QM_EVENT_WRITE_BEAT: in->w_valid = true, in->w_strobe = event->strobe, in->w_data = record->data; return WRITE_BEAT;
    default: return 0;
    }
}

static unsigned memory_flags(const struct qm_memory_out *out) {
    return (out->ar_ready ? AR_READY : 0u) | (out->r_valid ? R_VALID : 0u) | (out->aw_ready ? AW_READY : 0u) |
           (out->w_ready ? W_READY : 0u) | (out->b_valid ? B_VALID : 0u);
}

static void write_cycle(struct recorder *self, unsigned flags, const struct qm_memory_in *in) {
    struct qm_memory_out out;
    self->dram->ops->outputs(self->dram, &out);
    fprintf(self->vectors, "%x", flags | memory_flags(&out));
    if (out.r_valid) {
        fprintf(self->vectors, " %x %x %x", out.r_id, out.r_last, out.r_error);
        print_beat(self, out.r_data, UINT64_MAX);
    }
    if (out.b_valid) fprintf(self->vectors, " %x", out.b_error);
    if (in->ar_valid) fprintf(self->vectors, " %x %" PRIx64 " %x", in->ar_id, in->ar_address, in->ar_beats);
    if (in->aw_valid) fprintf(self->vectors, " %" PRIx64 " %x", in->aw_address, in->aw_beats);
    if (in->w_valid) {
        fprintf(self->vectors, " %" PRIx64, in->w_strobe);
        print_beat(self, in->w_data, in->w_strobe);
    }
    fputc('\n', self->vectors);
    self->dram->ops->clock(self->dram, in, 1);
}

static void write_busy_cycles(struct recorder *self) {
    uint64_t cycles = qm_device_counter(self->model, QM_C_cycles);
    size_t next = 0;
    self->dram->ops->reset(self->dram);
    for (uint64_t cycle = 0; cycle < cycles; cycle++) {
        struct qm_memory_in in = {0};
        unsigned flags = BUSY;
        for (; next < self->count && self->records[next].event.cycle == cycle; next++) flags |= take_event(&self->records[next], &in);
        write_cycle(self, flags, &in);
    }
    QM_CHECK(next == self->count);
}

/* ---- runs ---- */

static void run(struct recorder *self, uint64_t offset, const struct setup *setup) {
    uint64_t base = self->options.memory_base + offset - setup->arena_offset;
    write_csr(self, QM_CSR_PROGRAM_ADDR, setup->program_addr);
    write_csr(self, QM_CSR_PROGRAM_COUNT, setup->program_count);
    write_csr(self, QM_CSR_MEMORY_BASE, (uint32_t)base);
    write_csr(self, QM_CSR_MEMORY_BASE_HI, (uint32_t)(base >> 32));
    write_csr(self, QM_CSR_MEMORY_SIZE, setup->memory_size);
    write_csr(self, QM_CSR_CONTROL, QM_CONTROL_START);
    self->count = 0;
    if (!self->model->ops->wait(self->model, CYCLE_LIMIT)) fail("the model is still busy at the limit of cycles");
    write_busy_cycles(self);
    self->finished = true;
    read_all_csrs(self);
}

static void write_memory(struct recorder *self, uint64_t offset, const void *data, size_t size) {
    uint64_t address = self->options.memory_base + offset;
    self->model->ops->write_memory(self->model, address, data, size);
    memcpy(qm_dram_at(self->dram, address, size), data, size);
}

static void write_insns(struct recorder *self, uint64_t offset, const struct qm_insn *insns, uint32_t count) {
    struct qm_diag diag;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t words[QM_INSN_WORDS];
        if (qm_insn_pack(&insns[i], words, &diag) != QM_OK) fail(diag.text);
        write_memory(self, offset + i * QM_INSN_BYTES, words, sizeof words);
    }
}

/* Runs a first program that loads the whole scratchpad and computes every sum: of the scratchpad's bytes, or zeros. */
static void fill_memories(struct recorder *self, const struct setup *setup) {
    const struct qm_machine *machine = &self->machine;
    const struct qm_insn insns[] = {
        {.opcode = QM_LOAD,
         .signal = 1 << QM_UNIT_MATMUL,
         .dram_addr = FILL_IMAGE,
         .row_bytes = 1024,
         .row_count = machine->scratchpad_bytes / 1024,
         .plane_count = 1,
         .dram_row_stride = 1024,
         .spad_row_stride = 1024},
        {.opcode = QM_MATMUL,
         .wait = 1 << QM_UNIT_LOAD,
         .y_start = setup->is_random ? 0 : 1, /* row 1 lies outside: padding */
         .in_rows = 1,
         .in_row_bytes = 1024,
         .x_stride = 1,
         .kernel_h = 1,
         .kernel_w = 1,
         .run_bytes = 1, /* the other weights of the array stay X */
         .out_h = 1,
         .out_w = machine->accumulator_rows,
         .channels = machine->cols,
         .tiles = 1},
    };
    write_memory(self, FILL_BASE + FILL_IMAGE, setup->scratchpad, machine->scratchpad_bytes);
    write_insns(self, FILL_BASE, insns, 2);
    run(self, FILL_BASE, &(struct setup){.program_count = 2, .memory_size = FILL_IMAGE + machine->scratchpad_bytes});
}

static void print_sums(const struct recorder *self, FILE *file, const int32_t *sums, bool skip_zeros) {
    uint32_t cols = self->machine.cols, bits = self->machine.accumulator_bits;
    for (uint32_t row = 0; row < self->machine.accumulator_rows; row++) {
        const int32_t *sum = &sums[row * cols];
        bool zero = true;
        for (uint32_t c = 0; c < cols; c++) zero = zero && sum[c] == 0;
        if (zero && skip_zeros) continue;
        fprintf(file, "@%x ", row);
        for (uint32_t bit = bits * cols; bit-- > 0;) fputc('0' + ((uint32_t)sum[bit / bits] >> bit % bits & 1), file);
        fputc('\n', file);
    }
}

/* Sets the accumulator rows that the program test states, the only bytes that do not come by the RTL's own work. */
static void preset_sums(struct recorder *self, const struct setup *setup, const char *folder) {
    if (!setup->has_sums) return;
    FILE *file = create_file(folder, "sums");
    print_sums(self, file, setup->sums, true);
    fclose(file);
    fprintf(self->vectors, "%x\n", PRESET_SUMS | idle_flags(self));
    self->model->ops->write_internal(self->model, NULL, setup->sums);
}

static void write_end_state(struct recorder *self, const char *folder) {
    uint8_t *scratchpad = malloc(self->machine.scratchpad_bytes);
    int32_t *sums = calloc((size_t)self->machine.accumulator_rows * self->machine.cols, sizeof *sums);
    QM_CHECK(scratchpad != NULL && sums != NULL);
    self->model->ops->read_internal(self->model, scratchpad, sums);
    FILE *file = create_file(folder, "scratchpad");
    for (uint32_t i = 0; i < self->machine.scratchpad_bytes; i++) fprintf(file, "%02x\n", scratchpad[i]);
    fclose(file);
    file = create_file(folder, "accumulator");
    print_sums(self, file, sums, false);
    fclose(file);
    free(scratchpad);
    free(sums);
}

static void write_parameters(const struct qm_machine *machine, const char *folder) {
    FILE *file = create_file(folder, "parameters");
    for (size_t i = 0; i < qm_param_count; i++) {
        uint32_t value = qm_machine_knob(machine, &qm_params[i]);
        if (qm_params[i].verilog != NULL) fprintf(file, "-P bench.%s=%" PRIu32 " ", qm_params[i].verilog, value);
    }
    fprintf(file, "-P bench.Fingerprint=%" PRIu32 "\n", qm_machine_fingerprint(machine));
    fclose(file);
}

static void open_recorder(struct recorder *self, const char *folder) {
    struct qm_diag diag;
    if (qm_device_cycle.create(&self->machine, &self->options, &self->model, &diag) != QM_OK) fail(diag.text);
    self->dram = qm_dram_create(&self->machine, &self->options);
    self->model->ops->observe(self->model, record_event, self);
    self->vectors = create_file(folder, "vectors");
}

static void close_recorder(struct recorder *self) {
    self->model->ops->destroy(self->model);
    qm_dram_destroy(self->dram);
    free(self->records);
    if (fclose(self->vectors) != 0) fail("the vectors cannot be written");
}

static void reset(struct recorder *self) {
    self->model->ops->reset(self->model);
    self->irq_enabled = self->finished = false;
    for (int i = 0; i < RESET_CYCLES; i++) fprintf(self->vectors, "%x\n", RESET);
    read_all_csrs(self);
}

/* Begins a recording; the setup's memories are those before the first program. */
static void begin(struct recorder *self, const struct setup *setup, const char *folder) {
    self->options.step = true;
    self->options.memory_bytes = QM_TEXT_ARENA_BYTES + FILL_IMAGE + self->machine.scratchpad_bytes;
    open_recorder(self, folder);
    reset(self);
    fill_memories(self, setup);
    preset_sums(self, setup, folder);
    write_csr(self, QM_CSR_IRQ_ENABLE, 1);
}

static void play(struct recorder *self, const struct setup *setup) {
    write_memory(self, 0, setup->arena, sizeof setup->arena);
    run(self, 0, setup);
}

static void end(struct recorder *self, const char *folder) {
    write_end_state(self, folder);
    write_parameters(&self->machine, folder);
    reset(self);
    close_recorder(self);
}

/* ---- the two kinds of program ---- */

static struct setup *create_setup(const struct qm_machine *machine) {
    struct setup *setup = calloc(1, sizeof *setup);
    QM_CHECK(setup != NULL);
    setup->scratchpad = calloc(machine->scratchpad_bytes, 1);
    setup->sums = calloc((size_t)machine->accumulator_rows * machine->cols, sizeof *setup->sums);
    QM_CHECK(setup->scratchpad != NULL && setup->sums != NULL);
    return setup;
}

static void destroy_setup(struct setup *setup) {
    free(setup->scratchpad);
    free(setup->sums);
    free(setup);
}

static void set_knobs(struct qm_machine *machine, char **assignments) {
    struct qm_diag diag;
    for (; *assignments != NULL; assignments++)
        if (qm_machine_set(machine, *assignments, &diag) != QM_OK) fail(diag.text);
}

/* Takes what the test states of the memories; the machine may be smaller than the one that the test was written for. */
static void fill_setup(struct setup *setup, const struct qm_program_text *text) {
    const struct qm_machine *machine = &text->machine;
    const size_t sizes[] = {QM_TEXT_ARENA_BYTES, machine->scratchpad_bytes, 4ul * machine->accumulator_rows * machine->cols};
    setup->has_sums = text->is_filled;
    for (const struct qm_text_bytes *item = text->before; item != NULL; item = item->next) {
        if (item->offset_bytes + item->size_bytes > sizes[item->space]) fail("the machine is too small for the program's memories");
        setup->has_sums = setup->has_sums || item->space == QM_TEXT_ACCUMULATOR;
    }
    qm_program_text_memories(text, setup->arena, setup->scratchpad, setup->sums);
}

static void record_text(const char *file, char **assignments, const char *folder) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_program_text *text;
    struct qm_diag diag;
    if (qm_program_text_read(file, arena, &text, &diag) != QM_OK) fail(diag.text);
    set_knobs(&text->machine, assignments);
    struct setup *setup = create_setup(&text->machine);
    fill_setup(setup, text);
    setup->program_addr = text->program_addr;
    setup->program_count = text->program_count;
    setup->memory_size = QM_TEXT_ARENA_BYTES;
    struct recorder recorder = {.machine = text->machine, .options = qm_program_text_options(text)};
    recorder.options.memory_base = TEXT_BASE;
    begin(&recorder, setup, folder);
    play(&recorder, setup);
    if (recorder.model->ops->read_csr(recorder.model, QM_CSR_ERROR_CAUSE) != text->error)
        fail("the program test ends with another error than it states: is the machine too small?");
    end(&recorder, folder);
    destroy_setup(setup);
    qm_arena_destroy(arena);
}

/* Draws a place for the arena in the 32 bits of offsets, and the size of a memory that reaches at least to its end. */
static void place_arena(struct setup *setup, struct qm_prng *prng) {
    setup->arena_offset = (uint32_t)(qm_prng_next(prng) % (UINT32_MAX - 2 * QM_RANDOM_ARENA_BYTES)) & ~4095u;
    uint32_t end = setup->arena_offset + QM_RANDOM_ARENA_BYTES;
    setup->memory_size = end + (uint32_t)(qm_prng_next(prng) % (UINT32_MAX - end));
}

/* Moves a LOAD or STORE to where the arena is. Strides between rows or planes of which there is one mean nothing: any number is drawn. */
static void place_transfer(const struct setup *setup, uint32_t words[QM_INSN_WORDS], struct qm_prng *prng) {
    uint32_t opcode = words[0] & 0xff;
    if (opcode != QM_LOAD && opcode != QM_STORE) return;
    if (words[1] < QM_RANDOM_ARENA_BYTES) words[1] += setup->arena_offset;
    if ((words[4] & 0xffff) == 1) words[5] = (uint32_t)qm_prng_next(prng), words[6] = (uint32_t)qm_prng_next(prng) & 0xffffff;
    if (words[4] >> 16 == 1) words[7] = (uint32_t)qm_prng_next(prng), words[8] = (uint32_t)qm_prng_next(prng) & 0xffffff;
}

/* Draws the memories, and a random program into the arena. */
static void draw_setup(struct setup *setup, const struct qm_machine *machine, uint64_t seed) {
    struct qm_random_program program;
    struct qm_prng prng;
    qm_random_program_make(machine, seed, &program);
    qm_prng_init(&prng, ~seed);
    qm_prng_fill(&prng, setup->arena, QM_RANDOM_ARENA_BYTES);
    qm_prng_fill(&prng, setup->scratchpad, machine->scratchpad_bytes);
    place_arena(setup, &prng);
    for (uint32_t i = 0; i < program.count; i++) place_transfer(setup, program.words[i], &prng);
    memcpy(setup->arena + program.program_addr / 256 * 256, program.words, program.count * QM_INSN_BYTES);
    setup->is_random = true;
    setup->program_addr = setup->arena_offset + program.program_addr;
    setup->program_count = program.program_count;
}

/* Draws an instruction of random bits where its opcode has fields, with an operand that leaves the scratchpad: decode refuses it,
 * whichever of its checks finds something first. */
static void draw_wild_insn(struct setup *setup, uint64_t seed) {
    static const uint32_t operands[] = {
        [QM_LOAD] = 2, [QM_STORE] = 2, [QM_MATMUL] = 8, [QM_REQUANTIZE] = 8, [QM_POOL] = 10, [QM_ADD] = 10, [QM_COPY] = 10};
    struct qm_prng prng;
    uint32_t words[QM_INSN_WORDS];
    qm_prng_init(&prng, seed);
    qm_prng_fill(&prng, words, sizeof words);
    uint32_t opcode = QM_LOAD + words[0] % (QM_OPCODE_END - QM_LOAD);
    words[0] = (words[0] & ~0xffu) | opcode;
    for (uint32_t bit = 8; bit < 8 * sizeof words; bit++) {
        uint32_t alone[QM_INSN_WORDS] = {opcode};
        alone[bit / 32] |= 1u << bit % 32;
        if (qm_insn_has_reserved_bits(alone)) words[bit / 32] &= ~(1u << bit % 32);
    }
    words[operands[opcode]] |= 0xffffff;
    place_arena(setup, &prng);
    memcpy(setup->arena, words, sizeof words);
    setup->program_addr = setup->arena_offset;
    setup->program_count = 1;
}

/* Writes random bits to the registers that hold a number, and to offsets without a register, and reads them back. */
static void write_wild_registers(struct recorder *self, uint64_t seed) {
    static const uint32_t offsets[] = {
        QM_CSR_PROGRAM_ADDR, QM_CSR_PROGRAM_COUNT, QM_CSR_MEMORY_BASE, QM_CSR_MEMORY_BASE_HI, QM_CSR_MEMORY_SIZE, 0xfd0, 0xffc};
    for (uint32_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        write_csr(self, offsets[i], (uint32_t)qm_hash3(seed, 1, i));
        read_csr(self, offsets[i]);
    }
}

/* Records COUNT random programs one after another, each on the memories that the one before has left. The DRAM may lie anywhere. */
static void record_random(const struct qm_machine *machine, struct qm_device_options options, uint64_t count, const char *folder) {
    struct setup *setup = create_setup(machine);
    options.memory_base = qm_hash3(options.seed, 0, 0) & ~UINT64_C(4095);
    struct recorder recorder = {.machine = *machine, .options = options};
    draw_setup(setup, machine, options.seed);
    begin(&recorder, setup, folder);
    for (uint64_t i = 0; i < count; i++) {
        draw_setup(setup, machine, options.seed + i);
        play(&recorder, setup);
        write_wild_registers(&recorder, options.seed + i);
        draw_wild_insn(setup, options.seed + i);
        play(&recorder, setup);
    }
    end(&recorder, folder);
    destroy_setup(setup);
}

int main(int argc, char **argv) {
    struct qm_diag diag;
    struct qm_machine machine;
    if (argc > 3 && strcmp(argv[2], "program") == 0) {
        record_text(argv[3], argv + 4, argv[1]);
        return 0;
    }
    if (argc < 7 || strcmp(argv[2], "random") != 0) fail("usage: see the head of tests/icarus/record.c");
    if (qm_machine_load(argv[6], &machine, &diag) != QM_OK) fail(diag.text);
    set_knobs(&machine, argv + 7);
    struct qm_device_options options = {.seed = strtoull(argv[3], NULL, 10), .stalls = strtod(argv[5], NULL)};
    record_random(&machine, options, strtoull(argv[4], NULL, 10), argv[1]);
    return 0;
}
