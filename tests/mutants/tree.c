/* tree.c - finds the expressions and assignments of a module: statements by recursive descent, module items by their first word. */
#include "tests/mutants/tree.h"

#include <string.h>

#include "tests/mutants/expression.h"

static bool sees_any(const struct parser *parser, const char *const words[]) {
    for (; *words != NULL; words++)
        if (parser_sees(parser, *words)) return true;
    return false;
}

static struct node *wrapped_expression(struct parser *parser, enum form form) {
    struct node *expression = expression_parse(parser), *node = node_create(parser, form, expression->first);
    node_add(node, expression);
    return node;
}

/* ---- statements ---- */

static struct node *parse_statement(struct parser *parser);

static struct node *parse_if(struct parser *parser) {
    struct node *node = node_create(parser, FORM_GROUP, parser->at);
    parser_expect(parser, "if");
    parser_expect(parser, "(");
    node_add(node, wrapped_expression(parser, FORM_CONDITION));
    parser_expect(parser, ")");
    node_add(node, parse_statement(parser));
    if (parser_accepts(parser, "else")) node_add(node, parse_statement(parser));
    node->end = parser->at;
    return node;
}

static struct node *parse_case(struct parser *parser) {
    struct node *node = node_create(parser, FORM_GROUP, parser->at);
    parser_expect(parser, "case");
    parser_expect(parser, "(");
    node_add(node, expression_parse(parser));
    parser_expect(parser, ")");
    while (parser->status == QM_OK && !parser_accepts(parser, "endcase")) {
        parser_skip_to(parser, ":"); /* labels are constants */
        node_add(node, parse_statement(parser));
    }
    node->end = parser->at;
    return node;
}

static struct node *parse_for(struct parser *parser) {
    struct node *node = node_create(parser, FORM_GROUP, parser->at);
    parser_expect(parser, "for");
    parser_skip_brackets(parser);
    node_add(node, parse_statement(parser));
    node->end = parser->at;
    return node;
}

/* A loop's first statement counts. It is left alone: a loop without end cannot be told from a slow one. */
static struct node *parse_while(struct parser *parser) {
    struct node *node = node_create(parser, FORM_GROUP, parser->at);
    parser_expect(parser, "while");
    parser_skip_brackets(parser);
    parser_expect(parser, "begin");
    parser_skip_to(parser, ";");
    while (parser->status == QM_OK && !parser_accepts(parser, "end")) node_add(node, parse_statement(parser));
    node->end = parser->at;
    return node;
}

static struct node *parse_block(struct parser *parser) {
    struct node *node = node_create(parser, FORM_GROUP, parser->at);
    parser_expect(parser, "begin");
    while (parser->status == QM_OK && !parser_accepts(parser, "end")) node_add(node, parse_statement(parser));
    node->end = parser->at;
    return node;
}

/* left = right; or left <= right; or a call of a task, which has no arguments. */
static struct node *parse_assignment(struct parser *parser) {
    static const char *const behind[] = {"=", "<=", ";", NULL};
    struct node *node = node_create(parser, FORM_STATEMENT, parser->at);
    do parser_skip_brackets(parser);
    while (!sees_any(parser, behind) && parser->status == QM_OK);
    if (parser_accepts(parser, ";")) {
        node->end = parser->at;
        return node;
    }
    if (!parser_accepts(parser, "=")) parser_expect(parser, "<=");
    node_add(node, expression_parse(parser));
    parser_expect(parser, ";");
    node->end = parser->at;
    return node;
}

static struct node *parse_statement(struct parser *parser) {
    if (parser_sees(parser, "if")) return parse_if(parser);
    if (parser_sees(parser, "case")) return parse_case(parser);
    if (parser_sees(parser, "for")) return parse_for(parser);
    if (parser_sees(parser, "while")) return parse_while(parser);
    if (parser_sees(parser, "begin")) return parse_block(parser);
    if (parser_accepts(parser, ";")) return NULL;
    return parse_assignment(parser);
}

/* ---- module items ---- */

