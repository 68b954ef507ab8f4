/* energy.c - the reader of energy tables, and the sum. A row is checked whole when it is read: what is summed later needs no checks. */
#include "report/energy.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/yaml.h"

enum { BITS = 8 };

enum unit { PER_COUNT, PER_BIT, PER_ACCESS, PER_HOP, PER_CELL_CYCLE, MICROWATT_CELL, MICROWATT_KIB, MILLIWATT };
static const struct {
    const char *name;
    enum unit unit;
    bool of_cycles, of_memory;
} units[] = {
    {"pJ/bit", PER_BIT, false, false},        {"pJ/access", PER_ACCESS, false, true},
    {"pJ/byte/hop", PER_HOP, false, false},   {"pJ/cell/cycle", PER_CELL_CYCLE, true, false},
    {"uW/cell", MICROWATT_CELL, true, false}, {"uW/KiB", MICROWATT_KIB, true, true},
    {"mW", MILLIWATT, true, false},
};
enum { UNITS = sizeof units / sizeof *units };

enum memory { SCRATCHPAD, ACCUMULATOR };
static const char *const memories[] = {"scratchpad", "accumulator", NULL};
enum access { ACCESS_ROWS, ACCESS_COLS, ACCESS_AXI, ACCESS_SUMS };
static const char *const accesses[] = {"rows", "cols", "axi_bytes", "sums", NULL}; /* bytes moved at once; sums: an accumulator row */
static const char *const component_names[] = {"array", "scratchpad", "accumulator", "post", "dram", "control", NULL};
static const char *const statuses[] = {"published", "derived", "assumed", NULL};

struct row {
    enum qm_counter counter;
    enum qm_energy_component component;
    enum unit unit;
    enum memory memory;
    enum access access;
    double kb_exponent, bits_exponent;
    uint32_t origin;        /* index */
    struct qm_energy price; /* of one unit */
};

/* What the laws of pJ/access were fitted to; all 0: the table has none. */
struct fit {
    double kib_least, kib_most, bits_least, bits_most;
};

struct qm_energy_table {
    char name[64];
    struct qm_digest digest;
    const char *about;
    double node_nm, clock_mhz_most;
    struct fit fit;
    struct row *rows;
    uint32_t row_count;
    const char *origins[QM_ENERGY_ORIGINS_MAX];
    uint32_t origin_count;
    bool accounted[QM_COUNTERS];
};

const char *qm_energy_component_name(unsigned component) {
    return component_names[component];
}

const char *qm_energy_table_name(const struct qm_energy_table *table) {
    return table->name;
}

const struct qm_digest *qm_energy_table_digest(const struct qm_energy_table *table) {
    return &table->digest;
}

const char *qm_energy_table_about(const struct qm_energy_table *table) {
    return table->about;
}

/* ---- reading ---- */

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

static bool is_unit_of(const char *unit, const char *counted) {
    size_t size = strlen(counted) - (counted[strlen(counted) - 1] == 's');
    return strncmp(unit, "pJ/", 3) == 0 && strncmp(unit + 3, counted, size) == 0 && unit[3 + size] == '\0';
}

static enum qm_status read_unit(const struct qm_yaml_node *mapping, struct row *row, struct qm_diag *diag) {
    const struct qm_yaml_node *node;
    QM_TRY(need_text(mapping, "unit", &node, diag));
    const char *counted = qm_counter_infos[row->counter].unit;
    row->unit = PER_COUNT;
    if (is_unit_of(node->text, counted)) return QM_OK;
    for (unsigned i = 0; i < UNITS; i++) {
        if (strcmp(units[i].name, node->text) != 0) continue;
        row->unit = units[i].unit;
        if (units[i].of_cycles != (strcmp(counted, "cycles") == 0) || (row->unit == PER_HOP && strcmp(counted, "bytes") != 0) ||
            strcmp(counted, "elements") == 0 || strcmp(counted, "products") == 0 || strcmp(counted, "instructions") == 0)
            break;
        return QM_OK;
    }
    return qm_yaml_fail(node, diag, "unit '%s' does not fit counter %s, which counts %s", node->text, qm_counter_infos[row->counter].name,
                        counted);
}

