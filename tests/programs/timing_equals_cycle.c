/* timing_equals_cycle.c - the timing engine against the cycle engine: the start and end of every instruction, every cause and counter, and
 * which programs are refused.
 *
 *   build/timing_equals_cycle COUNT SEED     random programs on random machines
 *   build/timing_equals_cycle FILE.qmac...   compiled programs
 * Each seed draws a machine, its memory's knobs among them, and a program. A malformed program must be refused by both, and is run again as
 * it was before it was malformed. Then comes a program of long LOADs and STOREs, which fill the memory and wait for one another.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/prng.h"
#include "common/program.h"
#include "common/work.h"
#include "driver/driver.h"
#include "sim/device.h"
#include "sim/timing/timing.h"
#include "verify/random_program.h"

enum { CYCLE_LIMIT = 20000000 };

/* What an engine says of a program. */
struct answer {
    enum qm_error error;
    uint32_t index;  /* of the instruction that is refused, or nobody takes */
    uint64_t cycles; /* in which it is BUSY */
    struct qm_insn_time times[QM_RANDOM_MAX_INSNS];
    struct qm_counters counters;
};

/* ---- machines ---- */

static uint32_t one_of(struct qm_prng *prng, const uint32_t *numbers, size_t count) {
    return numbers[qm_prng_next(prng) % count];
}
#define ONE_OF(prng, ...) one_of(prng, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void draw_machine(struct qm_prng *prng, struct qm_machine *machine) {
    struct qm_diag diag;
    do {
        qm_machine_init(machine);
        machine->rows = ONE_OF(prng, 1, 2, 3, 4, 5, 8, 16);
        machine->cols = ONE_OF(prng, 1, 2, 3, 4, 5, 8, 16);
        machine->scratchpad_bytes = ONE_OF(prng, 1024, 2048, 4096, 32768);
        machine->accumulator_rows = ONE_OF(prng, 2, 4, 16, 64, 512);
        machine->axi_bytes = ONE_OF(prng, 4, 8, 16, 32, 64);
        machine->cell = ONE_OF(prng, QM_cell_fixed8, QM_cell_fusible, QM_cell_fusible);
        machine->queue_depth = ONE_OF(prng, 2, 4, 8, 64);
        machine->dram_latency = ONE_OF(prng, 1, 2, 3, 7, 20, 100, 1000);
        machine->dram_bytes_per_cycle = ONE_OF(prng, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 32, 63, 64);
        machine->dram_queue = ONE_OF(prng, 1, 2, 3, 4, 8, 64);
    } while (qm_machine_check(machine, &diag) != QM_OK);
}

/* ---- the two engines ---- */

struct recorder {
    struct answer *answer;
    uint32_t order[QM_UNITS][QM_RANDOM_MAX_INSNS], count[QM_UNITS]; /* the unit's instructions */
};

static void record(void *context, const struct qm_event *event) {
    struct recorder *recorder = context;
    if (event->kind != QM_EVENT_START && event->kind != QM_EVENT_END) return;
    QM_CHECK(event->index < recorder->count[event->unit]);
    struct qm_insn_time *time = &recorder->answer->times[recorder->order[event->unit][event->index]];
    *(event->kind == QM_EVENT_START ? &time->start : &time->end) = event->cycle;
}

static void ask_cycle(const struct qm_machine *machine, const struct qm_random_program *program, struct answer *answer) {
    struct qm_device_options options = {.no_values = true, .memory_bytes = QM_RANDOM_ARENA_BYTES};
    struct recorder recorder = {.answer = answer};
    struct qm_device *device;
    struct qm_diag diag;
    for (uint32_t i = 0; i < program->count; i++) {
        int64_t opcode = qm_words_opcode(program->words[i]);
        if (qm_opcode_name(opcode) == NULL) break;
        enum qm_unit unit = qm_opcode_unit(opcode);
        recorder.order[unit][recorder.count[unit]++] = i;
    }
    QM_CHECK(qm_device_cycle.create(machine, &options, &device, &diag) == QM_OK);
    device->ops->observe(device, record, &recorder);
    qm_random_program_start(program, device);
    QM_CHECK(device->ops->wait(device, CYCLE_LIMIT));
    answer->error = (enum qm_error)device->ops->read_csr(device, QM_CSR_ERROR_CAUSE);
    answer->index = device->ops->read_csr(device, QM_CSR_ERROR_INDEX);
    for (int i = 0; i < QM_COUNTERS; i++) answer->counters.value[i] = qm_device_counter(device, (enum qm_counter)i);
    answer->cycles = answer->counters.value[QM_C_cycles];
    device->ops->destroy(device);
}

