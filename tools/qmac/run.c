/* run.c - qmac run: compile or load, run every example, report.
 * Everything that can be wrong with the options and files is found before the run. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/file.h"
#include "driver/driver.h"
#include "report/report.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"
#include "verify/rtl_builds.h"
#include "tools/qmac/tensors.h"

static const char help[] = "usage: qmac run MODEL|PROGRAM [options]\n"
                           "Runs a .tflite or .onnx network or a compiled program, and prints cycles and energy for each layer.\n\n"
                           "  --input FILE.npy      examples for an input, one file for each input (default: random)\n"
                           "  --output DIR          write the outputs as .npy files\n"
                           "  --labels FILE.npy     print how often the largest output is the label\n"
                           "  --json FILE           write the report as JSON\n"
                           "  --energy NAME|FILE    prices: spec/energy/NAME.yaml, or a file (default cmos45)\n"
                           "  --engine NAME         cycle (default), rtl, systemc, functional (values only)\n" CLI_BUILD_HELP
                           "  --seed N              of random inputs and stalls (default 1)\n"
                           "  --stalls P            probability that a memory channel stalls in a cycle (default 0)\n"
                           "  --max-cycles N        give up a step of the device that is busy for longer (default: many times its work)\n"
                           "  --step                step the cycle model through every cycle instead of skipping\n";

enum { INPUTS_MAX = 32, PROGRESS_SECONDS = 2 };

struct run_options {
    const char *file;
    struct cli_build build;
    const struct qm_device_ops *engine;
    const char *inputs[INPUTS_MAX];
    unsigned input_count;
    const char *output, *labels, *json, *energy; /* energy NULL: cmos45 */
    uint64_t seed, max_cycles;                   /* max_cycles 0: the driver's own */
    double stalls;
    bool step, wants_help, has_seed;
};

/* All that a run makes; what is not NULL is freed at the end. */
struct session {
    struct run_options options;
    struct qm_arena *arena;
    struct cli_program opened;
    struct qm_energy_table *energy;
    struct cli_inputs inputs;
    struct cli_outputs outputs;
    struct qm_npy labels;
    struct rtl_builds builds;
    const struct qm_rtl *rtl; /* NULL: another engine */
    struct qm_device *device;
    struct qm_run *run;
    uint64_t example;
    time_t begin;
    bool shows_progress, has_shown, over_limit;
};

/* ---- options ---- */

static enum qm_status take_option(struct run_options *options, int option, struct qm_diag *diag) {
    bool taken;
    switch (option) {
    case 'i':
        if (options->input_count == INPUTS_MAX) return qm_fail(diag, QM_BAD_INPUT, "--input %s: more than %d of them", optarg, INPUTS_MAX);
        options->inputs[options->input_count++] = optarg;
        return QM_OK;
    case 'o': options->output = optarg; return QM_OK;
    case 'l': options->labels = optarg; return QM_OK;
    case 'j': options->json = optarg; return QM_OK;
    case 'e': options->energy = optarg; return QM_OK;
    case 'n': return cli_parse_engine(optarg, &options->engine, diag);
    case 'S': options->has_seed = true; return cli_parse_number("seed", optarg, &options->seed, diag);
    case 'M': return cli_parse_max_cycles(optarg, &options->max_cycles, diag);
    case 'P': return cli_parse_probability("stalls", optarg, &options->stalls, diag);
    case 't': options->step = true; return QM_OK;
    case 'h': options->wants_help = true; return QM_OK;
    default: return cli_build_option(&options->build, option, optarg, &taken, diag);
    }
}

/* An option that would do nothing is refused. */
static enum qm_status check_combination(const struct run_options *options, struct qm_diag *diag) {
    bool has_time = options->engine != &qm_device_functional;
    if (options->labels != NULL && options->input_count == 0)
        return qm_fail(diag, QM_BAD_INPUT, "--labels %s: labels need --input", options->labels);
    if (options->step && options->engine != &qm_device_cycle)
        return qm_fail(diag, QM_BAD_INPUT, "--step: only the cycle engine skips cycles: leave it out, or --engine %s",
                       options->engine->name);
    if (options->stalls > 0 && !has_time)
        return qm_fail(diag, QM_BAD_INPUT, "--stalls %g: the functional engine has no time in which to stall", options->stalls);
    if (options->energy != NULL && !has_time)
        return qm_fail(diag, QM_BAD_INPUT, "--energy %s: the functional engine counts no energy", options->energy);
    if (options->has_seed && options->input_count > 0 && options->stalls == 0)
        return qm_fail(diag, QM_BAD_INPUT, "--seed %" PRIu64 ": nothing is random with --input and without --stalls", options->seed);
    return QM_OK;
}

