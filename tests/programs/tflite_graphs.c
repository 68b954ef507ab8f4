/* tflite_graphs.c - random TFLite networks, each compiled, run and compared byte by byte with naive code.
 *
 *   build/tflite_graphs COUNT SEED [--save DIR]
 *
 * A network is drawn with its seed alone, SEED and those that follow (tests/support/tflite_draw.h), written as a file, and run on the
 * functional model of a machine that is drawn, too. Every byte of the outputs must be that of tests/support/reference.h, which knows the
 * drawn network, not what the compiler reads of the file.
 *
 * Prints what differs with its seed, refusals by reason, how often each operator was drawn, counts. Exit status 1: something differs, or
 * 5 percent or more are refused. --save writes every network, SEED.tflite, with its inputs and outputs as bytes one after the other,
 * SEED.in and SEED.out; a refused one has no outputs.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compiler.h"
#include "compiler/frontend/tflite/tflite.h"
#include "driver/driver.h"
#include "tests/support/reference.h"
#include "tests/support/tally.h"
#include "tests/support/tflite_draw.h"

enum { REFUSED_MAX_PERCENT = 5, MACHINES = 3 };

struct session {
    const char *save; /* a folder, or NULL */
    struct qm_machine machines[MACHINES];
    uint32_t verdicts[VERDICTS], on_host;
    struct tally refusals, kinds;
};

/* ---- the product ---- */

/* What a run gave: the bytes of each output. */
struct outcome {
    uint8_t *outputs[BUILD_OPERANDS];
    bool on_host; /* some layers run on the host */
    struct qm_diag diag;
};

static size_t size_of(const struct tflite_draw *d, uint32_t tensor) {
    return d->tensors[tensor].size_bytes;
}

static enum qm_status run_program(const struct tflite_draw *d, const struct qm_program *program, struct outcome *outcome) {
    struct qm_device_options options = {.memory_base = 0x80000000};
    struct qm_device *device;
    qm_driver_memory(program, &options);
    QM_TRY(qm_device_fast.create(&program->machine, &options, &device, &outcome->diag));
    enum qm_status status = qm_driver_load(device, program, &outcome->diag);
    QM_CHECK(program->input_count == d->graph.input_count && program->output_count == d->graph.output_count);
    for (uint32_t i = 0; i < program->input_count && status == QM_OK; i++) qm_driver_write_tensor(device, program, i, d->input_bytes[i]);
    if (status == QM_OK) status = qm_driver_run(device, program, NULL, NULL, &outcome->diag);
    for (uint32_t i = 0; i < program->output_count && status == QM_OK; i++) {
        uint32_t tensor = program->input_count + i;
        QM_CHECK(program->tensors[tensor].size_bytes == size_of(d, d->outputs[i]));
        outcome->outputs[i] = QM_ARENA_NEW(d->arena, uint8_t, size_of(d, d->outputs[i]) + 1);
        qm_driver_read_tensor(device, program, tensor, outcome->outputs[i]);
    }
    device->ops->destroy(device);
    return status;
}

/* Whether the host does more than to quantize inputs and to dequantize outputs. */
static bool computes_on_host(const struct qm_program *program) {
    for (uint32_t i = 0; i < program->layer_count; i++) {
        const struct qm_program_layer *layer = &program->layers[i];
        if (layer->on_host && strcmp(layer->op, "QUANTIZE") != 0 && strcmp(layer->op, "DEQUANTIZE") != 0) return true;
    }
    return false;
}

static enum qm_status run_product(const struct session *s, const struct tflite_draw *d, const struct fbb *file, struct outcome *outcome,
                                  uint64_t seed) {
    const struct qm_model_bytes model = {file->bytes, file->size, "drawn"};
    const struct qm_compile_options options = {.search = QM_SEARCH_NONE};
    struct qm_program *program;
    QM_TRY(qm_compile(&model, &s->machines[qm_hash3(seed, 0, 0) % MACHINES], &options, &program, &outcome->diag));
    enum qm_status status = run_program(d, program, outcome);
    outcome->on_host = computes_on_host(program);
    qm_program_destroy(program);
    return status;
}

/* ---- the comparison ---- */

/* Floats that are no numbers have many forms. */
static bool same_element(enum qm_dtype dtype, const uint8_t *a, const uint8_t *b) {
    float x, y;
    if (memcmp(a, b, qm_dtype_bytes(dtype)) == 0) return true;
    if (dtype != QM_F32) return false;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return isnan(x) && isnan(y);
}

static const char *maker_of(const struct tflite_draw *d, uint32_t tensor) {
    for (uint32_t i = 0; i < d->graph.op_count; i++)
        for (uint32_t k = 0; k < d->ops[i].output_count; k++)
            if (d->ops[i].outputs[k] == tensor) return qm_graph_op_name(d->ops[i].kind);
    return "nothing";
}

