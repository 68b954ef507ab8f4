/* record.c - see record.h. */
#include "tests/support/record.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The words of a case, in line; NULL: it has none. */
static const char *find_words(const char *file, const char *name, char *line, size_t size) {
    FILE *stream = fopen(file, "r");
    const char *words = NULL;
    while (stream != NULL && words == NULL && fgets(line, (int)size, stream) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        size_t length = strcspn(line, " ");
        if (length == strlen(name) && memcmp(line, name, length) == 0) words = line + length + strspn(line + length, " ");
    }
    if (stream != NULL) fclose(stream);
    return words;
}

void record_check(struct record *record, const char *name, const char *text) {
    char line[500];
    const char *words = find_words(record->file, name, line, sizeof line);
    bool pass = strcmp(text, "pass") == 0, right = words != NULL && words[0] != '\0' && strstr(text, words) != NULL;
    printf("%-56s %s%s\n", name, right ? "" : "NOT AS RECORDED: ", right && !pass ? words : text);
    record->passed += right && pass;
    record->refused += right && !pass;
    record->wrong += !right;
    size_t used = strlen(record->mismatches);
    if (!right) snprintf(record->mismatches + used, sizeof record->mismatches - used, " %s", name);
}

int record_close(const struct record *record) {
    printf("%d equal what is expected, %d are refused as recorded, %d are not as recorded%s\n", record->passed, record->refused,
           record->wrong, record->mismatches);
    return record->passed > 0 && record->wrong == 0 ? 0 : 1;
}
