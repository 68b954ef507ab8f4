/* explore.c - qmac explore: time and energy of every model at every precision on every machine of a grid.
 *
 * Models, axes and files are checked before anything runs. Points run in processes that share one table of results; files are written when
 * all have run, whole or not at all. A point that is not possible is a result, too: it says why.
 */
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/memory.h"
#include "explore/explore.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"
#include "tools/qmac/explore_float.h"

enum { JOBS_MAX = 1024, TERMINAL_SECONDS = 1, LOG_SECONDS = 30 };

struct session {
    struct exploration exploration;
    struct qm_arena *arena;
    const char *machine, *csv, *json, *energy, *requant; /* requant NULL: each model's own */
    struct qm_model_options model;
    struct explore_examples examples;
    enum qm_search search;
    struct cli_number jobs;
    uint64_t point_count;
    time_t begin, shown;
    bool on_terminal;
};

/* ---- options ---- */

static enum qm_status add_precision(struct session *session, const char *text, struct qm_diag *diag) {
    struct exploration *exploration = &session->exploration;
    for (uint32_t i = 0; i < exploration->precision_count; i++)
        if (strcmp(exploration->precisions[i], text) == 0) return qm_fail(diag, QM_BAD_INPUT, "--precision: %s is given twice", text);
    if (text[0] == '\0') return qm_fail(diag, QM_BAD_INPUT, "--precision: a value is missing: write --precision w8a8,w4a8");
    exploration->precisions[exploration->precision_count++] = text;
    return QM_OK;
}

/* Takes the names of precisions; the compiler refuses unknown ones when it reads the models. */
static enum qm_status take_precisions(const struct cli_option *option, const char *text, void *fields, struct qm_diag *diag) {
    struct session *session = fields;
    (void)option;
    char *rest = qm_arena_strdup(session->arena, text);
    if (session->exploration.precision_count > 0) return qm_fail(diag, QM_BAD_INPUT, "--precision %s: is given twice", text);
    session->exploration.precisions = QM_ARENA_NEW(session->arena, const char *, strlen(text) + 1);
    for (char *item = strsep(&rest, ","); item != NULL; item = strsep(&rest, ",")) QM_TRY(add_precision(session, item, diag));
    return QM_OK;
}

static enum qm_status take_set(const struct cli_option *option, const char *text, void *fields, struct qm_diag *diag) {
    struct session *session = fields;
    (void)option;
    return grid_add_axis(&session->exploration.grid, text, session->arena, diag);
}

/* Takes the values of an axis; its option is called as its knob. */
static enum qm_status take_axis(const struct cli_option *option, const char *values, void *fields, struct qm_diag *diag) {
    struct session *session = fields;
    return take_set(option, qm_arena_printf(session->arena, "%s=%s", option->name, values), fields, diag);
}

static enum qm_status take_jobs(const struct cli_option *option, const char *text, void *field, struct qm_diag *diag) {
    const struct cli_number *jobs = field;
    QM_TRY(cli_take_number(option, text, field, diag));
    if (jobs->value >= 1 && jobs->value <= JOBS_MAX) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "--jobs %s: not between 1 and %d", text, JOBS_MAX);
}

#define FILLS(name) .field = offsetof(struct session, name)
static const struct cli_option option_rows[] = {
    {"rows", "A,B,...", "numbers of array rows, the same as --set rows=A,B,...", take_axis, .field = 0},
    {"cols", "A,B,...", "numbers of array columns", take_axis, .field = 0},
    {"set", "KNOB=A,B,...", "values of any knob; may be repeated, once for a knob", take_set, .field = 0},
    {"precision", "P,Q,...", "w8a8, w4a8, w4a4: rounds weights and maps, for time and energy (default: the model's own)", take_precisions,
     .field = 0},
    {"machine", "NAME|FILE", "the other knobs: spec/machines/NAME.yaml, or a file (default edge)", cli_take_text, FILLS(machine)},
    {"energy", "NAME|FILE", "prices: spec/energy/NAME.yaml, or a file (default cmos45)", cli_take_text, FILLS(energy)},
    {"requant", "MODE", "rounding of scales: ", cli_take_text, FILLS(requant), .words = cli_roundings},
    {"search", "WHAT", "what is tried and timed for a fast schedule: ", cli_take_text, FILLS(exploration.search), .words = cli_searches},
    {"calibration", "FILE.npy", "examples by which a float network is quantized to each precision, one file for each input", cli_take_list,
     FILLS(examples.calibration), .at_most = CLI_LIST_MAX},
    {"input", "FILE.npy", "other examples that judge what comes of it (default: those of the calibration)", cli_take_list,
     FILLS(examples.inputs), .at_most = CLI_LIST_MAX},
    {"labels", "FILE.npy", "labels of the examples that judge", cli_take_text, FILLS(examples.labels)},
    {.group = cli_model_options, FILLS(model)},
    {"allow-overflow", NULL, "let points on the front whose accumulator does not hold every sum", cli_take_flag,
     FILLS(exploration.allow_overflow)},
    {"csv", "FILE", "write all points, a row for each", cli_take_text, FILLS(csv)},
    {"json", "FILE", "the same as JSON", cli_take_text, FILLS(json)},
    {"jobs", "N", "points at a time (default: the number of cores)", take_jobs, FILLS(jobs)},
    {0}};

