/* page.c - puts the facts between the two halves of the page, which mk/page.mk makes of report/page/. */
#include "report/page.h"

#include <assert.h>
#include <string.h>

#include "common/memory.h"
#include "common/version.h"
#include "report/figures.h"

/* The halves are read by the assembler. */
__asm__(".section .rodata\n"
        "page_begin: .incbin \"page_begin.html\"\n"
        "page_begin_end:\n"
        "page_end: .incbin \"page_end.html\"\n"
        "page_end_end:\n"
        ".text\n");
extern const char page_begin[], page_begin_end[], page_end[], page_end_end[];

/* The formats of report/page/facts.js. */
static const char *const unit_names[] = {
    [QM_WORDS] = "words",     [QM_YES_NO] = "yes_no", [QM_COUNT] = "count",   [QM_MACS] = "macs",     [QM_BYTES] = "bytes",
    [QM_SECONDS] = "seconds", [QM_SHARE] = "share",   [QM_PICOJOULES] = "pj", [QM_MILLIWATTS] = "mw", [QM_TERA] = "tera"};
static_assert(sizeof unit_names / sizeof *unit_names == QM_FIGURE_UNITS, "a unit has no name");

static void add_figure(cJSON *keys, const char *key, const struct qm_figure *figure) {
    if (key == NULL) return;
    cJSON *object = qm_json_object(keys, key);
    qm_json_text(object, "unit", unit_names[figure->unit]);
    qm_json_known_text(object, "title", figure->title);
}

/* By key, of runs, of layers and of points. */
static void add_figures(cJSON *facts) {
    cJSON *figures = qm_json_object(facts, "figures");
    cJSON *total = qm_json_object(figures, "total"), *layer = qm_json_object(figures, "layer"), *point = qm_json_object(figures, "point");
    for (int i = 0; i < QM_FIGURES; i++) {
        add_figure(total, qm_figures[i].total, &qm_figures[i]);
        add_figure(layer, qm_figures[i].layer, &qm_figures[i]);
        add_figure(point, qm_figures[i].point, &qm_figures[i]);
    }
}

cJSON *qm_page_facts(const char *kind, const char *command) {
    cJSON *facts = qm_json_create();
    qm_json_text(facts, "kind", kind);
    qm_json_text(facts, "qmac", QM_VERSION);
    qm_json_known_text(facts, "command", command);
    add_figures(facts);
    qm_json_array(facts, "prices");
    return facts;
}

void qm_page_add_prices(cJSON *facts, const struct qm_energy_table *energy) {
    cJSON *prices = qm_json_object(cJSON_GetObjectItemCaseSensitive(facts, "prices"), NULL);
    qm_json_text(prices, "table", qm_energy_table_name(energy));
    qm_json_text(prices, "sha256", qm_energy_table_digest(energy)->text);
    qm_json_text(prices, "about", qm_energy_table_about(energy));
}

/* JSON has '<' in strings only, where this is the same; in HTML it could end the script. */
static void print_inside_script(FILE *out, const char *json) {
    for (; *json != '\0'; json++)
        if (*json == '<')
            fputs("\\u003c", out);
        else
            fputc(*json, out);
}

char *qm_page_finish(cJSON *facts, struct qm_arena *arena) {
    char *text;
    size_t size;
    FILE *out = qm_text_stream_open(&text, &size);
    fwrite(page_begin, 1, (size_t)(page_begin_end - page_begin), out);
    print_inside_script(out, qm_json_finish(facts, arena));
    fwrite(page_end, 1, (size_t)(page_end_end - page_end), out);
    return qm_arena_close_text(arena, out, &text);
}
