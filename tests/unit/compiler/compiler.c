/* compiler.c - what the compiler prints after each of its passes. */
#include "compiler/compiler.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(compiler);

static enum qm_status compile_digits(const char *dump_after, FILE *dump, struct qm_diag *diag) {
    struct qm_machine machine;
    struct qm_program *program;
    struct qm_compile_options options = {.precision = "pointwise=w4a8", .dump_after = dump_after, .dump = dump};
    qm_machine_init(&machine);
    enum qm_status status = qm_compile_file("workloads/digits/digits_int8.tflite", &machine, &options, &program, diag);
    if (status == QM_OK) qm_program_destroy(program);
    return status;
}

Test(compiler, prints_what_it_has_after_any_pass) {
    static const char *const passes[][2] = {
        {"read", "\noperator 0 CONV_2D 0 12 11 > 13, window 3x3 stride 1x1 dilation 1x1 padding 1,1,1,1, RELU\n"},
        {"legalize",
         "\nlayer 5 pointwise convolution 5 > 6, window 1x1 stride 1x1 dilation 1x1 padding 0,0, weights of 8 bits zero 0, W8A8"},
        {"narrow", "\nlayer 5 pointwise convolution 5 > 6, window 1x1 stride 1x1 dilation 1x1 padding 0,0, weights of 4 bits zero 0, W4A8"},
        {"place", "\nlayer 0 stem: "},
        {"tile", "bytes free, dense"},
        {"schedule", "\nlayer 0 MATMUL "},
        {"allocate", " w1@0x"},
        {"synchronize", " wait="},
        {"emit", "instructions)\ntensor 0 picture arena 0x0 64 bytes\n"},
    };
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        struct qm_diag diag;
        char *text;
        size_t size;
        FILE *dump = open_memstream(&text, &size);
        cr_assert(compile_digits(passes[i][0], dump, &diag) == QM_OK, "%s", diag.text);
        fclose(dump);
        cr_assert(strstr(text, passes[i][1]) != NULL, "after %s there is no '%s' in:\n%s", passes[i][0], passes[i][1], text);
        free(text);
    }
}

Test(compiler, refuses_the_name_of_no_pass_with_the_names_of_all) {
    struct qm_diag diag;
    cr_assert(compile_digits("quantize", stdout, &diag) == QM_BAD_INPUT);
    cr_assert_str_eq(diag.text,
                     "--dump-after: no pass is called quantize; passes are read, legalize, narrow, place, tile, schedule, allocate, "
                     "synchronize, emit");
}
