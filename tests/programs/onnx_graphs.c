/* onnx_graphs.c - random quantized ONNX networks, each compiled, run and compared with an evaluation in real numbers.
 *
 *   build/onnx_graphs COUNT SEED [--machine NAME] [--refused-max PERCENT] [--save DIR] [--kinds] [--self-test] [--accept]
 *
 * Every integer of the outputs must be what the file means (tests/support/onnx_exact.h); a network is drawn with its seed alone, SEED and
 * those that follow. When the outputs of a network are not what is expected, all its quantized tensors are made outputs: then either one of
 * them is wrong for what the machine gave before it, and that is the difference; or a tie was broken the other way on the way, and the
 * outputs are right when they are the same with and without the additional ones.
 *
 * Prints what differs with its seed, refusals by reason, counts. Exit status 1: something differs, more than PERCENT (5) are refused, or
 * nothing was accepted. --save writes the networks that differ or are refused. --kinds prints a table of the tensors that were compared by
 * the operators that made them; a refused network counts when it has one step. --self-test shifts a constant of each network that is right
 * in the evaluation, weights by one step, others by a quarter; status 1 when less than half of such shifts are noticed.
 *
 * --accept takes the refused networks that are not exact, too, with all quantized tensors as outputs: then the differences that the program
 * states of its layers must add up to those that the evaluation finds, and the largest of both be the same.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compiler.h"
#include "driver/driver.h"
#include "tests/support/onnx_draw.h"
#include "tests/support/onnx_exact.h"
#include "tests/support/tally.h"

struct options {
    struct qm_machine machine;
    const char *save;
    double refused_percent;
    bool kinds, self_test, accepts;
};

struct session {
    struct options options;
    uint32_t verdicts[VERDICTS], accepted, on_host, ties, neighbours, real_as_integers, shifted, noticed;
    struct tally refusals, kinds;
};

/* ---- the product ---- */

static const struct onnx_draw_flow *find_flow(const struct onnx_draw *d, const char *name) {
    for (uint32_t i = 0; i < d->flow_count; i++)
        if (strcmp(d->flows[i].name, name) == 0) return &d->flows[i];
    return NULL;
}

/* What element i means where the file has real numbers; else the number itself. */
static double element(const struct qm_program_tensor *tensor, const uint8_t *data, size_t i, bool means) {
    float real;
    if (tensor->dtype == QM_F32) return memcpy(&real, data + 4 * i, sizeof real), (double)real;
    int32_t word = 0;
    int64_t wide = 0;
    if (tensor->dtype == QM_I32) return memcpy(&word, data + 4 * i, sizeof word), (double)word;
    if (tensor->dtype == QM_I64) return memcpy(&wide, data + 8 * i, sizeof wide), (double)wide;
    double whole = tensor->dtype == QM_I8 ? (int8_t)data[i] : data[i];
    return means ? (double)tensor->scale * (whole - tensor->zero_point) : whole;
}

static void write_input(struct qm_device *device, const struct qm_program *program, uint32_t t, const struct numbers *numbers) {
    const struct qm_program_tensor *tensor = &program->tensors[t];
    uint8_t *data = QM_ARENA_NEW(program->arena, uint8_t, tensor->size_bytes + 4);
    QM_CHECK(numbers->count == tensor->size_bytes / qm_dtype_bytes(tensor->dtype));
    for (size_t i = 0; i < numbers->count; i++) {
        float real = (float)numbers->values[i];
        if (tensor->dtype == QM_F32)
            memcpy(data + 4 * i, &real, sizeof real);
        else
            data[i] = (uint8_t)(int)numbers->values[i];
    }
    qm_driver_write_tensor(device, program, t, data);
}

/* Output k, in the graph's order. */
static struct numbers read_output(struct qm_device *device, const struct qm_program *program, const struct onnx_draw *d, uint32_t k,
                                  uint32_t *real_as_integers) {
    const struct qm_program_tensor *tensor = &program->tensors[program->input_count + k];
    struct numbers out = {.name = d->b.outputs[k]->name, .count = tensor->size_bytes / qm_dtype_bytes(tensor->dtype)};
    uint8_t *data = QM_ARENA_NEW(d->b.arena, uint8_t, tensor->size_bytes + 1);
    bool real = find_flow(d, out.name) == NULL;
    QM_CHECK(strncmp(tensor->name, out.name, sizeof tensor->name - 1) == 0);
    *real_as_integers += real && (tensor->dtype == QM_I8 || tensor->dtype == QM_U8);
    qm_driver_read_tensor(device, program, program->input_count + k, data);
    out.values = QM_ARENA_NEW(d->b.arena, double, out.count + 1);
    for (size_t i = 0; i < out.count; i++) out.values[i] = element(tensor, data, i, real);
    return out;
}

