/* page.h - an HTML page that shows facts: one file that any browser opens, without network.
 *
 * The facts are one JSON object, whose kind says what is drawn; the scripts and the style of report/page/ and the charting library are part
 * of the program, so that a page can always be made. Every fact is shown as text: names cannot become marks.
 */
#ifndef QM_REPORT_PAGE_H
#define QM_REPORT_PAGE_H

#include "report/energy.h"
#include "report/json_tree.h"

/* The facts that every page has: its kind ("run", "explore"), the command that makes it again (NULL: not known), figures with their units
 * and titles. */
cJSON *qm_page_facts(const char *kind, const char *command);
/* Adds the name, the content and the description of a table of prices. */
void qm_page_add_prices(cJSON *facts, const struct qm_energy_table *energy);

/* The page that shows the facts, a tree that ends with it. The text belongs to arena. */
char *qm_page_finish(cJSON *facts, struct qm_arena *arena);

#endif
