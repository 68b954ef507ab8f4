/* tflite_build.h - TFLite models of several operators, written here byte by byte, with what converters leave open or put elsewhere. */
#ifndef QM_TESTS_SUPPORT_TFLITE_BUILD_H
#define QM_TESTS_SUPPORT_TFLITE_BUILD_H

#include <stdbool.h>

#include "common/graph.h"
#include "tests/support/flatbuffer_build.h"

enum { BUILD_TENSORS = 512, BUILD_NODES = 24, BUILD_OPERANDS = 400, BUILD_NUMBERS = 8, BUILD_SLOTS = 8 };

enum build_type {
    BUILD_FLOAT = 0,
    BUILD_INT32 = 2,
    BUILD_UINT8 = 3,
    BUILD_INT64 = 4,
    BUILD_BOOL = 6,
    BUILD_INT16 = 7,
    BUILD_INT8 = 9,
    BUILD_UINT32 = 15
};

struct build_tensor {
    enum build_type type;
    int32_t dims[5];                /* 0 ends them */
    bool open;                      /* the file leaves the first dimension open */
    uint32_t count;                 /* of numbers, which make it a constant; 0: none */
    int32_t numbers[BUILD_NUMBERS]; /* with count 1, the same for all elements */
    const void *data;               /* a constant's elements as the file has them, instead of numbers; else NULL */
    float scale;                    /* 0: no quantization */
    int32_t zero;                   /* point */
    const struct qm_quant *quant;   /* instead of both; else NULL */
};

struct build_node {
    uint8_t code, options;       /* tflite.h; options 0: none */
    uint32_t slots[BUILD_SLOTS]; /* of the options; 0 is left absent */
    int32_t inputs[BUILD_OPERANDS], outputs[BUILD_OPERANDS];
    uint32_t input_count, output_count; /* output_count 0: 1 */
};

struct build_model {
    struct build_tensor tensors[BUILD_TENSORS];
    uint32_t tensor_count;
    struct build_node nodes[BUILD_NODES];
    uint32_t node_count;
    int32_t inputs[BUILD_OPERANDS];
    uint32_t input_count;
    int32_t outputs[BUILD_OPERANDS];
    uint32_t output_count; /* 0: 1 */
    bool outside;          /* constants lie behind the tables */
    bool unaligned;        /* scales and zero points lie at odd bytes */
};

void build_write(const struct build_model *m, struct fbb *b);

#endif
