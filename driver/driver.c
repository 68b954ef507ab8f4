/* driver.c - memory and registers first, then stage after stage: START, wait, read the counters;
 * host operators work on arena memory in between.
 *
 * The times of instructions come from the device's START and END events. A unit runs its instructions in program order, so the n-th
 * event of a unit belongs to the n-th instruction of that unit in the stage.
 */
#include "driver/driver.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/work.h"
#include "driver/host_graph.h"

static const uint64_t MEMORY_BASE = 0x80000000u; /* when the caller does not say where the memory is */
enum { PAGE_BYTES = 4096, SLICE_CYCLES = 50000 };

void qm_driver_memory(const struct qm_program *program, struct qm_device_options *options) {
    options->memory_base = MEMORY_BASE;
    options->memory_bytes = ((uint64_t)program->arena_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    if (options->memory_bytes == 0) options->memory_bytes = PAGE_BYTES;
}

/* The bus address of an arena offset. The device knows where its arena is. */
static uint64_t bus_address(struct qm_device *device, uint64_t offset) {
    uint64_t high = device->ops->read_csr(device, QM_CSR_MEMORY_BASE_HI);
    return (high << 32 | device->ops->read_csr(device, QM_CSR_MEMORY_BASE)) + offset;
}

static void write_code(struct qm_device *device, const struct qm_program *program) {
    uint64_t code = bus_address(device, program->code_offset);
    for (uint32_t i = 0; i < program->insn_count; i++) {
        uint8_t bytes[QM_INSN_BYTES];
        for (uint32_t b = 0; b < QM_INSN_BYTES; b++) bytes[b] = (uint8_t)(program->insns[i][b / 4] >> 8 * (b % 4));
        device->ops->write_memory(device, code + (uint64_t)i * QM_INSN_BYTES, bytes, QM_INSN_BYTES);
    }
}

/* A program file may say anything of what the host does. */
static enum qm_status check_host(const struct qm_program *program, struct qm_diag *diag) {
    for (uint32_t i = 0; i < program->stage_count; i++) {
        const struct qm_program_stage *stage = &program->stages[i];
        const char *problem = stage->on_host ? qm_host_check(stage->graph) : NULL;
        if (problem != NULL)
            return qm_fail(diag, QM_BAD_INPUT, "%s:%s: the host cannot run this: %s", program->model, program->tensors[stage->output].name,
                           problem);
    }
    return QM_OK;
}

/* Loads everything but the constants. */
static enum qm_status load_code(struct qm_device *device, const struct qm_program *program, uint64_t memory_base, struct qm_diag *diag) {
    const struct qm_device_ops *ops = device->ops;
    uint32_t theirs = ops->read_csr(device, QM_CSR_FINGERPRINT), ours = qm_machine_fingerprint(&program->machine);
    if (theirs != ours)
        return qm_fail(diag, QM_BAD_INPUT,
                       "%s: was compiled for machine %s (%08x), but the device is %08x: compile it again for this machine", program->model,
                       program->machine.name, ours, theirs);
    QM_TRY(check_host(program, diag));
    ops->write_csr(device, QM_CSR_MEMORY_BASE, (uint32_t)memory_base);
    ops->write_csr(device, QM_CSR_MEMORY_BASE_HI, (uint32_t)(memory_base >> 32));
    ops->write_csr(device, QM_CSR_MEMORY_SIZE, program->arena_bytes);
    write_code(device, program);
    return QM_OK;
}

enum qm_status qm_driver_load_at(struct qm_device *device, const struct qm_program *program, uint64_t memory_base, struct qm_diag *diag) {
    QM_TRY(load_code(device, program, memory_base, diag));
    QM_CHECK(program->image != NULL || program->image_bytes == 0);
    if (program->image_bytes > 0)
        device->ops->write_memory(device, memory_base + program->image_offset, program->image, program->image_bytes);
    return QM_OK;
}

enum qm_status qm_driver_load(struct qm_device *device, const struct qm_program *program, struct qm_diag *diag) {
    return qm_driver_load_at(device, program, MEMORY_BASE, diag);
}

enum qm_status qm_driver_load_code(struct qm_device *device, const struct qm_program *program, struct qm_diag *diag) {
    return load_code(device, program, MEMORY_BASE, diag);
}

void qm_driver_write_tensor(struct qm_device *device, const struct qm_program *program, uint32_t tensor, const void *data) {
    QM_CHECK(tensor < program->tensor_count);
    const struct qm_program_tensor *place = &program->tensors[tensor];
    device->ops->write_memory(device, bus_address(device, place->arena_offset), data, place->size_bytes);
}

void qm_driver_read_tensor(struct qm_device *device, const struct qm_program *program, uint32_t tensor, void *data) {
    QM_CHECK(tensor < program->tensor_count);
    const struct qm_program_tensor *place = &program->tensors[tensor];
    device->ops->read_memory(device, bus_address(device, place->arena_offset), data, place->size_bytes);
}

struct job {
    struct qm_device *device;
    const struct qm_program *program;
    const struct qm_driver_options *options;
    struct qm_run *run; /* or NULL */
    struct qm_diag *diag;
};

/* ---- host stages ---- */

/* Reads the operands of a host stage from the arena, runs its operators and writes the result. */
static enum qm_status run_on_host(const struct job *job, const struct qm_program_stage *stage) {
    const struct qm_program *program = job->program;
    const void **inputs = qm_alloc(stage->input_count * sizeof *inputs);
    void *output = qm_alloc(program->tensors[stage->output].size_bytes);
    for (uint32_t i = 0; i < stage->input_count; i++) {
        void *data = qm_alloc(program->tensors[stage->inputs[i]].size_bytes);
        qm_driver_read_tensor(job->device, program, stage->inputs[i], data);
        inputs[i] = data;
    }
    bool done = qm_host_run(stage->graph, inputs, output);
    if (done) qm_driver_write_tensor(job->device, program, stage->output, output);
    for (uint32_t i = 0; i < stage->input_count; i++) free((void *)(uintptr_t)inputs[i]);
    free(inputs);
    free(output);
    if (done) return QM_OK;
    if (job->run != NULL) job->run->has_no_result = true;
    return qm_fail(job->diag, QM_BAD_INPUT, "%s:%s: the host cannot compute this with the numbers that it gets", program->model,
                   program->tensors[stage->output].name);
}

/* ---- device stages ---- */

struct recorder {
    struct qm_insn_time *times; /* of the stage's first instruction */
    uint32_t *order[QM_UNITS];  /* [count] instruction of the stage by its number in the unit */
    uint32_t count[QM_UNITS];
};

static void record(void *context, const struct qm_event *event) {
    struct recorder *recorder = context;
    if (event->kind != QM_EVENT_START && event->kind != QM_EVENT_END) return;
    QM_CHECK(event->index < recorder->count[event->unit]);
    struct qm_insn_time *time = &recorder->times[recorder->order[event->unit][event->index]];
    if (event->kind == QM_EVENT_START)
        time->start = event->cycle;
    else
        time->end = event->cycle;
}

/* Sorts the stage's instructions by unit. An unknown opcode stops the machine, so that nothing behind it is ever started. */
static void recorder_init(struct recorder *recorder, const struct job *job, const struct qm_program_stage *stage) {
    memset(recorder, 0, sizeof *recorder);
    recorder->times = job->run->times + stage->first_insn;
    for (int unit = 0; unit < QM_UNITS; unit++) {
        recorder->order[unit] = qm_alloc((stage->insn_count + 1) * sizeof(uint32_t));
    }
    for (uint32_t i = 0; i < stage->insn_count; i++) {
        int64_t opcode = qm_words_opcode(job->program->insns[stage->first_insn + i]);
        if (qm_opcode_name(opcode) == NULL) break;
        enum qm_unit unit = qm_opcode_unit(opcode);
        recorder->order[unit][recorder->count[unit]++] = i;
    }
}

static void recorder_fini(struct recorder *recorder) {
    for (int unit = 0; unit < QM_UNITS; unit++) free(recorder->order[unit]);
}

static uint64_t stage_limit(const struct job *job, const struct qm_program_stage *stage) {
    const struct qm_driver_options *options = job->options;
    const struct qm_machine *machine = options->machine != NULL ? options->machine : &job->program->machine;
    if (options->limit_cycles > 0) return options->limit_cycles;
    const uint32_t(*insns)[QM_INSN_WORDS] = (const uint32_t(*)[QM_INSN_WORDS])job->program->insns;
    return qm_work_limit(insns + stage->first_insn, stage->insn_count, machine, options->stalls);
}

static bool is_busy(struct qm_device *device) {
    return (device->ops->read_csr(device, QM_CSR_STATUS) & QM_STATUS_BUSY) != 0;
}

/* Waits until STATUS says that the stage has ended, for an interrupt may come from somebody else, or be lost. False: it has not. */
static bool wait_for_stage(const struct job *job, uint64_t limit) {
    for (uint64_t passed = 0; passed < limit;) {
        uint64_t slice = limit - passed < SLICE_CYCLES ? limit - passed : SLICE_CYCLES;
        if (job->device->ops->wait(job->device, slice) && !is_busy(job->device)) return true;
        passed += slice;
        if (job->options->progress != NULL && !job->options->progress(job->options->context, passed)) break;
    }
    return !is_busy(job->device);
}

static enum qm_status explain_error(const struct job *job, const struct qm_program_stage *stage) {
    const struct qm_device_ops *ops = job->device->ops;
    const struct qm_program *program = job->program;
    uint32_t cause = ops->read_csr(job->device, QM_CSR_ERROR_CAUSE), index = ops->read_csr(job->device, QM_CSR_ERROR_INDEX);
    const char *name = qm_error_name(cause), *text = qm_error_text(cause);
    char disassembly[600] = "behind the last instruction";
    uint32_t at = stage->first_insn + index;
    struct qm_insn insn;
    if (index < stage->insn_count) {
        qm_insn_unpack(program->insns[at], &insn);
        qm_insn_print(&insn, disassembly, sizeof disassembly);
    }
    return qm_fail(job->diag, QM_BAD_INPUT, "%s:instruction %u: the machine stopped with %s (%s) at: %s", program->model, at,
                   name ? name : "an unknown error", text ? text : "no such cause", disassembly);
}

static enum qm_status tell_limit(const struct job *job, const struct qm_program_stage *stage, uint64_t limit) {
    bool is_own = job->options->limit_cycles == 0;
    if (job->run != NULL) job->run->over_limit = true;
    return qm_fail(job->diag, QM_BAD_INPUT, "%s:instruction %u: the step from here on is still busy after %" PRIu64 " cycles, %s",
                   job->program->model, stage->first_insn, limit,
                   is_own ? "many times what its work can need: the program is damaged, or give more with --max-cycles"
                          : "the limit that was given: give more with --max-cycles");
}

static enum qm_status start_and_wait(const struct job *job, const struct qm_program_stage *stage) {
    struct qm_device *device = job->device;
    const struct qm_program *program = job->program;
    uint64_t limit = stage_limit(job, stage);
    device->ops->write_csr(device, QM_CSR_PROGRAM_ADDR, program->code_offset + stage->first_insn * QM_INSN_BYTES);
    device->ops->write_csr(device, QM_CSR_PROGRAM_COUNT, stage->insn_count);
    device->ops->write_csr(device, QM_CSR_CONTROL, QM_CONTROL_START);
    if (!wait_for_stage(job, limit)) return tell_limit(job, stage, limit);
    uint32_t status = device->ops->read_csr(device, QM_CSR_STATUS);
    if ((status & QM_STATUS_ERROR) != 0) return explain_error(job, stage);
    if ((status & QM_STATUS_DONE) != 0) return QM_OK;
    return qm_fail(job->diag, QM_INTERNAL, "%s:instruction %u: the device is neither BUSY nor DONE (STATUS is %u)", program->model,
                   stage->first_insn, status);
}

static enum qm_status run_on_device(const struct job *job, const struct qm_program_stage *stage) {
    if (job->run == NULL) return start_and_wait(job, stage);
    struct recorder recorder;
    recorder_init(&recorder, job, stage);
    job->device->ops->observe(job->device, record, &recorder);
    enum qm_status status = start_and_wait(job, stage);
    job->device->ops->observe(job->device, NULL, NULL);
    recorder_fini(&recorder);
    if (status != QM_OK) return status;
    struct qm_counters *counters = &job->run->counters[stage - job->program->stages];
    for (int i = 0; i < QM_COUNTERS; i++) counters->value[i] = qm_device_counter(job->device, (enum qm_counter)i);
    job->run->timed = job->run->timed || counters->value[QM_C_cycles] > 0;
    return QM_OK;
}

static enum qm_status run_stage(const struct job *job, const struct qm_program_stage *stage) {
    if (!stage->on_host) return stage->insn_count > 0 ? run_on_device(job, stage) : QM_OK;
    return job->options->no_values ? QM_OK : run_on_host(job, stage);
}

enum qm_status qm_driver_run(struct qm_device *device, const struct qm_program *program, const struct qm_driver_options *options,
                             struct qm_run *run, struct qm_diag *diag) {
    static const struct qm_driver_options defaults = {0};
    struct job job = {.device = device, .program = program, .options = options != NULL ? options : &defaults, .run = run, .diag = diag};
    if (run != NULL) {
        run->timed = run->over_limit = run->has_no_result = false;
        run->has_values = !job.options->no_values && (device->ops->has & QM_HAS_VALUES) != 0;
    }
    for (uint32_t i = 0; i < program->stage_count; i++) QM_TRY(run_stage(&job, &program->stages[i]));
    return QM_OK;
}
