/* options.c - tables of options: laid out as one list without groups, of which getopt and the help are made; and the setters. */
#include "tools/qmac/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 32, LEFT_CHARS = 21, LONG_ONLY = 256 /* above all letters */ };

/* A command's options, fields counted from the command's struct. */
struct list {
    struct cli_option rows[ROWS_MAX];
    unsigned count;
};

static void lay_out(const struct cli_option *table, size_t base, struct list *list) {
    for (const struct cli_option *row = table; row != NULL && (row->name != NULL || row->group != NULL); row++) {
        if (row->group != NULL) {
            lay_out(row->group, base + row->field, list);
            continue;
        }
        QM_CHECK(list->count < ROWS_MAX);
        list->rows[list->count] = *row;
        list->rows[list->count++].field += base;
    }
}

/* ---- help ---- */

static void print_row(const struct cli_option *row) {
    char left[80], letter[8] = "";
    if (row->letter != 0) snprintf(letter, sizeof letter, "-%c, ", row->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name, row->value != NULL ? " " : "", row->value != NULL ? row->value : "");
    printf("  %-*s ", LEFT_CHARS, left);
    for (const char *at = row->help; *at != '\0'; at++)
        if (*at == '\n')
            printf("\n%*s", LEFT_CHARS + 3, "");
        else
            putchar(*at);
    for (unsigned i = 0; row->words != NULL && row->words(i).name != NULL; i++) {
        struct cli_word word = row->words(i);
        printf(word.note != NULL ? "%s%s (%s)" : "%s%s", i > 0 ? ", " : "", word.name, word.note);
    }
    putchar('\n');
}

static void print_help(const struct cli_command *command, const struct list *list) {
    fputs(command->usage, stdout);
    for (unsigned i = 0; i < list->count; i++) print_row(&list->rows[i]);
    if (command->more != NULL) fputs(command->more, stdout);
}

/* ---- parsing ---- */

/* What getopt_long asks for; values are letters, or else LONG_ONLY and the index of the row. */
struct getopt_table {
    struct option longs[ROWS_MAX + 2];
    char shorts[2 * ROWS_MAX + 3];
};

static struct getopt_table getopt_table(const struct list *list) {
    struct getopt_table table = {.shorts = ":h"};
    for (unsigned i = 0; i < list->count; i++) {
        const struct cli_option *row = &list->rows[i];
        int argument = row->value != NULL ? required_argument : no_argument;
        table.longs[i] = (struct option){row->name, argument, NULL, row->letter != 0 ? row->letter : LONG_ONLY + (int)i};
        if (row->letter == 0) continue;
        size_t used = strlen(table.shorts);
        snprintf(table.shorts + used, sizeof table.shorts - used, row->value != NULL ? "%c:" : "%c", row->letter);
    }
    table.longs[list->count] = (struct option){"help", no_argument, NULL, 'h'};
    return table;
}

/* The option that getopt_long stopped at: a long one as it was written, a short one by its letter. */
static void option_name(const struct cli_line *line, char *name, size_t size) {
    const char *at = optind > 0 && optind <= line->argc ? line->argv[optind - 1] : "";
    if (optopt != 0 && strncmp(at, "--", 2) != 0)
        snprintf(name, size, "-%c", optopt);
    else
        snprintf(name, size, "%s", at);
}

/* *option: what getopt_long answers, -1 at the end. */
static enum qm_status next_option(const struct cli_line *line, const struct getopt_table *table, int *option, struct qm_diag *diag) {
    char name[200];
    opterr = 0;
    *option = getopt_long(line->argc, line->argv, table->shorts, table->longs, NULL);
    option_name(line, name, sizeof name);
    if (*option == '?') return qm_fail(diag, QM_BAD_INPUT, "%s: no such option: qmac %s --help lists them", name, line->argv[0]);
    if (*option == ':') return qm_fail(diag, QM_BAD_INPUT, "%s: the option needs a value: see qmac %s --help", name, line->argv[0]);
    return QM_OK;
}

enum qm_status cli_take_options(struct cli_line *line, const struct cli_command *command, void *fields, struct qm_diag *diag) {
    struct list list = {.count = 0};
    lay_out(command->options, 0, &list);
    struct getopt_table table = getopt_table(&list);
    line->given = QM_ARENA_NEW(line->arena, struct cli_given, line->argc);
    for (int option;;) {
        QM_TRY(next_option(line, &table, &option, diag));
        if (option == -1) break;
        if (option == 'h') {
            print_help(command, &list);
            line->has_helped = true;
            return QM_OK;
        }
        unsigned i = 0;
        while (table.longs[i].val != option) i++;
        QM_TRY(list.rows[i].take(&list.rows[i], optarg, (char *)fields + list.rows[i].field, diag));
        line->given[line->given_count++] = (struct cli_given){list.rows[i], optarg};
    }
    line->files = line->argv + optind;
    line->file_count = line->argc - optind;
    return QM_OK;
}

enum qm_status cli_take_file(const struct cli_line *line, const char **file, struct qm_diag *diag) {
    const char *command = line->argv[0];
    if (line->file_count < 1) return qm_fail(diag, QM_BAD_INPUT, "command line: no file is named: see qmac %s --help", command);
    if (line->file_count > 1) return qm_fail(diag, QM_BAD_INPUT, "%s: one file at a time: see qmac %s --help", line->files[1], command);
    *file = line->files[0];
    return QM_OK;
}

/* ---- setters ---- */

enum qm_status cli_take_flag(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    (void)option, (void)value, (void)diag;
    *(bool *)field = true;
    return QM_OK;
}

enum qm_status cli_take_text(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    (void)option, (void)diag;
    *(const char **)field = value;
    return QM_OK;
}

enum qm_status cli_take_list(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    struct cli_list *list = field;
    QM_CHECK(option->at_most <= CLI_LIST_MAX);
    if (list->count == option->at_most)
        return qm_fail(diag, QM_BAD_INPUT, "--%s %s: more than %u of them", option->name, value, option->at_most);
    list->items[list->count++] = value;
    return QM_OK;
}

enum qm_status cli_take_number(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    struct cli_number *number = field;
    char *end;
    errno = 0;
    number->value = strtoull(value, &end, 10);
    number->is_given = true;
    if (value[0] >= '0' && value[0] <= '9' && *end == '\0' && errno == 0) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "--%s %s: not a whole number", option->name, value);
}

enum qm_status cli_take_max_cycles(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    const struct cli_number *cycles = field;
    QM_TRY(cli_take_number(option, value, field, diag));
    return cycles->value > 0 ? QM_OK : qm_fail(diag, QM_BAD_INPUT, "--%s 0: nothing could run: give 1 or more", option->name);
}

enum qm_status cli_take_probability(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    double *probability = field;
    char *end;
    *probability = strtod(value, &end);
    if (value[0] != '\0' && *end == '\0' && *probability >= 0 && *probability <= 0.95) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "--%s %s: not a probability from 0 to 0.95", option->name, value);
}

enum qm_status cli_find_word(cli_words *words, const char *option, const char *word, unsigned *index, struct qm_diag *diag) {
    char names[100] = "";
    for (*index = 0; words(*index).name != NULL; ++*index) {
        if (strcmp(word, words(*index).name) == 0) return QM_OK;
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", *index > 0 ? ", " : "", words(*index).name);
    }
    return qm_fail(diag, QM_BAD_INPUT, "--%s %s: no such %s; there are: %s", option, word, words(*index).note, names);
}