/* ---- before anything runs ---- */

/* Makes a network of the model for each precision, because a precision changes the layers. */
static enum qm_status read_model(struct session *session, uint32_t model, struct qm_diag *diag) {
    struct exploration *exploration = &session->exploration;
    const char *file = exploration->models[model];
    struct qm_graph *graph;
    struct qm_compile_options options = {.model = session->model, .requant = exploration->requant};
    for (uint32_t i = 0; i < model; i++)
        if (strcmp(exploration->models[i], file) == 0) return qm_fail(diag, QM_BAD_INPUT, "%s: is given twice", file);
    QM_TRY(cli_read_graph(file, &session->model, session->arena, &graph, diag));
    for (uint32_t i = 0; i < exploration->precision_count; i++) {
        struct qm_network **network = &exploration->networks[model * exploration->precision_count + i];
        options.precision = exploration->precisions[i];
        QM_TRY(cli_make_network(graph, &options, session->arena, network, diag));
    }
    return QM_OK;
}

static bool is_calibrated(const struct session *session) {
    return session->examples.calibration.count > 0;
}

/* What of a float network needs what. */
static enum qm_status check_examples(const struct session *session, struct qm_diag *diag) {
    const char *option = session->examples.labels != NULL ? "--labels" : session->examples.inputs.count > 0 ? "--input" : NULL;
    if (!is_calibrated(session) && option != NULL)
        return qm_fail(diag, QM_BAD_INPUT, "%s: judges a float network that is quantized: give --calibration too", option);
    if (is_calibrated(session) && session->exploration.model_count > 1)
        return qm_fail(diag, QM_BAD_INPUT, "--calibration: examples are of one network: give one model");
    if (is_calibrated(session) && session->exploration.precision_count == 0)
        return qm_fail(diag, QM_BAD_INPUT, "--calibration: to which precisions? give --precision w8a8,w4a8");
    return QM_OK;
}

static enum qm_status read_models(struct session *session, struct qm_diag *diag) {
    struct exploration *exploration = &session->exploration;
    struct qm_compile_options options = {.model = session->model};
    exploration->networks = QM_ARENA_NEW(session->arena, struct qm_network *, exploration->model_count * exploration->precision_count);
    if (is_calibrated(session)) return explore_quantize(&session->examples, &options, exploration, session->arena, diag);
    for (uint32_t i = 0; i < exploration->model_count; i++) QM_TRY(read_model(session, i, diag));
    return QM_OK;
}

static enum qm_status count_points(struct session *session, struct qm_diag *diag) {
    struct exploration *exploration = &session->exploration;
    exploration->machine_count = grid_machine_count(&exploration->grid);
    session->point_count = exploration->machine_count * exploration->precision_count * exploration->model_count;
    if (session->point_count <= POINTS_MAX) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "command line: the grid has more than %d points: give shorter axes", POINTS_MAX);
}

static enum qm_status prepare(struct session *session, struct qm_diag *diag) {
    struct exploration *exploration = &session->exploration;
    if (session->csv != NULL) QM_TRY(cli_check_writable(session->csv, diag));
    if (session->json != NULL) QM_TRY(cli_check_writable(session->json, diag));
    QM_TRY(check_examples(session, diag));
    if (exploration->precision_count == 0) {
        exploration->precisions = QM_ARENA_NEW(session->arena, const char *, 1);
        exploration->precision_count = 1;
    }
    QM_TRY(qm_machine_load(session->machine, &exploration->grid.base, diag));
    QM_TRY(qm_energy_load(session->energy, session->arena, &exploration->energy, diag));
    QM_TRY(cli_parse_requant(session->requant, &exploration->requant, diag));
    QM_TRY(cli_parse_search(exploration->search, &session->search, diag));
    QM_TRY(count_points(session, diag));
    return read_models(session, diag);
}

/* ---- the runs ---- */

static void run_point(void *context, uint64_t index) {
    const struct session *session = context;
    const struct exploration *exploration = &session->exploration;
    uint64_t variant = index / exploration->machine_count; /* model and precision */
    struct qm_compile_options options = {.requant = exploration->requant, .search = session->search};
    if (!is_calibrated(session)) options.precision = exploration->precisions[variant % exploration->precision_count];
    struct qm_machine machine;
    struct point *point = &exploration->points[index];
    grid_machine(&exploration->grid, index % exploration->machine_count, &machine);
    (void)qm_fail(&point->why, QM_INTERNAL, "the process that ran it died");
    qm_memory_tell(&point->why);
    point_run(exploration->networks[variant], &options, exploration->energy, &machine, point);
}

