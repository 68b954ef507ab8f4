/* core.c - a core knows nothing of its memory: the shipped network on an ideal one, and two cores on one DRAM. */
#include "sim/cycle/core.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "common/prng.h"
#include "compiler/compiler.h"
#include "driver/driver.h"
#include "sim/cycle/engine.h"
#include "sim/cycle/wires.h"
#include "sim/memory/dram.h"
#include "tests/unit/sim/memory/ideal.h"

TestSuite(cycle_core);

enum { CORES = 2, ARENA = 1 << 16, LIMIT_CYCLES = 1000000 };
static const uint64_t BASE = 0x40000000;

/* A network's first device stage on a core: what its arena holds before and, by the functional engine, after it. */
struct job {
    struct qm_machine machine;
    struct qm_program *program;
    uint64_t base; /* of its arena, on the bus */
    uint8_t before[ARENA], after[ARENA];
    struct qm_counters alone; /* on a DRAM of its own */
};

static struct qm_diag diag;

typedef void write_register(void *to, uint32_t offset, uint32_t value);

static void start(const struct job *job, write_register *write, void *to) {
    const struct qm_program_stage *stage = job->program->stages;
    write(to, QM_CSR_PROGRAM_ADDR, job->program->code_offset + stage->first_insn * QM_INSN_BYTES);
    write(to, QM_CSR_PROGRAM_COUNT, stage->insn_count);
    write(to, QM_CSR_MEMORY_BASE, (uint32_t)job->base);
    write(to, QM_CSR_MEMORY_SIZE, job->program->arena_bytes);
    write(to, QM_CSR_CONTROL, QM_CONTROL_START);
}

static void write_device(void *to, uint32_t offset, uint32_t value) {
    struct qm_device *device = to;
    device->ops->write_csr(device, offset, value);
}

static void write_core(void *to, uint32_t offset, uint32_t value) {
    core_write_csr(to, offset, value);
}

static struct qm_device *load(const struct job *job, const struct qm_device_ops *ops, const int8_t *input) {
    struct qm_device_options options = {.memory_base = job->base, .memory_bytes = ARENA};
    struct qm_device *device;
    cr_assert(ops->create(&job->machine, &options, &device, &diag) == QM_OK, "%s", diag.text);
    cr_assert(qm_driver_load_at(device, job->program, job->base, &diag) == QM_OK, "%s", diag.text);
    qm_driver_write_tensor(device, job->program, 0, input);
    return device;
}

static void run_alone(struct job *job, const int8_t *input) {
    struct qm_device *device = load(job, &qm_device_functional, input);
    device->ops->read_memory(device, job->base, job->before, ARENA);
    start(job, write_device, device);
    cr_assert(device->ops->wait(device, UINT64_MAX));
    device->ops->read_memory(device, job->base, job->after, ARENA);
    device->ops->destroy(device);
    device = load(job, &qm_device_cycle, input);
    start(job, write_device, device);
    cr_assert(device->ops->wait(device, LIMIT_CYCLES));
    for (uint32_t i = 0; i < QM_COUNTERS; i++) job->alone.value[i] = qm_device_counter(device, i);
    device->ops->destroy(device);
}

/* The shipped network at a precision, with a picture of its own. */
static void job_init(struct job *job, const char *precision, uint64_t base) {
    struct qm_compile_options options = {.precision = precision};
    struct qm_prng prng;
    int8_t input[64];
    *job = (struct job){.base = base};
    qm_prng_init(&prng, base);
    qm_prng_fill(&prng, input, sizeof input);
    cr_assert(qm_machine_load("tiny", &job->machine, &diag) == QM_OK, "%s", diag.text);
    cr_assert(qm_compile_file("workloads/digits/digits_int8.tflite", &job->machine, &options, &job->program, &diag) == QM_OK, "%s",
              diag.text);
    cr_assert(job->program->arena_bytes <= ARENA && job->program->tensors[0].size_bytes == sizeof input);
    run_alone(job, input);
    cr_assert(memcmp(job->before, job->after, ARENA) != 0);
}

/* The right bytes, by the same work. */
static bool is_right(const struct job *job, const struct core *core, const uint8_t *arena) {
    bool is_right = core_read_csr(core, QM_CSR_STATUS) == QM_STATUS_DONE && memcmp(arena, job->after, ARENA) == 0;
    for (uint32_t i = 0; i < QM_COUNTERS; i++)
        if (i != QM_C_cycles && qm_counter_infos[i].group == NULL) is_right &= core->counters.value[i] == job->alone.value[i];
    return is_right;
}

/* ---- an ideal memory ---- */

Test(cycle_core, gives_the_right_bytes_on_an_ideal_memory) {
    static struct job job;
    static struct engine engine;
    static struct ideal ideal;
    job_init(&job, NULL, BASE);
    ideal = (struct ideal){.bytes = job.before, .address = BASE, .size_bytes = ARENA, .beat_bytes = job.machine.axi_bytes};
    ideal_init(&ideal);
    engine_init(&engine, &job.machine, &(struct qm_device_options){0}, &ideal.base);
    start(&job, write_core, &engine.core);
    engine_begin(&engine);
    while (engine.core.csr.busy && engine.core.counters.value[QM_C_cycles] < LIMIT_CYCLES) engine_advance(&engine, LIMIT_CYCLES);
    cr_assert(is_right(&job, &engine.core, job.before));
    cr_assert(lt(u64, engine.core.counters.value[QM_C_cycles], job.alone.value[QM_C_cycles]));
    engine_fini(&engine);
    qm_program_destroy(job.program);
}

