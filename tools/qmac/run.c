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
#include "report/compare.h"
#include "report/report.h"
#include "sim/timing/timing.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"
#include "tools/qmac/deviations.h"
#include "tools/qmac/run_float.h"
#include "tools/qmac/tensors.h"
#include "verify/rtl_builds.h"

enum { INPUTS_MAX = CLI_LIST_MAX, PROGRESS_SECONDS = 2 };

/* The formats of the report for files, numbered, their functions, and options that fill an array of file names. */
#define NUMBER(name, help) FORMAT_##name,
enum { QM_REPORT_FORMATS(NUMBER) FORMATS };
#define FUNCTION(name, help) qm_report_##name,
static char *(*const formats[])(const struct qm_report *report, struct qm_arena *arena) = {QM_REPORT_FORMATS(FUNCTION)};
#define ROW(name, help) {#name, "FILE", help, cli_take_text, .field = FORMAT_##name * sizeof(const char *)},
static const struct cli_option format_rows[] = {QM_REPORT_FORMATS(ROW){0}};

struct run_options {
    const char *file;
    struct cli_compilation compilation;
    const struct qm_device_ops *engine; /* NULL: choose_engine */
    struct cli_list inputs;
    const char *output, *labels, *energy; /* energy NULL: cmos45 */
    const char *reports[FORMATS];         /* files */
    struct cli_number seed, max_cycles;   /* max_cycles 0: the driver's own */
    double stalls;
    const char *compared; /* NULL: not with floating point */
    bool step;
};

/* All that the command makes; what is not NULL is freed at the end. */
struct session {
    struct run_options options;
    struct qm_arena *arena;
    const char *command;
    struct cli_program opened;
    struct qm_energy_table *energy;
    struct cli_inputs inputs;
    struct cli_outputs outputs;
    struct qm_npy labels;
    struct rtl_builds builds;
    const struct qm_rtl *rtl; /* NULL: another engine */
    struct qm_device *device;
    struct qm_run *run;
    uint64_t overflows, overflowing_examples; /* of the report's source */
    struct cli_deviations deviations;
    uint64_t example;
    time_t begin;
    bool shows_progress, has_shown, over_limit, has_no_result;
};

/* ---- options ---- */

static struct cli_word number_formats(unsigned index) {
    const char *name = qm_compare_name(index);
    return (struct cli_word){name, name != NULL ? NULL : "number format"};
}

static enum qm_status take_compare(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    unsigned index;
    *(const char **)field = value;
    return cli_find_word(number_formats, option->name, value, &index, diag);
}

#define FILLS(name) .field = offsetof(struct session, options.name)
static const struct cli_option option_rows[] = {
    {"input", "FILE.npy", "examples for an input, one file for each input (default: random)", cli_take_list, FILLS(inputs),
     .at_most = INPUTS_MAX},
    {"output", "DIR", "write the outputs as .npy files", cli_take_text, FILLS(output), .letter = 'o'},
    {"labels", "FILE.npy", "print how often the largest output is the label", cli_take_text, FILLS(labels)},
    {.group = format_rows, FILLS(reports)},
    {"energy", "NAME|FILE", "prices: spec/energy/NAME.yaml or a file, with +ADDITION behind it (default cmos45)", cli_take_text,
     FILLS(energy)},
    {"compare", "FORMAT", "set the cost of products and bytes beside that in floating point: ", take_compare, FILLS(compared),
     .words = number_formats},
    {"engine", "NAME", "", cli_take_engine, FILLS(engine), .words = cli_engines},
    {.group = cli_compilation_options, FILLS(compilation)},
    {"accept-error", NULL, "ONNX: take the machine's nearest where it is not exact, and report the deviation", cli_take_flag,
     FILLS(compilation.accept_error)},
    {"seed", "N", "of random inputs and stalls (default 1)", cli_take_number, FILLS(seed)},
    {"stalls", "P", "probability that a memory channel stalls in a cycle (default 0)", cli_take_probability, FILLS(stalls)},
    {"max-cycles", "N", "give up a step of the device that is busy for longer (default: many times its work)", cli_take_max_cycles,
     FILLS(max_cycles)},
    {"step", NULL, "step the cycle model through every cycle instead of skipping", cli_take_flag, FILLS(step)},
    {0}};

/* The engine that is fastest and has what is asked for. A program file may lack tokens that it needs: only an engine that steps shows what
 * becomes of its values then. */
static void choose_engine(struct session *session) {
    struct run_options *options = &session->options;
    bool steps = options->stalls > 0 || options->step || !session->opened.was_compiled;
    if (options->engine == NULL && session->opened.program->has_no_weights) options->engine = &qm_device_timing;
    if (options->engine == NULL) options->engine = steps ? &qm_device_cycle : &qm_device_fast;
}

