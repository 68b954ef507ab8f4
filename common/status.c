/* status.c - formatting of the one line, and the abort of QM_CHECK. */
#include "common/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum qm_status qm_fail(struct qm_diag *diag, enum qm_status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(diag->text, sizeof diag->text, format, args);
    va_end(args);
    for (char *c = diag->text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
    return status;
}

void qm_check_failed(const char *file, int line, const char *what) {
    fprintf(stderr, "qmac: %s:%d: internal fault: %s\n", file, line, what);
    abort();
}