static enum qm_status read_memory(const struct qm_yaml_node *mapping, struct row *row, struct qm_diag *diag) {
    unsigned word;
    static const char *const keys[] = {"memory", "access", "kb_exponent", "bits_exponent", NULL};
    unsigned needed = row->unit == PER_ACCESS ? 4 : row->unit == MICROWATT_KIB ? 1 : 0;
    for (unsigned i = needed; i < 4; i++)
        if (qm_yaml_find(mapping, keys[i]) != NULL)
            return qm_yaml_fail(qm_yaml_find(mapping, keys[i]), diag, "'%s' has no place with this unit", keys[i]);
    if (needed == 0) return QM_OK;
    QM_TRY(need_word(mapping, "memory", memories, &word, diag));
    row->memory = (enum memory)word;
    if (needed == 1) return QM_OK;
    QM_TRY(need_word(mapping, "access", accesses, &word, diag));
    row->access = (enum access)word;
    QM_TRY(need_number(mapping, "kb_exponent", &row->kb_exponent, diag));
    return need_number(mapping, "bits_exponent", &row->bits_exponent, diag);
}

static enum qm_status read_price(const struct qm_yaml_node *mapping, struct row *row, struct qm_diag *diag) {
    QM_TRY(need_number(mapping, "value", &row->price.nominal_pj, diag));
    QM_TRY(need_number(mapping, "low", &row->price.low_pj, diag));
    QM_TRY(need_number(mapping, "high", &row->price.high_pj, diag));
    if (row->price.low_pj <= row->price.nominal_pj && row->price.nominal_pj <= row->price.high_pj) return QM_OK;
    return qm_yaml_fail(mapping, diag, "'%s': low <= value <= high does not hold", mapping->key);
}

/* All rows are of the table's node; memory chips have none. */
static enum qm_status check_node(const struct qm_yaml_node *mapping, const struct qm_energy_table *table, const struct row *row,
                                 struct qm_diag *diag) {
    const struct qm_yaml_node *node;
    double nm;
    QM_TRY(need_text(mapping, "node_nm", &node, diag));
    if (row->component == QM_ENERGY_DRAM && strcmp(node->text, "none") == 0) return QM_OK;
    QM_TRY(need_number(mapping, "node_nm", &nm, diag));
    if (fabs(nm - table->node_nm) < 1e-9) return QM_OK;
    return qm_yaml_fail(node, diag, "the row is of %s nm and the table of %g nm: a table is one set", node->text, table->node_nm);
}