/* Shows progress: on a terminal as one line that changes, elsewhere as a line now and then. */
static void show_progress(void *context, uint64_t done) {
    struct session *session = context;
    time_t time = (time_t)qm_seconds();
    if (time - session->shown < (session->on_terminal ? TERMINAL_SECONDS : LOG_SECONDS)) return;
    session->shown = time;
    double left = (double)(time - session->begin) / (double)done * (double)(session->point_count - done);
    fprintf(stderr, "%s%" PRIu64 " of %" PRIu64 " points, %.0f s left%s", session->on_terminal ? "\r\033[K" : "", done,
            session->point_count, left, session->on_terminal ? "" : "\n");
}

static enum qm_status run_points(struct session *session, struct qm_diag *diag) {
    struct pool pool = {
        .count = session->point_count, .jobs = session->jobs.value, .work = run_point, .progress = show_progress, .context = session};
    session->begin = session->shown = (time_t)qm_seconds();
    session->on_terminal = isatty(STDERR_FILENO);
    enum qm_status status = pool_run(&pool, diag);
    if (session->on_terminal && session->shown != session->begin) fprintf(stderr, "\r\033[K");
    return status;
}

/* ---- results ---- */

static enum qm_status write_files(const struct session *session, struct qm_diag *diag) {
    if (session->csv != NULL) {
        const char *csv = exploration_csv(&session->exploration, session->arena);
        QM_TRY(qm_file_write(session->csv, csv, strlen(csv), diag));
    }
    if (session->json == NULL) return QM_OK;
    const char *json = exploration_json(&session->exploration, session->arena);
    return qm_file_write(session->json, json, strlen(json), diag);
}

/* Writes the files, while signals that would end the process wait, so that none is half-written. */
static enum qm_status write_files_whole(const struct session *session, struct qm_diag *diag) {
    sigset_t ends, before;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    sigprocmask(SIG_BLOCK, &ends, &before);
    enum qm_status status = write_files(session, diag);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

static enum qm_status check_faults(const struct session *session, struct qm_diag *diag) {
    for (uint64_t i = 0; i < session->point_count; i++) {
        const struct point *point = &session->exploration.points[i];
        if (point->state != POINT_OK && point->state != POINT_IMPOSSIBLE)
            return qm_fail(diag, QM_INTERNAL, "point %" PRIu64 ": was not run to its end: %s", i + 1, point_why(point));
    }
    return QM_OK;
}

/* Accuracy where there are labels, else SQNR. */
static void set_qualities(struct exploration *exploration) {
    for (uint64_t i = 0; exploration->qualities != NULL && i < exploration->precision_count * exploration->machine_count; i++) {
        const struct quality *quality = &exploration->qualities[i / exploration->machine_count];
        exploration->points[i].quality = isnan(quality->accuracy) ? quality->sqnr_db : quality->accuracy;
    }
}

static enum qm_status tell_results(struct session *session, struct qm_diag *diag) {
    struct exploration *exploration = &session->exploration;
    uint64_t points = session->point_count / exploration->model_count;
    uint64_t *pareto = QM_ARENA_NEW(session->arena, uint64_t, points);
    char **tables = QM_ARENA_NEW(session->arena, char *, exploration->model_count);
    set_qualities(exploration);
    for (uint32_t i = 0; i < exploration->model_count; i++) {
        uint64_t count = point_pareto(&exploration->points[i * points], points, exploration->allow_overflow, pareto);
        tables[i] = exploration_table(exploration, i, pareto, count, session->arena);
    }
    QM_TRY(write_files_whole(session, diag));
    for (uint32_t i = 0; i < exploration->model_count; i++) printf("%s%s", i > 0 ? "\n" : "", tables[i]);
    return check_faults(session, diag);
}

static enum qm_status explore(const struct cli_line *line, void *fields, struct qm_diag *diag) {
    struct session *session = fields;
    if (line->file_count == 0) return qm_fail(diag, QM_BAD_INPUT, "command line: no model is named: see qmac explore --help");
    session->exploration.models = (const char **)line->files;
    session->exploration.model_count = (uint32_t)line->file_count;
    QM_TRY(prepare(session, diag));
    uint64_t size = session->point_count * sizeof(struct point);
    session->exploration.points = qm_alloc_shared(size);
    enum qm_status status = run_points(session, diag);
    if (status == QM_OK) status = tell_results(session, diag);
    qm_free_shared(session->exploration.points, size);
    return status;
}

static void begin(void *fields, struct qm_arena *arena) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *(struct session *)fields = (struct session){.arena = arena,
                                                 .machine = "edge",
                                                 .energy = "cmos45",
                                                 .exploration.search = cli_searches(0).name,
                                                 .jobs.value = cores > 0 ? (uint64_t)cores : 1};
}

const struct cli_command cli_command_explore = {
    .name = "explore",
    .about = "run networks on a grid of machines: the best in latency and energy",
    .usage =
        "usage: qmac explore MODEL... [options]\n"
        "Runs networks on a grid of machines, for time and energy, and prints the points that are best in the two. A float network with\n"
        "--calibration is quantized to each precision, and judged: then the points are best in accuracy, too.\n\n",
    .options = option_rows,
    .size = sizeof(struct session),
    .begin = begin,
    .run = explore};
