/* csv_text.c - writes texts of CSV, in which a quote within quotes stands twice. */
#include "report/csv_text.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"

void qm_csv_text(FILE *out, const char *text) {
    char *shown = qm_text_shown(text);
    fputc('"', out);
    for (const char *c = shown; *c != '\0'; c++) fprintf(out, *c == '"' ? "\"\"" : "%c", *c);
    fputc('"', out);
    free(shown);
}

void qm_csv_name(FILE *out, const char *name) {
    if (strpbrk(name, ",\"\r\n") != NULL)
        qm_csv_text(out, name);
    else
        qm_text_print(name, out);
}

void qm_csv_number(FILE *out, double number) {
    char text[40];
    snprintf(text, sizeof text, "%.15g", number);
    fprintf(out, strtod(text, NULL) == number ? "%.15g" : "%.17g", number);
}
