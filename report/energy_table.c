/* energy_table.c - the reader of energy tables. */
#include "report/energy_table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/yaml.h"

/* pJ/<unit of the counter> and that with /hop fit every event; these fit what their marks say. */
static const struct {
    const char *name;
    enum price_unit unit;
    bool of_cycles;
} units[] = {
    {"pJ/bit", PER_BIT, false},
    {"pJ/access", PER_ACCESS, false},
    {"pJ/cell/cycle", PER_CELL_CYCLE, true},
    {"fJ/flip-flop/cycle", PER_FLIP_FLOP, true},
    {"uW/cell", MICROWATT_CELL, true},
    {"uW/KiB", MICROWATT_KIB, true},
    {"nW/um2", NANOWATT_UM2, true},
    {"mW", MILLIWATT, true},
    {"mW/channel", MILLIWATT_CHANNEL, true},
};
enum { UNITS = sizeof units / sizeof *units };

enum { FILES_MAX = 8, ALL_CELLS = 1 << QM_cell_fixed8 | 1 << QM_cell_fusible };

static const char *const memories[] = {"scratchpad", "accumulator", NULL};
static const char *const accesses[] = {"rows", "cols", "axi_bytes", "sums", NULL}; /* bytes moved at once; sums: an accumulator row */
static const char *const hops[] = {"rows", "rows_skew", "cols_skew", NULL};
static const char *const statuses[] = {"published", "derived", "measured", "assumed", NULL};
static const char *const classes[] = {"low_standby", "high_performance", "not_stated", NULL};

static enum qm_status need_text(const struct qm_yaml_node *mapping, const char *key, const struct qm_yaml_node **node,
                                struct qm_diag *diag) {
    *node = qm_yaml_find(mapping, key);
    if (*node == NULL) return qm_yaml_fail(mapping, diag, "'%s' has no '%s'", mapping->key != NULL ? mapping->key : "the table", key);
    if ((*node)->text == NULL || (*node)->text[0] == '\0') return qm_yaml_fail(*node, diag, "'%s' must be a text or a number", key);
    return QM_OK;
}

static enum qm_status need_number(const struct qm_yaml_node *mapping, const char *key, double *number, struct qm_diag *diag) {
    const struct qm_yaml_node *node;
    QM_TRY(need_text(mapping, key, &node, diag));
    char *end;
    errno = 0;
    *number = strtod(node->text, &end);
    if (*end != '\0' || errno != 0 || !isfinite(*number) || *number < 0)
        return qm_yaml_fail(node, diag, "'%s' must be a number of 0 or more, not '%s'", key, node->text);
    return QM_OK;
}

/* Index of the key's text in a list of words that NULL ends. */
static enum qm_status need_word(const struct qm_yaml_node *mapping, const char *key, const char *const *words, unsigned *index,
                                struct qm_diag *diag) {
    const struct qm_yaml_node *node;
    char list[200] = "";
    QM_TRY(need_text(mapping, key, &node, diag));
    for (*index = 0; words[*index] != NULL; ++*index) {
        if (strcmp(words[*index], node->text) == 0) return QM_OK;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "", words[*index]);
    }
    return qm_yaml_fail(node, diag, "'%s' must be one of %s, not '%s'", key, list, node->text);
}

static enum qm_status check_keys(const struct qm_yaml_node *mapping, const char *const *keys, struct qm_diag *diag) {
    for (const struct qm_yaml_node *node = mapping->first; node != NULL; node = node->next) {
        unsigned i = 0;
        while (keys[i] != NULL && strcmp(keys[i], node->key) != 0) i++;
        if (keys[i] == NULL) return qm_yaml_fail(node, diag, "unknown key '%s'", node->key);
    }
    return QM_OK;
}

static bool find_counter(const char *name, enum qm_counter *counter) {
    for (int i = 0; i < QM_COUNTERS; i++)
        if (strcmp(qm_counter_infos[i].name, name) == 0) {
            *counter = (enum qm_counter)i;
            return true;
        }
    return false;
}

/* Whether unit is pJ/<one of what is counted><end>. */
static bool is_unit_of(const char *unit, const char *counted, const char *end) {
    size_t size = strlen(counted) - (counted[strlen(counted) - 1] == 's');
    return strncmp(unit, "pJ/", 3) == 0 && strncmp(unit + 3, counted, size) == 0 && strcmp(unit + 3 + size, end) == 0;
}

/* Bits and accesses are of bytes, words and beats. */
static bool unit_fits(unsigned index, const char *counted) {
    bool moves = strcmp(counted, "bytes") == 0 || strcmp(counted, "words") == 0 || strcmp(counted, "beats") == 0;
    return units[index].of_cycles ? strcmp(counted, "cycles") == 0 : moves;
}

