/* csv_text.h - texts and numbers as CSV has them (RFC 4180). Names that cannot be shown become text as everywhere (common/text.h). */
#ifndef QM_REPORT_CSV_TEXT_H
#define QM_REPORT_CSV_TEXT_H

#include <stdio.h>

void qm_csv_text(FILE *out, const char *text); /* in quotes */
void qm_csv_name(FILE *out, const char *name); /* in quotes only when it needs them */
/* The shortest of the two usual forms that is read back as the same number. */
void qm_csv_number(FILE *out, double number);

#endif