static enum qm_status parse_options(int argc, char **argv, struct run_options *options, struct qm_diag *diag) {
    static const struct option table[] = {{"input", required_argument, NULL, 'i'},
                                          {"output", required_argument, NULL, 'o'},
                                          {"labels", required_argument, NULL, 'l'},
                                          {"json", required_argument, NULL, 'j'},
                                          {"energy", required_argument, NULL, 'e'},
                                          {"engine", required_argument, NULL, 'n'},
                                          {"seed", required_argument, NULL, 'S'},
                                          {"stalls", required_argument, NULL, 'P'},
                                          {"step", no_argument, NULL, 't'},
                                          {"max-cycles", required_argument, NULL, 'M'},
                                          {"help", no_argument, NULL, 'h'},
                                          CLI_BUILD_OPTIONS,
                                          {NULL, 0, NULL, 0}};
    int option;
    *options = (struct run_options){.engine = &qm_device_cycle, .seed = 1};
    for (;;) {
        QM_TRY(cli_next_option(argc, argv, table, &option, diag));
        if (option == -1) break;
        QM_TRY(take_option(options, option, diag));
        if (options->wants_help) return QM_OK;
    }
    QM_TRY(check_combination(options, diag));
    return cli_take_file(argc, argv, &options->file, diag);
}

/* ---- the run ---- */

static enum qm_status prepare(struct session *session, struct qm_diag *diag) {
    const struct run_options *options = &session->options;
    if (options->json != NULL) QM_TRY(cli_check_writable(options->json, diag));
    if (options->output != NULL) QM_TRY(cli_check_folder(options->output, diag));
    QM_TRY(cli_open(options->file, &options->build, &session->opened, diag));
    QM_TRY(qm_energy_load(options->energy != NULL ? options->energy : "cmos45", session->arena, &session->energy, diag));
    const struct qm_program *program = session->opened.program;
    if (options->input_count > 0)
        QM_TRY(cli_inputs_read(program, options->inputs, options->input_count, &session->inputs, diag));
    else
        cli_inputs_random(program, options->seed, &session->inputs);
    if (options->labels != NULL) {
        if (program->output_count == 0 || program->tensors[program->input_count].dtype == QM_F32)
            return qm_fail(diag, QM_BAD_INPUT, "--labels %s: the model has no integer output", options->labels);
        QM_TRY(cli_labels_read(options->labels, session->inputs.examples, &session->labels, diag));
    }
    return options->output != NULL ? cli_prepare_folder(options->output, diag) : QM_OK;
}

static bool show_progress(void *context, uint64_t cycles) {
    struct session *session = context;
    if (!session->shows_progress || time(NULL) - session->begin < PROGRESS_SECONDS) return true;
    session->has_shown = true;
    fprintf(stderr, "\r\033[Kexample %" PRIu64 " of %" PRIu64 ", cycle %" PRIu64, session->example + 1, session->inputs.examples, cycles);
    return true;
}

static void clear_progress(const struct session *session) {
    if (session->has_shown) fprintf(stderr, "\r\033[K");
}

/* Time depends on the program alone: an example that costs other counts shows a fault of the engine. */
static enum qm_status check_same_cost(const struct session *session, const struct qm_run *run, struct qm_diag *diag) {
    const struct qm_program *program = session->opened.program;
    if (memcmp(run->counters, session->run->counters, program->stage_count * sizeof *run->counters) == 0) return QM_OK;
    return qm_fail(diag, QM_INTERNAL, "%s:example %" PRIu64 ": costs other cycles or events than the first: the %s engine depends on data",
                   program->model, session->example, session->options.engine->name);
}

static enum qm_status run_example(struct session *session, struct qm_run *run, struct qm_diag *diag) {
    const struct qm_program *program = session->opened.program;
    struct qm_driver_options options = {.progress = show_progress,
                                        .context = session,
                                        .limit_cycles = session->options.max_cycles,
                                        .machine = &session->opened.machine,
                                        .stalls = session->options.stalls};
    struct cli_outputs *outputs = &session->outputs;
    for (uint32_t i = 0; i < program->input_count; i++)
        qm_driver_write_tensor(session->device, program, i, session->inputs.data[i] + session->example * program->tensors[i].size_bytes);
    enum qm_status status = qm_driver_run(session->device, program, &options, run, diag);
    session->over_limit = run->over_limit;
    if (status != QM_OK) return status;
    for (uint32_t i = 0; i < outputs->count; i++) {
        uint32_t tensor = outputs->first + i;
        qm_driver_read_tensor(session->device, program, tensor, outputs->data[i] + session->example * program->tensors[tensor].size_bytes);
    }
    show_progress(session, 0);
    return check_same_cost(session, run, diag);
}