/* As records that never were words, it must be the same in all. */
static void check_records(const struct qm_machine *machine, const struct qm_random_program *program, const struct qm_timing_result *result,
                          const struct qm_insn_time *times) {
    struct qm_record *records = qm_alloc((program->count + 1) * sizeof *records);
    struct qm_insn_time *again = qm_alloc((program->count + 1) * sizeof *again);
    struct qm_counters events = {0};
    struct qm_timing_result planned;
    for (uint32_t i = 0; i < program->count; i++) {
        qm_record_make(&program->insns[i], machine, &records[i]);
        qm_work_add(&program->insns[i], machine, &events);
    }
    qm_timing_records(&(struct qm_timing_records){records, program->count, &events, machine}, again, &planned);
    QM_CHECK(planned.error == result->error && planned.accepted == result->accepted && planned.cycles == result->cycles);
    QM_CHECK(qm_timing_cycles(records, program->count, machine) == (result->error == QM_ERROR_NONE ? result->cycles : UINT64_MAX));
    QM_CHECK(memcmp(&planned.counters, &result->counters, sizeof planned.counters) == 0);
    QM_CHECK(result->error != QM_ERROR_NONE || memcmp(again, times, program->count * sizeof *times) == 0);
    free(records);
    free(again);
}

static void ask_timing(const struct qm_machine *machine, const struct qm_random_program *program, struct answer *answer) {
    struct qm_timing_words words = {.words = (const uint32_t(*)[QM_INSN_WORDS])program->words,
                                    .count = program->program_count,
                                    .memory_bytes = QM_RANDOM_ARENA_BYTES,
                                    .machine = machine,
                                    .limit_cycles = CYCLE_LIMIT};
    struct qm_timing_result result;
    qm_timing_words(&words, answer->times, &result);
    QM_CHECK(!result.is_long);
    if (program->malformed == NULL) check_records(machine, program, &result, answer->times);
    answer->error = result.error;
    answer->index = result.accepted;
    answer->cycles = result.cycles;
    answer->counters = result.counters;
}

/* ---- comparison ---- */

/* Prints the first that differs. */
static bool same_counters(const struct qm_counters *timing, const struct qm_counters *cycle) {
    for (int i = 0; i < QM_COUNTERS; i++) {
        if (timing->value[i] == cycle->value[i] || qm_counter_infos[i].depends_on_values) continue;
        printf("%s: timing %" PRIu64 ", cycle %" PRIu64 "\n", qm_counter_infos[i].name, timing->value[i], cycle->value[i]);
        return false;
    }
    return true;
}

/* Prints the first difference; false: there is one. */
static bool same(const struct answer *timing, const struct answer *cycle, const struct qm_random_program *program) {
    bool is_done = cycle->error == QM_ERROR_NONE;
    if (timing->error != cycle->error || (!is_done && timing->index != cycle->index) || timing->cycles != cycle->cycles) {
        printf("timing ends with error %d at %u after %" PRIu64 " cycles, cycle with error %d at %u after %" PRIu64 "\n", timing->error,
               timing->index, timing->cycles, cycle->error, cycle->index, cycle->cycles);
        return false;
    }
    for (uint32_t i = 0; is_done && i < program->program_count; i++) {
        const struct qm_insn_time *a = &timing->times[i], *b = &cycle->times[i];
        if (a->start == b->start && a->end == b->end) continue;
        printf("instruction %u: timing %" PRIu64 " to %" PRIu64 ", cycle %" PRIu64 " to %" PRIu64 "\n", i, a->start, a->end, b->start,
               b->end);
        return false;
    }
    return !is_done || same_counters(&timing->counters, &cycle->counters);
}

struct totals {
    uint64_t accepted, refused, cycles, differ;
};

