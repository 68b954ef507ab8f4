/* explore_sweep.c - a sweep is named by a digest of all that its figures depend on: the program, the networks, machines, prices, options.
 * So a journal is never taken for that of another. Points run in processes that share one table of results; this process alone writes the
 * journal.
 */
#include "tools/qmac/explore_sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/memory.h"

enum { TERMINAL_SECONDS = 1, LOG_SECONDS = 30 };

/* ---- what names a sweep ---- */

static void add_number(struct sha256_ctx *hash, double number) {
    char text[40];
    snprintf(text, sizeof text, "%a", number);
    qm_digest_add(hash, text);
}

static void add_options(struct sha256_ctx *hash, const struct qm_compile_options *options) {
    const struct qm_model_options *model = &options->model;
    const double numbers[] = {model->batch,    model->unsigned_inputs, model->channels_last,
                              model->saturate, options->requant,       options->search};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) add_number(hash, numbers[i]);
    char seed[24] = "none";
    if (model->has_seed) snprintf(seed, sizeof seed, "%" PRIu64, model->weight_seed);
    qm_digest_add(hash, seed);
    for (uint32_t i = 0; i < model->size_count; i++) qm_digest_add(hash, model->sizes[i]);
    qm_digest_add(hash, model->end_at != NULL ? model->end_at : "");
}

static void add_networks(struct sha256_ctx *hash, const struct exploration *exploration) {
    for (uint32_t i = 0; i < exploration->model_count; i++) qm_digest_add(hash, exploration->models[i].file);
    for (uint32_t i = 0; i < exploration->precision_count; i++)
        qm_digest_add(hash, exploration->precisions[i] != NULL ? exploration->precisions[i] : "");
    for (uint32_t i = 0; i < exploration->model_count * exploration->precision_count; i++) {
        qm_digest_add(hash, exploration->networks[i]->graph->sha256);
        if (exploration->qualities == NULL) continue;
        add_number(hash, exploration->qualities[i].sqnr_db);
        add_number(hash, exploration->qualities[i].accuracy);
    }
}

static void add_places(struct sha256_ctx *hash, const struct exploration *exploration) {
    for (uint64_t i = 0; i < exploration->choice_count; i++) {
        const struct place *place = &exploration->places[i];
        uint32_t numbers[GRID_AXES_MAX] = {[GRID_PRECISION] = place->precision, [GRID_ENERGY] = place->energy};
        for (size_t j = 0; j < qm_param_count; j++) numbers[GRID_KNOBS + j] = qm_machine_knob(&place->machine, &qm_params[j]);
        sha256_update(hash, sizeof numbers, (const uint8_t *)numbers);
        qm_digest_add(hash, place->machine.name);
    }
}

static enum qm_status name_sweep(const struct sweep *sweep, struct qm_digest *name, struct qm_diag *diag) {
    const struct exploration *exploration = sweep->exploration;
    struct sha256_ctx hash;
    struct qm_digest program;
    QM_TRY(qm_digest_file("/proc/self/exe", &program, diag));
    sha256_init(&hash);
    qm_digest_add(&hash, program.text);
    add_options(&hash, &sweep->options);
    add_networks(&hash, exploration);
    add_places(&hash, exploration);
    for (uint32_t i = 0; i < exploration->energy_count; i++) qm_digest_add(&hash, exploration->energies[i].digest.text);
    qm_digest_end(&hash, name);
    return QM_OK;
}

/* ---- the runs ---- */

static uint64_t point_count(const struct sweep *sweep) {
    return sweep->exploration->model_count * sweep->exploration->choice_count;
}

static void run_point(void *context, uint64_t task) {
    const struct sweep *sweep = context;
    const struct exploration *exploration = sweep->exploration;
    const struct place *place = &exploration->places[sweep->todo[task]];
    struct point *point = &exploration->points[sweep->todo[task]];
    struct qm_compile_options options = sweep->options;
    if (!sweep->is_quantized_here) options.precision = exploration->precisions[place->precision];
    (void)qm_fail(&point->why, QM_INTERNAL, "the process that ran it died");
    qm_memory_tell(&point->why);
    point_run(exploration->networks[place->model * exploration->precision_count + place->precision], &options,
              exploration->energies[place->energy].prices, &place->machine, point);
}