static enum qm_status run_examples(struct session *session, struct qm_diag *diag) {
    const struct run_options *options = &session->options;
    const struct qm_program *program = session->opened.program;
    struct qm_device_options device = {.seed = options->seed, .stalls = options->stalls, .step = options->step};
    bool keeps_all = options->build.keep_layers;
    qm_driver_memory(program, &device);
    if (options->engine == &qm_device_rtl) {
        session->builds.arena = session->arena;
        QM_TRY(rtl_builds_get(&session->builds, &session->opened.machine, false, &session->rtl, diag));
        device.rtl_library = session->rtl->library;
    }
    QM_TRY(options->engine->create(&session->opened.machine, &device, &session->device, diag));
    QM_TRY(qm_driver_load(session->device, program, diag));
    cli_outputs_init(program, keeps_all, session->inputs.examples, &session->outputs);
    session->run = qm_run_create(program, session->arena);
    struct qm_run *others = qm_run_create(program, session->arena);
    for (session->example = 0; session->example < session->inputs.examples; session->example++)
        QM_TRY(run_example(session, session->example == 0 ? session->run : others, diag));
    return QM_OK;
}

static enum qm_status write_results(struct session *session, struct qm_diag *diag) {
    const struct run_options *options = &session->options;
    const struct qm_program *program = session->opened.program;
    bool labelled = options->labels != NULL;
    struct qm_report *report;
    struct qm_report_source source = {
        .program = program,
        .machine = &session->opened.machine,
        .run = session->run,
        .energy = session->energy,
        .engine = options->engine->name,
        .verilog_folder = session->rtl != NULL ? session->rtl->folder : NULL,
        .verilog_sha256 = session->rtl != NULL ? session->rtl->digest.text : NULL,
        .examples = session->inputs.examples,
        .labelled = labelled ? session->inputs.examples : 0,
        .correct = labelled ? cli_labels_count(program, &session->outputs, &session->labels) : 0,
        .seed = options->seed,
        .stalls = options->stalls,
        .random_input = options->input_count == 0,
    };
    QM_TRY(qm_report_make(&source, session->arena, &report, diag));
    if (options->output != NULL) QM_TRY(cli_outputs_write(program, &session->outputs, session->inputs.stacking, options->output, diag));
    const char *json = qm_report_json(report, session->arena);
    if (options->json != NULL) QM_TRY(qm_file_write(options->json, json, strlen(json), diag));
    fputs(qm_report_table(report, session->arena), stdout);
    return QM_OK;
}

/* A program that we made just now must not be refused by the machine, but for a limit that was asked for. */
static bool is_our_fault(const struct session *session) {
    bool limited = session->options.max_cycles > 0 && session->over_limit;
    return session->opened.was_compiled && session->run != NULL && !limited;
}

static enum qm_status run_session(struct session *session, struct qm_diag *diag) {
    QM_TRY(prepare(session, diag));
    session->begin = time(NULL);
    session->shows_progress = isatty(STDERR_FILENO);
    enum qm_status status = run_examples(session, diag);
    clear_progress(session);
    if (status == QM_BAD_INPUT && is_our_fault(session)) return QM_INTERNAL;
    if (status != QM_OK) return status;
    return write_results(session, diag);
}

static void end_session(struct session *session) {
    if (session->device != NULL) session->device->ops->destroy(session->device);
    cli_outputs_free(&session->outputs);
    cli_inputs_free(&session->inputs);
    qm_npy_free(&session->labels);
    qm_program_destroy(session->opened.program);
    qm_arena_destroy(session->arena);
}

int qm_cmd_run(int argc, char **argv) {
    struct session session = {0};
    struct qm_diag diag;
    enum qm_status status = parse_options(argc, argv, &session.options, &diag);
    if (status == QM_OK && session.options.wants_help) return fputs(help, stdout) < 0;
    if (status != QM_OK) return cli_fail(status, &diag);
    session.arena = qm_arena_create();
    status = run_session(&session, &diag);
    end_session(&session);
    return cli_fail(status, &diag);
}
