/* text.c - reads UTF-8 as RFC 3629 has it: no longer form than needed, no surrogates, nothing above U+10FFFF. */
#include "common/text.h"

#include <stdint.h>
#include <string.h>

enum { ESCAPE_BYTES = 4, CHARACTER_BYTES_MAX = 4 };

/* The first bytes of characters of 2, 3 and 4 bytes: the bits that tell them, and the smallest character that needs as many bytes. */
static const struct {
    uint8_t mask, lead;
    uint32_t smallest;
} forms[] = {{0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
enum { FORMS = sizeof forms / sizeof *forms };

/* The bytes of the character at text, which is not its end; 0: no character begins there. */
static size_t character_at(const char *text, uint32_t *character) {
    const uint8_t *bytes = (const uint8_t *)text;
    size_t form = 0;
    *character = bytes[0];
    if (bytes[0] < 0x80) return 1;
    while (form < FORMS && (bytes[0] & forms[form].mask) != forms[form].lead) form++;
    if (form == FORMS) return 0;
    size_t size = form + 2;
    *character = bytes[0] & (uint8_t)~forms[form].mask;
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xc0) != 0x80) return 0; /* also the end of the text */
        *character = *character << 6 | (bytes[i] & 0x3f);
    }
    bool is_surrogate = *character >= 0xd800 && *character <= 0xdfff;
    return *character >= forms[form].smallest && *character <= 0x10ffff && !is_surrogate ? size : 0;
}

/* Whether it is a control character of C0 or C1, or one of Unicode's that break a line or change the direction of text. */
static bool shows(uint32_t character) {
    static const uint32_t hidden[][2] = {{0, 0x1f},        {0x7f, 0x9f},     {0x061c, 0x061c}, {0x200e, 0x200f},
                                         {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (character >= hidden[i][0] && character <= hidden[i][1]) return false;
    return true;
}

size_t qm_text_passes(const char *text) {
    uint32_t character;
    size_t size = character_at(text, &character);
    return size > 0 && shows(character) ? size : 0;
}

/* Writes the character at text, or the one byte that begins none, to out; returns how many bytes of text it is. */
static size_t show_one(const char *text, char out[CHARACTER_BYTES_MAX * ESCAPE_BYTES + 1]) {
    uint32_t character;
    size_t size = character_at(text, &character);
    bool passes = qm_text_passes(text) > 0;
    size_t taken = size > 0 ? size : 1;
    if (passes) memcpy(out, text, taken);
    if (passes) out[taken] = '\0';
    for (size_t i = 0; !passes && i < taken; i++) snprintf(out + i * ESCAPE_BYTES, ESCAPE_BYTES + 1, "\\x%02x", (uint8_t)text[i]);
    return taken;
}

size_t qm_text_show(const char *text, char *out, size_t size) {
    size_t used = 0, kept = 0;
    char one[CHARACTER_BYTES_MAX * ESCAPE_BYTES + 1];
    while (*text != '\0') {
        text += show_one(text, one);
        size_t more = strlen(one);
        if (kept == used && used + more < size) {
            memcpy(out + used, one, more);
            kept += more;
        }
        used += more;
    }
    if (size > 0) out[kept] = '\0';
    return used;
}

struct qm_shown qm_shown(const char *text) {
    struct qm_shown shown;
    qm_text_show(text, shown.text, sizeof shown.text);
    return shown;
}

void qm_text_print(const char *text, FILE *out) {
    char one[CHARACTER_BYTES_MAX * ESCAPE_BYTES + 1];
    while (*text != '\0') {
        text += show_one(text, one);
        fputs(one, out);
    }
}

bool qm_text_ends_in(const char *text, const char *end) {
    size_t size = strlen(text), tail = strlen(end);
    return size >= tail && strcmp(text + size - tail, end) == 0;
}

void qm_text_copy(const char *text, char *out, size_t size) {
    size_t used = 0;
    uint32_t character;
    while (text[used] != '\0') {
        size_t more = character_at(text + used, &character);
        if (used + (more > 0 ? more : 1) >= size) break;
        used += more > 0 ? more : 1;
    }
    memcpy(out, text, used);
    out[used] = '\0';
}

static bool begins_character(char byte) {
    return ((uint8_t)byte & 0xc0) != 0x80;
}

size_t qm_text_width(const char *text) {
    size_t width = 0;
    for (; *text != '\0'; text++) width += begins_character(*text);
    return width;
}

const char *qm_text_after(const char *text, size_t characters) {
    for (;; text++)
        if (begins_character(*text) && characters-- == 0) return text;
}
