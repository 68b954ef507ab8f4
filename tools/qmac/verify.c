/* verify.c - qmac verify: the C model and the RTL in lockstep, on a network or on random programs. Exit status 0 only when all is equal. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/text.h"
#include "driver/driver.h"
#include "sim/lockstep/lockstep.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"
#include "tools/qmac/tensors.h"
#include "verify/agreement.h"
#include "verify/difference.h"
#include "verify/endurance.h"
#include "verify/shrink.h"
#include "verify/surroundings.h"
#include "verify/verify_random.h"

enum { INPUTS_MAX = CLI_LIST_MAX };

struct verify_options {
    const char *file; /* NULL: random programs */
    const struct cli_line *line;
    struct cli_compilation compilation;
    struct cli_list inputs;
    struct cli_number random, seed, jobs, max_cycles;
    double stalls;
    const char *waves_dir, *shrink_file, *corpus, *json;
    struct rtl_builds builds;
    struct qm_machine machine; /* of all but a TEST.prog */
    struct agreement agreement;
    bool probed;
    struct qm_arena *arena;
};

/* The command that finds a difference again runs in one process and only looks for it; it names a random program by its seed. */
#define FILLS(name) .field = offsetof(struct verify_options, name)
static const struct cli_option option_rows[] = {
    {"random", "N", "N random programs instead of a network", cli_take_number, FILLS(random), .not_again = CLI_ALL},
    {"input", "FILE.npy", "examples for an input, one file for each input (default: one, random)", cli_take_list, FILLS(inputs),
     .at_most = INPUTS_MAX, .not_for = CLI_TEXT | CLI_RANDOM},
    {.group = cli_compilation_options, FILLS(compilation)},
    {"seed", "N", "of random programs, inputs and stalls (default 1); a corpus that was begun goes on where it was", cli_take_number,
     FILLS(seed), .not_for = CLI_TEXT, .not_again = CLI_RANDOM},
    {"stalls", "P", "probability that a memory channel stalls in a cycle (default 0)", cli_take_probability, FILLS(stalls),
     .not_for = CLI_TEXT},
    {"jobs", "J", "processes for random programs (default 1)", cli_take_number, FILLS(jobs), .not_for = CLI_NETWORK | CLI_TEXT,
     .not_again = CLI_ALL},
    {"corpus", "DIR",
     "keep interesting random programs and how far it came there; a second run with the same\n"
     "DIR runs them again and goes on with the next seed. SIGINT and SIGTERM stop and save",
     cli_take_text, FILLS(corpus), .not_for = CLI_NETWORK | CLI_TEXT, .not_again = CLI_ALL},
    {"max-cycles", "N", "give up a run that is busy for longer (default: many times its work): nothing was shown then", cli_take_max_cycles,
     FILLS(max_cycles)},
    {"probe", NULL, "compare the signals between the blocks from the start (slower)", cli_take_flag, FILLS(probed)},
    {"shrink", "FILE.prog", "reduce a failing random program or TEST.prog, and save it as a program test", cli_take_text,
     FILLS(shrink_file), .not_for = CLI_NETWORK, .not_again = CLI_ALL},
    {"rtl", "DIR", "Verilog to compare instead of rtl/", cli_take_text, FILLS(builds.folder)},
    {"cells", NULL, "with the array of cells that is synthesized, not the form of it that simulates fast", cli_take_flag,
     FILLS(builds.cells)},
    {"json", "FILE", "write the outcome as JSON, when model and RTL are equal and when they differ", cli_take_text, FILLS(json),
     .not_again = CLI_ALL},
    {"waves", "DIR", "where waveforms of a difference go (default qmac-waves)", cli_take_text, FILLS(waves_dir), .not_again = CLI_ALL},
    {0}};

/* ---- options ---- */

static enum cli_subject subject_of(const struct verify_options *options) {
    return options->random.is_given ? CLI_RANDOM : qm_text_ends_in(options->file, ".prog") ? CLI_TEXT : CLI_NETWORK;
}

/* The options as they were given, but for those that finding the subject's difference again does not need. */
static const char *options_again(const struct verify_options *options, enum cli_subject subject) {
    const char *all = "";
    for (unsigned i = 0; i < options->line->given_count; i++) {
        const struct cli_given *given = &options->line->given[i];
        if (((given->option.not_for | given->option.not_again) & subject) != 0) continue;
        const char *word = given->value != NULL ? difference_word(options->arena, given->value) : "";
        all = qm_arena_printf(options->arena, "%s --%s%s", all, given->option.name, word);
    }
    return all;
}

