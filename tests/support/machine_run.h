/* machine_run.h - a model in memory, compiled for edge and run on an engine, compared with expected numbers. */
#ifndef QM_TESTS_SUPPORT_MACHINE_RUN_H
#define QM_TESTS_SUPPORT_MACHINE_RUN_H

#include "compiler/compiler.h"
#include "driver/driver.h"
#include "tests/support/numbers.h"

struct machine_case {
    struct qm_model_bytes model;
    struct qm_model_options options;
    enum qm_requant_mode requant;
    const struct numbers *inputs; /* [input_count], in the order of the model's inputs; more are passed over */
    uint32_t input_count;
    const struct qm_device_ops *engine;
    bool keep_layers;
};

/* Compiles, runs, and compares the first output with `want`. text becomes "pass", or what is wrong (all of size bytes). */
void machine_compare(const struct machine_case *test, const struct numbers *want, char *text, size_t size);

/* The same with any number of tensors to compare, found by name among outputs and kept layers. last: a tensor is compared with numbers in
 * the graph's own order (h, w, c); else in ONNX's (c, h, w). */
struct machine_want {
    const char *tensor; /* NULL: the first output */
    const struct numbers *numbers;
    bool last;
    bool real;        /* numbers are what the integers mean, by the tensor's scale and zero point */
    bool rounded;     /* numbers are wholes: the nearest to what is got, half up */
    double tolerance; /* relative to the number, of floats; 0: none */
};
void machine_compare_all(const struct machine_case *test, const struct machine_want *wants, uint32_t count, char *text, size_t size);

#endif
