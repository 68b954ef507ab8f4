/* status.c - formats the line of an error, and aborts for QM_CHECK. */
#include "common/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/text.h"

enum qm_status qm_fail(struct qm_diag *diag, enum qm_status status, const char *format, ...) {
    char text[sizeof diag->text + 8]; /* what is shown is never shorter, so that a character cut here is beyond the end there */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    qm_text_show(text, diag->text, sizeof diag->text);
    return status;
}

void qm_check_failed(const char *file, int line, const char *what) {
    fprintf(stderr, "qmac: %s:%d: internal fault: %s\n", file, line, what);
    abort();
}
