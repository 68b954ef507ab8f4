/* compare.h - what the bits of a network buy: its products, additions and DRAM bytes at the prices of spec/energy/arithmetic.def, as they
 * are and as they would be in floating point. Nothing else of a machine is in these, and they are not mixed with the prices of a table.
 */
#ifndef QM_REPORT_COMPARE_H
#define QM_REPORT_COMPARE_H

#include <stdio.h>

#include "report/report.h"

/* The name of the index-th number format that a network can be compared with; NULL behind the last. */
const char *qm_compare_name(unsigned index);

struct qm_compare_cost {
    double multiply_pj, add_pj, dram_pj;
    double area_um2; /* of a multiplier and an adder that the widest products need */
    double bit_ops;  /* products of single bits: weight bits times activation bits a product */
};

/* Of the layers on the machine. dram_pj of floating point is the least, but for parameters: what fits the scratchpad now is taken to fit
 * it then, and every byte of a layer becomes wider as its activations do.
 */
struct qm_compare {
    struct qm_compare_cost here, there;
};

/* With the number format report->source.compared, a name of qm_compare_name. */
struct qm_compare qm_compare_make(const struct qm_report *report);

/* A few lines for people. */
void qm_compare_print(FILE *out, const struct qm_report *report);

#endif
