/* reference.h - a second opinion: evaluates a graph of integers, with floats behind DEQUANTIZE, element by element, with the definitions of
 * TFLite's reference kernels: those of TensorFlow Lite for Microcontrollers where it has the operator, else LiteRT's.
 *
 * It shares no arithmetic with the compiler or the simulator: multipliers, roundings and softmax are written out here once more, slowly.
 */
#ifndef QM_TESTS_SUPPORT_REFERENCE_H
#define QM_TESTS_SUPPORT_REFERENCE_H

#include <stdint.h>

#include "common/arena.h"
#include "common/graph.h"

/* Runs all operators. inputs[i]: the bytes of graph input i. The result has the bytes of every tensor by index (constants included), in the
 * arena. The graph must be one that qm_legalize takes. */
const int8_t **reference_run(const struct qm_graph *graph, const int8_t *const *inputs, struct qm_arena *arena);

/* x * multiplier * 2^(shift - 31) with the two roundings of TFLite's reference kernels. */
int32_t reference_scale(int32_t x, int32_t multiplier, int shift);

/* The multiplier and shift of a positive real factor. */
void reference_multiplier(double factor, int32_t *multiplier, int *shift);

#endif