static enum qm_status read_origin(const struct qm_yaml_node *mapping, struct qm_energy_table *table, struct row *row,
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

static enum qm_status read_row(const struct qm_yaml_node *mapping, struct qm_energy_table *table, struct qm_diag *diag) {
    static const char *const keys[] = {"counter", "component", "unit",   "value",  "low",         "high",          "node_nm", "status",
                                       "source",  "origin",    "memory", "access", "kb_exponent", "bits_exponent", NULL};
    const struct qm_yaml_node *node;
    unsigned word;
    struct row *row = &table->rows[table->row_count++];
    if (mapping->text != NULL) return qm_yaml_fail(mapping, diag, "'%s' must be a mapping with counter, unit, value ...", mapping->key);
    QM_TRY(check_keys(mapping, keys, diag));
    QM_TRY(need_text(mapping, "counter", &node, diag));
    if (!find_counter(node->text, &row->counter)) return qm_yaml_fail(node, diag, "unknown counter '%s': see docs/tables.md", node->text);
    QM_TRY(need_word(mapping, "component", component_names, &word, diag));
    row->component = (enum qm_energy_component)word;
    QM_TRY(read_unit(mapping, row, diag));
    QM_TRY(read_price(mapping, row, diag));
    QM_TRY(check_node(mapping, table, row, diag));
    QM_TRY(need_word(mapping, "status", statuses, &word, diag));
    QM_TRY(need_text(mapping, "source", &node, diag));
    QM_TRY(read_origin(mapping, table, row, diag));
    table->accounted[row->counter] = true;
    return read_memory(mapping, row, diag);
}

static enum qm_status read_rows(const struct qm_yaml_node *root, struct qm_arena *arena, struct qm_energy_table *table,
                                struct qm_diag *diag) {
    const struct qm_yaml_node *rows = qm_yaml_find(root, "rows");
    uint32_t count = 0;
    if (rows == NULL || rows->first == NULL) return qm_yaml_fail(root, diag, "the table has no 'rows'");
    for (const struct qm_yaml_node *node = rows->first; node != NULL; node = node->next) count++;
    table->rows = QM_ARENA_NEW(arena, struct row, count);
    for (const struct qm_yaml_node *node = rows->first; node != NULL; node = node->next) QM_TRY(read_row(node, table, diag));
    return QM_OK;
}

static enum qm_status read_not_priced(const struct qm_yaml_node *root, struct qm_energy_table *table, struct qm_diag *diag) {
    const struct qm_yaml_node *list = qm_yaml_find(root, "not_priced");
    for (const struct qm_yaml_node *node = list != NULL ? list->first : NULL; node != NULL; node = node->next) {
        enum qm_counter counter;
        if (!find_counter(node->key, &counter)) return qm_yaml_fail(node, diag, "unknown counter '%s': see docs/tables.md", node->key);
        if (table->accounted[counter]) return qm_yaml_fail(node, diag, "'%s' is priced by a row", node->key);
        if (node->text == NULL || node->text[0] == '\0') return qm_yaml_fail(node, diag, "'%s': say why it is not priced", node->key);
        table->accounted[counter] = true;
    }
    for (int i = 0; i < QM_COUNTERS; i++)
        if (qm_counter_infos[i].group == NULL && !table->accounted[i])
            return qm_yaml_fail(root, diag, "counter %s has no row: price it, or list it under not_priced with the reason",
                                qm_counter_infos[i].name);
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

enum qm_status qm_energy_load(const char *name_or_file, struct qm_arena *arena, struct qm_energy_table **table, struct qm_diag *diag) {
    static const char *const keys[] = {"about", "node_nm", "clock_mhz_most", "memory_fit", "rows", "not_priced", NULL};
    char path[QM_PATH_BYTES];
    struct qm_yaml_node *root;
    const struct qm_yaml_node *about;
    QM_TRY(qm_file_find_spec("energy", name_or_file, path, diag));
    QM_TRY(qm_yaml_load(path, arena, &root, diag));
    QM_TRY(check_keys(root, keys, diag));
    struct qm_energy_table *made = QM_ARENA_NEW(arena, struct qm_energy_table, 1);
    qm_file_base_name(path, made->name, sizeof made->name);
    QM_TRY(qm_digest_file(path, &made->digest, diag));
    QM_TRY(need_text(root, "about", &about, diag));
    made->about = about->text;
    QM_TRY(need_number(root, "node_nm", &made->node_nm, diag));
    QM_TRY(need_number(root, "clock_mhz_most", &made->clock_mhz_most, diag));
    QM_TRY(read_rows(root, arena, made, diag));
    QM_TRY(read_fit(root, made, diag));
    QM_TRY(read_not_priced(root, made, diag));
    *table = made;
    return QM_OK;
}

/* ---- summing ---- */

static double sum_bytes(const struct qm_machine *machine) {
    return machine->accumulator_bits / (double)BITS;
}

static double row_of_sums_bytes(const struct qm_machine *machine) {
    return machine->cols * sum_bytes(machine);
}

static double memory_bytes(enum memory memory, const struct qm_machine *machine) {
    return memory == SCRATCHPAD ? machine->scratchpad_bytes : machine->accumulator_rows * row_of_sums_bytes(machine);
}

static double access_bytes(enum access access, const struct qm_machine *machine) {
    switch (access) {
    case ACCESS_ROWS: return machine->rows;
    case ACCESS_COLS: return machine->cols;
    case ACCESS_AXI: return machine->axi_bytes;
    default: return row_of_sums_bytes(machine);
    }
}

static double bytes_of_one(enum qm_counter counter, const struct qm_machine *machine) {
    const char *unit = qm_counter_infos[counter].unit;
    return strcmp(unit, "beats") == 0 ? machine->axi_bytes : strcmp(unit, "words") == 0 ? sum_bytes(machine) : 1;
}

static double access_factor(const struct row *row, const struct qm_machine *machine) {
    double kib = memory_bytes(row->memory, machine) / 1024, width = access_bytes(row->access, machine);
    return pow(kib, row->kb_exponent) * pow(width * BITS / 64, row->bits_exponent) * bytes_of_one(row->counter, machine) / width;
}

enum qm_status qm_energy_check(const struct qm_energy_table *table, const struct qm_machine *machine, struct qm_diag *diag) {
    if (machine->clock_mhz <= table->clock_mhz_most) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "clock_mhz=%u: energy table %s has prices up to %g MHz: lower the clock, or take another table",
                   machine->clock_mhz, table->name, table->clock_mhz_most);
}

/* Whether a number is out of its range, told once for all numbers of a kind. */
static bool tell_outside(const char *what, double number, const char *unit, double least, double most, char *text, size_t size) {
    size_t used = strlen(text);
    bool is_outside = number < least || number > most;
    if (is_outside) snprintf(text + used, size - used, "%s%s %g %s (%g to %g)", used > 0 ? ", " : "", what, number, unit, least, most);
    return is_outside;
}

bool qm_energy_is_outside_fit(const struct qm_energy_table *table, const struct qm_machine *machine, char *text, size_t size) {
    static const struct {
        enum memory memory;
        enum access access;
        const char *name, *access_name;
    } sites[] = {{SCRATCHPAD, ACCESS_ROWS, "scratchpad", "access of rows"},
                 {SCRATCHPAD, ACCESS_COLS, NULL, "access of cols"},
                 {SCRATCHPAD, ACCESS_AXI, NULL, "access of axi_bytes"},
                 {ACCUMULATOR, ACCESS_SUMS, "accumulator", "accumulator row"}};
    const struct fit *fit = &table->fit;
    bool is_outside = false;
    text[0] = '\0';
    if (fit->bits_most <= 0) return false;
    for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
        double kib = memory_bytes(sites[i].memory, machine) / 1024, bits = access_bytes(sites[i].access, machine) * BITS;
        if (sites[i].name != NULL) is_outside |= tell_outside(sites[i].name, kib, "KiB", fit->kib_least, fit->kib_most, text, size);
        is_outside |= tell_outside(sites[i].access_name, bits, "bits", fit->bits_least, fit->bits_most, text, size);
    }
    return is_outside;
}

