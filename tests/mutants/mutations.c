/* mutations.c - which mutants fit which node, and how a node with mutants is written. */
#include "tests/mutants/mutations.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HALF_NAME_BYTES = 40 };

struct finder {
    const struct tokens *tokens;
    struct qm_arena *arena;
    struct mutations *mutations;
    struct mutation *file_first; /* the file's first, to count equal ones */
};

/* The text of the tokens on one line, of a long one only both ends. */
static char *squeeze(const struct tokens *tokens, size_t first, size_t end, struct qm_arena *arena) {
    char *text = qm_arena_strdup(arena, "");
    for (size_t i = first; i < end; i++) {
        const struct token *token = &tokens->list[i];
        bool apart = i > first && token[-1].text + token[-1].size < token->text;
        text = qm_arena_printf(arena, "%s%s%.*s", text, apart ? " " : "", (int)token->size, token->text);
    }
    size_t size = strlen(text);
    if (size <= 2 * HALF_NAME_BYTES) return text;
    return qm_arena_printf(arena, "%.*s...%s", HALF_NAME_BYTES, text, text + size - HALF_NAME_BYTES);
}

/* ---- naming ---- */

static char *describe(const struct finder *finder, const struct node *node, enum rule rule, const char *with) {
    struct qm_arena *arena = finder->arena;
    const struct node *a = node->children, *b = a == NULL ? NULL : a->next;
    char *was = squeeze(finder->tokens, node->first, node->end, arena);
    switch (rule) {
    case RULE_OPERATOR: return qm_arena_printf(arena, "%s -> operator %s", was, with);
    case RULE_SWAP: return qm_arena_printf(arena, "%s -> operands swapped", was);
    case RULE_KEEP_LEFT: return qm_arena_printf(arena, "%s -> %s", was, squeeze(finder->tokens, a->first, a->end, arena));
    case RULE_KEEP_RIGHT: return qm_arena_printf(arena, "%s -> %s", was, squeeze(finder->tokens, b->first, b->end, arena));
    case RULE_NO_OPERATOR: return qm_arena_printf(arena, "%s -> without the operator", was);
    case RULE_LITERAL: return qm_arena_printf(arena, "%s -> %s", was, with);
    case RULE_NEGATE: return qm_arena_printf(arena, "if (%s) -> negated", was);
    case RULE_ALWAYS: return qm_arena_printf(arena, "if (%s) -> always", was);
    case RULE_NEVER: return qm_arena_printf(arena, "if (%s) -> never", was);
    case RULE_DROP: return qm_arena_printf(arena, node->form == FORM_DRIVER ? "%s -> 0" : "%s -> dropped", was);
    }
    return was;
}

static bool is_same(const struct mutation *mutation, const struct mutation *other, size_t size) {
    return strcmp(mutation->line_text, other->line_text) == 0 && strncmp(mutation->what, other->what, size) == 0 &&
           (other->what[size] == '\0' || strncmp(other->what + size, " #", 2) == 0);
}

static void number(const struct finder *finder, struct mutation *mutation) {
    unsigned count = 1;
    size_t size = strlen(mutation->what);
    for (const struct mutation *other = finder->file_first; other != NULL; other = other->next) count += is_same(mutation, other, size);
    if (count > 1) mutation->what = qm_arena_printf(finder->arena, "%s #%u", mutation->what, count);
}

static void add(struct finder *finder, struct node *node, enum rule rule, const char *with) {
    const struct tokens *tokens = finder->tokens;
    bool has_op = node->form == FORM_BINARY || node->form == FORM_CHOICE;
    const struct token *place = &tokens->list[has_op ? node->op : node->first];
    struct mutation *mutation = QM_ARENA_NEW(finder->arena, struct mutation, 1);
    *mutation = (struct mutation){.rule = rule, .with = with, .file = tokens->file, .line = place->line, .next_here = node->mutations};
    mutation->line_text = token_line_text(tokens, place, finder->arena);
    mutation->what = describe(finder, node, rule, with);
    number(finder, mutation);
    node->mutations = mutation;
    if (finder->file_first == NULL) finder->file_first = mutation;
    *finder->mutations->end = mutation;
    finder->mutations->end = &mutation->next;
    finder->mutations->count++;
}

/* ---- finding ---- */

