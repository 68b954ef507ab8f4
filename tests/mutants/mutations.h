/* mutations.h - the mutants that can be planted at the nodes of a tree, and the text of a file with some of them in it.
 *
 * All drawn mutants are in one text. Mutant K stands in a choice between what was there and what is wrong, and register qmac.mutant selects
 * it, so that one build of a machine serves all mutants; 0 selects none. Both sides of a choice have the width and sign of what was there.
 */
#ifndef QM_TESTS_MUTANTS_MUTATIONS_H
#define QM_TESTS_MUTANTS_MUTATIONS_H

#include <stdint.h>
#include <stdio.h>

#include "tests/mutants/tree.h"

enum rule {
    RULE_OPERATOR,  /* another operator */
    RULE_SWAP,      /* two operands change places */
    RULE_KEEP_LEFT, /* of a && or || only the left operand counts */
    RULE_KEEP_RIGHT,
    RULE_NO_OPERATOR, /* a !, ~ or - is lost */
    RULE_LITERAL,     /* another number */
    RULE_NEGATE,      /* if (!x) */
    RULE_ALWAYS,      /* if (1) */
    RULE_NEVER,       /* if (0) */
    RULE_DROP,        /* the assignment does nothing; what was driven is 0 */
};

struct mutation {
    enum rule rule;
    const char *with; /* the other operator or literal */
    uint64_t key;     /* the order in which mutants are drawn */
    unsigned mutant;  /* K when drawn, else 0 */
    const char *file; /* of the source */
    unsigned line;
    char *line_text;
    char *what; /* "a + b -> a - b"; with " #2" and so on behind it when the line, wherever it stands in the file, has the same twice */
    const char *equivalent;            /* why it changes nothing, or NULL */
    struct mutation *next_here, *next; /* of the node, of the list */
};

struct mutations {
    struct mutation *first, **end;
    size_t count;
};

/* Appends every mutant that can be planted in the tree. */
void mutations_find(const struct tokens *tokens, struct node *root, struct qm_arena *arena, struct mutations *mutations);

/* Writes the file with the drawn mutants in it. The register is declared at the token header when that is not 0. */
void mutations_write(const struct tokens *tokens, const struct node *root, size_t header, FILE *stream);

#endif