/* Shows progress: on a terminal as one line that changes, elsewhere as a line now and then. */
static void show_progress(struct sweep *sweep, uint64_t done) {
    double now = qm_seconds(), left = (now - sweep->begin_seconds) / (double)done * (double)(sweep->todo_count - done);
    if (now - sweep->shown_seconds < (sweep->on_terminal ? TERMINAL_SECONDS : LOG_SECONDS)) return;
    sweep->shown_seconds = now;
    fprintf(stderr, "%s%" PRIu64 " of %" PRIu64 " points, %.0f s left%s", sweep->on_terminal ? "\r\033[K" : "",
            point_count(sweep) - sweep->todo_count + done, point_count(sweep), left, sweep->on_terminal ? "" : "\n");
}

/* Keeps what is a result; the point of a process that died is run again. */
static enum qm_status keep_point(void *context, uint64_t task, uint64_t done, struct qm_diag *diag) {
    struct sweep *sweep = context;
    struct qm_diag cause;
    const struct point *point = &sweep->exploration->points[sweep->todo[task]];
    show_progress(sweep, done);
    if (sweep->journal_file == NULL || (point->state != POINT_OK && point->state != POINT_IMPOSSIBLE)) return QM_OK;
    enum qm_status status = journal_add(&sweep->journal, sweep->todo[task], point, &cause);
    if (status == QM_OK) return QM_OK;
    return qm_fail(diag, status, "%.800s: what it has is kept: make room and give the same command", cause.text);
}

static enum qm_status open_journal(struct sweep *sweep, struct qm_diag *diag) {
    struct qm_digest name;
    uint64_t known;
    QM_TRY(name_sweep(sweep, &name, diag));
    QM_TRY(journal_open(&sweep->journal, sweep->journal_file, &name, sweep->exploration->points, point_count(sweep), &known, diag));
    if (known > 0)
        fprintf(stderr, "%s: %" PRIu64 " of %" PRIu64 " points are known already\n", sweep->journal_file, known, point_count(sweep));
    return QM_OK;
}

static void list_todo(struct sweep *sweep) {
    sweep->todo = qm_alloc(point_count(sweep) * sizeof *sweep->todo);
    sweep->todo_count = 0;
    for (uint64_t i = 0; i < point_count(sweep); i++)
        if (sweep->exploration->points[i].state == POINT_WAITS) sweep->todo[sweep->todo_count++] = i;
}

/* Ends the process as the signal would have done. */
static void end_by(const struct sweep *sweep, int ending) {
    if (sweep->journal_file != NULL)
        fprintf(stderr, "qmac: %s: the points that are done are in %s: the same command goes on with them\n", strsignal(ending),
                sweep->journal_file);
    signal(ending, SIG_DFL);
    raise(ending);
}

static enum qm_status run_todo(struct sweep *sweep, struct qm_diag *diag) {
    int ending;
    struct pool pool = {.count = sweep->todo_count, .jobs = sweep->jobs, .work = run_point, .done = keep_point, .context = sweep};
    sweep->begin_seconds = sweep->shown_seconds = qm_seconds();
    sweep->on_terminal = isatty(STDERR_FILENO);
    enum qm_status status = pool_run(&pool, &ending, diag);
    if (sweep->on_terminal && sweep->shown_seconds > sweep->begin_seconds) fprintf(stderr, "\r\033[K");
    if (ending != 0) end_by(sweep, ending);
    return status;
}

enum qm_status sweep_run(struct sweep *sweep, struct qm_diag *diag) {
    if (sweep->journal_file != NULL) QM_TRY(open_journal(sweep, diag));
    list_todo(sweep);
    enum qm_status status = run_todo(sweep, diag);
    free(sweep->todo);
    return status;
}

enum qm_status sweep_forget(struct sweep *sweep, struct qm_diag *diag) {
    if (sweep->journal_file == NULL) return QM_OK;
    journal_close(&sweep->journal);
    return unlink(sweep->journal_file) == 0 ? QM_OK : qm_file_cannot(sweep->journal_file, "removed", errno, diag);
}
