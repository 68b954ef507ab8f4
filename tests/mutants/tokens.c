/* tokens.c - the tokenizer of the Verilog-2005 that rtl/ is written in. */
#include "tests/mutants/tokens.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"

enum { FILE_BYTES_MAX = 1 << 20 };

/* Longer symbols stand before those that they begin with. */
static const char *const symbols[] = {">>>", "<<<", "===", "!==", "&&", "||", "==", "!=", "<=", ">=", "<<", ">>", "+:", "-:", "**",
                                      "~^",  "~&",  "~|",  "(",   ")",  "[",  "]",  "{",  "}",  ";",  ":",  ",",  ".",  "=",  "<",
                                      ">",   "+",   "-",   "*",   "/",  "%",  "&",  "|",  "^",  "~",  "!",  "?",  "@",  "#"};
static const char *const directives[] = {"`include", "`default_nettype", "`ifdef", "`ifndef", "`else", "`endif", "`define"};

static bool starts(const char *at, const char *word) {
    return strncmp(at, word, strlen(word)) == 0;
}

static bool is_name_char(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '$';
}

static const char *line_end(const char *at) {
    return at + strcspn(at, "\n");
}

static bool is_directive(const char *at) {
    for (size_t i = 0; i < sizeof directives / sizeof *directives; i++)
        if (starts(at, directives[i]) && !is_name_char(at[strlen(directives[i])])) return true;
    return false;
}

static const char *skip_gap(const char *at) {
    for (;;) {
        const char *close;
        if (isspace((unsigned char)*at))
            at++;
        else if (starts(at, "//") || is_directive(at))
            at = line_end(at);
        else if (starts(at, "/*") && (close = strstr(at + 2, "*/")) != NULL)
            at = close + 2;
        else
            return at;
    }
}

static size_t name_size(const char *at) {
    size_t size = 0;
    while (is_name_char(at[size])) size++;
    return size;
}

/* The size of a number such as 12, 8'd255 or 16'shff: its size, the quote, sign and base, the digits. */
static size_t number_size(const char *at) {
    size_t size = strspn(at, "0123456789_");
    if (at[size] != '\'') return size;
    size++;
    return size + name_size(at + size);
}

static size_t symbol_size(const char *at) {
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        if (starts(at, symbols[i])) return strlen(symbols[i]);
    return 0;
}

static struct token token_at(const char *at) {
    struct token token = {.text = at};
    if (*at == '\0') return token;
    if (isdigit((unsigned char)*at) || (*at == '\'' && isalpha((unsigned char)at[1]))) {
        token.kind = TOKEN_NUMBER;
        token.size = number_size(at);
    } else if (*at == '"') {
        token.kind = TOKEN_STRING;
        token.size = strcspn(at + 1, "\"\n") + 2;
    } else if (*at == '`' || *at == '$') {
        token.kind = *at == '`' ? TOKEN_MACRO : TOKEN_SYSTEM;
        token.size = 1 + name_size(at + 1);
    } else if (is_name_char(*at)) {
        token.kind = TOKEN_NAME;
        token.size = name_size(at);
    } else {
        token.kind = TOKEN_SYMBOL;
        token.size = symbol_size(at);
    }
    return token;
}

enum qm_status tokens_read(const char *file, struct qm_arena *arena, struct tokens *tokens, struct qm_diag *diag) {
    size_t size;
    uint8_t *bytes;
    QM_TRY(qm_file_read(file, FILE_BYTES_MAX, &bytes, &size, diag));
    char *text = qm_arena_alloc(arena, size + 1);
    memcpy(text, bytes, size);
    free(bytes);
    *tokens = (struct tokens){.file = file, .text = text, .list = QM_ARENA_NEW(arena, struct token, size + 1)};
    unsigned line = 1;
    for (const char *at = text;;) {
        const char *next = skip_gap(at);
        for (; at < next; at++) line += *at == '\n';
        struct token token = token_at(at);
        token.line = line;
        tokens->list[tokens->count++] = token;
        if (token.kind == TOKEN_END) return QM_OK;
        if (token.size == 0) return qm_fail(diag, QM_BAD_INPUT, "%s:%u: '%c' begins no token of Verilog-2005", file, line, *at);
        at += token.size;
    }
}

bool token_is(const struct token *token, const char *text) {
    return token->size == strlen(text) && memcmp(token->text, text, token->size) == 0;
}

char *token_line_text(const struct tokens *tokens, const struct token *token, struct qm_arena *arena) {
    const char *begin = token->text, *end = line_end(token->text);
    while (begin > tokens->text && begin[-1] != '\n') begin--;
    begin += strspn(begin, " \t");
    while (end > begin && isspace((unsigned char)end[-1])) end--;
    return qm_arena_printf(arena, "%.*s", (int)(end - begin), begin);
}
