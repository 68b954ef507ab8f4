/* found.c - stderr is not buffered, so what has been told is out. */
#include "verify/found.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

static bool is_plain(const char *text) {
    for (const char *at = text; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && strchr("_-+=,./:@%", *at) == NULL) return false;
    return text[0] != '\0';
}

/* In $'...', where a quote and what does not show (common/text.h) are \xNN. */
char *found_word(struct qm_arena *arena, const char *text) {
    if (is_plain(text)) return qm_arena_printf(arena, " %s", text);
    char *word = qm_arena_alloc(arena, 4 * strlen(text) + 8), *to = word;
    to += sprintf(to, " $'");
    for (const char *at = text; *at != '\0';) {
        size_t size = *at == '\'' || *at == '\\' ? 0 : qm_text_passes(at);
        if (size > 0)
            to = mempcpy(to, at, size);
        else
            to += sprintf(to, "\\x%02x", (uint8_t)*at);
        at += size > 0 ? size : 1;
    }
    sprintf(to, "'");
    return word;
}

void found_tell(const struct qm_diag *difference, const char *arguments) {
    fflush(stdout);
    fprintf(stderr, "qmac: difference: %s\nqmac: it is found again by: qmac verify%s\n", difference->text, arguments);
}

void found_tell_late(const char *what, const struct qm_diag *problem) {
    fprintf(stderr, "qmac: %s: %s\n", what, problem->text);
}

void found_take_second(enum qm_status status, const struct qm_diag *second, struct qm_diag *difference) {
    if (status == QM_MISMATCH)
        *difference = *second;
    else
        found_tell_late("it is not located", status == QM_OK ? difference : second);
}