/* ---- two cores on one DRAM ---- */

/* Lets one core read and one write in each cycle; an address that is not accepted keeps its turn. */
struct arbiter {
    unsigned reader, writer; /* whose turn it is */
    unsigned owners[64];     /* ring: to whom responses belong */
    unsigned owner_first, owner_count;
    uint64_t shift[CORES]; /* subtracted from the addresses of what a core loads */
};

/* What a core sees of the memory. Bit 1 of an id says whose burst it is. */
static struct qm_memory_out view(const struct arbiter *arbiter, const struct qm_memory_out *out, unsigned core) {
    struct qm_memory_out seen = *out;
    seen.ar_ready &= arbiter->reader == core;
    seen.r_valid &= out->r_id >> 1 == core;
    seen.r_id &= 1;
    seen.aw_ready &= arbiter->writer == core;
    seen.w_ready &= arbiter->writer == core;
    seen.b_valid &= arbiter->owners[arbiter->owner_first % 64] == core;
    return seen;
}

static struct qm_memory_in join(const struct arbiter *arbiter, const struct wires wires[CORES]) {
    struct qm_memory_in in = wires[arbiter->writer].bus;
    const struct qm_memory_in *reads = &wires[arbiter->reader].bus;
    in.ar_valid = reads->ar_valid;
    in.ar_id = (uint8_t)(reads->ar_id | arbiter->reader << 1);
    in.ar_beats = reads->ar_beats;
    in.ar_address = reads->ar_address;
    if (reads->ar_id == LOAD_READ_ID) in.ar_address -= arbiter->shift[arbiter->reader];
    return in;
}

static void arbiter_clock(struct arbiter *arbiter, const struct qm_memory_in *in, const struct qm_memory_out *out) {
    if (!in->ar_valid || out->ar_ready) arbiter->reader ^= 1;
    if (out->b_valid) arbiter->owner_first++, arbiter->owner_count--;
    if (in->aw_valid && out->aw_ready) {
        cr_assert(arbiter->owner_count < 64);
        arbiter->owners[(arbiter->owner_first + arbiter->owner_count++) % 64] = arbiter->writer;
    }
    if (!in->aw_valid || out->aw_ready) arbiter->writer ^= 1;
}

/* One cycle of both. Returns whether one is still at work. */
static bool advance(struct core cores[CORES], struct arbiter *arbiter, struct qm_memory *memory) {
    struct qm_memory_out out;
    struct wires wires[CORES] = {0};
    memory->ops->outputs(memory, &out);
    for (unsigned i = 0; i < CORES; i++) {
        struct qm_memory_out seen = view(arbiter, &out, i);
        if (cores[i].csr.busy) wires_evaluate(&wires[i], &cores[i], &seen);
    }
    struct qm_memory_in in = join(arbiter, wires);
    for (unsigned i = 0; i < CORES; i++)
        if (cores[i].csr.busy) core_clock(&cores[i], &wires[i], 1);
    memory->ops->clock(memory, &in, 1);
    arbiter_clock(arbiter, &in, &out);
    return cores[0].csr.busy || cores[1].csr.busy;
}

/* Whether both end with the right bytes and the work that they have alone, and none is faster than alone. What the second core loads comes
 * from addresses that are less by shift. */
static bool two_cores_are_right(double stalls, uint64_t shift) {
    static struct job jobs[CORES];
    static struct core cores[CORES];
    struct arbiter arbiter = {.shift = {0, shift}};
    struct qm_device_options options = {.memory_base = BASE, .memory_bytes = CORES * ARENA, .stalls = stalls};
    job_init(&jobs[0], NULL, BASE);
    job_init(&jobs[1], "w4a8", BASE + ARENA);
    struct qm_memory *dram = qm_dram_create(&jobs[0].machine, &options);
    for (unsigned i = 0; i < CORES; i++) {
        memcpy(qm_dram_at(dram, jobs[i].base, ARENA), jobs[i].before, ARENA);
        core_init(&cores[i], &jobs[i].machine, true);
        start(&jobs[i], write_core, &cores[i]);
    }
    for (int cycle = 0; cycle < LIMIT_CYCLES && advance(cores, &arbiter, dram);) cycle++;
    bool both = true;
    for (unsigned i = 0; i < CORES; i++) {
        both &= is_right(&jobs[i], &cores[i], qm_dram_at(dram, jobs[i].base, ARENA));
        both &= cores[i].counters.value[QM_C_cycles] >= jobs[i].alone.value[QM_C_cycles];
        core_fini(&cores[i]);
        qm_program_destroy(jobs[i].program);
    }
    qm_dram_destroy(dram);
    return both;
}

Test(cycle_core, two_cores_share_a_memory) {
    cr_assert(two_cores_are_right(0, 0));
    cr_assert(two_cores_are_right(0.3, 0));
}

Test(cycle_core, a_memory_that_serves_only_the_bytes_of_one_is_noticed) {
    cr_assert_not(two_cores_are_right(0, ARENA));
}
