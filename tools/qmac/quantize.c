/* quantize.c - qmac quantize: makes a quantized ONNX network of a float one, and tells what each step of that gained.
 * Everything that can be wrong with the options and files is found before the work. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/text.h"
#include "quantize/network/network.h"
#include "quantize/onnx/write.h"
#include "report/cells.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"
#include "tools/qmac/ends.h"
#include "tools/qmac/examples.h"

enum { PROGRESS_SECONDS = 2, ITERATIONS_MAX = 1000000 };

enum rounding { LEARNED, NEAREST, ROUNDINGS };
static const char *const rounding_names[ROUNDINGS] = {[LEARNED] = "adaround", [NEAREST] = "nearest"};

struct quantize_options {
    const char *file, *output, *labels, *precision;
    struct cli_list calibration, inputs;
    struct qm_model_options model;
    unsigned ranges, rounding, correction;
    double percent;
    bool equalizes, absorbs, per_tensor, symmetric, power_of_two;
    struct cli_number iterations, seed;
};

struct session {
    struct quantize_options options;
    struct qm_arena *arena;
    struct qm_program *ends;
    struct cli_examples calibration, judged;
    time_t begin, step_begin;
    const char *step; /* that shows progress */
    bool shows_progress, has_shown;
};

/* ---- options ---- */

static struct cli_word range_words(unsigned index) {
    return index < QM_RANGE_METHODS
               ? (struct cli_word){qm_range_method_name((enum qm_range_method)index), index == QM_RANGES_SQUARED_ERROR ? "default" : NULL}
               : (struct cli_word){NULL, "method"};
}

static struct cli_word rounding_words(unsigned index) {
    return index < ROUNDINGS ? (struct cli_word){rounding_names[index], index == LEARNED ? "default, of fewer than 8 bits" : NULL}
                             : (struct cli_word){NULL, "rounding"};
}

static const char *const correction_names[QM_CORRECTIONS] = {
    [QM_CORRECTION_NONE] = "none", [QM_CORRECTION_EMPIRICAL] = "empirical", [QM_CORRECTION_ANALYTIC] = "analytic"};

static struct cli_word correction_words(unsigned index) {
    return index < QM_CORRECTIONS ? (struct cli_word){correction_names[index], index == QM_CORRECTION_EMPIRICAL ? "default" : NULL}
                                  : (struct cli_word){NULL, "correction"};
}

static enum qm_status take_word(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    return cli_find_word(option->words, option->name, value, field, diag);
}

static enum qm_status take_percent(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    char *end;
    double percent = strtod(value, &end);
    if (end == value || *end != '\0' || !(percent > 0 && percent <= 100))
        return qm_fail(diag, QM_BAD_INPUT, "--%s %s: must be above 0, at most 100", option->name, value);
    *(double *)field = percent;
    return QM_OK;
}

#define FILLS(name) .field = offsetof(struct session, options.name)
static const struct cli_option option_rows[] = {
    {"output", "FILE.onnx", "the quantized network", cli_take_text, FILLS(output), .letter = 'o'},
    {"calibration", "FILE.npy", "examples that ranges and roundings are learned of, one file for each input", cli_take_list,
     FILLS(calibration), .at_most = CLI_LIST_MAX},
    {"input", "FILE.npy", "other examples that judge the result, one file for each input (default: those of the calibration)",
     cli_take_list, FILLS(inputs), .at_most = CLI_LIST_MAX},
    {"labels", "FILE.npy", "labels of the examples that judge", cli_take_text, FILLS(labels)},
    {"precision", "P", "bits of weights and activations: w8a8, w4a8, w4a4 or w2a8: P, or LAYER=P,...,default=P", cli_take_text,
     FILLS(precision)},
    {"ranges", "METHOD", "how ranges of activations are chosen: ", take_word, FILLS(ranges), .words = range_words},
    {"percent", "P", "of --ranges percentile: how much of the numbers is inside (default 99.99)", take_percent, FILLS(percent)},
    {"rounding", "HOW", "how weights are rounded: ", take_word, FILLS(rounding), .words = rounding_words},
    {"iterations", "N", "of adaround, for each layer", cli_take_number, FILLS(iterations)},
    {"bias-correction", "HOW", "what biases make up for: ", take_word, FILLS(correction), .words = correction_words},
    {"equalize", NULL, "give the weights of layers in a row the same ranges first", cli_take_flag, FILLS(equalizes)},
    {"absorb", NULL, "let the layer behind a ReLU take over what large biases of the one before add always", cli_take_flag, FILLS(absorbs)},
    {"per-tensor", NULL, "one scale for all weights of a layer, not one a channel", cli_take_flag, FILLS(per_tensor)},
    {"symmetric", NULL, "activations with zero point 0", cli_take_flag, FILLS(symmetric)},
    {"power-of-two", NULL, "scales that are powers of two", cli_take_flag, FILLS(power_of_two)},
    {"seed", "N", "of what is drawn of the calibration (default 1)", cli_take_number, FILLS(seed)},
    {.group = cli_model_options, FILLS(model)},
    {0}};