static void compare(const struct qm_machine *machine, const struct qm_random_program *program, uint64_t seed, struct totals *totals) {
    struct answer timing = {0}, cycle = {0};
    if (program->program_count > program->count || program->program_addr % 256 != 0) return; /* its registers are malformed */
    ask_timing(machine, program, &timing);
    ask_cycle(machine, program, &cycle);
    totals->accepted += cycle.error == QM_ERROR_NONE;
    totals->refused += cycle.error != QM_ERROR_NONE;
    totals->cycles += cycle.counters.value[QM_C_cycles];
    if (same(&timing, &cycle, program)) return;
    totals->differ++;
    printf("  seed %" PRIu64 ", %s; %ux%u, scratchpad %u, beat %u, queues %u, latency %u, %u bytes a cycle, %u bursts\n", seed,
           program->malformed != NULL ? program->malformed : "well formed", machine->rows, machine->cols, machine->scratchpad_bytes,
           machine->axi_bytes, machine->queue_depth, machine->dram_latency, machine->dram_bytes_per_cycle, machine->dram_queue);
}

/* The program as it was before it was malformed. */
static void repair(struct qm_random_program *program) {
    struct qm_diag diag;
    for (uint32_t i = 0; i < program->count; i++) QM_CHECK(qm_insn_pack(&program->insns[i], program->words[i], &diag) == QM_OK);
    program->program_addr = program->program_addr / 256 * 256;
    program->program_count = program->count;
    program->malformed = NULL;
}

/* ---- programs of transfers ---- */

/* A transfer of a part of the arena behind the program, whose rows in the scratchpad all lie at its begin. */
static struct qm_insn draw_transfer(struct qm_prng *prng, const struct qm_machine *machine, int64_t opcode) {
    enum { CODE_BYTES = 4096, ROOM_BYTES = 8192 };
    struct qm_insn insn = {.opcode = opcode, .plane_count = ONE_OF(prng, 1, 1, 1, 2, 5), .row_count = ONE_OF(prng, 1, 1, 3, 8, 40)};
    int64_t rows = insn.plane_count * insn.row_count, room = ROOM_BYTES, longest = room / rows;
    if (longest > machine->scratchpad_bytes) longest = machine->scratchpad_bytes;
    insn.row_bytes = 1 + qm_prng_next(prng) % (uint64_t)longest;
    if (qm_prng_next(prng) % 4 == 0) insn.row_bytes = 1 + (insn.row_bytes - 1) % 64;
    insn.dram_row_stride = qm_prng_next(prng) % 2 == 0 ? insn.row_bytes : room / rows;
    if (qm_prng_next(prng) % 2 == 0) insn.dram_row_stride = insn.dram_row_stride / 64 * 64;
    insn.dram_plane_stride = insn.dram_row_stride * insn.row_count;
    int64_t extent = (rows - 1) * insn.dram_row_stride + insn.row_bytes;
    insn.dram_addr = CODE_BYTES + (int64_t)(qm_prng_next(prng) % (uint64_t)(room - extent + 1));
    if (qm_prng_next(prng) % 2 == 0) insn.dram_addr = insn.dram_addr / 64 * 64;
    return insn;
}

static struct qm_insn draw_add(struct qm_prng *prng) {
    return (struct qm_insn){.opcode = QM_ADD, .out_type = QM_out_type_BITS8, .length = 1 + qm_prng_next(prng) % 300};
}

/* Tokens that have been given before in program order. */
static void draw_tokens(struct qm_prng *prng, struct qm_insn *insn, uint32_t given[QM_UNITS][QM_UNITS]) {
    static const enum qm_unit units[] = {QM_UNIT_LOAD, QM_UNIT_POST, QM_UNIT_STORE};
    enum qm_unit own = qm_opcode_unit(insn->opcode);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        enum qm_unit other = units[i];
        if (other == own) continue;
        if (given[other][own] > 0 && qm_prng_next(prng) % 3 == 0) {
            insn->wait |= 1 << other;
            given[other][own]--;
        }
        if (qm_prng_next(prng) % 3 > 0) continue;
        insn->signal |= 1 << other;
        given[own][other]++;
    }
}

static void make_transfers(struct qm_prng *prng, const struct qm_machine *machine, struct qm_random_program *program) {
    uint32_t given[QM_UNITS][QM_UNITS] = {0};
    struct qm_diag diag;
    *program = (struct qm_random_program){.count = QM_RANDOM_MAX_INSNS, .program_count = QM_RANDOM_MAX_INSNS};
    for (uint32_t i = 0; i < program->count; i++) {
        int64_t opcode = ONE_OF(prng, QM_LOAD, QM_LOAD, QM_STORE, QM_STORE, QM_ADD, QM_ADD);
        program->insns[i] = opcode == QM_ADD ? draw_add(prng) : draw_transfer(prng, machine, opcode);
        draw_tokens(prng, &program->insns[i], given);
        QM_CHECK(qm_insn_pack(&program->insns[i], program->words[i], &diag) == QM_OK);
    }
}

