/* golden.c - whole networks on the functional and the cycle model against outputs that nobody here made: TFLite Micro's reference kernels,
 * and LiteRT with XNNPACK.
 *
 *   build/networks            all examples of every network, every layer of the first example, cycles against tests/networks/cycles.txt
 * QMAC_DATA names the folder with the models and the golden arrays.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/npy.h"
#include "common/work.h"
#include "compiler/compiler.h"
#include "driver/driver.h"
#include "tests/support/data.h"

/* Cycles on edge that a network may take at most. */
static const struct goal {
    const char *golden;
    uint64_t cycles;
} goals[] = {{"resnet8_cifar10", 85000}, {"ds_cnn_kws", 50000}, {"vww_mobilenet", 130000}, {"ad_autoencoder", 25000}};

/* A network compiled for edge, on the cycle model. */
struct bench {
    struct qm_arena *arena;
    struct qm_program *program;
    struct qm_device *device;
    struct qm_run *run;
};

static void require(enum qm_status status, const struct qm_diag *diag) {
    cr_assert(status == QM_OK, "%s", diag->text);
}

struct choice {
    const struct qm_device_ops *engine;
    bool keep_layers, step, no_values;
    enum qm_requant_mode requant;
};

static struct bench setup_engine(const struct data_network *network, struct choice choice) {
    data_need();
    struct bench bench = {.arena = qm_arena_create()};
    struct qm_compile_options options = {.keep_layers = choice.keep_layers, .requant = choice.requant};
    struct qm_device_options device_options = {.memory_base = 0x80000000, .step = choice.step, .no_values = choice.no_values};
    struct qm_machine machine;
    struct qm_diag diag = {.text = ""};
    require(qm_machine_load("edge", &machine, &diag), &diag);
    require(qm_compile_file(data_path(bench.arena, "%s", network->model), &machine, &options, &bench.program, &diag), &diag);
    qm_driver_memory(bench.program, &device_options);
    require(choice.engine->create(&machine, &device_options, &bench.device, &diag), &diag);
    if (choice.no_values)
        require(qm_driver_load_code(bench.device, bench.program, &diag), &diag);
    else
        require(qm_driver_load(bench.device, bench.program, &diag), &diag);
    bench.run = qm_run_create(bench.program, bench.arena);
    return bench;
}

static struct bench setup(const struct data_network *network, bool keep_layers) {
    return setup_engine(network, (struct choice){.engine = &qm_device_cycle, .keep_layers = keep_layers});
}

static void teardown(struct bench *bench) {
    bench->device->ops->destroy(bench->device);
    qm_program_destroy(bench->program);
    qm_arena_destroy(bench->arena);
}

static struct qm_npy read_npy(const struct bench *bench, const char *golden, const char *file) {
    struct qm_npy npy;
    struct qm_diag diag;
    require(qm_npy_read(data_path(bench->arena, "golden/%s/%s", golden, file), &npy, &diag), &diag);
    return npy;
}

static void run_example(struct bench *bench, const uint8_t *input) {
    struct qm_diag diag;
    qm_driver_write_tensor(bench->device, bench->program, 0, input);
    require(qm_driver_run(bench->device, bench->program, NULL, bench->run, &diag), &diag);
}

static uint64_t cycles_of(const struct bench *bench) {
    uint64_t cycles = 0;
    for (uint32_t i = 0; i < bench->program->stage_count; i++) cycles += bench->run->counters[i].value[QM_C_cycles];
    return cycles;
}

/* How many bytes of the outputs of all examples are not those of the file. */
static uint64_t differing_bytes(struct bench *bench, const struct data_network *network, const char *file) {
    struct qm_npy input = read_npy(bench, network->golden, "input.npy"), output = read_npy(bench, network->golden, file);
    uint32_t in_size = bench->program->tensors[0].size_bytes, out_index = bench->program->input_count;
    uint32_t out_size = bench->program->tensors[out_index].size_bytes;
    uint64_t examples = input.count * input.item_bytes / in_size, differing = 0;
    uint8_t *got = malloc(out_size);
    cr_assert(examples > 0 && output.count * output.item_bytes == examples * out_size);
    for (uint64_t i = 0; i < examples; i++) {
        run_example(bench, input.data + i * in_size);
        qm_driver_read_tensor(bench->device, bench->program, out_index, got);
        for (uint32_t j = 0; j < out_size; j++) differing += got[j] != output.data[i * out_size + j];
    }
    free(got);
    qm_npy_free(&input);
    qm_npy_free(&output);
    return differing;
}