static enum qm_status check_options(const struct quantize_options *options, struct qm_diag *diag) {
    bool of_percent = options->percent > 0 && options->ranges != QM_RANGES_PERCENTILE;
    if (options->output == NULL) return qm_fail(diag, QM_BAD_INPUT, "--output FILE.onnx: says where the quantized network goes; give it");
    if (options->calibration.count == 0)
        return qm_fail(diag, QM_BAD_INPUT, "--calibration FILE.npy: some hundred examples of the inputs; give them");
    if (options->precision == NULL) return qm_fail(diag, QM_BAD_INPUT, "--precision P: w8a8, w4a8, w4a4 or w2a8; give one");
    if (of_percent) return qm_fail(diag, QM_BAD_INPUT, "--percent %g: is of --ranges percentile", options->percent);
    if (options->iterations.is_given && (options->iterations.value < 1 || options->iterations.value > ITERATIONS_MAX))
        return qm_fail(diag, QM_BAD_INPUT, "--iterations %" PRIu64 ": must be 1 to %d", options->iterations.value, ITERATIONS_MAX);
    if (options->iterations.is_given && options->rounding != LEARNED)
        return qm_fail(diag, QM_BAD_INPUT, "--iterations %" PRIu64 ": is of --rounding adaround", options->iterations.value);
    QM_TRY(cli_check_float(&options->model, diag));
    return cli_check_writable(options->output, diag);
}

/* Of a step that has taken a while the time that is left, if the rest goes on as it did. */
static void show_progress(void *context, const struct qm_quantize_progress *progress) {
    struct session *session = context;
    time_t now = time(NULL);
    if (session->step != progress->what) session->step_begin = now;
    session->step = progress->what;
    double so_far = difftime(now, session->begin), in_step = difftime(now, session->step_begin);
    if (!session->shows_progress || so_far < PROGRESS_SECONDS) return;
    session->has_shown = true;
    fprintf(stderr, "\r\033[K%s: %" PRIu64 " of %" PRIu64 ", %.0f s so far", progress->what, progress->done + 1, progress->of, so_far);
    if (in_step >= PROGRESS_SECONDS && progress->share > 0)
        fprintf(stderr, ", %.0f s left for this step", in_step * (1 - progress->share) / progress->share);
}

/* ---- the report ---- */

static void print_share(double share, qm_cell out) {
    if (isnan(share))
        snprintf(out, QM_CELL_BYTES, "-");
    else
        snprintf(out, QM_CELL_BYTES, "%.1f %%", 100 * share);
}

static void print_steps(const struct qm_quantized *result) {
    const struct qm_column columns[] = {{"step", false}, {"SQNR", true}, {"gained", true}, {"agreement", true}, {"accuracy", true}};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    qm_cell cells[QM_QUANTIZE_STEPS_MAX + 1][COLUMNS] = {{"float", "-", "-", "-"}};
    print_share(result->float_accuracy, cells[0][4]);
    for (uint32_t i = 0; i < result->step_count; i++) {
        const struct qm_quantize_step *step = &result->steps[i];
        snprintf(cells[i + 1][0], QM_CELL_BYTES, "%s", step->name);
        snprintf(cells[i + 1][1], QM_CELL_BYTES, "%.2f dB", step->sqnr_db);
        double gained = i > 0 ? step->sqnr_db - result->steps[i - 1].sqnr_db : NAN;
        if (isfinite(gained)) snprintf(cells[i + 1][2], QM_CELL_BYTES, "%+.2f dB", gained);
        print_share(step->agreement, cells[i + 1][3]);
        print_share(step->accuracy, cells[i + 1][4]);
    }
    qm_cells_print(stdout, columns, COLUMNS, *cells, result->step_count + 1);
}

/* What was not done as asked for: of examples, and a line for each layer that has something to say. */
static void print_notes(const struct session *session, const struct qm_quantized *result) {
    if (result->learned_of > 0 && result->learned_of < session->calibration.view.count)
        printf("note     roundings and biases are learned of the first %" PRIu64 " examples: more do not fit into the memory for them\n",
               result->learned_of);
    for (uint32_t i = 0; i < result->layer_count; i++)
        if (result->layers[i].note != NULL)
            printf("note     layer %s: %s\n", qm_shown(result->layers[i].name).text, result->layers[i].note);
}