/* An option that would do nothing on the engine is refused. */
static enum qm_status check_engine(const struct run_options *options, const struct qm_device_ops *engine, struct qm_diag *diag) {
    const char *of_values = options->inputs.count > 0           ? "--input"
                            : options->output != NULL           ? "--output"
                            : options->compilation.keep_layers  ? "--layers"
                            : options->compilation.accept_error ? "--accept-error"
                                                                : NULL;
    if (of_values != NULL && (engine->has & QM_HAS_VALUES) == 0)
        return qm_fail(diag, QM_BAD_INPUT, "%s: the %s engine computes no values: take --engine fast", of_values, engine->name);
    if (options->step && (engine->has & QM_HAS_STEPS) == 0)
        return qm_fail(diag, QM_BAD_INPUT, "--step: the %s engine does not step: take --engine cycle", engine->name);
    if (options->stalls > 0 && (engine->has & QM_HAS_STALLS) == 0)
        return qm_fail(diag, QM_BAD_INPUT, "--stalls %g: the %s engine knows no stalls: take --engine cycle", options->stalls,
                       engine->name);
    if (options->reports[FORMAT_trace] != NULL && (engine->has & QM_HAS_TIME) == 0)
        return qm_fail(diag, QM_BAD_INPUT, "--trace %s: the %s engine knows no time: take --engine fast", options->reports[FORMAT_trace],
                       engine->name);
    if (options->energy != NULL && (engine->has & QM_HAS_TIME) == 0)
        return qm_fail(diag, QM_BAD_INPUT, "--energy %s: the %s engine counts no energy: take --engine fast", options->energy,
                       engine->name);
    return QM_OK;
}

/* A float network has no machine, and nothing to round. */
static enum qm_status check_float(const struct run_options *options, struct qm_diag *diag) {
    const struct cli_compilation *compilation = &options->compilation;
    const char *of_a_machine = compilation->machine != NULL     ? "--machine"
                               : compilation->sets.count > 0    ? "--set"
                               : compilation->requant != NULL   ? "--requant"
                               : compilation->search != NULL    ? "--search"
                               : compilation->precision != NULL ? "--precision"
                               : compilation->keep_layers       ? "--layers"
                               : compilation->accept_error      ? "--accept-error"
                               : options->max_cycles.value > 0  ? "--max-cycles"
                               : options->reports[FORMAT_html]  ? "--html"
                                                                : NULL;
    if (of_a_machine == NULL) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: the %s engine has no machine and rounds nothing: leave it out", of_a_machine,
                   cli_engine_float.name);
}

/* Without weights there are no values: what wants some is refused. */
static enum qm_status check_weights(const struct session *session, struct qm_diag *diag) {
    const struct qm_program *program = session->opened.program;
    const struct qm_device_ops *engine = session->options.engine;
    if (!program->has_no_weights) return QM_OK;
    if ((engine->has & QM_HAS_VALUES) != 0) return cli_check_weights(program, engine->name, diag);
    return check_engine(&session->options, engine, diag);
}

/* Deviations are from the file's values. */
static enum qm_status check_accepted(const struct session *session, struct qm_diag *diag) {
    const struct cli_compilation *compilation = &session->options.compilation;
    bool overrides = qm_program_overrides(session->opened.program);
    const char *other = overrides ? "--requant" : compilation->precision != NULL ? "--precision" : NULL;
    if (!compilation->accept_error || other == NULL) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "--accept-error: with %s the values are not the file's, so that there is nothing to compare", other);
}

/* So is one that the others leave nothing to do. */
static enum qm_status check_combination(const struct run_options *options, struct qm_diag *diag) {
    if (options->labels != NULL && options->inputs.count == 0)
        return qm_fail(diag, QM_BAD_INPUT, "--labels %s: labels need --input", options->labels);
    if (options->engine != NULL) QM_TRY(check_engine(options, options->engine, diag));
    if (options->seed.is_given && options->engine != NULL && (options->engine->has & QM_HAS_VALUES) == 0)
        return qm_fail(diag, QM_BAD_INPUT, "--seed %" PRIu64 ": the %s engine has nothing that is random", options->seed.value,
                       options->engine->name);
    if (options->seed.is_given && options->inputs.count > 0 && options->stalls == 0)
        return qm_fail(diag, QM_BAD_INPUT, "--seed %" PRIu64 ": nothing is random with --input and without --stalls", options->seed.value);
    return QM_OK;
}

/* ---- the run ---- */