static const struct numbers *find_input(const struct onnx_draw *d, const char *name) {
    for (uint32_t i = 0; i < d->input_count; i++)
        if (strcmp(d->inputs[i].name, name) == 0) return &d->inputs[i];
    return NULL;
}

/* What a run gave: room for the outputs and what they were dequantized from. */
struct outcome {
    struct numbers seen[2 * ONNX_DRAW_FLOWS_MAX];
    uint32_t count, real_as_integers; /* of outputs that the file has as real numbers */
    bool on_host;                     /* some layers run on the host */
    double distance, farthest;        /* stated of layers that are not exact: the sum of all differences, and the largest */
    bool shown;                       /* all such layers make outputs, alone */
    struct qm_diag diag;
};

/* Adds up what a comparison's tensor states. */
static void read_differences(struct qm_device *device, const struct qm_program *program, const struct onnx_draw *d, uint32_t k,
                             struct outcome *outcome) {
    const struct qm_program_tensor *tensor = &program->tensors[program->input_count + k];
    char name[sizeof tensor->name];
    int32_t *differences = QM_ARENA_NEW(d->b.arena, int32_t, tensor->size_bytes / sizeof *differences);
    snprintf(name, sizeof name, "%s", tensor->name);
    *strrchr(name, '.') = '\0';
    bool is_part = strstr(name, "LeakyRelu") != NULL || strstr(name, "PRelu") != NULL; /* of a sum, which may cut what differs */
    outcome->shown = outcome->shown && find_flow(d, name) != NULL && !is_part;
    qm_driver_read_tensor(device, program, program->input_count + k, differences);
    for (size_t i = 0; i < tensor->size_bytes / sizeof *differences; i++) {
        double distance = fabs((double)differences[i]);
        outcome->distance += distance;
        outcome->farthest = fmax(outcome->farthest, distance);
    }
}

static enum qm_status run_program(const struct onnx_draw *d, const struct qm_program *program, struct outcome *outcome) {
    struct qm_device_options options = {.memory_base = 0x80000000};
    struct qm_device *device;
    qm_driver_memory(program, &options);
    QM_TRY(qm_device_fast.create(&program->machine, &options, &device, &outcome->diag));
    enum qm_status status = qm_driver_load(device, program, &outcome->diag);
    for (uint32_t t = 0; t < program->input_count && status == QM_OK; t++) {
        const struct numbers *input = find_input(d, program->tensors[t].name);
        QM_CHECK(input != NULL);
        write_input(device, program, t, input);
    }
    if (status == QM_OK) status = qm_driver_run(device, program, NULL, NULL, &outcome->diag);
    QM_CHECK(program->output_count >= d->b.graph.n_output);
    for (uint32_t k = (uint32_t)d->b.graph.n_output; k < program->output_count && status == QM_OK; k++)
        read_differences(device, program, d, k, outcome);
    for (uint32_t k = 0; k < d->b.graph.n_output && status == QM_OK; k++)
        outcome->seen[outcome->count++] = read_output(device, program, d, k, &outcome->real_as_integers);
    device->ops->destroy(device);
    return status;
}

/* An output that is a dequantized tensor shows the integers of that tensor. */
static void look_behind(const struct onnx_draw *d, struct outcome *outcome) {
    const struct numbers *last = &outcome->seen[0];
    const Onnx__NodeProto *node = d->b.nodes[d->b.graph.n_node - 1];
    const struct onnx_draw_flow *flow = find_flow(d, node->input[0]);
    if (strcmp(node->op_type, "DequantizeLinear") != 0 || strcmp(node->output[0], last->name) != 0 || flow == NULL) return;
    struct numbers *integers = &outcome->seen[outcome->count++];
    *integers = (struct numbers){.name = flow->name, .count = last->count, .values = QM_ARENA_NEW(d->b.arena, double, last->count + 1)};
    for (size_t i = 0; i < last->count; i++)
        integers->values[i] = __builtin_nearbyint(last->values[i] / (double)flow->quant.scale) + flow->quant.zero;
}