/* Picojoules of one count when the price is 1. */
static double row_factor(const struct row *row, const struct qm_machine *machine) {
    double cells = (double)machine->rows * machine->cols, microseconds = 1.0 / machine->clock_mhz; /* of a cycle; uW * us = pJ */
    switch (row->unit) {
    case PER_COUNT: return 1;
    case PER_BIT: return bytes_of_one(row->counter, machine) * BITS;
    case PER_ACCESS: return access_factor(row, machine);
    case PER_HOP: return (machine->rows + 1) / 2.0;
    case PER_CELL_CYCLE: return cells;
    case MICROWATT_CELL: return cells * microseconds;
    case MICROWATT_KIB: return memory_bytes(row->memory, machine) / 1024 * microseconds;
    default: return 1000 * microseconds;
    }
}

static void add_deviation(struct qm_energy_deviation *sum, const struct qm_energy *price, double amount) {
    sum->down_pj += (price->nominal_pj - price->low_pj) * amount;
    sum->up_pj += (price->high_pj - price->nominal_pj) * amount;
}

static void set_range(struct qm_energy *energy, const struct qm_energy_deviation *origins) {
    double down = 0, up = 0;
    for (int i = 0; i < QM_ENERGY_ORIGINS_MAX; i++) {
        down += origins[i].down_pj * origins[i].down_pj;
        up += origins[i].up_pj * origins[i].up_pj;
    }
    energy->low_pj = energy->nominal_pj - sqrt(down);
    energy->high_pj = energy->nominal_pj + sqrt(up);
}

void qm_energy_of(const struct qm_energy_table *table, const struct qm_machine *machine, const struct qm_counters *counters,
                  struct qm_energy_sum *sum) {
    struct qm_energy_deviation components[QM_ENERGY_COMPONENTS][QM_ENERGY_ORIGINS_MAX] = {0};
    *sum = (struct qm_energy_sum){0};
    for (uint32_t i = 0; i < table->row_count; i++) {
        const struct row *row = &table->rows[i];
        double amount = (double)counters->value[row->counter] * row_factor(row, machine);
        sum->total.nominal_pj += row->price.nominal_pj * amount;
        sum->components[row->component].nominal_pj += row->price.nominal_pj * amount;
        add_deviation(&sum->origins[row->origin], &row->price, amount);
        add_deviation(&components[row->component][row->origin], &row->price, amount);
    }
    set_range(&sum->total, sum->origins);
    for (int i = 0; i < QM_ENERGY_COMPONENTS; i++) set_range(&sum->components[i], components[i]);
}

/* In logarithms, in which a ratio is a difference. */
struct qm_energy_ratio qm_energy_compare(const struct qm_energy_sum *a, const struct qm_energy_sum *b) {
    double nominal = log(a->total.nominal_pj / b->total.nominal_pj), down = 0, up = 0;
    for (int i = 0; i < QM_ENERGY_ORIGINS_MAX; i++) {
        const struct qm_energy_deviation *x = &a->origins[i], *y = &b->origins[i];
        double at_low = log((a->total.nominal_pj - x->down_pj) / (b->total.nominal_pj - y->down_pj)) - nominal;
        double at_high = log((a->total.nominal_pj + x->up_pj) / (b->total.nominal_pj + y->up_pj)) - nominal;
        double least = fmin(0, fmin(at_low, at_high)), most = fmax(0, fmax(at_low, at_high));
        down += least * least;
        up += most * most;
    }
    return (struct qm_energy_ratio){exp(nominal - sqrt(down)), exp(nominal + sqrt(up))};
}