static enum qm_status read_unit(const struct qm_yaml_node *mapping, struct price_row *row, struct qm_diag *diag) {
    const struct qm_yaml_node *node;
    QM_TRY(need_text(mapping, "unit", &node, diag));
    const char *counted = qm_counter_infos[row->counter].unit;
    row->unit = is_unit_of(node->text, counted, "/hop") ? PER_HOP : PER_COUNT;
    if (row->unit == PER_HOP || is_unit_of(node->text, counted, "")) return QM_OK;
    for (unsigned i = 0; i < UNITS; i++) {
        if (strcmp(units[i].name, node->text) != 0 || !unit_fits(i, counted)) continue;
        row->unit = units[i].unit;
        return QM_OK;
    }
    return qm_yaml_fail(node, diag, "unit '%s' does not fit counter %s, which counts %s", node->text, qm_counter_infos[row->counter].name,
                        counted);
}

/* What a unit needs besides its price. */
static enum qm_status read_places(const struct qm_yaml_node *mapping, struct price_row *row, struct qm_diag *diag) {
    const struct {
        const char *key, *const *words; /* NULL: a number */
        bool needed;
        unsigned word;
        double *number;
    } places[] = {{"memory", memories, row->unit == PER_ACCESS || row->unit == MICROWATT_KIB, 0, NULL},
                  {"access", accesses, row->unit == PER_ACCESS, 1, NULL},
                  {"hops", hops, row->unit == PER_HOP, 2, NULL},
                  {"kb_exponent", NULL, row->unit == PER_ACCESS, 0, &row->kb_exponent},
                  {"bits_exponent", NULL, row->unit == PER_ACCESS, 0, &row->bits_exponent}};
    unsigned words[3] = {0};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const struct qm_yaml_node *node = qm_yaml_find(mapping, places[i].key);
        if (!places[i].needed && node != NULL) return qm_yaml_fail(node, diag, "'%s' has no place with this unit", places[i].key);
        if (!places[i].needed) continue;
        if (places[i].words != NULL)
            QM_TRY(need_word(mapping, places[i].key, places[i].words, &words[places[i].word], diag));
        else
            QM_TRY(need_number(mapping, places[i].key, places[i].number, diag));
    }
    row->memory = (enum price_memory)words[0];
    row->access = (enum price_access)words[1];
    row->hops = (enum price_hops)words[2];
    return QM_OK;
}

static enum qm_status read_price(const struct qm_yaml_node *mapping, struct price_row *row, struct qm_diag *diag) {
    QM_TRY(need_number(mapping, "value", &row->price.nominal_pj, diag));
    QM_TRY(need_number(mapping, "low", &row->price.low_pj, diag));
    QM_TRY(need_number(mapping, "high", &row->price.high_pj, diag));
    if (row->price.low_pj <= row->price.nominal_pj && row->price.nominal_pj <= row->price.high_pj) return QM_OK;
    return qm_yaml_fail(mapping, diag, "'%s': low <= value <= high does not hold", mapping->key);
}

/* All rows are of the table's node; memory chips have none. */
static enum qm_status check_node(const struct qm_yaml_node *mapping, const struct qm_energy_table *table, const struct price_row *row,
                                 struct qm_diag *diag) {
    const struct qm_yaml_node *node;
    double nm;
    QM_TRY(need_text(mapping, "node_nm", &node, diag));
    if (row->component == QM_COMPONENT_DRAM && strcmp(node->text, "none") == 0) return QM_OK;
    QM_TRY(need_number(mapping, "node_nm", &nm, diag));
    if (fabs(nm - table->node_nm) < 1e-9) return QM_OK;
    return qm_yaml_fail(node, diag, "the row is of %s nm and the table of %g nm: a table is one set", node->text, table->node_nm);
}

static enum qm_status read_origin(const struct qm_yaml_node *mapping, struct qm_energy_table *table, struct price_row *row,
                                  struct qm_diag *diag) {
    const struct qm_yaml_node *node;
    QM_TRY(need_text(mapping, "origin", &node, diag));
    row->origin = 0;
    while (row->origin < table->origin_count && strcmp(table->origins[row->origin], node->text) != 0) row->origin++;
    if (row->origin == QM_ENERGY_ORIGINS_MAX)
        return qm_yaml_fail(node, diag, "origin '%s' is one more than the %d that a table may have", node->text, QM_ENERGY_ORIGINS_MAX);
    if (row->origin == table->origin_count) table->origins[table->origin_count++] = node->text;
    return QM_OK;
}

