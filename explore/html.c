/* html.c - the sweep as a page: the rows of the CSV, and which of their columns are axes, words and qualities. */
#include "explore/explore.h"
#include "report/page.h"

static void add_name(cJSON *array, const char *name) {
    cJSON *item = cJSON_CreateString(name);
    QM_CHECK(item != NULL && cJSON_AddItemToArray(array, item));
}

static void add_names(cJSON *facts, const char *key, const char *const *names, size_t count) {
    cJSON *array = qm_json_array(facts, key);
    for (size_t i = 0; i < count; i++) add_name(array, names[i]);
}

/* The columns that may differ from point to point because a user asked for it. */
static void add_axes(cJSON *facts) {
    cJSON *axes = qm_json_array(facts, "axes");
    add_name(axes, "model");
    add_name(axes, "precision");
    add_name(axes, "energy_table");
    for (size_t i = 0; i < qm_param_count; i++) add_name(axes, qm_params[i].name);
}

char *exploration_html(const struct exploration *exploration, const char *command, struct qm_arena *arena) {
    static const char *const words[] = {"model",  "model_sha256", "precision",           "machine", "fingerprint", "requant",
                                        "search", "energy_table", "energy_table_sha256", "state",   "overflow"};
    static const char *const qualities[] = {"sqnr_db", "agreement", "accuracy"};
    cJSON *facts = qm_page_facts("explore", command);
    for (uint32_t i = 0; i < exploration->energy_count; i++) qm_page_add_prices(facts, exploration->energies[i].prices);
    add_axes(facts);
    add_names(facts, "words", words, sizeof words / sizeof *words);
    add_names(facts, "qualities", qualities, sizeof qualities / sizeof *qualities);
    QM_CHECK(cJSON_AddStringToObject(facts, "points", exploration_csv(exploration, arena)) != NULL);
    return qm_page_finish(facts, arena);
}