static enum qm_status prepare(struct session *session, struct qm_diag *diag) {
    const struct run_options *options = &session->options;
    for (int i = 0; i < FORMATS; i++)
        if (options->reports[i] != NULL) QM_TRY(cli_check_writable(options->reports[i], diag));
    if (options->output != NULL) QM_TRY(cli_check_folder(options->output, diag));
    QM_TRY(cli_open(options->file, &options->compilation, &session->opened, diag));
    QM_TRY(check_accepted(session, diag));
    choose_engine(session);
    QM_TRY(check_weights(session, diag));
    QM_TRY(qm_energy_load(options->energy != NULL ? options->energy : "cmos45", session->arena, &session->energy, diag));
    if ((options->engine->has & QM_HAS_TIME) != 0) QM_TRY(qm_energy_check(session->energy, &session->opened.machine, diag));
    const struct qm_program *program = session->opened.program;
    if (options->inputs.count > 0)
        QM_TRY(cli_inputs_read(program, options->inputs.items, options->inputs.count, &session->inputs, diag));
    else
        cli_inputs_random(program, options->seed.value, &session->inputs);
    if (options->labels != NULL) {
        if (program->output_count == 0) return qm_fail(diag, QM_BAD_INPUT, "--labels %s: the model has no output", options->labels);
        QM_TRY(cli_labels_read(program, options->labels, session->inputs.examples, &session->labels, diag));
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
    bool is_same = true;
    for (uint32_t stage = 0; stage < program->stage_count; stage++)
        for (int i = 0; i < QM_COUNTERS; i++)
            is_same = is_same &&
                      (qm_counter_infos[i].depends_on_values || run->counters[stage].value[i] == session->run->counters[stage].value[i]);
    if (is_same) return QM_OK;
    return qm_fail(diag, QM_INTERNAL, "%s:example %" PRIu64 ": costs other cycles or events than the first: the %s engine depends on data",
                   program->model, session->example, session->options.engine->name);
}

static void count_overflows(struct session *session, const struct qm_run *run) {
    uint64_t overflows = 0;
    for (uint32_t stage = 0; stage < session->opened.program->stage_count; stage++)
        overflows += run->counters[stage].value[QM_C_acc_overflows];
    session->overflows += overflows;
    session->overflowing_examples += overflows > 0;
}

static enum qm_status run_example(struct session *session, struct qm_run *run, struct qm_diag *diag) {
    const struct qm_program *program = session->opened.program;
    struct qm_driver_options options = {.progress = show_progress,
                                        .context = session,
                                        .limit_cycles = session->options.max_cycles.value,
                                        .machine = &session->opened.machine,
                                        .stalls = session->options.stalls};
    struct cli_outputs *outputs = &session->outputs;
    for (uint32_t i = 0; i < program->input_count; i++)
        qm_driver_write_tensor(session->device, program, i, session->inputs.data[i] + session->example * program->tensors[i].size_bytes);
    enum qm_status status = qm_driver_run(session->device, program, &options, run, diag);
    session->over_limit = run->over_limit;
    session->has_no_result = run->has_no_result;
    if (status != QM_OK) return status;
    for (uint32_t i = 0; i < outputs->count; i++) {
        uint32_t tensor = outputs->first + i;
        qm_driver_read_tensor(session->device, program, tensor, outputs->data[i] + session->example * program->tensors[tensor].size_bytes);
    }
    show_progress(session, 0);
    count_overflows(session, run);
    return check_same_cost(session, run, diag);
}

static enum qm_status run_examples(struct session *session, struct qm_diag *diag) {
    const struct run_options *options = &session->options;
    const struct qm_program *program = session->opened.program;
    struct qm_device_options device = {.seed = options->seed.value, .stalls = options->stalls, .step = options->step};
    bool keeps_all = options->compilation.keep_layers;
    qm_driver_memory(program, &device);
    if (options->engine == &qm_device_rtl) {
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
    return cli_deviations_measure(&session->opened, &session->inputs, session->arena, &session->deviations, diag);
}

/* Cycles of the program on a DRAM of that rate, behind a bus that carries it; 0: there is no such machine, or the run does not end. */
static uint64_t cycles_at(const struct session *session, uint32_t bytes_per_cycle) {
    const struct qm_program *program = session->opened.program;
    struct qm_machine machine = session->opened.machine;
    struct qm_diag diag;
    struct qm_insn_time *times = QM_ARENA_NEW(session->arena, struct qm_insn_time, program->insn_count);
    uint64_t cycles = 0;
    machine.dram_bytes_per_cycle = bytes_per_cycle;
    if (machine.axi_bytes < bytes_per_cycle) machine.axi_bytes = bytes_per_cycle;
    if (session->options.stalls > 0 || qm_machine_check(&machine, &diag) != QM_OK) return 0;
    for (uint32_t i = 0; i < program->stage_count; i++) {
        if (program->stages[i].on_host || program->stages[i].insn_count == 0) continue;
        struct qm_timing_words words = qm_timing_stage(program, &program->stages[i], &machine);
        struct qm_timing_result result;
        qm_timing_words(&words, times, &result);
        if (result.is_long || result.error != QM_ERROR_NONE) return 0;
        cycles += result.cycles;
    }
    return cycles;
}

static enum qm_status write_results(struct session *session, struct qm_diag *diag) {
    const struct run_options *options = &session->options;
    const struct qm_program *program = session->opened.program;
    bool labelled = options->labels != NULL;
    uint32_t bandwidth = session->opened.machine.dram_bytes_per_cycle;
    struct qm_report *report;
    struct qm_report_source source = {
        .program = program,
        .machine = &session->opened.machine,
        .run = session->run,
        .energy = session->energy,
        .engine = options->engine->name,
        .command = session->command,
        .verilog_folder = session->rtl != NULL ? session->rtl->folder : NULL,
        .verilog_sha256 = session->rtl != NULL ? session->rtl->digest.text : NULL,
        .examples = session->inputs.examples,
        .labelled = labelled ? session->inputs.examples : 0,
        .correct = labelled ? cli_labels_count(program, &session->outputs, &session->labels) : 0,
        .seed = options->seed.value,
        .stalls = options->stalls,
        .half_bandwidth_cycles = session->run->timed && bandwidth % 2 == 0 ? cycles_at(session, bandwidth / 2) : 0,
        .double_bandwidth_cycles = session->run->timed ? cycles_at(session, 2 * bandwidth) : 0,
        .compared = options->compared,
        .overflows = session->overflows,
        .overflowing_examples = session->overflowing_examples,
        .random_input = options->inputs.count == 0 && session->run->has_values,
        .accepts_error = options->compilation.accept_error,
        .deviation_count = session->deviations.count,
        .deviations = session->deviations.items,
    };
    QM_TRY(qm_report_make(&source, session->arena, &report, diag));
    if (options->output != NULL) QM_TRY(cli_outputs_write(program, &session->outputs, session->inputs.stacking, options->output, diag));
    for (int i = 0; i < FORMATS; i++) {
        if (options->reports[i] == NULL) continue;
        const char *text = formats[i](report, session->arena);
        QM_TRY(qm_file_write(options->reports[i], text, strlen(text), diag));
    }
    fputs(qm_report_table(report, session->arena), stdout);
    return QM_OK;
}

/* Whether a refusal is a fault of ours: a program that was compiled just now must run, unless it reaches a limit that was asked for, or its
 * inputs lead to numbers that an operator of the host has no result for, as a division by zero. */
static bool is_our_fault(const struct session *session) {
    bool limited = session->options.max_cycles.value > 0 && session->over_limit;
    return session->opened.was_compiled && session->run != NULL && !limited && !session->has_no_result;
}

static enum qm_status run_all(struct session *session, struct qm_diag *diag) {
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
    qm_program_destroy(session->opened.comparison);
}

static enum qm_status run_float(const struct session *session, struct qm_diag *diag) {
    const struct run_options *options = &session->options;
    QM_TRY(check_float(options, diag));
    return cli_run_float(&(struct cli_float_run){.file = options->file,
                                                 .model = &options->compilation.model,
                                                 .inputs = &options->inputs,
                                                 .output = options->output,
                                                 .labels = options->labels,
                                                 .json = options->reports[FORMAT_json],
                                                 .seed = options->seed.value},
                         session->arena, diag);
}

static void begin(void *fields, struct qm_arena *arena) {
    struct session *session = fields;
    session->arena = session->builds.arena = arena;
    session->options.seed.value = 1;
}

static enum qm_status run(const struct cli_line *line, void *fields, struct qm_diag *diag) {
    struct session *session = fields;
    QM_TRY(check_combination(&session->options, diag));
    QM_TRY(cli_take_file(line, &session->options.file, diag));
    if (session->options.engine == &cli_engine_float) return run_float(session, diag);
    session->command = cli_command_text(line);
    enum qm_status status = run_all(session, diag);
    end_session(session);
    return status;
}

const struct cli_command cli_command_run = {
    .name = "run",
    .about = "run a network: outputs, cycles, energy",
    .usage = "usage: qmac run MODEL|PROGRAM [options]\n"
             "Runs a .tflite or .onnx network or a compiled program, and prints cycles and energy for each layer.\n\n",
    .options = option_rows,
    .size = sizeof(struct session),
    .begin = begin,
    .run = run};
