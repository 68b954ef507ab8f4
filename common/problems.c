/* problems.c - see problems.h. Operators with the same problem share a part of the line, so that every kind of operator is named. */
#include "common/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct problem *find_problem(struct problems *problems, const char *text) {
    for (uint32_t i = 0; i < problems->count; i++)
        if (strcmp(problems->list[i].text, text) == 0) return &problems->list[i];
    if (problems->count == PROBLEMS_MAX) return NULL;
    struct problem *problem = &problems->list[problems->count++];
    snprintf(problem->text, sizeof problem->text, "%s", text);
    return problem;
}

void problems_add(struct problems *problems, uint32_t index, const char *format, ...) {
    char text[sizeof problems->list[0].text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct problem *problem = find_problem(problems, text);
    if (problem == NULL)
        problems->left_out++;
    else if (problem->count++ < PROBLEM_OPERATORS_MAX)
        problem->operators[problem->count - 1] = index;
}

/* "operator 3 LSTM is not supported (also 7, 9 and 4 more)" */
static void print_problem(const struct problem *problem, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "operator %u %s", problem->operators[0], problem->text);
    for (uint32_t i = 1; i < problem->count && i < PROBLEM_OPERATORS_MAX; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%u", i == 1 ? " (also " : ", ", problem->operators[i]);
    if (problem->count > PROBLEM_OPERATORS_MAX)
        used += (size_t)snprintf(text + used, size - used, " and %u more", problem->count - PROBLEM_OPERATORS_MAX);
    if (problem->count > 1) snprintf(text + used, size - used, ")");
}

enum qm_status problems_report(const struct problems *problems, const char *file, const char *hint, struct qm_diag *diag) {
    char text[800] = "", one[320];
    uint32_t left_out = problems->left_out;
    size_t used = 0;
    if (problems->count == 0) return QM_OK;
    for (uint32_t i = 0; i < problems->count; i++) {
        print_problem(&problems->list[i], one, sizeof one);
        if (used + strlen(one) + 2 < sizeof text)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? "; " : "", one);
        else
            left_out += problems->list[i].count;
    }
    char more[32] = "";
    if (left_out > 0) snprintf(more, sizeof more, "; and %u more", left_out);
    return qm_fail(diag, QM_BAD_INPUT, "%s: %s%s; %s", file, text, more, hint);
}
