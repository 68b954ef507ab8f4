/* expression.c - Verilog expressions by precedence climbing. */
#include "tests/mutants/expression.h"

#include <string.h>

/* ---- the place in the tokens ---- */

const struct token *parser_peek(const struct parser *parser) {
    return &parser->tokens->list[parser->at];
}

bool parser_sees(const struct parser *parser, const char *text) {
    return token_is(parser_peek(parser), text);
}

static void step(struct parser *parser) {
    if (parser_peek(parser)->kind != TOKEN_END) parser->at++;
}

void parser_fail(struct parser *parser, const char *expected) {
    const struct token *token = parser_peek(parser);
    if (parser->status == QM_OK)
        parser->status = qm_fail(parser->diag, QM_BAD_INPUT, "%s:%u: expected %s, found '%.*s'", parser->tokens->file, token->line,
                                 expected, (int)token->size, token->text);
    parser->at = parser->tokens->count - 1;
}

bool parser_accepts(struct parser *parser, const char *text) {
    if (!parser_sees(parser, text)) return false;
    step(parser);
    return true;
}

void parser_expect(struct parser *parser, const char *text) {
    if (!parser_accepts(parser, text)) parser_fail(parser, text);
}

static int bracket_depth(const struct token *token) {
    if (token->kind != TOKEN_SYMBOL || token->size != 1) return 0;
    if (strchr("([{", token->text[0]) != NULL) return 1;
    return strchr(")]}", token->text[0]) != NULL ? -1 : 0;
}

void parser_skip_brackets(struct parser *parser) {
    int depth = 0;
    do {
        if (parser_peek(parser)->kind == TOKEN_END) {
            parser_fail(parser, "a closing bracket");
            return;
        }
        depth += bracket_depth(parser_peek(parser));
        step(parser);
    } while (depth > 0);
}

void parser_skip_to(struct parser *parser, const char *text) {
    while (!parser_sees(parser, text)) {
        if (parser_peek(parser)->kind == TOKEN_END) {
            parser_fail(parser, text);
            return;
        }
        parser_skip_brackets(parser);
    }
    step(parser);
}

/* ---- nodes ---- */

struct node *node_create(struct parser *parser, enum form form, size_t first) {
    struct node *node = QM_ARENA_NEW(parser->arena, struct node, 1);
    *node = (struct node){.form = form, .first = first, .end = parser->at};
    return node;
}

void node_add(struct node *parent, struct node *child) {
    struct node **last = &parent->children;
    while (*last != NULL) last = &(*last)->next;
    *last = child;
}

static struct node *close_node(struct parser *parser, struct node *node) {
    node->end = parser->at;
    return node;
}

/* ---- primaries ---- */

static struct node *list_until(struct parser *parser, struct node *node, const char *close) {
    if (!parser_sees(parser, close)) do
            node_add(node, expression_parse(parser));
        while (parser_accepts(parser, ","));
    parser_expect(parser, close);
    return close_node(parser, node);
}

/* Parses {a, b}, or {count{a, b}}, whose count is a constant. */
static struct node *parse_braces(struct parser *parser) {
    struct node *node = node_create(parser, FORM_CONCAT, parser->at);
    parser_expect(parser, "{");
    size_t inside = parser->at;
    expression_parse(parser);
    if (parser_accepts(parser, "{")) {
        node->form = FORM_GROUP;
        list_until(parser, node, "}");
        parser_expect(parser, "}");
        return close_node(parser, node);
    }
    if (parser->status == QM_OK) parser->at = inside;
    return list_until(parser, node, "}");
}

/* Parses [index], [base +: width] or [most:least]: an index and a base work at run time, the others are constants. */
static void parse_index(struct parser *parser, struct node *node) {
    parser_expect(parser, "[");
    struct node *index = expression_parse(parser);
    if (parser_accepts(parser, ":")) {
        parser_skip_to(parser, "]");
        return;
    }
    if (parser_accepts(parser, "+:") || parser_accepts(parser, "-:"))
        parser_skip_to(parser, "]");
    else
        parser_expect(parser, "]");
    node_add(node, index);
}

/* Parses a name, a call or a macro. The arguments of a macro become part of another text and stay as they are. */
static struct node *parse_name(struct parser *parser) {
    struct node *node = node_create(parser, FORM_GROUP, parser->at);
    enum token_kind kind = parser_peek(parser)->kind;
    bool is_constant = parser_sees(parser, "$clog2");
    step(parser);
    if (parser_sees(parser, "(")) {
        if (kind == TOKEN_MACRO || is_constant)
            parser_skip_brackets(parser);
        else {
            step(parser);
            list_until(parser, node, ")");
        }
    }
    while (parser_sees(parser, "[")) parse_index(parser, node);
    return close_node(parser, node);
}

static struct node *parse_primary(struct parser *parser) {
    size_t first = parser->at;
    switch (parser_peek(parser)->kind) {
    case TOKEN_NUMBER: step(parser); return node_create(parser, FORM_NUMBER, first);
    case TOKEN_NAME:
    case TOKEN_SYSTEM:
    case TOKEN_MACRO: return parse_name(parser);
    default: break;
    }
    if (parser_sees(parser, "{")) return parse_braces(parser);
    struct node *node = node_create(parser, FORM_GROUP, first);
    if (!parser_accepts(parser, "(")) {
        parser_fail(parser, "an expression");
        return node;
    }
    return list_until(parser, node, ")");
}

/* ---- operators ---- */

static struct node *parse_unary(struct parser *parser) {
    static const char *const operators[] = {"!", "~", "-", "&", "|", "^", "~&", "~|", "+"};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (!parser_sees(parser, operators[i])) continue;
        struct node *node = node_create(parser, FORM_UNARY, parser->at);
        node->op = parser->at;
        step(parser);
        node_add(node, parse_unary(parser));
        return close_node(parser, node);
    }
    return parse_primary(parser);
}

static int precedence(const struct token *token) {
    static const struct {
        const char *text;
        int level;
    } table[] = {{"||", 1},  {"&&", 2},  {"|", 3}, {"^", 4},  {"~^", 4}, {"&", 5},  {"==", 6}, {"!=", 6},
                 {"===", 6}, {"!==", 6}, {"<", 7}, {"<=", 7}, {">", 7},  {">=", 7}, {"<<", 8}, {">>", 8},
                 {"<<<", 8}, {">>>", 8}, {"+", 9}, {"-", 9},  {"*", 10}, {"/", 10}, {"%", 10}, {"**", 11}};
    for (size_t i = 0; token->kind == TOKEN_SYMBOL && i < sizeof table / sizeof *table; i++)
        if (token_is(token, table[i].text)) return table[i].level;
    return 0;
}

static struct node *parse_binary(struct parser *parser, int lowest) {
    struct node *left = parse_unary(parser);
    for (;;) {
        int level = precedence(parser_peek(parser));
        if (level < lowest) return left;
        struct node *node = node_create(parser, FORM_BINARY, left->first);
        node->op = parser->at;
        step(parser);
        node_add(node, left);
        node_add(node, parse_binary(parser, level + 1));
        left = close_node(parser, node);
    }
}

struct node *expression_parse(struct parser *parser) {
    struct node *condition = parse_binary(parser, 1);
    if (!parser_sees(parser, "?")) return condition;
    struct node *node = node_create(parser, FORM_CHOICE, condition->first);
    node->op = parser->at;
    step(parser);
    node_add(node, condition);
    node_add(node, expression_parse(parser));
    parser_expect(parser, ":");
    node_add(node, expression_parse(parser));
    return close_node(parser, node);
}