static const char *other_operator(const struct token *op) {
    static const char *const pairs[][2] = {{"+", "-"},   {"-", "+"},  {"*", "+"},  {"<<", ">>"}, {">>", "<<"}, {">>>", ">>"},
                                           {"&", "|"},   {"|", "&"},  {"^", "&"},  {"&&", "||"}, {"||", "&&"}, {"==", "!="},
                                           {"!=", "=="}, {"<", "<="}, {"<=", "<"}, {">", ">="},  {">=", ">"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (token_is(op, pairs[i][0])) return pairs[i][1];
    return NULL;
}

static bool is_any(const struct token *op, const char *const texts[]) {
    for (; *texts != NULL; texts++)
        if (token_is(op, *texts)) return true;
    return false;
}

static void find_binary(struct finder *finder, struct node *node) {
    static const char *const ordered[] = {"-", "<", "<=", ">", ">=", NULL}, *const logical[] = {"&&", "||", NULL};
    const struct token *op = &finder->tokens->list[node->op];
    const char *other = other_operator(op);
    if (other != NULL) add(finder, node, RULE_OPERATOR, other);
    if (is_any(op, ordered)) add(finder, node, RULE_SWAP, NULL);
    if (!is_any(op, logical)) return;
    add(finder, node, RULE_KEEP_LEFT, NULL);
    add(finder, node, RULE_KEEP_RIGHT, NULL);
}

enum change { ONE_MORE, ONE_LESS, TO_ZERO };

static uint64_t changed(uint64_t value, uint64_t most, enum change change) {
    if (change == TO_ZERO || (change == ONE_MORE && value == most)) return 0;
    return change == ONE_MORE ? value + 1 : value == 0 ? most : value - 1;
}

/* The literal with another value, of the same size and sign. NULL when it has no size where it has a base, or has x or z digits. */
static char *other_literal(struct finder *finder, const struct token *token, enum change change) {
    char *text = qm_arena_printf(finder->arena, "%.*s", (int)token->size, token->text), *quote = strchr(text, '\'');
    if (quote == NULL) return qm_arena_printf(finder->arena, "%" PRIu64, changed(strtoul(text, NULL, 10), INT32_MAX, change));
    const char *sign = tolower((unsigned char)quote[1]) == 's' ? "s" : "";
    char base = (char)tolower((unsigned char)quote[1 + strlen(sign)]), *end;
    unsigned long bits = strtoul(text, NULL, 10);
    uint64_t value = strtoull(quote + 2 + strlen(sign), &end, base == 'h' ? 16 : base == 'b' ? 2 : 10);
    if (*end != '\0' || bits == 0) return NULL;
    uint64_t most = bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
    return qm_arena_printf(finder->arena, "%lu'%sh%" PRIx64, bits, sign, changed(value, most, change));
}

static bool is_zero(const struct token *token) {
    const char *quote = memchr(token->text, '\'', token->size);
    const char *digits = quote == NULL ? token->text : quote + 1 + strspn(quote + 1, "sSdDhHbB");
    size_t size = (size_t)(token->text + token->size - digits);
    return strspn(digits, "0_") >= size;
}

static void find_number(struct finder *finder, struct node *node) {
    const struct token *token = &finder->tokens->list[node->first];
    char *more = other_literal(finder, token, ONE_MORE), *less = other_literal(finder, token, ONE_LESS);
    char *zero = other_literal(finder, token, TO_ZERO);
    if (more == NULL) return;
    add(finder, node, RULE_LITERAL, more);
    if (is_zero(token)) return;
    if (strcmp(more, zero) != 0) add(finder, node, RULE_LITERAL, zero);
    if (strcmp(less, zero) != 0 && strcmp(less, more) != 0) add(finder, node, RULE_LITERAL, less);
}

static void find_condition(struct finder *finder, struct node *node) {
    add(finder, node, RULE_NEGATE, NULL);
    add(finder, node, RULE_ALWAYS, NULL);
    add(finder, node, RULE_NEVER, NULL);
}

static void find(struct finder *finder, struct node *node) {
    static const char *const losable[] = {"!", "~", "-", NULL};
    switch (node->form) {
    case FORM_GROUP: break;
    case FORM_NUMBER: find_number(finder, node); break;
    case FORM_UNARY:
        if (is_any(&finder->tokens->list[node->op], losable)) add(finder, node, RULE_NO_OPERATOR, NULL);
        break;
    case FORM_BINARY: find_binary(finder, node); break;
    case FORM_CHOICE: add(finder, node, RULE_SWAP, NULL); break;
    case FORM_CONCAT:
        if (node->children != NULL && node->children->next != NULL) add(finder, node, RULE_SWAP, NULL);
        break;
    case FORM_CONDITION: find_condition(finder, node); break;
    case FORM_STATEMENT: add(finder, node, RULE_DROP, NULL); break;
    case FORM_DRIVER:
        if (node->children->form != FORM_NUMBER || !is_zero(&finder->tokens->list[node->first])) add(finder, node, RULE_DROP, NULL);
        break;
    }
    for (struct node *child = node->children; child != NULL; child = child->next) find(finder, child);
}

void mutations_find(const struct tokens *tokens, struct node *root, struct qm_arena *arena, struct mutations *mutations) {
    struct finder finder = {.tokens = tokens, .arena = arena, .mutations = mutations};
    find(&finder, root);
}

/* ---- writing ---- */

struct writer {
    const struct tokens *tokens;
    size_t header;
    FILE *stream;
    bool plain; /* within a mutant: only one is there at a time, so no other is written in it */
};

static void write_node(const struct writer *writer, const struct node *node);

/* Writes the blanks and comments before a token. */
static void write_gap(const struct writer *writer, size_t at) {
    const struct token *token = &writer->tokens->list[at];
    const char *begin = at == 0 ? writer->tokens->text : token[-1].text + token[-1].size;
    fwrite(begin, 1, (size_t)(token->text - begin), writer->stream);
}

static void write_register(const struct writer *writer) {
    fputs(" reg [31:0] mutant; initial mutant = $c32(\"std::getenv(\\\"QMAC_MUTANT\\\") ? std::atoi(std::getenv(\\\"QMAC_MUTANT\\\")) : "
          "0\");",
          writer->stream);
}

static void write_tokens(const struct writer *writer, const struct node *node) {
    const struct node *child = node->children;
    for (size_t at = node->first; at < node->end; at++) {
        if (at > node->first || at == 0) write_gap(writer, at);
        if (at == writer->header && at != 0) write_register(writer);
        if (child != NULL && child->first == at) {
            write_node(writer, child);
            at = child->end - 1;
            child = child->next;
        } else
            fwrite(writer->tokens->list[at].text, 1, writer->tokens->list[at].size, writer->stream);
    }
}

static void write_enclosed(const struct writer *writer, const char *before, const struct node *node, const char *after) {
    fputs(before, writer->stream);
    write_node(writer, node);
    fputs(after, writer->stream);
}

static void write_swapped(const struct writer *writer, const struct node *node) {
    const struct node *a = node->children, *b = a->next;
    if (node->form == FORM_CHOICE) {
        write_enclosed(writer, "(", a, ") ? (");
        write_enclosed(writer, "", b->next, ") : (");
        write_enclosed(writer, "", b, ")");
    } else if (node->form == FORM_CONCAT) {
        write_enclosed(writer, "{", b, ", ");
        write_node(writer, a);
        for (const struct node *rest = b->next; rest != NULL; rest = rest->next) write_enclosed(writer, ", ", rest, "");
        fputs("}", writer->stream);
    } else {
        const struct token *op = &writer->tokens->list[node->op];
        write_enclosed(writer, "(", b, ")");
        fprintf(writer->stream, " %.*s ", (int)op->size, op->text);
        write_enclosed(writer, "(", a, ")");
    }
}

static void write_mutated(const struct writer *writer, const struct node *node, const struct mutation *mutation) {
    const struct node *a = node->children;
    switch (mutation->rule) {
    case RULE_OPERATOR:
        write_enclosed(writer, "(", a, ") ");
        fputs(mutation->with, writer->stream);
        write_enclosed(writer, " (", a->next, ")");
        break;
    case RULE_SWAP: write_swapped(writer, node); break;
    case RULE_KEEP_LEFT: write_enclosed(writer, "(", a, ") && 1'b1"); break;
    case RULE_KEEP_RIGHT: write_enclosed(writer, "(", a->next, ") && 1'b1"); break;
    case RULE_NO_OPERATOR: {
        bool logical = token_is(&writer->tokens->list[node->op], "!");
        write_enclosed(writer, "(", a, logical ? ") && 1'b1" : ")");
        break;
    }
    case RULE_LITERAL: fputs(mutation->with, writer->stream); break;
    case RULE_NEGATE: write_enclosed(writer, "!(", a, ")"); break;
    case RULE_ALWAYS: fputs("1'b1", writer->stream); break;
    case RULE_NEVER: fputs("1'b0", writer->stream); break;
    case RULE_DROP: fputs("1'sb0", writer->stream); break;
    }
}

/* Writes the node with its drawn mutants: an expression becomes a choice of two, a statement one that happens or not. */
static void write_choice(const struct writer *writer, const struct node *node, const struct mutation *mutation) {
    while (mutation != NULL && mutation->mutant == 0) mutation = mutation->next_here;
    if (mutation == NULL || writer->plain) {
        write_tokens(writer, node);
    } else if (node->form == FORM_STATEMENT) {
        fprintf(writer->stream, "begin if (qmac.mutant != 32'd%u) ", mutation->mutant);
        write_tokens(writer, node);
        fputs(" end", writer->stream);
    } else {
        struct writer within = *writer;
        within.plain = true;
        fprintf(writer->stream, "(qmac.mutant == 32'd%u ? (", mutation->mutant);
        write_mutated(&within, node, mutation);
        fputs(") : (", writer->stream);
        write_choice(writer, node, mutation->next_here);
        fputs("))", writer->stream);
    }
}

static void write_node(const struct writer *writer, const struct node *node) {
    write_choice(writer, node, node->mutations);
}

void mutations_write(const struct tokens *tokens, const struct node *root, size_t header, FILE *stream) {
    struct writer writer = {.tokens = tokens, .header = header, .stream = stream};
    write_node(&writer, root);
    write_gap(&writer, tokens->count - 1);
}
