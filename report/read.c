/* read.c - reads the JSON of a report. Every key that is asked for must be there, with the kind of value that json.c writes. */
#include "report/read.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/memory.h"

enum { FILE_BYTES_MAX = 1 << 30 };
#define NUMBER_MOST 9007199254740992.0 /* 2^53: up to there a double is exact */

struct reader {
    const char *file;
    struct qm_arena *arena;
    struct qm_diag *diag;
};

static enum qm_status refuse(const struct reader *reader, const char *key, const char *what) {
    return qm_fail(reader->diag, QM_BAD_INPUT, "%s: %s %s: give a file of qmac run --json", reader->file, key, what);
}

/* "a.b" is the key b of the object a. NULL: it is not there. */
static const cJSON *find(const cJSON *object, const char *key) {
    for (const char *dot; object != NULL && (dot = strchr(key, '.')) != NULL; key = dot + 1) {
        char name[40];
        snprintf(name, sizeof name, "%.*s", (int)(dot - key), key);
        object = cJSON_GetObjectItemCaseSensitive(object, name);
    }
    return object != NULL ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

static enum qm_status take_text(const struct reader *reader, const cJSON *object, const char *key, const char **text) {
    const cJSON *item = find(object, key);
    *text = "";
    if (item != NULL && cJSON_IsNull(item)) return QM_OK;
    if (item == NULL || !cJSON_IsString(item)) return refuse(reader, key, "is no text there");
    *text = qm_arena_strdup(reader->arena, item->valuestring);
    return QM_OK;
}

static enum qm_status take_number(const struct reader *reader, const cJSON *object, const char *key, double *number) {
    const cJSON *item = find(object, key);
    if (item == NULL || !cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= NUMBER_MOST))
        return refuse(reader, key, "is no number that it could be");
    *number = item->valuedouble;
    return QM_OK;
}

/* ---- what was run ---- */

static enum qm_status take_knob(const struct reader *reader, const cJSON *object, const struct qm_param *param, uint32_t *value) {
    const char *name;
    double number;
    if (qm_param_choice(param, param->default_value) != NULL) {
        QM_TRY(take_text(reader, object, param->name, &name));
        return qm_param_parse(param, name, reader->file, value, reader->diag);
    }
    QM_TRY(take_number(reader, object, param->name, &number));
    if (number < 0 || number > UINT32_MAX || floor(number) != number) return refuse(reader, param->name, "is no whole number");
    *value = (uint32_t)number;
    return QM_OK;
}

static enum qm_status take_machine(const struct reader *reader, const cJSON *root, struct qm_machine *machine) {
    const cJSON *object = find(root, "machine");
    const char *name;
    QM_TRY(take_text(reader, object, "name", &name));
    snprintf(machine->name, sizeof machine->name, "%s", name);
    for (size_t i = 0; i < qm_param_count; i++) {
        uint32_t value;
        QM_TRY(take_knob(reader, object, &qm_params[i], &value));
        memcpy((char *)machine + qm_params[i].offset, &value, sizeof value);
    }
    return qm_machine_check(machine, reader->diag);
}

static enum qm_status take_run(const struct reader *reader, const cJSON *root, struct qm_read_report *report) {
    const struct {
        const char *key, **text;
    } texts[] = {
        {"model", &report->model},         {"model_sha256", &report->model_sha256}, {"qmac", &report->version},
        {"engine", &report->engine},       {"requant", &report->requant},           {"search", &report->search},
        {"precision", &report->precision}, {"energy_table", &report->energy_table}, {"energy_table_sha256", &report->energy_table_sha256}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) QM_TRY(take_text(reader, root, texts[i].key, texts[i].text));
    if (cJSON_IsNull(find(root, "cycles")))
        return qm_fail(reader->diag, QM_BAD_INPUT, "%s: the %s engine knew no time: nothing can be compared", reader->file, report->engine);
    QM_TRY(take_number(reader, root, "stalls", &report->stalls));
    return take_machine(reader, root, &report->machine);
}

