/* kernel_case.h - an operator with random shapes, scales and numbers for tests of evaluate/kernels, and what its kernel makes of them. */
#ifndef QM_TESTS_SUPPORT_KERNEL_CASE_H
#define QM_TESTS_SUPPORT_KERNEL_CASE_H

#include "common/graph.h"
#include "common/prng.h"

enum { KERNEL_CASE_TENSORS = 4 };

/* Operands are tensors 0, 1, ...; the output is the last tensor that is added. */
struct kernel_case {
    struct qm_arena *arena;
    struct qm_prng prng;
    struct qm_graph graph;
    struct qm_graph_tensor tensors[KERNEL_CASE_TENSORS];
    struct qm_graph_op op;
    void *data[KERNEL_CASE_TENSORS];
};

void kernel_case_open(struct kernel_case *c, enum qm_graph_op_kind kind, uint64_t seed);
void kernel_case_close(struct kernel_case *c);
uint32_t kernel_case_draw(struct kernel_case *c, uint32_t low, uint32_t high);
/* A tensor with a random scale and zero point, and, as an input, random elements. */
uint32_t kernel_case_input(struct kernel_case *c, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims);
uint32_t kernel_case_output(struct kernel_case *c, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims);
void kernel_case_quant(struct kernel_case *c, uint32_t tensor, float scale, int64_t zero);

/* The kernel's reason against it, or NULL. */
const char *kernel_case_check(const struct kernel_case *c);
/* Runs it, into data of the output. */
bool kernel_case_run(struct kernel_case *c);

/* Element i of a tensor as it is stored; its value: less the zero point, for floats as it is. */
double kernel_case_stored(const struct kernel_case *c, uint32_t tensor, size_t i);
/* The element of an operand, broadcast, for element i of the output. */
double kernel_case_broadcast(const struct kernel_case *c, uint32_t tensor, size_t i);
int32_t kernel_case_zero(const struct kernel_case *c, uint32_t tensor);
double kernel_case_scale(const struct kernel_case *c, uint32_t tensor);
uint32_t kernel_case_last(const struct kernel_case *c);
/* An integer cut to the type of the output. */
int32_t kernel_case_cut(const struct kernel_case *c, int64_t value);

#endif
