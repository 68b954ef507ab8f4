/* agreement.c - what may be called equal, and the words of a command that finds a difference again. */
#include "verify/agreement.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/redirect.h>
#include <string.h>

#include "verify/difference.h"

static struct qm_machine machine;
static struct qm_diag diag;

static void setup(void) {
    cr_redirect_stdout();
    qm_machine_init(&machine);
    strcpy(machine.name, "nut");
}

TestSuite(agreement, .init = setup);

/* Of this, something is missing in each test. */
static struct agreement whole(void) {
    return (struct agreement){
        .what = "it", .machine = &machine, .stats = {.cycles = 700, .events = 3, .runs = 5}, .runs = 4, .wanted = 4, .seconds = 2};
}

Test(agreement, is_printed_when_something_was_compared) {
    struct agreement agreement = whole();
    cr_assert(eq(int, agreement_print(&agreement, &diag), QM_OK));
    fflush(stdout);
    cr_assert_stdout_eq_str("it on nut (16x16): 4 runs, 700 cycles, 3 events compared, no difference (2.00 s, 2 runs/s, 0.00 Mcycle/s)\n");
}

static void expect_refusal(const struct agreement *agreement, enum qm_status status, const char *text) {
    cr_assert(eq(int, agreement_print(agreement, &diag), status));
    cr_assert(strstr(diag.text, text) != NULL, "%s", diag.text);
}

Test(agreement, of_nothing_is_none_whatever_stopped_it) {
    for (int stopped = 0; stopped < 2; stopped++) {
        struct agreement runs = whole(), ended = whole(), cycles = whole();
        runs.was_stopped = ended.was_stopped = cycles.was_stopped = stopped == 1;
        runs.runs = 0;
        ended.stats.runs = 0;
        cycles.stats.cycles = 0;
        expect_refusal(&runs, QM_BAD_INPUT, "it: nothing was compared");
        expect_refusal(&ended, QM_BAD_INPUT, "it: nothing was compared");
        expect_refusal(&cycles, QM_BAD_INPUT, "it: nothing was compared");
    }
}

Test(agreement, of_less_than_was_wanted_is_only_one_when_a_signal_came) {
    struct agreement agreement = whole();
    agreement.wanted = 5;
    expect_refusal(&agreement, QM_INTERNAL, "of 5 runs only 4");
    agreement.was_stopped = true;
    cr_assert(eq(int, agreement_print(&agreement, &diag), QM_OK));
}

Test(agreement, words_of_a_command_are_what_a_shell_reads_back) {
    static const struct {
        const char *text, *word;
    } cases[] = {{"tiny", " tiny"},  {"rows=4", " rows=4"},    {"../my-rtl/x_1", " ../my-rtl/x_1"}, {"", " $''"},
                 {"a b", " $'a b'"}, {"$(x);*", " $'$(x);*'"}, {"it's\\n", " $'it\\x27s\\x5cn'"},   {"\x1b[2J", " $'\\x1b[2J'"}};
    struct qm_arena *arena = qm_arena_create();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect(strcmp(difference_word(arena, cases[i].text), cases[i].word) == 0, "%s", difference_word(arena, cases[i].text));
    qm_arena_destroy(arena);
}
