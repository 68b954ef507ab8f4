/* text.c - texts that pass as they are, and texts that are escaped or cut. */
#include "common/text.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/status.h"

TestSuite(text);

static void shows(const char *text, const char *want) {
    cr_expect(eq(str, qm_shown(text).text, (char *)want));
    cr_expect(eq(str, qm_shown(want).text, (char *)want), "what has passed once passes again");
    char *whole = qm_text_shown(text);
    cr_expect(eq(str, whole, (char *)want));
    free(whole);
}

Test(text, utf8_that_shows_passes_as_it_is) {
    shows("", "");
    shows("conv1/Relu;bias \"x\" \\n", "conv1/Relu;bias \"x\" \\n");
    shows("gr\xc3\xb6\xc3\x9f"
          "e \xe2\x82\xac \xe5\xb1\xa4 \xf0\x9f\x98\x80",
          "gr\xc3\xb6\xc3\x9f"
          "e \xe2\x82\xac \xe5\xb1\xa4 \xf0\x9f\x98\x80");
}

Test(text, what_does_not_show_is_escaped_byte_by_byte) {
    shows("a\x1b[31mb\n\t\x7f", "a\\x1b[31mb\\x0a\\x09\\x7f");
    shows("\xc2\x80|\xc2\x9b|\xc2\x9f|\xc2\xa1", "\\xc2\\x80|\\xc2\\x9b|\\xc2\\x9f|\xc2\xa1");
    shows("\xe2\x80\xae|\xe2\x80\xa8|\xe2\x81\xa6|\xef\xbb\xbf", "\\xe2\\x80\\xae|\\xe2\\x80\\xa8|\\xe2\\x81\\xa6|\\xef\\xbb\\xbf");
}

Test(text, what_is_not_utf8_is_escaped) {
    shows("\xff", "\\xff");
    shows("m\x80z", "m\\x80z");
    shows("\xc3", "\\xc3");
    shows("\xc3(", "\\xc3(");
    shows("\xe2\x82", "\\xe2\\x82");
    shows("\xc0\xaf", "\\xc0\\xaf"); /* longer than needed */
    shows("\xe0\x9f\xbf", "\\xe0\\x9f\\xbf");
    shows("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* a surrogate */
    shows("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
    shows("\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80");
}

Test(text, is_cut_between_characters) {
    char out[8];
    for (size_t size = 1; size <= sizeof out; size++) {
        memset(out, 'x', sizeof out);
        cr_assert(eq(sz, qm_text_show("\xe2\x82\xac\xe2\x82\xac", out, size), 6));
        cr_assert(eq(sz, strlen(out), size > 6 ? 6 : size > 3 ? 3 : 0));
    }
    qm_text_show("ab\x1b", out, 6); /* no half of an escape */
    cr_assert(eq(str, out, "ab"));
    qm_text_copy("ab\xe2\x82\xac", out, 5);
    cr_assert(eq(str, out, "ab"));
    qm_text_copy("ab\xe2\x82\xac", out, 6);
    cr_assert(eq(str, out, "ab\xe2\x82\xac"));
    qm_text_copy("\x1b\xff-----", out, 4); /* bytes stay what they are */
    cr_assert(eq(str, out, "\x1b\xff-"));
}

Test(text, width_counts_characters) {
    cr_assert(eq(sz,
                 qm_text_width("gr\xc3\xb6\xc3\x9f"
                               "e"),
                 5));
    cr_assert(eq(sz, qm_text_width(""), 0));
    cr_assert(eq(str,
                 (char *)qm_text_after("\xe2\x82\xac"
                                       "ab",
                                       1),
                 "ab"));
    cr_assert(eq(str, (char *)qm_text_after("ab", 2), ""));
}

Test(text, an_error_is_one_line_and_never_ends_within_a_character) {
    struct qm_diag diag;
    char name[2000] = "";
    cr_assert(qm_fail(&diag, QM_BAD_INPUT, "%s: bad", "a\nb\xc2\x9b\xff") == QM_BAD_INPUT);
    cr_assert(eq(str, diag.text, "a\\x0ab\\xc2\\x9b\\xff: bad"));
    for (size_t shift = 0; shift < 3; shift++) {
        memset(name, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof name; i += 3) memcpy(name + i, "\xe2\x82\xac", 4);
        cr_assert(qm_fail(&diag, QM_BAD_INPUT, "%s", name) == QM_BAD_INPUT);
        cr_assert(strlen(diag.text) > sizeof diag.text - 4 && strncmp(diag.text, name, strlen(diag.text)) == 0);
        cr_assert(eq(sz, (strlen(diag.text) - shift) % 3, 0));
    }
}

Test(text, an_end_may_be_the_whole_and_not_longer) {
    cr_assert(qm_text_ends_in("a.prog", ".prog") && qm_text_ends_in(".prog", ".prog") && qm_text_ends_in("a", ""));
    cr_assert_not(qm_text_ends_in("prog", ".prog") || qm_text_ends_in("a.prog.txt", ".prog"));
}