static void check_examples(const struct data_network *network, const struct qm_device_ops *engine) {
    struct bench bench = setup_engine(network, (struct choice){.engine = engine});
    uint64_t differing = differing_bytes(&bench, network, "output.tflm.npy");
    cr_assert(differing == 0, "%s: %" PRIu64 " bytes differ from the reference", network->golden, differing);
    for (size_t i = 0; i < sizeof goals / sizeof *goals; i++)
        if (strcmp(goals[i].golden, network->golden) == 0) cr_assert(le(u64, cycles_of(&bench), goals[i].cycles));
    teardown(&bench);
}

/* Outputs of LiteRT with XNNPACK, and how many elements of them differ: one sum of a million is rounded otherwise (docs/numerics.md), which
 * the largest network carries to its end. */
static const struct profile_golden {
    const char *golden;
    uint32_t differing_max;
} profile_goldens[] = {{"micro_speech", 0},    {"ad_autoencoder", 0}, {"ds_cnn_kws", 0},
                       {"resnet8_cifar10", 0}, {"vww_mobilenet", 0},  {"tf2_mobilenet_v2_224", 6}};

static uint64_t differing_elements(const struct data_network *network) {
    struct bench bench = setup_engine(network, (struct choice){.engine = &qm_device_functional, .requant = QM_REQUANT_XNNPACK});
    uint64_t differing = differing_bytes(&bench, network, "output.litert.npy");
    teardown(&bench);
    return differing;
}

Test(networks, xnnpack_gives_the_bytes_of_litert) {
    uint32_t found = 0;
    for (size_t i = 0; i < DATA_NETWORKS; i++)
        for (size_t k = 0; k < sizeof profile_goldens / sizeof *profile_goldens; k++) {
            if (strcmp(profile_goldens[k].golden, data_networks[i].golden) != 0) continue;
            uint64_t differing = differing_elements(&data_networks[i]);
            cr_expect(differing <= profile_goldens[k].differing_max, "%s: %" PRIu64 " elements differ", profile_goldens[k].golden,
                      differing);
            found++;
        }
    cr_expect(eq(u32, found, sizeof profile_goldens / sizeof *profile_goldens));
}

ParameterizedTestParameters(networks, every_example_gives_the_bytes_of_the_reference_kernels) {
    return cr_make_param_array(struct data_network, (struct data_network *)data_networks, DATA_NETWORKS);
}

ParameterizedTest(struct data_network *network, networks, every_example_gives_the_bytes_of_the_reference_kernels) {
    check_examples(network, &qm_device_cycle);
    check_examples(network, &qm_device_functional);
}

/* A limit of time is for programs that are damaged: four times the cycles of any that was compiled are far below it,
 * even without its constant. */
ParameterizedTestParameters(networks, the_limit_of_time_is_far_away) {
    return cr_make_param_array(struct data_network, (struct data_network *)data_networks, DATA_NETWORKS);
}

ParameterizedTest(struct data_network *network, networks, the_limit_of_time_is_far_away) {
    enum { LIMIT_CONSTANT = 1000000, MARGIN = 4 };
    struct bench bench = setup_engine(network, (struct choice){.engine = &qm_device_cycle, .no_values = true});
    struct qm_driver_options options = {.no_values = true};
    struct qm_diag diag = {.text = ""};
    require(qm_driver_run(bench.device, bench.program, &options, bench.run, &diag), &diag);
    for (uint32_t i = 0; i < bench.program->stage_count; i++) {
        const struct qm_program_stage *stage = &bench.program->stages[i];
        const uint32_t(*insns)[QM_INSN_WORDS] = (const uint32_t(*)[QM_INSN_WORDS])bench.program->insns + stage->first_insn;
        uint64_t limit = qm_work_limit(insns, stage->insn_count, &bench.program->machine, 0) - LIMIT_CONSTANT;
        cr_expect(ge(u64, limit, MARGIN * bench.run->counters[i].value[QM_C_cycles]), "%s", network->golden);
    }
    teardown(&bench);
}

/* The CRC-32 that zip and PNG use. */
static uint32_t crc32(const uint8_t *bytes, size_t size) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc % 2 == 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

struct golden_layer {
    unsigned index, tensor, bytes, crc;
    char op[40], type[16];
};

/* A line of layers.idx: op 0 CONV_2D tensor 22 type INT8 offset 0 bytes 16384 shape 1 32 32 16 crc32 8f3a... */
static struct golden_layer parse_layer(const char *line) {
    struct golden_layer layer;
    const char *crc = strstr(line, "crc32 ");
    bool whole = sscanf(line, "op %u %39s tensor %u type %15s offset %*u bytes %u", &layer.index, layer.op, &layer.tensor, layer.type,
                        &layer.bytes) == 5;
    cr_assert(whole && crc != NULL && sscanf(crc, "crc32 %x", &layer.crc) == 1, "layers.idx: %s", line);
    return layer;
}

