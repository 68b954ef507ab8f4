/* home.c - the home, from the program and from the environment. */
#include "common/home.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct qm_diag diag;

Test(home, is_the_tree_above_the_program) {
    char path[QM_PATH_BYTES], program[QM_PATH_BYTES];
    unsetenv("QMAC_HOME");
    cr_assert(qm_home_path("spec/isa.def", path, &diag) == QM_OK, "%s", diag.text);
    cr_assert(eq(int, access(path, R_OK), 0));
    cr_assert(qm_program_path(NULL, program, &diag) == QM_OK, "%s", diag.text);
    size_t above = strlen(path) - strlen("/spec/isa.def");
    cr_assert(strncmp(path, program, above) == 0 && program[above] == '/', "%s is not above %s", path, program);
}

Test(home, is_what_the_environment_says) {
    char path[QM_PATH_BYTES];
    setenv("QMAC_HOME", "/some where", 1);
    cr_assert(qm_home_path("rtl", path, &diag) == QM_OK, "%s", diag.text);
    cr_assert(eq(str, path, "/some where/rtl"));
}

Test(home, a_path_that_is_too_long_is_refused_and_not_cut) {
    static char part[QM_PATH_BYTES];
    char path[QM_PATH_BYTES];
    memset(part, 'x', sizeof part - 1);
    cr_assert(eq(int, qm_path_join(path, &diag, part, NULL), QM_OK));
    cr_assert(eq(str, path, part));
    cr_assert(eq(int, qm_path_join(path, &diag, part, "y", NULL), QM_BAD_INPUT));
    cr_assert(strncmp(diag.text, "xxxxxxxxxx", 10) == 0, "%s", diag.text);
    cr_assert(eq(int, qm_path_join(path, &diag, "y", part, NULL), QM_BAD_INPUT));
}
