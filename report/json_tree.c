/* json_tree.c - builds cJSON's tree. Its memory does not fail, so that a NULL from cJSON would be our mistake, and is checked. */
#include "report/json_tree.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"

cJSON *qm_json_create(void) {
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = qm_alloc, .free_fn = free});
    return cJSON_CreateObject();
}

char *qm_json_finish(cJSON *root, struct qm_arena *arena) {
    char *text = cJSON_Print(root);
    QM_CHECK(text != NULL);
    char *kept = qm_arena_printf(arena, "%s\n", text);
    cJSON_free(text);
    cJSON_Delete(root);
    return kept;
}

cJSON *qm_json_object(cJSON *parent, const char *key) {
    cJSON *object = cJSON_CreateObject();
    QM_CHECK(key != NULL ? cJSON_AddItemToObject(parent, key, object) : cJSON_AddItemToArray(parent, object));
    return object;
}

cJSON *qm_json_array(cJSON *parent, const char *key) {
    cJSON *array = cJSON_AddArrayToObject(parent, key);
    QM_CHECK(array != NULL);
    return array;
}

void qm_json_number(cJSON *object, const char *key, double number) {
    QM_CHECK(cJSON_AddNumberToObject(object, key, number) != NULL);
}

void qm_json_known(cJSON *object, const char *key, bool is_known, double number) {
    QM_CHECK((is_known ? cJSON_AddNumberToObject(object, key, number) : cJSON_AddNullToObject(object, key)) != NULL);
}

void qm_json_bool(cJSON *object, const char *key, bool value) {
    QM_CHECK(cJSON_AddBoolToObject(object, key, value) != NULL);
}

void qm_json_text(cJSON *object, const char *key, const char *text) {
    char *shown = qm_text_shown(text);
    QM_CHECK(cJSON_AddStringToObject(object, key, shown) != NULL);
    free(shown);
}

void qm_json_known_text(cJSON *object, const char *key, const char *text) {
    if (text != NULL)
        qm_json_text(object, key, text);
    else
        QM_CHECK(cJSON_AddNullToObject(object, key) != NULL);
}

void qm_json_knobs(cJSON *object, const struct qm_machine *machine) {
    for (size_t i = 0; i < qm_param_count; i++) {
        uint32_t value = qm_machine_knob(machine, &qm_params[i]);
        const char *name = qm_param_choice(&qm_params[i], value);
        if (name != NULL)
            qm_json_text(object, qm_params[i].name, name);
        else
            qm_json_number(object, qm_params[i].name, value);
    }
}

void qm_json_fingerprint(cJSON *object, const struct qm_machine *machine) {
    char fingerprint[16];
    snprintf(fingerprint, sizeof fingerprint, "%08x", qm_machine_fingerprint(machine));
    qm_json_text(object, "fingerprint", fingerprint);
}