static enum qm_status need_component(const struct qm_yaml_node *mapping, struct price_row *row, struct qm_diag *diag) {
    const char *names[QM_COMPONENTS + 1];
    unsigned word;
    for (unsigned i = 0; i <= QM_COMPONENTS; i++) names[i] = qm_component_name(i);
    QM_TRY(need_word(mapping, "component", names, &word, diag));
    row->component = (enum qm_component)word;
    return QM_OK;
}

/* A row of a kind of cells is of machines that have it. */
static enum qm_status read_cell(const struct qm_yaml_node *mapping, struct price_row *row, struct qm_diag *diag) {
    static const char *const names[] = {"fixed8", "fusible", NULL};
    static const uint32_t cells[] = {QM_cell_fixed8, QM_cell_fusible};
    unsigned word;
    if (qm_yaml_find(mapping, "cell") == NULL) return QM_OK;
    QM_TRY(need_word(mapping, "cell", names, &word, diag));
    row->cell = cells[word];
    return QM_OK;
}

static enum qm_status read_row(const struct qm_yaml_node *mapping, struct qm_energy_table *table, struct qm_diag *diag) {
    static const char *const keys[] = {"counter", "component", "unit",        "value",         "low",    "high",
                                       "node_nm", "status",    "source",      "origin",        "memory", "access",
                                       "hops",    "cell",      "kb_exponent", "bits_exponent", NULL};
    const struct qm_yaml_node *node;
    unsigned word;
    struct price_row *row = &table->rows[table->row_count++];
    if (mapping->text != NULL) return qm_yaml_fail(mapping, diag, "'%s' must be a mapping with counter, unit, value ...", mapping->key);
    QM_TRY(check_keys(mapping, keys, diag));
    QM_TRY(need_text(mapping, "counter", &node, diag));
    if (!find_counter(node->text, &row->counter)) return qm_yaml_fail(node, diag, "unknown counter '%s': see docs/tables.md", node->text);
    QM_TRY(need_component(mapping, row, diag));
    QM_TRY(read_cell(mapping, row, diag));
    QM_TRY(read_unit(mapping, row, diag));
    QM_TRY(read_price(mapping, row, diag));
    QM_TRY(check_node(mapping, table, row, diag));
    QM_TRY(need_word(mapping, "status", statuses, &word, diag));
    QM_TRY(need_text(mapping, "source", &node, diag));
    QM_TRY(read_origin(mapping, table, row, diag));
    table->accounted[row->counter] |= row->cell != 0 ? 1U << row->cell : ALL_CELLS;
    return read_places(mapping, row, diag);
}

static uint32_t count_of(const struct qm_yaml_node *mapping) {
    uint32_t count = 0;
    for (const struct qm_yaml_node *node = mapping->first; node != NULL; node = node->next) count++;
    return count;
}

/* The files of a table: the first is whole, the others replace rows of it by their names, and add some. */
struct files {
    const char *table; /* name of the first alone */
    const struct qm_yaml_node *roots[FILES_MAX];
    uint32_t count;
};

static enum qm_status read_rows(const struct files *files, struct qm_arena *arena, struct qm_energy_table *table, struct qm_diag *diag) {
    const struct qm_yaml_node **nodes, *rows[FILES_MAX];
    uint32_t most = 0, count = 0;
    for (uint32_t i = 0; i < files->count; i++) {
        rows[i] = qm_yaml_find(files->roots[i], "rows");
        if (rows[i] == NULL || rows[i]->first == NULL) return qm_yaml_fail(files->roots[i], diag, "the table has no 'rows'");
        most += count_of(rows[i]);
    }
    nodes = QM_ARENA_NEW(arena, const struct qm_yaml_node *, most);
    for (uint32_t i = 0; i < files->count; i++)
        for (const struct qm_yaml_node *node = rows[i]->first; node != NULL; node = node->next) {
            uint32_t at = 0;
            while (at < count && strcmp(nodes[at]->key, node->key) != 0) at++;
            nodes[at] = node;
            if (at == count) count++;
        }
    table->rows = QM_ARENA_NEW(arena, struct price_row, count);
    for (uint32_t i = 0; i < count; i++) QM_TRY(read_row(nodes[i], table, diag));
    return QM_OK;
}

/* Whether a row of that file prices the counter; those of additions may, where the table's source has nothing. */
static bool prices(const struct qm_yaml_node *root, const char *counter) {
    for (const struct qm_yaml_node *row = qm_yaml_find(root, "rows")->first; row != NULL; row = row->next) {
        const struct qm_yaml_node *priced = qm_yaml_find(row, "counter");
        if (priced != NULL && priced->text != NULL && strcmp(priced->text, counter) == 0) return true;
    }
    return false;
}