/* Whether the host does more than to quantize inputs and to dequantize outputs. */
static bool computes_on_host(const struct qm_program *program) {
    for (uint32_t i = 0; i < program->layer_count; i++) {
        const struct qm_program_layer *layer = &program->layers[i];
        if (layer->on_host && strcmp(layer->op, "QUANTIZE") != 0 && strcmp(layer->op, "DEQUANTIZE") != 0) return true;
    }
    return false;
}

static enum qm_status run_product(const struct session *s, struct onnx_draw *d, bool accepts, struct outcome *outcome) {
    struct file_bytes bytes = onnx_build_pack(&d->b);
    struct qm_model_bytes model = {bytes.data, bytes.size, "onnx"};
    struct qm_compile_options options = {.search = QM_SEARCH_NONE, .accept_error = accepts, .compare = accepts};
    struct qm_program *program;
    *outcome = (struct outcome){.shown = true};
    QM_TRY(qm_compile(&model, &s->options.machine, &options, &program, &outcome->diag));
    enum qm_status status = run_program(d, program, outcome);
    outcome->on_host = computes_on_host(program);
    qm_program_destroy(program);
    if (status == QM_OK) look_behind(d, outcome);
    return status;
}

/* ---- the reference ---- */

static struct onnx_exact evaluate(const struct onnx_draw *d, const struct outcome *outcome) {
    struct onnx_exact run = {.arena = d->b.arena, .graph = &d->b.graph, .seen = outcome->seen, .seen_count = outcome->count};
    onnx_exact_run(&run, d->inputs, d->input_count);
    if (run.unknown != NULL) fprintf(stderr, "onnx_graphs: the evaluation does not know %s\n", run.unknown);
    QM_CHECK(run.unknown == NULL);
    return run;
}

/* Whether the first output is the same in both. */
static bool same_output(const struct outcome *a, const struct outcome *b) {
    size_t size = a->seen[0].count * sizeof *a->seen[0].values;
    return a->seen[0].count == b->seen[0].count && memcmp(a->seen[0].values, b->seen[0].values, size) == 0;
}

/* ---- one network ---- */

static void save(const struct session *s, struct onnx_draw *d, uint64_t seed) {
    struct file_bytes bytes = onnx_build_pack(&d->b);
    char file[300];
    if (s->options.save == NULL) return;
    snprintf(file, sizeof file, "%s/%" PRIu64 ".onnx", s->options.save, seed);
    FILE *stream = fopen(file, "wb");
    bool whole = stream != NULL && fwrite(bytes.data, 1, bytes.size, stream) == bytes.size;
    if (stream == NULL || fclose(stream) != 0 || !whole) fprintf(stderr, "onnx_graphs: %s cannot be written\n", file);
}

/* Counts a tensor with each of the operators that made it, which have + between them. */
static void count_kind(struct session *s, const char *kind, enum verdict verdict, uint64_t seed) {
    char copy[ONNX_DRAW_KIND_BYTES], *rest = copy;
    snprintf(copy, sizeof copy, "%s", kind);
    for (char *word; (word = strsep(&rest, "+")) != NULL;) tally_add(&s->kinds, word, strchr(kind, '+') == NULL, verdict, seed);
}

/* The operators that made a tensor of the network; NULL: it is an input, or shows the integers of another. */
static const char *kind_of(const struct onnx_draw *d, const char *tensor) {
    const char *dot = strchr(tensor, '.');
    if (dot != NULL) return dot + 1;
    return d->kind[0] != '\0' && find_flow(d, tensor) == NULL ? d->kind : NULL;
}