/* An option that would do nothing is refused. */
static enum qm_status check_use(const struct verify_options *options, struct qm_diag *diag) {
    static const char *const whys[] = {[CLI_NETWORK] = "is only for random programs (--shrink also for a TEST.prog)",
                                       [CLI_TEXT] = "has no use here: a TEST.prog names its machine, memories, seed and stalls",
                                       [CLI_RANDOM] = "has no use with --random: no network is compiled or run"};
    enum cli_subject subject = subject_of(options);
    for (unsigned i = 0; i < options->line->given_count; i++) {
        const struct cli_option *option = &options->line->given[i].option;
        if (option->not_for & subject) return qm_fail(diag, QM_BAD_INPUT, "--%s: %s: leave it out", option->name, whys[subject]);
    }
    if (subject != CLI_NETWORK || !options->seed.is_given || options->inputs.count == 0 || options->stalls > 0) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "--seed: nothing is random with --input and without --stalls: leave it out");
}

/* Checks what is asked for, and where something is to be written, before anything is built or run. */
static enum qm_status check_options(struct verify_options *options, struct qm_diag *diag) {
    bool is_random = options->random.is_given;
    if (!is_random) QM_TRY(cli_take_file(options->line, &options->file, diag));
    if (is_random && options->line->file_count > 0)
        return qm_fail(diag, QM_BAD_INPUT, "%s: --random takes no file", options->line->files[0]);
    QM_TRY(check_use(options, diag));
    if (is_random && options->random.value == 0)
        return qm_fail(diag, QM_BAD_INPUT, "--random 0: nothing would be compared: give 1 or more");
    if (options->jobs.value < 1 || options->jobs.value > QM_ENDURANCE_JOBS_MAX)
        return qm_fail(diag, QM_BAD_INPUT, "--jobs %" PRIu64 ": give 1 to %d", options->jobs.value, QM_ENDURANCE_JOBS_MAX);
    if (options->shrink_file != NULL) QM_TRY(cli_check_writable(options->shrink_file, diag));
    if (options->json != NULL) QM_TRY(cli_check_writable(options->json, diag));
    if (options->waves_dir != NULL) return cli_check_folder(options->waves_dir, diag);
    options->waves_dir = "qmac-waves";
    return QM_OK;
}

/* ---- programs ---- */

static struct qm_verify_random verify_of(struct verify_options *options, const struct qm_machine *machine) {
    return (struct qm_verify_random){.machine = machine,
                                     .model = &qm_device_cycle,
                                     .rtl = &qm_device_rtl,
                                     .stalls = options->stalls,
                                     .max_cycles = options->max_cycles.value,
                                     .probed = options->probed,
                                     .builds = &options->builds,
                                     .waves_dir = options->waves_dir};
}

static enum qm_status verify_random(struct verify_options *options, struct qm_diag *diag) {
    QM_TRY(cli_machine(&options->compilation, &options->machine, diag));
    struct qm_verify_random verify = verify_of(options, &options->machine);
    options->agreement.what = "random programs";
    options->agreement.machine = &options->machine;
    struct qm_endurance endurance = {.count = options->random.value,
                                     .seed = options->seed.value,
                                     .jobs = options->jobs.value,
                                     .corpus = options->corpus,
                                     .random_options = options_again(options, CLI_RANDOM),
                                     .file_options = options_again(options, CLI_TEXT),
                                     .shrink_file = options->shrink_file,
                                     .agreement = &options->agreement};
    return qm_endurance_run(&endurance, &verify, diag);
}

/* Tells of a difference in the file that the command line names. */
static void tell_found(const struct verify_options *options, const char *arguments, const struct qm_diag *difference) {
    difference_tell(difference, qm_arena_printf(options->arena, "%s%s", difference_word(options->arena, options->file), arguments));
}

static void found_in_text(void *context, const struct qm_program_text *program, const struct qm_diag *difference) {
    const struct verify_options *options = context;
    (void)program;
    tell_found(options, options_again(options, CLI_TEXT), difference);
}

static enum qm_status verify_text(struct verify_options *options, struct qm_diag *diag) {
    struct agreement *agreement = &options->agreement;
    struct qm_program_text *program;
    struct qm_diag problem;
    double begin = qm_seconds();
    QM_TRY(qm_program_text_read(options->file, options->arena, &program, diag));
    struct qm_verify_random verify = verify_of(options, &program->machine);
    agreement->what = program->file;
    agreement->machine = &program->machine;
    agreement->wanted = 1;
    verify.found = found_in_text;
    verify.context = options;
    enum qm_status status = qm_verify_text(&verify, program, &agreement->stats, diag);
    if (status == QM_MISMATCH && options->shrink_file != NULL && qm_shrink(&verify, program, options->shrink_file, &problem) != QM_OK)
        difference_tell_late("it is not reduced", &problem);
    if (status != QM_OK) return status;
    agreement->runs = agreement->stats.runs;
    agreement->seconds = qm_seconds() - begin;
    return agreement_print(agreement, diag);
}