static enum qm_status read_not_priced(const struct qm_yaml_node *root, struct qm_energy_table *table, struct qm_diag *diag) {
    const struct qm_yaml_node *list = qm_yaml_find(root, "not_priced");
    for (const struct qm_yaml_node *node = list != NULL ? list->first : NULL; node != NULL; node = node->next) {
        enum qm_counter counter;
        if (!find_counter(node->key, &counter)) return qm_yaml_fail(node, diag, "unknown counter '%s': see docs/tables.md", node->key);
        if (prices(root, node->key)) return qm_yaml_fail(node, diag, "'%s' is priced by a row", node->key);
        if (node->text == NULL || node->text[0] == '\0') return qm_yaml_fail(node, diag, "'%s': say why it is not priced", node->key);
        table->accounted[counter] = ALL_CELLS;
    }
    for (int i = 0; i < QM_COUNTERS; i++)
        if (qm_counter_infos[i].group == NULL && table->accounted[i] != ALL_CELLS)
            return qm_yaml_fail(root, diag, "counter %s has no row%s: price it, or list it under not_priced with the reason",
                                qm_counter_infos[i].name, table->accounted[i] != 0 ? " for one kind of cells" : "");
    return QM_OK;
}

/* A table with a law of a memory's size says what it was fitted to. */
static enum qm_status read_fit(const struct qm_yaml_node *root, struct qm_energy_table *table, struct qm_diag *diag) {
    static const char *const keys[] = {"kib_least", "kib_most", "bits_least", "bits_most", NULL};
    double *numbers[] = {&table->fit.kib_least, &table->fit.kib_most, &table->fit.bits_least, &table->fit.bits_most};
    const struct qm_yaml_node *fit = qm_yaml_find(root, "memory_fit");
    bool has_law = false;
    for (uint32_t i = 0; i < table->row_count; i++) has_law |= table->rows[i].unit == PER_ACCESS;
    if (has_law != (fit != NULL))
        return qm_yaml_fail(fit != NULL ? fit : root, diag, has_law ? "the table has no 'memory_fit'" : "no row has the unit pJ/access");
    if (fit == NULL) return QM_OK;
    QM_TRY(check_keys(fit, keys, diag));
    for (unsigned i = 0; keys[i] != NULL; i++) QM_TRY(need_number(fit, keys[i], numbers[i], diag));
    return QM_OK;
}

/* A price of the DRAM's channels needs to know what a channel delivers; the last file that says it is right. */
static enum qm_status read_channel(const struct files *files, struct qm_energy_table *table, struct qm_diag *diag) {
    static const char key[] = "dram_channel_gb_s";
    for (uint32_t i = 0; i < files->count; i++)
        if (qm_yaml_find(files->roots[i], key) != NULL) QM_TRY(need_number(files->roots[i], key, &table->dram_channel_gb_s, diag));
    for (uint32_t i = 0; i < table->row_count; i++)
        if (table->rows[i].unit == MILLIWATT_CHANNEL && table->dram_channel_gb_s <= 0)
            return qm_yaml_fail(files->roots[0], diag, "the table has no '%s' above 0", key);
    return QM_OK;
}

static enum qm_status read_head(const struct qm_yaml_node *root, struct qm_energy_table *table, struct qm_diag *diag) {
    static const char *const keys[] = {"about",      "node_nm", "volts",      "cell_class",        "clock_mhz_most",
                                       "memory_fit", "rows",    "not_priced", "dram_channel_gb_s", NULL};
    unsigned class;
    double volts;
    QM_TRY(check_keys(root, keys, diag));
    QM_TRY(need_number(root, "node_nm", &table->node_nm, diag));
    QM_TRY(need_number(root, "volts", &volts, diag));
    QM_TRY(need_word(root, "cell_class", classes, &class, diag));
    return need_number(root, "clock_mhz_most", &table->clock_mhz_most, diag);
}

/* An addition is no table: it has rows alone, of one cell class, or of the DRAM, which has none. */
static enum qm_status read_addition(const struct qm_yaml_node *root, struct qm_diag *diag) {
    static const char *const keys[] = {"about", "adds_to", "rows", "dram_channel_gb_s", NULL};
    const struct qm_yaml_node *node;
    if (qm_yaml_find(root, "adds_to") == NULL)
        return qm_yaml_fail(root, diag, "this is a table of its own, and cannot be added to another");
    QM_TRY(check_keys(root, keys, diag));
    return need_text(root, "adds_to", &node, diag);
}

