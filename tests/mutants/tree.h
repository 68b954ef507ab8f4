/* tree.h - the places of a Verilog file where a mutant can be planted, as a tree: expressions by operator, assignments, conditions.
 *
 * The tree holds only what works at run time: parameters, ranges, widths, generate loops, labels and left sides are text between its nodes.
 * A node's text is that of its tokens [first, end), in which its children lie apart and in order.
 */
#ifndef QM_TESTS_MUTANTS_TREE_H
#define QM_TESTS_MUTANTS_TREE_H

#include "tests/mutants/tokens.h"

enum form {
    FORM_GROUP,     /* only its children count */
    FORM_NUMBER,    /* a literal */
    FORM_UNARY,     /* operator, operand */
    FORM_BINARY,    /* left, operator, right */
    FORM_CHOICE,    /* condition ? left : right */
    FORM_CONCAT,    /* { children } */
    FORM_CONDITION, /* the expression of an if */
    FORM_STATEMENT, /* a procedural assignment with its semicolon */
    FORM_DRIVER,    /* what an assign, a declaration or an instance's input is driven by */
};

struct node {
    enum form form;
    size_t first, end; /* tokens */
    size_t op;         /* token of the operator */
    struct node *children, *next;
    struct mutation *mutations; /* planted here: tests/mutants/mutations.h */
};

/* Parses the file. What is not in the subset of rtl/ is QM_BAD_INPUT. *root is a FORM_GROUP of everything; *header is the token after the
 * header of the module, or 0 when the file has no module. */
QM_MUST_USE enum qm_status tree_parse(const struct tokens *tokens, struct qm_arena *arena, struct node **root, size_t *header,
                                      struct qm_diag *diag);

#endif