/* Wires named unused only keep a linter quiet. */
static void parse_drivers(struct parser *parser, struct node *root) {
    const struct token *name = parser_peek(parser);
    while (parser->status == QM_OK && !parser_accepts(parser, ";")) {
        if (parser_peek(parser)->kind == TOKEN_NAME) name = parser_peek(parser);
        if (!parser_accepts(parser, "=")) {
            parser_skip_brackets(parser);
            continue;
        }
        struct node *driver = wrapped_expression(parser, FORM_DRIVER);
        if (name->size < 6 || memcmp(name->text, "unused", 6) != 0) node_add(root, driver);
    }
}

static void parse_always(struct parser *parser, struct node *root) {
    parser_expect(parser, "always");
    parser_expect(parser, "@");
    if (!parser_accepts(parser, "*")) parser_skip_brackets(parser);
    node_add(root, parse_statement(parser));
}

/* A function, or a task, up to its end. */
static void parse_function(struct parser *parser, const char *end, struct node *root) {
    static const char *const declarations[] = {"input", "reg", "integer", NULL};
    parser_skip_to(parser, ";");
    while (sees_any(parser, declarations)) parser_skip_to(parser, ";");
    while (parser->status == QM_OK && !parser_accepts(parser, end)) node_add(root, parse_statement(parser));
}

/* Whether the port is an input, by its name: NAME_i. The clock is left alone. */
static bool is_input(const struct token *port) {
    return port->size > 2 && memcmp(port->text + port->size - 2, "_i", 2) == 0 && !token_is(port, "clk_i");
}

/* module #(...) instance (.port(expression), ...); */
static void parse_instance(struct parser *parser, struct node *root) {
    parser_skip_brackets(parser);
    if (parser_accepts(parser, "#")) parser_skip_brackets(parser);
    parser_skip_brackets(parser);
    parser_expect(parser, "(");
    while (parser_accepts(parser, ".")) {
        const struct token *port = parser_peek(parser);
        parser_skip_brackets(parser);
        if (is_input(port)) {
            parser_expect(parser, "(");
            node_add(root, wrapped_expression(parser, FORM_DRIVER));
            parser_expect(parser, ")");
        } else
            parser_skip_brackets(parser);
        parser_accepts(parser, ",");
    }
    parser_expect(parser, ")");
    parser_expect(parser, ";");
}

static void parse_item(struct parser *parser, struct node *root) {
    static const char *const constants[] = {"parameter", "localparam", "genvar", "integer", NULL};
    static const char *const drivers[] = {"wire", "reg", "assign", NULL};
    static const char *const brackets[] = {"generate", "endgenerate", "end", "else", NULL};
    static const char *const generators[] = {"if", "for", NULL};
    if (sees_any(parser, constants))
        parser_skip_to(parser, ";");
    else if (sees_any(parser, drivers))
        parse_drivers(parser, root);
    else if (sees_any(parser, brackets) || parser_peek(parser)->kind == TOKEN_MACRO) /* a macro is items that are not ours to look into */
        parser->at++;
    else if (sees_any(parser, generators)) {
        parser->at++;
        parser_skip_brackets(parser);
    } else if (parser_accepts(parser, "begin")) {
        if (parser_accepts(parser, ":")) parser_skip_brackets(parser);
    } else if (parser_sees(parser, "always"))
        parse_always(parser, root);
    else if (parser_sees(parser, "function"))
        parse_function(parser, "endfunction", root);
    else if (parser_sees(parser, "task"))
        parse_function(parser, "endtask", root);
    else
        parse_instance(parser, root);
}

enum qm_status tree_parse(const struct tokens *tokens, struct qm_arena *arena, struct node **root, size_t *header, struct qm_diag *diag) {
    struct parser parser = {.tokens = tokens, .arena = arena, .diag = diag};
    *root = node_create(&parser, FORM_GROUP, 0);
    parser_expect(&parser, "module");
    parser_skip_to(&parser, ";");
    *header = parser.at;
    while (parser.status == QM_OK && !parser_accepts(&parser, "endmodule")) parse_item(&parser, *root);
    (*root)->end = tokens->count - 1;
    return parser.status;
}