/* Counts what was compared by what made it. */
static void count_kinds(struct session *s, const struct onnx_draw *d, const struct outcome *outcome, const struct onnx_exact *run,
                        uint64_t seed) {
    s->ties += run->ties;
    s->neighbours += run->neighbours;
    for (uint32_t i = 0; i < outcome->count; i++) {
        const char *kind = kind_of(d, outcome->seen[i].name);
        bool wrong = false;
        for (uint32_t k = 0; k < run->different_count; k++) wrong = wrong || strcmp(run->different[k], outcome->seen[i].name) == 0;
        if (kind != NULL) count_kind(s, kind, wrong ? DIFFERENT : RIGHT, seed);
    }
}

/* A refused network of one step is counted by what made its last tensor. */
static void count_refused(struct session *s, const struct onnx_draw *d, uint64_t seed) {
    const char *only = d->kind[0] != '\0' ? d->kind : NULL;
    uint32_t computed = only != NULL;
    for (uint32_t i = 0; i < d->flow_count; i++) {
        const char *kind = strchr(d->flows[i].name, '.');
        if (kind == NULL || strcmp(kind, ".input") == 0) continue;
        only = kind + 1;
        computed++;
    }
    if (computed == 1) count_kind(s, only, REFUSED, seed);
}

/* A network whose outputs are not what is expected, seen whole. Prints what differs. */
static enum verdict look_inside(struct session *s, struct onnx_draw *d, const struct outcome *closed, const struct onnx_exact *first,
                                uint64_t seed) {
    struct outcome opened;
    onnx_draw_open(d);
    bool ran = run_product(s, d, false, &opened) == QM_OK;
    struct onnx_exact run = ran ? evaluate(d, &opened) : *first;
    if (ran && run.different_count == 0 && same_output(closed, &opened)) {
        count_kinds(s, d, &opened, &run, seed);
        return RIGHT;
    }
    bool hidden = run.different_count == 0; /* wrong only when nobody looks */
    if ((hidden ? first->open : run.open) > 0) return UNDECIDED;
    if (hidden)
        count_kind(s, "(none when all are outputs)", DIFFERENT, seed);
    else
        count_kinds(s, d, ran ? &opened : closed, &run, seed);
    printf("seed %" PRIu64 ": %s%s\n", seed, hidden ? first->first_difference[0] : run.first_difference[0],
           hidden ? ", only when the tensors before it are no outputs" : "");
    save(s, d, seed);
    return DIFFERENT;
}

/* Shifts the numbers of a constant: weights by one step, others by a quarter. Scales and zero points are passed over, for both sides
 * of a tensor have them; so are lists of places and of factors. */
static bool shift(Onnx__TensorProto *t) {
    if (strchr("zsl", t->name[0]) != NULL || t->n_int32_data + t->n_float_data == 0) return false;
    for (size_t i = 0; i < t->n_int32_data; i++) {
        int32_t *number = &t->int32_data[i];
        *number += t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT32 ? *number / 4 : *number == 127 || *number == 255 ? -1 : 1;
    }
    for (size_t i = 0; i < t->n_float_data; i++) t->float_data[i] *= 1.25F;
    return true;
}

/* Shifts one of the constants in the evaluation; whether that is noticed. */
static void shift_constant(struct session *s, struct onnx_draw *d, const struct outcome *outcome) {
    for (int tries = 0; tries < 50; tries++) {
        if (!shift(d->b.constants[qm_prng_next(&d->prng) % d->b.graph.n_initializer])) continue;
        s->shifted++;
        s->noticed += evaluate(d, outcome).different_count > 0;
        return;
    }
}

static enum verdict refuse(struct session *s, struct onnx_draw *d, const struct outcome *outcome, uint64_t seed) {
    char reason[TALLY_NAME_BYTES];
    tally_reason(outcome->diag.text, reason, sizeof reason);
    tally_add(&s->refusals, reason, true, REFUSED, seed);
    count_refused(s, d, seed);
    save(s, d, seed);
    return REFUSED;
}

/* A network that is refused because some layers are not exact. Ties may go either way on both sides. */
static enum verdict judge_accepted(struct session *s, struct onnx_draw *d, uint64_t seed) {
    struct outcome outcome;
    onnx_draw_open(d);
    if (run_product(s, d, true, &outcome) != QM_OK) return refuse(s, d, &outcome, seed);
    struct onnx_exact run = evaluate(d, &outcome);
    if (!outcome.shown || run.open > 0) return UNDECIDED;
    s->accepted++;
    if (fabs(outcome.distance - run.distance) <= run.ties && fabs(outcome.farthest - run.farthest) <= (run.ties > 0)) return RIGHT;
    printf("seed %" PRIu64 ": differences of %g, %g at most are stated, which are %g, %g at most\n", seed, outcome.distance,
           outcome.farthest, run.distance, run.farthest);
    save(s, d, seed);
    return DIFFERENT;
}

