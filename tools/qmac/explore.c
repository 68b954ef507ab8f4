/* explore.c - qmac explore: time and energy of every model at every precision on every machine of a grid.
 *
 * Models, axes and files are checked before anything runs. The points are run by explore_sweep.c; files are written when all have run,
 * whole or not at all. A point that is not possible is a result, too: it says why.
 */
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/memory.h"
#include "explore/explore.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"
#include "tools/qmac/explore_float.h"
#include "tools/qmac/explore_sweep.h"

enum { JOBS_MAX = 1024 };

struct session {
    struct exploration exploration;
    struct grid grid;
    struct sweep sweep;
    struct qm_arena *arena;
    const char *command;
    const char *machine, *csv, *json, *html, *requant; /* requant NULL: each model's own */
    struct cli_list precisions, energies;              /* names; none: the default */
    struct explore_examples examples;
    struct cli_number jobs;
};

/* ---- options ---- */

/* Takes "NAME,NAME,..." apart; the names belong to arena. */
static enum qm_status take_names(const struct cli_option *option, const char *text, struct qm_arena *arena, struct cli_list *names,
                                 struct qm_diag *diag) {
    char *rest = qm_arena_strdup(arena, text);
    if (names->count > 0) return qm_fail(diag, QM_BAD_INPUT, "--%s %s: is given twice", option->name, text);
    for (char *item = strsep(&rest, ","); item != NULL; item = strsep(&rest, ",")) {
        if (item[0] == '\0') return qm_fail(diag, QM_BAD_INPUT, "--%s %s: a value is missing", option->name, text);
        for (uint32_t i = 0; i < names->count; i++)
            if (strcmp(names->items[i], item) == 0) return qm_fail(diag, QM_BAD_INPUT, "--%s: %s is given twice", option->name, item);
        if (names->count == CLI_LIST_MAX) return qm_fail(diag, QM_BAD_INPUT, "--%s: more than %d of them", option->name, CLI_LIST_MAX);
        names->items[names->count++] = item;
    }
    return QM_OK;
}

/* Takes the names of precisions; the compiler refuses unknown ones when it reads the models. */
static enum qm_status take_precisions(const struct cli_option *option, const char *text, void *fields, struct qm_diag *diag) {
    struct session *session = fields;
    return take_names(option, text, session->arena, &session->precisions, diag);
}

/* A file whose name has commas is one table. */
static enum qm_status take_energies(const struct cli_option *option, const char *text, void *fields, struct qm_diag *diag) {
    struct session *session = fields;
    if (access(text, F_OK) == 0 && session->energies.count == 0) {
        session->energies.items[session->energies.count++] = text;
        return QM_OK;
    }
    return take_names(option, text, session->arena, &session->energies, diag);
}

static enum qm_status take_set(const struct cli_option *option, const char *text, void *fields, struct qm_diag *diag) {
    struct session *session = fields;
    (void)option;
    return grid_add_axis(&session->grid, text, session->arena, diag);
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
    {"energy", "T,U,...", "prices: names in spec/energy/ or files, with +ADDITION behind them (default cmos45)", take_energies, .field = 0},
    {"requant", "MODE", "rounding of scales: ", cli_take_text, FILLS(requant), .words = cli_roundings},
    {"search", "WHAT", "what is tried and timed for a fast schedule: ", cli_take_text, FILLS(exploration.search), .words = cli_searches},
    {"calibration", "FILE.npy", "examples by which a float network is quantized to each precision, one file for each input", cli_take_list,
     FILLS(examples.calibration), .at_most = CLI_LIST_MAX},
    {"input", "FILE.npy", "other examples that judge what comes of it (default: those of the calibration)", cli_take_list,
     FILLS(examples.inputs), .at_most = CLI_LIST_MAX},
    {"labels", "FILE.npy", "labels of the examples that judge", cli_take_text, FILLS(examples.labels)},
    {.group = cli_model_options, FILLS(sweep.options.model)},
    {"allow-overflow", NULL, "let points on the front whose accumulator does not hold every sum", cli_take_flag,
     FILLS(exploration.allow_overflow)},
    {"csv", "FILE", "write all points, a row for each; until all have run they are in FILE.journal, with which the same command goes on",
     cli_take_text, FILLS(csv)},
    {"json", "FILE", "the same as JSON", cli_take_text, FILLS(json)},
    {"html", "FILE", "the same as a page that any browser opens: points and front, maps, what each knob does", cli_take_text, FILLS(html)},
    {"jobs", "N", "points at a time (default: the number of cores)", take_jobs, FILLS(jobs)},
    {0}};

/* ---- before anything runs ---- */

