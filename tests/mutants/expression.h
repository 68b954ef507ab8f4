/* expression.h - the parser of expressions, and what it shares with the parser of the rest of a file: a place in the tokens.
 *
 * The first error is kept and the place jumps to the end of the file, so that every loop ends and only the end asks whether all went well.
 */
#ifndef QM_TESTS_MUTANTS_EXPRESSION_H
#define QM_TESTS_MUTANTS_EXPRESSION_H

#include "tests/mutants/tree.h"

struct parser {
    const struct tokens *tokens;
    struct qm_arena *arena;
    size_t at; /* the next token */
    enum qm_status status;
    struct qm_diag *diag;
};

const struct token *parser_peek(const struct parser *parser);
bool parser_sees(const struct parser *parser, const char *text);
bool parser_accepts(struct parser *parser, const char *text); /* and steps over it */
void parser_expect(struct parser *parser, const char *text);
void parser_skip_to(struct parser *parser, const char *text);  /* outside of brackets; stands behind it then */
void parser_skip_brackets(struct parser *parser);              /* one token; an opening bracket up to its partner */
void parser_fail(struct parser *parser, const char *expected); /* FILE:LINE: expected ... */

struct node *node_create(struct parser *parser, enum form form, size_t first);
void node_add(struct node *parent, struct node *child); /* as the last child; NULL is nothing */

/* Parses one expression; the node ends where the parser stands then. */
struct node *expression_parse(struct parser *parser);

#endif