static void print_report(const struct session *session, const struct qm_quantized *result) {
    const struct quantize_options *options = &session->options;
    printf("%s: quantized to %s, %u layers, of %" PRIu64 " examples, judged on %s%" PRIu64 "\n", qm_shown(options->file).text,
           options->precision, result->layer_count, session->calibration.view.count, options->inputs.count > 0 ? "other " : "these ",
           options->inputs.count > 0 ? session->judged.view.count : session->calibration.view.count);
    printf("SQNR is of what goes into a last softmax, or of the first output, against the float network\n\n");
    print_steps(result);
    putchar('\n');
    print_notes(session, result);
    printf("written  %s\n", qm_shown(options->output).text);
}

/* ---- the command ---- */

static enum qm_status quantize(struct session *session, const struct qm_graph *graph, struct qm_diag *diag) {
    const struct quantize_options *options = &session->options;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct qm_quantize_options wanted = qm_quantize_defaults(options->precision);
    wanted.ranges = (enum qm_range_method)options->ranges;
    if (options->percent > 0) wanted.percent = options->percent;
    wanted.equalizes = options->equalizes;
    wanted.per_tensor = options->per_tensor;
    wanted.symmetric = options->symmetric;
    wanted.power_of_two = options->power_of_two;
    wanted.learns = options->rounding == LEARNED;
    wanted.correction = (enum qm_correction)options->correction;
    wanted.absorbs = options->absorbs;
    wanted.iterations = (uint32_t)options->iterations.value;
    wanted.seed = options->seed.value;
    wanted.threads = processors > 1 ? (uint32_t)processors : 1;
    wanted.progress = show_progress;
    wanted.context = session;
    struct qm_quantized *result;
    const struct cli_examples *judged = options->inputs.count > 0 ? &session->judged : &session->calibration;
    enum qm_status status = qm_quantize_network(graph, &wanted, &session->calibration.view, &judged->view, session->arena, &result, diag);
    if (session->has_shown) fprintf(stderr, "\r\033[K");
    QM_TRY(status);
    QM_TRY(qm_onnx_write(result->graph, options->output, diag));
    print_report(session, result);
    return QM_OK;
}

static enum qm_status run_all(struct session *session, struct qm_diag *diag) {
    struct quantize_options *options = &session->options;
    struct qm_graph *read, *graph;
    QM_TRY(qm_model_read(options->file, &options->model, session->arena, &read, diag));
    QM_TRY(qm_reals(read, session->arena, &graph, diag));
    QM_TRY(qm_onnx_check(graph, diag));
    session->ends = cli_ends_of(graph);
    QM_TRY(cli_examples_read(session->ends, &options->calibration, session->arena, &session->calibration, diag));
    if (options->inputs.count > 0) QM_TRY(cli_examples_read(session->ends, &options->inputs, session->arena, &session->judged, diag));
    struct cli_examples *judged = options->inputs.count > 0 ? &session->judged : &session->calibration;
    QM_TRY(cli_examples_label(session->ends, options->labels, session->arena, judged, diag));
    session->begin = time(NULL);
    session->shows_progress = isatty(STDERR_FILENO);
    return quantize(session, graph, diag);
}

static void begin(void *fields, struct qm_arena *arena) {
    struct session *session = fields;
    session->arena = arena;
    session->options.seed.value = qm_quantize_defaults(NULL).seed;
    session->options.ranges = qm_quantize_defaults(NULL).ranges;
    session->options.correction = qm_quantize_defaults(NULL).correction;
}

static enum qm_status run(const struct cli_line *line, void *fields, struct qm_diag *diag) {
    struct session *session = fields;
    QM_TRY(check_options(&session->options, diag));
    QM_TRY(cli_take_file(line, &session->options.file, diag));
    enum qm_status status = run_all(session, diag);
    cli_examples_free(&session->calibration);
    cli_examples_free(&session->judged);
    qm_program_destroy(session->ends);
    return status;
}

const struct cli_command cli_command_quantize = {
    .name = "quantize",
    .about = "make a quantized network of a float one",
    .usage =
        "usage: qmac quantize FLOAT --calibration X.npy --precision P -o OUT.onnx [options]\n"
        "Quantizes a float .tflite or .onnx network after training, and writes it as ONNX with QuantizeLinear and DequantizeLinear.\n\n",
    .options = option_rows,
    .size = sizeof(struct session),
    .begin = begin,
    .run = run};
