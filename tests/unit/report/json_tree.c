/* json_tree.c - texts of any bytes and values come back from JSON as they are shown. */
#include "report/json_tree.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/prng.h"

TestSuite(json_tree);

/* What a strict reader gives back for the text under a key. */
static void reads_back(const char *text) {
    struct qm_arena *arena = qm_arena_create();
    char *shown = qm_text_shown(text);
    cJSON *root = qm_json_create();
    qm_json_text(root, "name", text);
    char *json = qm_json_finish(root, arena);
    for (const char *c = json; *c != '\0'; c++) cr_assert(0 > *c || *c >= ' ' || *c == '\n' || *c == '\t', "%s", json);
    cJSON *read = cJSON_Parse(json);
    cr_assert(read != NULL, "%s", json);
    cr_assert(eq(str, cJSON_GetObjectItem(read, "name")->valuestring, shown));
    cJSON_Delete(read);
    free(shown);
    qm_arena_destroy(arena);
}

Test(json_tree, any_bytes_make_text_that_is_read_back_as_it_is_shown) {
    struct qm_prng prng;
    char text[4000];
    reads_back("m\xff\x1b\"\\,\n\xc2\x9b\xe2\x82\xac");
    qm_prng_init(&prng, 1);
    for (size_t size = 0; size < sizeof text; size = 2 * size + 1) {
        for (size_t i = 0; i < size; i++) text[i] = (char)(1 + qm_prng_next(&prng) % 255);
        text[size] = '\0';
        reads_back(text);
    }
}

Test(json_tree, values_keep_their_order_and_what_is_not_known_is_null) {
    struct qm_arena *arena = qm_arena_create();
    cJSON *root = qm_json_create();
    cJSON *list = qm_json_array(root, "list");
    qm_json_number(qm_json_object(list, NULL), "a", 1.5);
    qm_json_known(qm_json_object(root, "object"), "b", false, 7);
    qm_json_bool(root, "c", true);
    char *json = qm_json_finish(root, arena);
    cJSON *read = cJSON_Parse(json);
    char *flat = cJSON_PrintUnformatted(read);
    cr_assert(eq(str, flat, "{\"list\":[{\"a\":1.5}],\"object\":{\"b\":null},\"c\":true}"));
    cr_assert(json[strlen(json) - 1] == '\n');
    cJSON_free(flat);
    cJSON_Delete(read);
    qm_arena_destroy(arena);
}