static enum verdict judge(struct session *s, struct onnx_draw *d, uint64_t seed) {
    struct outcome outcome;
    if (run_product(s, d, false, &outcome) != QM_OK) {
        bool acceptable = s->options.accepts && strstr(outcome.diag.text, "--accept-error") != NULL;
        return acceptable ? judge_accepted(s, d, seed) : refuse(s, d, &outcome, seed);
    }
    struct onnx_exact run = evaluate(d, &outcome);
    s->on_host += outcome.on_host;
    s->real_as_integers += outcome.real_as_integers;
    if (run.different_count > 0) return look_inside(s, d, &outcome, &run, seed);
    count_kinds(s, d, &outcome, &run, seed);
    if (s->options.self_test) shift_constant(s, d, &outcome);
    return RIGHT;
}

/* ---- all ---- */

static int report(struct session *s, uint64_t count) {
    const uint32_t *v = s->verdicts;
    double refused = 100.0 * v[REFUSED] / (double)(count > 0 ? count : 1);
    tally_print_reasons(&s->refusals);
    if (s->options.kinds) tally_print_operators(&s->kinds);
    printf("%" PRIu64 " networks: %u right, %u differ, %u refused (%.1f %%), %u undecided behind ties; %u have layers on the host\n", count,
           v[RIGHT], v[DIFFERENT], v[REFUSED], refused, v[UNDECIDED], s->on_host);
    printf("%u integers lie within %g of a tie, %u of them are not the even ones\n", s->ties, ONNX_EXACT_TIE, s->neighbours);
    if (s->real_as_integers > 0) printf("%u outputs of real numbers come as integers with a scale\n", s->real_as_integers);
    if (s->options.accepts) printf("%u networks are not exact, and accepted\n", s->accepted);
    if (s->options.self_test) printf("%u of %u shifted constants are noticed\n", s->noticed, s->shifted);
    if (s->options.self_test) return s->shifted == 0 || 2 * s->noticed < s->shifted;
    if (s->options.accepts && s->accepted == 0) return 1;
    return v[DIFFERENT] > 0 || v[RIGHT] == 0 || refused > s->options.refused_percent;
}

static bool parse(struct options *o, int argc, char **argv) {
    const char *machine = "edge";
    struct qm_diag diag;
    *o = (struct options){.refused_percent = 5};
    for (int i = 3; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--kinds") == 0)
            o->kinds = true;
        else if (strcmp(argv[i], "--self-test") == 0)
            o->self_test = true;
        else if (strcmp(argv[i], "--accept") == 0)
            o->accepts = true;
        else if (strcmp(argv[i], "--machine") == 0 && more)
            machine = argv[++i];
        else if (strcmp(argv[i], "--refused-max") == 0 && more)
            o->refused_percent = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--save") == 0 && more)
            o->save = argv[++i];
        else
            return false;
    }
    if (qm_machine_load(machine, &o->machine, &diag) == QM_OK) return argc >= 3;
    fprintf(stderr, "onnx_graphs: %s\n", diag.text);
    return false;
}

int main(int argc, char **argv) {
    static struct session session;
    if (!parse(&session.options, argc, argv)) {
        fprintf(stderr, "onnx_graphs COUNT SEED [--machine NAME] [--refused-max PERCENT] [--save DIR] [--kinds] [--self-test] "
                        "[--accept]\n");
        return 2;
    }
    uint64_t count = strtoull(argv[1], NULL, 10), seed = strtoull(argv[2], NULL, 10);
    for (uint64_t i = 0; i < count; i++) {
        struct qm_arena *arena = qm_arena_create();
        struct onnx_draw *d = QM_ARENA_NEW(arena, struct onnx_draw, 1);
        onnx_draw(d, seed + i, arena);
        session.verdicts[judge(&session, d, seed + i)]++;
        qm_arena_destroy(arena);
    }
    return report(&session, count);
}