/* Makes a network of the model for each precision, because a precision changes the layers. */
static enum qm_status read_model(struct session *session, uint32_t model, struct qm_diag *diag) {
    struct exploration *exploration = &session->exploration;
    struct explored_model *explored = &exploration->models[model];
    struct qm_graph *graph;
    struct qm_compile_options options = session->sweep.options;
    for (uint32_t i = 0; i < model; i++)
        if (strcmp(exploration->models[i].file, explored->file) == 0)
            return qm_fail(diag, QM_BAD_INPUT, "%s: is given twice", explored->file);
    QM_TRY(cli_read_graph(explored->file, &options.model, session->arena, &graph, diag));
    memcpy(explored->sha256, graph->sha256, sizeof explored->sha256);
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
    if (is_calibrated(session) && session->precisions.count == 0)
        return qm_fail(diag, QM_BAD_INPUT, "--calibration: to which precisions? give --precision w8a8,w4a8");
    return QM_OK;
}

static enum qm_status read_models(struct session *session, struct qm_diag *diag) {
    struct exploration *exploration = &session->exploration;
    const struct qm_compile_options *options = &session->sweep.options;
    exploration->networks = QM_ARENA_NEW(session->arena, struct qm_network *, exploration->model_count * exploration->precision_count);
    if (is_calibrated(session))
        QM_TRY(explore_quantize(&session->examples, options, exploration, session->arena, diag));
    else
        for (uint32_t i = 0; i < exploration->model_count; i++) QM_TRY(read_model(session, i, diag));
    for (uint32_t i = 0; i < exploration->model_count && !is_calibrated(session); i++)
        exploration->models[i].file = exploration->networks[i * exploration->precision_count]->graph->file; /* with the sizes given */
    for (uint32_t i = 0; i < exploration->model_count; i++) {
        bool was_real = exploration->networks[i * exploration->precision_count]->graph->was_real;
        exploration->models[i].requant = qm_requant_name(options->requant, was_real);
    }
    return QM_OK;
}

static void name_precisions(struct session *session) {
    struct exploration *exploration = &session->exploration;
    exploration->precision_count = session->precisions.count > 0 ? session->precisions.count : 1;
    exploration->precisions = QM_ARENA_NEW(session->arena, const char *, exploration->precision_count);
    for (uint32_t i = 0; i < session->precisions.count; i++) exploration->precisions[i] = session->precisions.items[i];
    session->grid.axes[GRID_PRECISION].count = exploration->precision_count;
}

static enum qm_status load_energies(struct session *session, struct qm_diag *diag) {
    struct exploration *exploration = &session->exploration;
    if (session->energies.count == 0) session->energies.items[session->energies.count++] = "cmos45";
    exploration->energy_count = session->grid.axes[GRID_ENERGY].count = session->energies.count;
    exploration->energies = QM_ARENA_NEW(session->arena, struct priced, exploration->energy_count);
    for (uint32_t i = 0; i < exploration->energy_count; i++) {
        struct priced *energy = &exploration->energies[i];
        QM_TRY(qm_energy_load(session->energies.items[i], session->arena, &energy->prices, diag));
        energy->name = qm_energy_table_name(energy->prices);
        energy->digest = *qm_energy_table_digest(energy->prices);
    }
    return QM_OK;
}

static enum qm_status place_points(struct session *session, struct qm_diag *diag) {
    struct exploration *exploration = &session->exploration;
    exploration->choice_count = grid_count(&session->grid);
    uint64_t count = exploration->choice_count * exploration->model_count;
    if (count > POINTS_MAX)
        return qm_fail(diag, QM_BAD_INPUT, "command line: the grid has more than %d points: give shorter axes", POINTS_MAX);
    exploration->places = QM_ARENA_NEW(session->arena, struct place, count);
    for (uint64_t i = 0; i < count; i++) {
        exploration->places[i].model = (uint32_t)(i / exploration->choice_count);
        grid_place(&session->grid, i % exploration->choice_count, &exploration->places[i]);
    }
    return QM_OK;
}

static enum qm_status prepare(struct session *session, struct qm_diag *diag) {
    struct qm_compile_options *options = &session->sweep.options;
    if (session->csv != NULL) QM_TRY(cli_check_writable(session->csv, diag));
    if (session->json != NULL) QM_TRY(cli_check_writable(session->json, diag));
    if (session->html != NULL) QM_TRY(cli_check_writable(session->html, diag));
    QM_TRY(check_examples(session, diag));
    QM_TRY(qm_machine_load(session->machine, &session->grid.base, diag));
    QM_TRY(load_energies(session, diag));
    QM_TRY(cli_parse_requant(session->requant, &options->requant, diag));
    QM_TRY(cli_parse_search(session->exploration.search, &options->search, diag));
    name_precisions(session);
    QM_TRY(place_points(session, diag));
    return read_models(session, diag);
}