/* Checks that an addition is to this table: adds_to names it, or says any. */
static enum qm_status check_addition(const struct qm_yaml_node *root, const char *table, struct qm_diag *diag) {
    const struct qm_yaml_node *node = qm_yaml_find(root, "adds_to");
    if (strcmp(node->text, "any") == 0 || strcmp(node->text, table) == 0) return QM_OK;
    return qm_yaml_fail(node, diag, "its rows are of one set with table %s, not with %s", node->text, table);
}

/* Appends the words about a file, and its digest and name, to the table's. */
static enum qm_status add_file(const char *path, const struct qm_yaml_node *root, struct qm_energy_table *table, struct qm_arena *arena,
                               struct qm_diag *diag) {
    const struct qm_yaml_node *about;
    struct qm_digest digest;
    char name[QM_ENERGY_NAME_BYTES];
    bool is_first = table->about == NULL;
    QM_TRY(need_text(root, "about", &about, diag));
    QM_TRY(qm_digest_file(path, &digest, diag));
    qm_file_base_name(path, name, sizeof name);
    size_t size = strlen(about->text) + (is_first ? 0 : strlen(table->about)) + 3, used = strlen(table->name);
    int length = snprintf(table->name + used, sizeof table->name - used, "%s%s", is_first ? "" : "+", name);
    if (length < 0 || (size_t)length >= sizeof table->name - used)
        return qm_yaml_fail(root, diag, "the names of a table's files are too long together");
    char *text = QM_ARENA_NEW(arena, char, size);
    snprintf(text, size, "%s%s%s", is_first ? "" : table->about, is_first ? "" : "; ", about->text);
    table->about = text;
    if (is_first) {
        table->digest = digest;
        return QM_OK;
    }
    struct sha256_ctx hash;
    sha256_init(&hash);
    qm_digest_add(&hash, table->digest.text);
    qm_digest_add(&hash, digest.text);
    qm_digest_end(&hash, &table->digest);
    return QM_OK;
}

static enum qm_status read_file(const char *name, struct qm_arena *arena, struct files *files, struct qm_energy_table *table,
                                struct qm_diag *diag) {
    char path[QM_PATH_BYTES];
    struct qm_yaml_node *root;
    QM_TRY(qm_file_find_spec("energy", name, path, diag));
    QM_TRY(qm_yaml_load(path, arena, &root, diag));
    if (files->count == FILES_MAX) return qm_yaml_fail(root, diag, "a table has at most %d files", FILES_MAX);
    if (files->count > 0) {
        QM_TRY(read_addition(root, diag));
        QM_TRY(check_addition(root, files->table, diag));
    } else if (qm_yaml_find(root, "adds_to") != NULL) {
        return qm_yaml_fail(root, diag, "these are no prices of a whole machine: add them to a table, cmos45+%s say", name);
    } else
        QM_TRY(read_head(root, table, diag));
    files->roots[files->count++] = root;
    QM_TRY(add_file(path, root, table, arena, diag));
    if (files->count == 1) files->table = qm_arena_strdup(arena, table->name);
    return QM_OK;
}

/* Reads the files of TABLE+ADDITION+..., or the one file that is called so. */
static enum qm_status read_files(const char *names, struct qm_arena *arena, struct files *files, struct qm_energy_table *table,
                                 struct qm_diag *diag) {
    char text[QM_PATH_BYTES], *rest = text;
    if (access(names, F_OK) == 0 || strchr(names, '+') == NULL) return read_file(names, arena, files, table, diag);
    if (strlen(names) >= sizeof text) return qm_fail(diag, QM_BAD_INPUT, "the name of the energy table is too long");
    strcpy(text, names);
    for (char *name; (name = strsep(&rest, "+")) != NULL;) QM_TRY(read_file(name, arena, files, table, diag));
    return QM_OK;
}

enum qm_status qm_energy_load(const char *names, struct qm_arena *arena, struct qm_energy_table **table, struct qm_diag *diag) {
    struct qm_energy_table *made = QM_ARENA_NEW(arena, struct qm_energy_table, 1);
    struct files files = {.count = 0};
    QM_TRY(read_files(names, arena, &files, made, diag));
    QM_TRY(read_rows(&files, arena, made, diag));
    QM_TRY(read_fit(files.roots[0], made, diag));
    QM_TRY(read_channel(&files, made, diag));
    QM_TRY(read_not_priced(files.roots[0], made, diag));
    *table = made;
    return QM_OK;
}