/* Short queues and few bursts held, so that fetch waits for room as well. */
static void run_transfers(uint64_t seed, struct totals *totals) {
    struct qm_random_program program;
    struct qm_machine machine;
    struct qm_prng prng;
    qm_prng_init(&prng, ~seed);
    draw_machine(&prng, &machine);
    machine.queue_depth = ONE_OF(&prng, 2, 2, 4);
    machine.dram_queue = ONE_OF(&prng, 1, 2, 3, 4, 8);
    machine.dram_latency = ONE_OF(&prng, 1, 3, 20, 100);
    make_transfers(&prng, &machine, &program);
    compare(&machine, &program, seed, totals);
}

static void run_seed(uint64_t seed, struct totals *totals) {
    struct qm_random_program program;
    struct qm_machine machine;
    struct qm_prng prng;
    qm_prng_init(&prng, seed);
    draw_machine(&prng, &machine);
    qm_random_program_make(&machine, seed, &program);
    compare(&machine, &program, seed, totals);
    run_transfers(seed, totals);
    if (program.malformed == NULL) return;
    repair(&program);
    compare(&machine, &program, seed, totals);
}

/* ---- compiled programs ---- */

static struct qm_run *run_file(const struct qm_device_ops *ops, const struct qm_program *program, struct qm_arena *arena) {
    struct qm_device_options options = {.no_values = true};
    struct qm_driver_options driver = {.no_values = true};
    struct qm_run *run = qm_run_create(program, arena);
    struct qm_device *device;
    struct qm_diag diag;
    qm_driver_memory(program, &options);
    enum qm_status status = ops->create(&program->machine, &options, &device, &diag);
    if (status == QM_OK) status = qm_driver_load_code(device, program, &diag);
    if (status == QM_OK) status = qm_driver_run(device, program, &driver, run, &diag);
    if (status != QM_OK) {
        fprintf(stderr, "timing_equals_cycle: %s\n", diag.text);
        exit(3);
    }
    ops->destroy(device);
    return run;
}

static bool compare_file(const char *file, struct totals *totals) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_program *program;
    struct qm_diag diag;
    if (qm_program_load(file, &program, &diag) != QM_OK) {
        fprintf(stderr, "timing_equals_cycle: %s\n", diag.text);
        exit(2);
    }
    const struct qm_run *timing = run_file(&qm_device_timing, program, arena), *cycle = run_file(&qm_device_cycle, program, arena);
    bool equal = memcmp(timing->times, cycle->times, program->insn_count * sizeof *timing->times) == 0;
    if (!equal) printf("starts and ends differ\n");
    for (uint32_t i = 0; i < program->stage_count; i++) {
        equal = same_counters(&timing->counters[i], &cycle->counters[i]) && equal;
        totals->cycles += cycle->counters[i].value[QM_C_cycles];
    }
    qm_program_destroy(program);
    qm_arena_destroy(arena);
    return equal;
}

static void run_files(int count, char **files, struct totals *totals) {
    for (int i = 0; i < count; i++) {
        bool equal = compare_file(files[i], totals);
        totals->accepted++;
        if (equal) continue;
        totals->differ++;
        printf("  %s\n", files[i]);
    }
}

int main(int argc, char **argv) {
    struct totals totals = {0};
    bool is_random = argc == 3 && strspn(argv[1], "0123456789") == strlen(argv[1]);
    uint64_t count = is_random ? strtoull(argv[1], NULL, 10) : (uint64_t)argc - 1, first = is_random ? strtoull(argv[2], NULL, 10) : 0;
    QM_CHECK(count > 0);
    for (uint64_t i = 0; is_random && i < count && totals.differ < 10; i++) run_seed(first + i, &totals);
    if (!is_random) run_files(argc - 1, argv + 1, &totals);
    printf("timing and cycle: %" PRIu64 " programs, %" PRIu64 " cycles, equal but for %" PRIu64 "; %" PRIu64 " refused by both\n",
           totals.accepted, totals.cycles, totals.differ, totals.refused);
    return totals.differ > 0 || totals.accepted < count / 2;
}
