/* rows.c - the points as CSV and JSON for programs, a row a point. Both walk one list of fields, so that they have the same, by the same
 * names. What a row means is told in docs/how-to/explore.md, by the number EXPLORATION_SCHEMA.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/memory.h"
#include "common/version.h"
#include "explore/explore.h"
#include "report/csv_text.h"
#include "report/json_tree.h"

enum field_kind { TEXT_FIELD, NAME_FIELD, NUMBER_FIELD, TRUTH_FIELD };

/* A field of a row: a text, or a number, NAN where it is not known. */
struct field {
    const char *key;
    enum field_kind kind;
    double number;
    const char *text; /* NULL: not known */
};

typedef void field_visitor(void *context, const struct field *field);

/* ---- the list ---- */

static struct field text_field(const char *key, enum field_kind kind, const char *text) {
    return (struct field){key, kind, NAN, text};
}

static struct field number_field(const char *key, double number) {
    return (struct field){key, NUMBER_FIELD, isfinite(number) ? number : NAN, NULL};
}

static struct field truth_field(const char *key, bool is_true) {
    return (struct field){key, TRUTH_FIELD, is_true, NULL};
}

/* A number, or the name of one. */
static struct field knob_field(const struct qm_machine *machine, const struct qm_param *param) {
    uint32_t value = qm_machine_knob(machine, param);
    const char *name = qm_param_choice(param, value);
    return name != NULL ? text_field(param->name, NAME_FIELD, name) : number_field(param->name, value);
}

static void visit_place(const struct exploration *exploration, const struct place *place, field_visitor *visit, void *context) {
    const struct explored_model *model = &exploration->models[place->model];
    const struct priced *energy = &exploration->energies[place->energy];
    char fingerprint[9];
    snprintf(fingerprint, sizeof fingerprint, "%08x", qm_machine_fingerprint(&place->machine));
    const struct field before[] = {number_field("schema", EXPLORATION_SCHEMA), text_field("model", TEXT_FIELD, model->file),
                                   text_field("model_sha256", NAME_FIELD, model->sha256),
                                   text_field("precision", NAME_FIELD, exploration_precision(exploration, place)),
                                   text_field("machine", NAME_FIELD, place->machine.name)};
    const struct field behind[] = {text_field("fingerprint", NAME_FIELD, fingerprint), text_field("requant", NAME_FIELD, model->requant),
                                   text_field("search", NAME_FIELD, exploration->search),
                                   text_field("energy_table", NAME_FIELD, energy->name),
                                   text_field("energy_table_sha256", NAME_FIELD, energy->digest.text)};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) visit(context, &before[i]);
    for (size_t i = 0; i < qm_param_count; i++) {
        struct field knob = knob_field(&place->machine, &qm_params[i]);
        visit(context, &knob);
    }
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) visit(context, &behind[i]);
}

static void visit_result(const struct point *point, const struct quality *quality, field_visitor *visit, void *context) {
    bool is_ok = point->state == POINT_OK;
    const struct field fields[] = {text_field("state", NAME_FIELD, point_state_name(point->state)),
                                   truth_field("front", point->is_pareto),
                                   truth_field("undecided", point->is_undecided),
                                   text_field("overflow", NAME_FIELD, is_ok ? point_overflow(point) : NULL),
                                   number_field("sqnr_db", quality != NULL ? quality->sqnr_db : NAN),
                                   number_field("agreement", quality != NULL ? quality->agreement : NAN),
                                   number_field("accuracy", quality != NULL ? quality->accuracy : NAN)};
    struct field why = text_field("why", TEXT_FIELD, point_why(point));
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) visit(context, &fields[i]);
    for (int i = 0; i < QM_FIGURES; i++) {
        if (qm_figures[i].point == NULL) continue;
        struct field figure = number_field(qm_figures[i].point, is_ok ? point->figures[i] : NAN);
        visit(context, &figure);
    }
    visit(context, &why);
}

static void visit_row(const struct exploration *exploration, uint64_t index, field_visitor *visit, void *context) {
    const struct place *place = &exploration->places[index];
    visit_place(exploration, place, visit, context);
    visit_result(&exploration->points[index], exploration_quality(exploration, place), visit, context);
}

/* ---- CSV ---- */

struct csv {
    FILE *out;
    const char *before; /* what parts the field from the one before it */
};

static void put_comma(struct csv *csv) {
    fputs(csv->before, csv->out);
    csv->before = ",";
}

static void csv_key(void *context, const struct field *field) {
    struct csv *csv = context;
    put_comma(csv);
    fputs(field->key, csv->out);
}

static void csv_field(void *context, const struct field *field) {
    struct csv *csv = context;
    put_comma(csv);
    if (field->kind == TEXT_FIELD && field->text != NULL) qm_csv_text(csv->out, field->text);
    if (field->kind == NAME_FIELD && field->text != NULL) qm_csv_name(csv->out, field->text);
    if (!isnan(field->number)) qm_csv_number(csv->out, field->number);
}

static void csv_row(FILE *out, const struct exploration *exploration, uint64_t index, field_visitor *visit) {
    struct csv csv = {out, ""};
    visit_row(exploration, index, visit, &csv);
    fputc('\n', out);
}

char *exploration_csv(const struct exploration *exploration, struct qm_arena *arena) {
    char *text;
    size_t size;
    FILE *out = qm_text_stream_open(&text, &size);
    csv_row(out, exploration, 0, csv_key);
    for (uint64_t i = 0; i < exploration->model_count * exploration->choice_count; i++) csv_row(out, exploration, i, csv_field);
    return qm_arena_close_text(arena, out, &text);
}

/* ---- JSON ---- */

static void json_field(void *context, const struct field *field) {
    cJSON *object = context;
    if (field->kind == TRUTH_FIELD)
        qm_json_bool(object, field->key, field->number != 0);
    else if (field->kind == NUMBER_FIELD)
        qm_json_known(object, field->key, !isnan(field->number), field->number);
    else
        qm_json_known_text(object, field->key, field->text);
}

char *exploration_json(const struct exploration *exploration, struct qm_arena *arena) {
    cJSON *root = qm_json_create();
    qm_json_text(root, "qmac", QM_VERSION);
    qm_json_number(root, "schema", EXPLORATION_SCHEMA);
    cJSON *points = qm_json_array(root, "points");
    for (uint64_t i = 0; i < exploration->model_count * exploration->choice_count; i++)
        visit_row(exploration, i, json_field, qm_json_object(points, NULL));
    return qm_json_finish(root, arena);
}
