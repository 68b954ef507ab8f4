/* The table of figures, row by row. */
#include "report/figures.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

TestSuite(figures);

Test(figures, each_is_a_number_a_text_or_members_and_stands_somewhere) {
    for (int i = 0; i < QM_FIGURES; i++) {
        const struct qm_figure *figure = &qm_figures[i];
        bool is_number = figure->number != NULL, is_text = figure->text != NULL;
        bool has_members = figure->count > 0 && figure->member != NULL && figure->member_number != NULL;
        cr_expect(is_number + is_text + has_members == 1, "figure %d", i);
        cr_expect(is_text == (figure->unit == QM_WORDS), "figure %d", i);
        cr_expect(figure->total != NULL || figure->layer != NULL || figure->point != NULL || figure->title != NULL, "figure %d", i);
        cr_expect(figure->point == NULL || figure->number != NULL, "figure %d: points keep numbers only", i);
    }
}

static bool is_same(const char *a, const char *b) {
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

Test(figures, no_key_stands_twice_in_a_place) {
    for (int i = 0; i < QM_FIGURES; i++)
        for (int j = 0; j < i; j++) {
            const struct qm_figure *a = &qm_figures[i], *b = &qm_figures[j];
            cr_expect_not(is_same(a->total, b->total) || is_same(a->layer, b->layer) || is_same(a->point, b->point), "figures %d, %d", i,
                          j);
        }
}

Test(figures, a_cell_has_the_unit_of_the_figure) {
    static const struct {
        enum qm_figure_unit unit;
        double number;
        const char *want;
    } cases[] = {{QM_COUNT, 1234567, "1,234,567"},  {QM_MACS, 1230000, "1.23 M"}, {QM_BYTES, 2048, "2.00 KiB"},
                 {QM_SECONDS, 4.23e-6, "4.23 us"},  {QM_SHARE, 0.0584, "5.8 %"},  {QM_PICOJOULES, 1580000, "1.58 uJ"},
                 {QM_MILLIWATTS, 300.1, "300.1 mW"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qm_cell cell;
        qm_cell_number(cases[i].unit, cases[i].number, cell);
        cr_expect(eq(str, cell, (char *)cases[i].want));
    }
}
