/* figures.h - the table of figures (report/figures.def): what a number is called in each place, its unit, and how a report gives it. Every
 * output walks the table, so that a new figure is a row and its function.
 */
#ifndef QM_REPORT_FIGURES_H
#define QM_REPORT_FIGURES_H

#include "report/cells.h"
#include "report/report.h"

enum qm_figure_id {
#define QM_FIGURE(id, ...) QM_FIGURE_##id,
#include "report/figures.def"
#undef QM_FIGURE
    QM_FIGURES
};

struct qm_figure {
    /* Keys in a run's totals, in each of its layers, and in the points of qmac explore; NULL: it is not there.
     * In JSON a '.' leads into an object. */
    const char *total, *layer, *point;
    const char *title; /* of its column in tables for people */
    enum qm_figure_unit unit;
    bool needs_time; /* not known of an engine without time, nor of a layer on the host */
    /* One of these: a number, NAN when it is not known; a text; or count members, whose names are put behind the key and a '.'. */
    double (*number)(const struct qm_report_part *part);
    const char *(*text)(const struct qm_report_part *part);
    unsigned count;
    void (*member)(unsigned index, char *name, size_t size);
    double (*member_number)(const struct qm_report_part *part, unsigned index);
};
extern const struct qm_figure qm_figures[QM_FIGURES];

/* The number of a figure that has one, of a layer or of the whole run; NAN: it is not known. */
double qm_figure_number(const struct qm_report_part *part, enum qm_figure_id id);

/* Calls visit for every figure that the part has a key for, in order. number is NAN when it is not known, and text is NULL but for
 * QM_WORDS. Members that need a time which is not there are one figure that is not known. */
typedef void qm_figure_visitor(void *context, const char *key, enum qm_figure_unit unit, double number, const char *text);
void qm_figures_visit(const struct qm_report_part *part, qm_figure_visitor *visit, void *context);

#endif
