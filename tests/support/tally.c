/* tally.c - see tally.h. */
#include "tests/support/tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/status.h"

void tally_add(struct tally *tally, const char *name, bool alone, enum verdict verdict, uint64_t seed) {
    uint32_t i = 0;
    while (i < tally->count && strcmp(tally->rows[i].name, name) != 0) i++;
    QM_CHECK(i < TALLY_MAX);
    struct tally_row *row = &tally->rows[i];
    if (i == tally->count) snprintf(row->name, sizeof row->name, "%s", name);
    tally->count += i == tally->count;
    if (verdict != RIGHT && row->seed == 0) row->seed = seed;
    (alone ? row->alone : row->together)[verdict]++;
}

static uint32_t faults(const struct tally_row *row) {
    return row->alone[DIFFERENT] + row->alone[REFUSED] + row->together[DIFFERENT] + row->together[REFUSED];
}

static int by_faults(const void *a, const void *b) {
    const struct tally_row *x = a, *y = b;
    return faults(x) != faults(y) ? (faults(x) < faults(y) ? 1 : -1) : strcmp(x->name, y->name);
}

void tally_print_reasons(struct tally *tally) {
    qsort(tally->rows, tally->count, sizeof *tally->rows, by_faults);
    if (tally->count > 0) printf("refused, by reason:\n");
    for (uint32_t i = 0; i < tally->count; i++)
        printf("%7u  %s (seed %" PRIu64 ")\n", faults(&tally->rows[i]), tally->rows[i].name, tally->rows[i].seed);
}

void tally_print_operators(struct tally *tally) {
    qsort(tally->rows, tally->count, sizeof *tally->rows, by_faults);
    printf("%-28s %20s %24s\n", "", "alone", "with others");
    printf("%-28s %8s%8s%8s %8s%8s%8s  seed\n", "tensors made by", "right", "wrong", "refused", "right", "wrong", "refused");
    for (uint32_t i = 0; i < tally->count; i++) {
        const struct tally_row *row = &tally->rows[i];
        printf("%-28s", row->name);
        for (enum verdict v = RIGHT; v <= REFUSED; v++) printf(" %7u", row->alone[v]);
        for (enum verdict v = RIGHT; v <= REFUSED; v++) printf(" %7u", row->together[v]);
        printf("  %" PRIu64 "\n", row->seed);
    }
}

void tally_reason(const char *message, char *text, size_t size) {
    char copy[sizeof((struct qm_diag *)NULL)->text], *rest = copy;
    size_t used = 0;
    snprintf(copy, sizeof copy, "%s", message);
    copy[strcspn(copy, ";")] = '\0';
    text[0] = '\0';
    for (char *word; (word = strsep(&rest, " ")) != NULL && used + 1 < size;) {
        bool plain = strpbrk(word, "0123456789") == NULL;
        used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "", plain ? word : "#");
    }
}