/* ---- results ---- */

static enum qm_status write_text(const char *file, const char *text, struct qm_diag *diag) {
    return qm_file_write(file, text, strlen(text), diag);
}

static enum qm_status write_files(const struct session *session, struct qm_diag *diag) {
    const struct exploration *exploration = &session->exploration;
    if (session->csv != NULL) QM_TRY(write_text(session->csv, exploration_csv(exploration, session->arena), diag));
    if (session->json != NULL) QM_TRY(write_text(session->json, exploration_json(exploration, session->arena), diag));
    if (session->html == NULL) return QM_OK;
    return write_text(session->html, exploration_html(exploration, session->command, session->arena), diag);
}

/* Writes the files, while signals that would end the process wait, so that none is half-written. */
static enum qm_status write_files_whole(const struct session *session, struct qm_diag *diag) {
    sigset_t ends, before;
    pool_signals(&ends);
    sigprocmask(SIG_BLOCK, &ends, &before);
    enum qm_status status = write_files(session, diag);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

static enum qm_status check_faults(const struct exploration *exploration, struct qm_diag *diag) {
    for (uint64_t i = 0; i < exploration->model_count * exploration->choice_count; i++) {
        const struct point *point = &exploration->points[i];
        if (point->state != POINT_OK && point->state != POINT_IMPOSSIBLE)
            return qm_fail(diag, QM_INTERNAL, "point %" PRIu64 ": was not run to its end: %s", i + 1, point_why(point));
    }
    return QM_OK;
}

/* Accuracy where there are labels, else SQNR. */
static void set_qualities(struct exploration *exploration) {
    for (uint64_t i = 0; exploration->qualities != NULL && i < exploration->choice_count; i++) {
        const struct quality *quality = exploration_quality(exploration, &exploration->places[i]);
        exploration->points[i].quality = isnan(quality->accuracy) ? quality->sqnr_db : quality->accuracy;
    }
}

static enum qm_status tell_results(struct session *session, struct qm_diag *diag) {
    struct exploration *exploration = &session->exploration;
    uint64_t points = exploration->choice_count;
    uint64_t *pareto = QM_ARENA_NEW(session->arena, uint64_t, points);
    char **tables = QM_ARENA_NEW(session->arena, char *, exploration->model_count);
    set_qualities(exploration);
    for (uint32_t i = 0; i < exploration->model_count; i++) {
        uint64_t count = point_pareto(&exploration->points[i * points], points, exploration->allow_overflow, pareto);
        tables[i] = exploration_table(exploration, i, pareto, count, session->arena);
    }
    QM_TRY(write_files_whole(session, diag));
    for (uint32_t i = 0; i < exploration->model_count; i++) printf("%s%s", i > 0 ? "\n" : "", tables[i]);
    return check_faults(exploration, diag);
}

static enum qm_status sweep_and_tell(struct session *session, struct qm_diag *diag) {
    QM_TRY(sweep_run(&session->sweep, diag));
    QM_TRY(tell_results(session, diag));
    return sweep_forget(&session->sweep, diag);
}

static void take_models(struct session *session, const struct cli_line *line) {
    struct exploration *exploration = &session->exploration;
    exploration->model_count = (uint32_t)line->file_count;
    exploration->models = QM_ARENA_NEW(session->arena, struct explored_model, exploration->model_count);
    for (uint32_t i = 0; i < exploration->model_count; i++) exploration->models[i].file = line->files[i];
}

static enum qm_status explore(const struct cli_line *line, void *fields, struct qm_diag *diag) {
    struct session *session = fields;
    struct exploration *exploration = &session->exploration;
    const char *results = session->csv != NULL ? session->csv : session->json != NULL ? session->json : session->html;
    if (line->file_count == 0) return qm_fail(diag, QM_BAD_INPUT, "command line: no model is named: see qmac explore --help");
    take_models(session, line);
    session->command = cli_command_text(line);
    QM_TRY(prepare(session, diag));
    uint64_t size = exploration->model_count * exploration->choice_count * sizeof(struct point);
    exploration->points = qm_alloc_shared(size);
    session->sweep.exploration = exploration;
    session->sweep.is_quantized_here = is_calibrated(session);
    session->sweep.jobs = session->jobs.value;
    if (results != NULL) session->sweep.journal_file = qm_arena_printf(session->arena, "%s.journal", results);
    enum qm_status status = sweep_and_tell(session, diag);
    qm_free_shared(exploration->points, size);
    return status;
}

static void begin(void *fields, struct qm_arena *arena) {
    struct session *session = fields;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *session = (struct session){
        .arena = arena, .machine = "edge", .exploration.search = cli_searches(0).name, .jobs.value = cores > 0 ? (uint64_t)cores : 1};
    grid_init(&session->grid);
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