static void compare_layer(struct bench *bench, const struct data_network *network, const char *line) {
    struct golden_layer want = parse_layer(line);
    for (uint32_t i = 0; i < bench->program->layer_count; i++) {
        const struct qm_program_layer *layer = &bench->program->layers[i];
        if (layer->op_index != want.index) continue;
        for (uint32_t t = bench->program->input_count; t < bench->program->tensor_count; t++) {
            const struct qm_program_tensor *kept = &bench->program->tensors[t];
            if (strcmp(kept->name, layer->name) != 0 || kept->size_bytes != want.bytes) continue;
            uint8_t *got = malloc(kept->size_bytes);
            qm_driver_read_tensor(bench->device, bench->program, t, got);
            cr_assert(crc32(got, kept->size_bytes) == want.crc, "%s: operator %u %s differs", network->golden, want.index, want.op);
            free(got);
            return;
        }
        cr_fatal("%s: no tensor is kept for operator %u (%s)", network->golden, want.index, layer->name);
    }
    cr_assert(strcmp(want.op, "RESHAPE") == 0, "%s: operator %u %s has no layer", network->golden, want.index, want.op);
}

ParameterizedTestParameters(networks, every_layer_of_the_first_example_is_exact) {
    return cr_make_param_array(struct data_network, (struct data_network *)data_networks, DATA_NETWORKS);
}

ParameterizedTest(struct data_network *network, networks, every_layer_of_the_first_example_is_exact) {
    struct bench bench = setup(network, true);
    struct qm_npy input = read_npy(&bench, network->golden, "input.npy");
    char line[512];
    int layers = 0;
    run_example(&bench, input.data);
    FILE *index = fopen(data_path(bench.arena, "golden/%s/layers.idx", network->golden), "r");
    cr_assert(index != NULL);
    for (; fgets(line, sizeof line, index) != NULL; layers++) compare_layer(&bench, network, line);
    cr_assert(gt(int, layers, 0));
    fclose(index);
    qm_npy_free(&input);
    teardown(&bench);
}

/* Nobody observes: the skipping engine skips all it can. Time does not depend on values, so the inputs may stay zero. */
static struct qm_counters count_unobserved(const struct data_network *network, struct choice choice) {
    struct bench bench = setup_engine(network, choice);
    struct qm_counters counters;
    struct qm_diag diag = {.text = ""};
    require(qm_driver_run(bench.device, bench.program, NULL, NULL, &diag), &diag);
    for (int i = 0; i < QM_COUNTERS; i++) counters.value[i] = qm_device_counter(bench.device, (enum qm_counter)i);
    teardown(&bench);
    return counters;
}

ParameterizedTestParameters(networks, skipping_gives_the_counters_of_stepping_with_and_without_values) {
    return cr_make_param_array(struct data_network, (struct data_network *)data_networks, DATA_NETWORKS);
}

ParameterizedTest(struct data_network *network, networks, skipping_gives_the_counters_of_stepping_with_and_without_values) {
    struct qm_counters skip = count_unobserved(network, (struct choice){.engine = &qm_device_cycle});
    struct qm_counters step = count_unobserved(network, (struct choice){.engine = &qm_device_cycle, .step = true});
    struct qm_counters blind = count_unobserved(network, (struct choice){.engine = &qm_device_cycle, .no_values = true});
    cr_assert(gt(u64, step.value[QM_C_cycles], 0));
    for (int i = 0; i < QM_COUNTERS; i++) {
        cr_expect(eq(u64, skip.value[i], step.value[i]), "%s: %s", network->golden, qm_counter_infos[i].name);
        if (qm_counter_infos[i].depends_on_values) continue;
        cr_expect(eq(u64, blind.value[i], step.value[i]), "%s without values: %s", network->golden, qm_counter_infos[i].name);
    }
}

/* tests/networks/cycles.txt: one line "NAME CYCLES" a network. A change of it is explained in its commit. */
Test(networks, cycles_on_edge_are_the_recorded_ones) {
    static const char record[] = "tests/networks/cycles.txt";
    char name[40];
    uint64_t want;
    size_t found = 0;
    FILE *file = fopen(record, "r");
    cr_assert(file != NULL, "%s is missing", record);
    while (fscanf(file, "%39s %" SCNu64, name, &want) == 2)
        for (size_t i = 0; i < DATA_NETWORKS; i++) {
            if (strcmp(data_networks[i].golden, name) != 0) continue;
            struct bench bench = setup(&data_networks[i], false);
            struct qm_npy input = read_npy(&bench, name, "input.npy");
            run_example(&bench, input.data);
            cr_expect(cycles_of(&bench) == want, "%s: %" PRIu64 " cycles, %s says %" PRIu64, name, cycles_of(&bench), record, want);
            qm_npy_free(&input);
            teardown(&bench);
            found++;
        }
    fclose(file);
    cr_assert(eq(sz, found, DATA_NETWORKS));
}