static bool compare(const struct tflite_draw *d, const struct outcome *outcome, uint64_t seed) {
    const int8_t **want = reference_run(&d->graph, d->input_bytes, d->arena);
    bool same = true;
    for (uint32_t i = 0; i < d->graph.output_count && same; i++) {
        uint32_t tensor = d->outputs[i];
        enum qm_dtype dtype = d->tensors[tensor].dtype;
        size_t bytes = qm_dtype_bytes(dtype), count = size_of(d, tensor) / bytes, wrong = 0, first = 0;
        const uint8_t *is = outcome->outputs[i], *should = (const uint8_t *)want[tensor];
        for (size_t e = count; e-- > 0;)
            if (!same_element(dtype, is + e * bytes, should + e * bytes)) first = e, wrong++;
        same = wrong == 0;
        if (!same)
            printf("seed %" PRIu64 ": %zu of %zu elements of output %u, by %s (%s), differ, the first is %zu: byte %d, not %d\n", seed,
                   wrong, count, i, maker_of(d, tensor), qm_dtype_name(dtype), first, is[first * bytes], should[first * bytes]);
    }
    return same;
}

/* ---- one network ---- */

static void write_file(const char *folder, uint64_t seed, const char *ending, const void *bytes, size_t size, const char *mode) {
    char name[300];
    snprintf(name, sizeof name, "%s/%" PRIu64 ".%s", folder, seed, ending);
    FILE *stream = fopen(name, mode);
    bool whole = stream != NULL && fwrite(bytes, 1, size, stream) == size;
    if (stream == NULL || fclose(stream) != 0 || !whole) fprintf(stderr, "tflite_graphs: %s cannot be written\n", name);
}

static void save(const char *folder, const struct tflite_draw *d, const struct fbb *file, const struct outcome *outcome, uint64_t seed) {
    write_file(folder, seed, "tflite", file->bytes, file->size, "wb");
    write_file(folder, seed, "in", "", 0, "wb");
    write_file(folder, seed, "out", "", 0, "wb");
    for (uint32_t i = 0; i < d->graph.input_count; i++) write_file(folder, seed, "in", d->input_bytes[i], size_of(d, d->inputs[i]), "ab");
    for (uint32_t i = 0; i < d->graph.output_count && outcome->outputs[i] != NULL; i++)
        write_file(folder, seed, "out", outcome->outputs[i], size_of(d, d->outputs[i]), "ab");
}

static enum verdict judge(struct session *s, struct tflite_draw *d, uint64_t seed) {
    struct fbb *file = QM_ARENA_NEW(d->arena, struct fbb, 1);
    struct outcome outcome = {.on_host = false};
    char reason[TALLY_NAME_BYTES];
    build_write(&d->file, file);
    bool runs = run_product(s, d, file, &outcome, seed) == QM_OK;
    enum verdict verdict = !runs ? REFUSED : compare(d, &outcome, seed) ? RIGHT : DIFFERENT;
    if (!runs) {
        tally_reason(outcome.diag.text, reason, sizeof reason);
        tally_add(&s->refusals, reason, true, REFUSED, seed);
    }
    for (uint32_t i = 0; i < d->file.node_count; i++)
        tally_add(&s->kinds, tflite_builtin_name(d->file.nodes[i].code, d->arena), d->file.node_count == 1, verdict, seed);
    if (s->save != NULL) save(s->save, d, file, &outcome, seed);
    s->on_host += outcome.on_host;
    return verdict;
}

/* ---- all ---- */

static int report(struct session *s, uint64_t count) {
    const uint32_t *v = s->verdicts;
    double refused = 100.0 * v[REFUSED] / (double)(count > 0 ? count : 1);
    tally_print_reasons(&s->refusals);
    tally_print_operators(&s->kinds);
    printf("%" PRIu64 " networks of %u operators: %u right, %u differ, %u refused (%.1f %%); %u have layers on the host\n", count,
           s->kinds.count, v[RIGHT], v[DIFFERENT], v[REFUSED], refused, s->on_host);
    return v[DIFFERENT] > 0 || v[RIGHT] == 0 || refused >= REFUSED_MAX_PERCENT;
}

static bool load_machines(struct session *s) {
    static const char *const names[MACHINES] = {"edge", "tiny", "m3x5"};
    struct qm_diag diag;
    for (int i = 0; i < MACHINES; i++) {
        if (qm_machine_load(names[i], &s->machines[i], &diag) == QM_OK) continue;
        fprintf(stderr, "tflite_graphs: %s\n", diag.text);
        return false;
    }
    return true;
}

int main(int argc, char **argv) {
    static struct session session;
    bool saves = argc == 5 && strcmp(argv[3], "--save") == 0;
    if (argc != 3 && !saves) {
        fprintf(stderr, "tflite_graphs COUNT SEED [--save DIR]\n");
        return 2;
    }
    if (!load_machines(&session)) return 2;
    session.save = saves ? argv[4] : NULL;
    uint64_t count = strtoull(argv[1], NULL, 10), seed = strtoull(argv[2], NULL, 10);
    for (uint64_t i = 0; i < count; i++) {
        struct qm_arena *arena = qm_arena_create();
        struct tflite_draw *d = QM_ARENA_NEW(arena, struct tflite_draw, 1);
        tflite_draw(d, seed + i, arena);
        session.verdicts[judge(&session, d, seed + i)]++;
        qm_arena_destroy(arena);
    }
    return report(&session, count);
}