/* ---- figures ---- */

static enum qm_status take_dram(const struct reader *reader, const cJSON *object, struct qm_read_cost *cost) {
    double read, written;
    QM_TRY(take_number(reader, object, "dram_read_bytes", &read));
    QM_TRY(take_number(reader, object, "dram_write_bytes", &written));
    cost->dram_bytes = read + written;
    return QM_OK;
}

static enum qm_status take_totals(const struct reader *reader, const cJSON *root, struct qm_read_report *report) {
    char key[80];
    QM_TRY(take_number(reader, root, "cycles", &report->cost.cycles));
    QM_TRY(take_number(reader, root, "seconds", &report->seconds));
    QM_TRY(take_number(reader, root, "energy_pj.nominal", &report->cost.pj));
    QM_TRY(take_dram(reader, root, &report->cost));
    for (unsigned i = 0; i < QM_COMPONENTS; i++) {
        snprintf(key, sizeof key, "energy_pj.%s.nominal", qm_component_name(i));
        QM_TRY(take_number(reader, root, key, &report->components[i]));
    }
    for (int i = 0; i < QM_COUNTERS; i++) {
        if (qm_counter_infos[i].group == NULL) continue;
        snprintf(key, sizeof key, "counters.%s", qm_counter_infos[i].name);
        QM_TRY(take_number(reader, root, key, &report->causes[i]));
    }
    return QM_OK;
}

static enum qm_status take_layer(const struct reader *reader, const cJSON *object, struct qm_read_layer *layer) {
    QM_TRY(take_text(reader, object, "name", &layer->name));
    QM_TRY(take_text(reader, object, "op", &layer->op));
    QM_TRY(take_text(reader, object, "shape", &layer->shape));
    QM_TRY(take_text(reader, object, "precision", &layer->precision));
    layer->on_host = cJSON_IsTrue(find(object, "on_host"));
    if (layer->on_host) return QM_OK;
    QM_TRY(take_number(reader, object, "cycles", &layer->cost.cycles));
    QM_TRY(take_number(reader, object, "energy_pj.nominal", &layer->cost.pj));
    QM_TRY(take_dram(reader, object, &layer->cost));
    for (unsigned i = 0; i < QM_LAYER_CAUSES; i++) {
        char key[40];
        snprintf(key, sizeof key, "causes.%s", qm_layer_cause_name(i));
        QM_TRY(take_number(reader, object, key, &layer->causes[i]));
    }
    return QM_OK;
}

static enum qm_status take_layers(const struct reader *reader, const cJSON *root, struct qm_read_report *report) {
    const cJSON *layers = find(root, "layers"), *layer;
    if (!cJSON_IsArray(layers)) return refuse(reader, "layers", "is no list there");
    report->layers = QM_ARENA_NEW(reader->arena, struct qm_read_layer, cJSON_GetArraySize(layers));
    cJSON_ArrayForEach(layer, layers) QM_TRY(take_layer(reader, layer, &report->layers[report->layer_count++]));
    return QM_OK;
}

static enum qm_status take_report(const struct reader *reader, const cJSON *root, struct qm_read_report *report) {
    if (!cJSON_IsObject(root)) return refuse(reader, "JSON", "is not what it holds");
    QM_TRY(take_run(reader, root, report));
    QM_TRY(take_totals(reader, root, report));
    return take_layers(reader, root, report);
}

enum qm_status qm_report_read(const char *file, struct qm_arena *arena, struct qm_read_report *report, struct qm_diag *diag) {
    struct reader reader = {file, arena, diag};
    uint8_t *bytes;
    size_t size;
    memset(report, 0, sizeof *report);
    report->file = file;
    QM_TRY(qm_file_read(file, FILE_BYTES_MAX, &bytes, &size, diag));
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = qm_alloc, .free_fn = free});
    cJSON *root = cJSON_ParseWithLength((const char *)bytes, size);
    free(bytes);
    enum qm_status status = take_report(&reader, root, report);
    cJSON_Delete(root);
    return status;
}
