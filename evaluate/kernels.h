/* kernels.h - single operators of a TFLite graph on the numbers that it stores, bit for bit as TFLite's reference kernels compute them.
 *
 * The host runs with them what the machine has no form for. Where TensorFlow Lite for Microcontrollers has a kernel, it is the rule; for
 * the types and operators that only LiteRT has, LiteRT's reference kernel is. Numbers are rounded twice where those kernels do it.
 * A graph whose `kernels` say so is computed as LiteRT's reference kernels do, or as XNNPACK and LiteRT's kernels for a host do; such rules
 * exist where they differ and the compiler asks for them (compiler/passes/legalize_profile.c).
 * Floats are computed in single precision in the kernels' order; exp, log, tanh and expm1 are those of the C library.
 *
 * A kernel is known by its check: what it lets through can be run without reading or writing outside of any array, whatever file the
 * graph comes from.
 */
#ifndef QM_EVALUATE_KERNELS_H
#define QM_EVALUATE_KERNELS_H

#include "common/graph.h"

/* NULL: there is a kernel that takes the operator, its types, shapes, scales and attributes. Else why not: "its operands ...". */
const char *kernel_check(const struct qm_graph *graph, const struct qm_graph_op *op);

/* Fills the outputs from the inputs of an operator that kernel_check takes: inputs[i] has the elements of operand i as its tensor stores
 * them, row-major, at any address, and is NULL where the operand is absent. False: these numbers have no result, a division by zero or an
 * index outside of what is gathered from; the outputs are undefined then. */
bool kernel_run(const struct qm_graph *graph, const struct qm_graph_op *op, const void *const *inputs, void *const *outputs);

#endif