/* ---- a network ---- */

/* A compiled network with its examples. */
struct subject {
    struct verify_options *options;
    struct cli_program opened;
    struct cli_inputs inputs;
    uint64_t example; /* that runs */
};

/* Tells the driver to go on waiting: not after a difference, for then no time passes for the pair. */
static bool has_no_difference(void *context, uint64_t cycles) {
    (void)cycles;
    return qm_lockstep_difference(context) == NULL;
}

static enum qm_status run_examples(struct qm_device *pair, struct subject *subject, struct qm_diag *diag) {
    const struct qm_program *program = subject->opened.program;
    struct qm_driver_options driver = {.limit_cycles = subject->options->max_cycles.value,
                                       .machine = &subject->opened.machine,
                                       .stalls = subject->options->stalls,
                                       .progress = has_no_difference,
                                       .context = pair};
    QM_TRY(qm_driver_load(pair, program, diag));
    for (subject->example = 0; subject->example < subject->inputs.examples; subject->example++) {
        for (uint32_t i = 0; i < program->input_count; i++)
            qm_driver_write_tensor(pair, program, i, subject->inputs.data[i] + subject->example * program->tensors[i].size_bytes);
        QM_TRY(qm_driver_run(pair, program, &driver, NULL, diag));
    }
    qm_lockstep_compare_memories(pair);
    return QM_OK;
}

/* Puts the difference into one line with the example and where its bytes are from. */
static enum qm_status name_difference(const struct subject *subject, const char *difference, struct qm_diag *diag) {
    char inputs[60] = "of --input";
    if (subject->options->inputs.count == 0) snprintf(inputs, sizeof inputs, "random, seed %" PRIu64, subject->options->seed.value);
    uint64_t last = subject->inputs.examples - 1, example = subject->example < last ? subject->example : last;
    return qm_fail(diag, QM_MISMATCH, "%s on %s, example %" PRIu64 " (%s): model and RTL differ: %s", subject->opened.program->model,
                   subject->opened.machine.name, example, inputs, difference);
}

/* Runs the examples on the pair. After a difference the driver sees a device that does not answer; the difference is the result then. */
static enum qm_status verify_on_pair(struct qm_device *pair, struct subject *subject, bool is_second, struct qm_diag *diag) {
    double begin = qm_seconds();
    enum qm_status status = run_examples(pair, subject, diag);
    const char *difference = qm_lockstep_difference(pair);
    subject->options->agreement.seconds = qm_seconds() - begin;
    subject->options->agreement.stats = qm_lockstep_stats(pair);
    if (difference == NULL) return status;
    struct qm_lockstep_surroundings around = qm_lockstep_surroundings(pair);
    struct surroundings_program run = surroundings_of_program(subject->opened.program, &around);
    status = name_difference(subject, difference, diag);
    if (!is_second) tell_found(subject->options, options_again(subject->options, CLI_NETWORK), diag);
    surroundings_report(pair, &run, subject->options->waves_dir);
    return status;
}

static enum qm_status verify_once(struct subject *subject, bool probed, bool is_second, struct qm_diag *diag) {
    struct verify_options *options = subject->options;
    struct qm_device_options device = {.seed = options->seed.value, .stalls = options->stalls, .probed = probed};
    const struct qm_rtl *rtl;
    struct qm_device *pair;
    QM_TRY(rtl_builds_get(&options->builds, &subject->opened.machine, probed, &rtl, diag));
    device.rtl_library = rtl->library;
    qm_driver_memory(subject->opened.program, &device);
    QM_TRY(qm_lockstep_create(&qm_device_cycle, &qm_device_rtl, &subject->opened.machine, &device, &pair, diag));
    enum qm_status status = verify_on_pair(pair, subject, is_second, diag);
    pair->ops->destroy(pair);
    return status;
}

/* Runs the examples again on a pair that compares the signals between the blocks: *diag then says where the difference begins. */
static void locate(struct subject *subject, struct qm_diag *diag) {
    struct qm_diag second;
    enum qm_status status = verify_once(subject, true, true, &second);
    difference_take_second(status, &second, diag);
}

