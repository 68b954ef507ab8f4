/* tiny_model.h - TFLite models of one operator, written here byte by byte: right ones and wrong ones. */
#ifndef QM_TESTS_SUPPORT_TINY_MODEL_H
#define QM_TESTS_SUPPORT_TINY_MODEL_H

#include "compiler/compiler.h"
#include "tests/support/flatbuffer_build.h"

enum { TINY_TENSORS = 6, TINY_FIELDS = 8 };

/* The tensors are inputs and constants, then outputs; int8 but for the integers. Options: slot i holds options[i], 0 is left absent. */
struct tiny {
    uint8_t code, options_type;
    uint32_t options[TINY_FIELDS];
    uint32_t dims[TINY_TENSORS][5];
    uint32_t version, subgraphs, operators; /* 0: 3, 1 and 1; the operators are all the same */
    uint32_t outputs;                       /* 0: 1 */
    uint32_t data;                          /* bit i: tensor i is an input of the network; 0: only the first is */
    uint32_t absent;                        /* bit i: the operator names no tensor (-1) in place of input i */
    uint32_t integers;                      /* bit i: tensor i is a constant of int32, numbers[i] */
    uint32_t nibbles;                       /* bit i: tensor i has 4-bit numbers; a constant's bytes are 0x1f */
    int32_t numbers[TINY_TENSORS][8];
    float scale; /* of all int8 tensors, with zero point 0; 0: they have none */
};

/* Writes the model's bytes. */
void tiny_write(const struct tiny *t, struct fbb *b);

/* Parses the model; op becomes its first operator. */
enum qm_status tiny_parse(const struct tiny *t, struct qm_graph_op *op, struct qm_diag *diag);
/* The model must be read. */
struct qm_graph_op tiny_accept(const struct tiny *t);
/* The model must be refused with a message that has this part. */
void tiny_refuse(const struct tiny *t, const char *part);

#endif
