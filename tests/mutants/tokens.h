/* tokens.h - a Verilog file as tokens; blanks, comments and compiler directives are the gaps between them, so that the text can be written
 * back as it was.
 */
#ifndef QM_TESTS_MUTANTS_TOKENS_H
#define QM_TESTS_MUTANTS_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/status.h"

enum token_kind { TOKEN_END, TOKEN_NAME, TOKEN_SYSTEM, TOKEN_MACRO, TOKEN_NUMBER, TOKEN_STRING, TOKEN_SYMBOL };

struct token {
    enum token_kind kind;
    const char *text; /* in the file */
    size_t size;
    unsigned line;
};

struct tokens {
    const char *file; /* its name */
    const char *text;
    size_t count;       /* the last one is TOKEN_END */
    struct token *list; /* in order of the file */
};

/* Splits the file. A character that no token begins with is QM_BAD_INPUT. All memory is the arena's. */
QM_MUST_USE enum qm_status tokens_read(const char *file, struct qm_arena *arena, struct tokens *tokens, struct qm_diag *diag);

bool token_is(const struct token *token, const char *text);

/* The source line in which the token stands, without the blanks around it. */
char *token_line_text(const struct tokens *tokens, const struct token *token, struct qm_arena *arena);

#endif