static uint64_t device_stages(const struct qm_program *program) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < program->stage_count; i++) count += !program->stages[i].on_host && program->stages[i].insn_count > 0;
    return count;
}

static enum qm_status read_inputs(struct subject *subject, struct qm_diag *diag) {
    const struct verify_options *options = subject->options;
    if (options->inputs.count > 0)
        return cli_inputs_read(subject->opened.program, options->inputs.items, options->inputs.count, &subject->inputs, diag);
    cli_inputs_random(subject->opened.program, options->seed.value, &subject->inputs);
    return QM_OK;
}

static enum qm_status verify_program(struct subject *subject, struct qm_diag *diag) {
    const struct qm_program *program = subject->opened.program;
    QM_TRY(read_inputs(subject, diag));
    uint64_t wanted = device_stages(program) * subject->inputs.examples;
    if (wanted == 0) return qm_fail(diag, QM_BAD_INPUT, "%s: nothing would be compared: no step of it runs on the device", program->model);
    struct agreement *agreement = &subject->options->agreement;
    agreement->what = qm_arena_strdup(subject->options->arena, program->model);
    agreement->machine = &subject->options->machine;
    subject->options->machine = subject->opened.machine;
    agreement->wanted = wanted;
    enum qm_status status = verify_once(subject, subject->options->probed, false, diag);
    if (status == QM_MISMATCH && !subject->options->probed) locate(subject, diag);
    if (status != QM_OK) return status;
    agreement->runs = agreement->stats.runs;
    return agreement_print(agreement, diag);
}

static enum qm_status verify_network(struct verify_options *options, struct qm_diag *diag) {
    struct subject subject = {.options = options};
    QM_TRY(cli_open(options->file, &options->compilation, &subject.opened, diag));
    enum qm_status status = cli_check_weights(subject.opened.program, "verify", diag);
    if (status == QM_OK) status = verify_program(&subject, diag);
    cli_inputs_free(&subject.inputs);
    qm_program_destroy(subject.opened.program);
    return status;
}

static enum qm_status compare(struct verify_options *options, struct qm_diag *diag) {
    switch (subject_of(options)) {
    case CLI_RANDOM: return verify_random(options, diag);
    case CLI_TEXT: return verify_text(options, diag);
    default: return verify_network(options, diag);
    }
}

/* Says what was compared: the Verilog by name and content, and the outcome as JSON. A difference stays the result, whatever fails here. */
static enum qm_status conclude(const struct verify_options *options, enum qm_status status, struct qm_diag *diag) {
    if ((status != QM_OK && status != QM_MISMATCH) || options->builds.last == NULL) return status;
    const struct qm_rtl *rtl = &options->builds.last->rtl;
    printf("Verilog  %s, sha256 %.12s%s\n", qm_shown(rtl->folder).text, rtl->digest.text, rtl->cells ? ", with the array of cells" : "");
    if (options->json == NULL) return status;
    struct qm_diag problem;
    const char *json = agreement_json(&options->agreement, rtl, status == QM_OK ? NULL : diag->text, options->arena);
    enum qm_status written = qm_file_write(options->json, json, strlen(json), &problem);
    if (status == QM_OK && written != QM_OK) *diag = problem;
    if (status == QM_OK) return written;
    if (written != QM_OK) difference_tell_late("the outcome is not written", &problem);
    return status;
}

static void begin(void *fields, struct qm_arena *arena) {
    *(struct verify_options *)fields = (struct verify_options){.seed.value = 1, .jobs.value = 1, .builds.arena = arena, .arena = arena};
}

static enum qm_status verify(const struct cli_line *line, void *fields, struct qm_diag *diag) {
    struct verify_options *options = fields;
    options->line = line;
    QM_TRY(check_options(options, diag));
    return conclude(options, compare(options, diag), diag);
}

const struct cli_command cli_command_verify = {
    .name = "verify",
    .about = "run the C model and the RTL in lockstep and compare every cycle",
    .usage = "usage: qmac verify MODEL|PROGRAM|TEST.prog [options]\n"
             "       qmac verify --random N [options]\n"
             "Runs the C model and the Verilated RTL in lockstep and compares every start and end of an instruction, every\n"
             "memory beat, every register and counter, and at the end all memory. At a difference the run is repeated with the\n"
             "signals between the blocks compared as well: the first that differs, its instruction and layer are named, and\n"
             "waveforms of both are written. Exit status 1. A TEST.prog names its own machine, memories, seed and stalls.\n\n",
    .options = option_rows,
    .size = sizeof(struct verify_options),
    .begin = begin,
    .run = verify};
