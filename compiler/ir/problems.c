/* problems.c - see problems.h. A problem is kept whole or counted as left out. */
#include "compiler/ir/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void problems_add(struct problems *problems, const char *format, ...) {
    size_t used = strlen(problems->text), room = sizeof problems->text - used;
    char *end = problems->text + used;
    const char *separator = used > 0 ? "; " : "";
    problems->count++;
    va_list args;
    va_start(args, format);
    char one[256];
    vsnprintf(one, sizeof one, format, args);
    va_end(args);
    if (problems->left_out > 0 || strlen(separator) + strlen(one) >= room) {
        problems->left_out++;
        return;
    }
    snprintf(end, room, "%s%s", separator, one);
}

enum qm_status problems_report(const struct problems *problems, const char *file, const char *hint, struct qm_diag *diag) {
    if (problems->count == 0) return QM_OK;
    char more[32] = "";
    if (problems->left_out > 0) snprintf(more, sizeof more, "; and %u more", problems->left_out);
    return qm_fail(diag, QM_BAD_INPUT, "%s: %s%s; %s", file, problems->text, more, hint);
}
