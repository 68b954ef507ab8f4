/* json_tree.h - makes the JSON of reports: objects and arrays that are filled in order, and texts that every parser reads.
 *
 * The tree is cJSON's, with our memory (common/memory.h), so that nothing here fails.
 */
#ifndef QM_REPORT_JSON_TREE_H
#define QM_REPORT_JSON_TREE_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/machine.h"

cJSON *qm_json_create(void); /* the root, an object */
/* Turns the tree into text with a line end, which belongs to arena, and destroys the tree. */
char *qm_json_finish(cJSON *root, struct qm_arena *arena);

cJSON *qm_json_object(cJSON *parent, const char *key); /* key NULL: parent is an array, to which it is added */
cJSON *qm_json_array(cJSON *parent, const char *key);
void qm_json_number(cJSON *object, const char *key, double number);
void qm_json_known(cJSON *object, const char *key, bool is_known, double number); /* null when it is not known */
void qm_json_bool(cJSON *object, const char *key, bool value);
void qm_json_text(cJSON *object, const char *key, const char *text);       /* as common/text.h shows it, in full */
void qm_json_known_text(cJSON *object, const char *key, const char *text); /* the same; null when text is NULL */
void qm_json_knobs(cJSON *object, const struct qm_machine *machine);       /* all of them: numbers, or names */
void qm_json_fingerprint(cJSON *object, const struct qm_machine *machine);

#endif
