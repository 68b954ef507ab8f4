/* tensors.h - examples in .npy files: inputs cut into examples, outputs stacked in the same way, labels.
 *
 * An array with the shape of the model's input is one example; with a larger leading dimension, or one more in front,
 * it is a list of examples.
 */
#ifndef QM_TOOLS_TENSORS_H
#define QM_TOOLS_TENSORS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/home.h"
#include "common/npy.h"
#include "common/program.h"

enum cli_stacking { CLI_ONE, CLI_LEADING, CLI_IN_FRONT };

struct cli_inputs {
    struct qm_arena *arena;
    uint64_t examples;
    enum cli_stacking stacking;
    uint8_t **data;        /* [input_count][examples * size_bytes] */
    struct qm_npy *arrays; /* [input_count]; own data, but for random inputs */
    uint32_t count;
};

/* Reads one file for each input of the program, in their order. Types, shapes and the numbers of examples are checked. */
QM_MUST_USE enum qm_status cli_inputs_read(const struct qm_program *program, const char *const *files, unsigned file_count,
                                           struct cli_inputs *inputs, struct qm_diag *diag);
/* One example of bytes drawn from seed. */
void cli_inputs_random(const struct qm_program *program, uint64_t seed, struct cli_inputs *inputs);
void cli_inputs_free(struct cli_inputs *inputs);

/* Tensors of all examples, to be kept: outputs, and all behind them when all is set. */
struct cli_outputs {
    uint32_t first, count; /* tensor indices [first, first + count) */
    uint64_t examples;
    uint8_t **data; /* [count][examples * size_bytes] */
};

void cli_outputs_init(const struct qm_program *program, bool all, uint64_t examples, struct cli_outputs *outputs);
void cli_outputs_free(struct cli_outputs *outputs);

/* Makes the folder if it is not there, and checks that files can be written in it. */
QM_MUST_USE enum qm_status cli_prepare_folder(const char *folder, struct qm_diag *diag);
/* Writes FOLDER/NAME.npy for each tensor, with '/' and ':' of the name as '_'. */
QM_MUST_USE enum qm_status cli_outputs_write(const struct qm_program *program, const struct cli_outputs *outputs,
                                             enum cli_stacking stacking, const char *folder, struct qm_diag *diag);

/* Reads labels, one integer an example. One that is no place in the first output, which may be a single number, is QM_BAD_INPUT. */
QM_MUST_USE enum qm_status cli_labels_read(const struct qm_program *program, const char *file, uint64_t examples, struct qm_npy *labels,
                                           struct qm_diag *diag);
/* How many examples have their label as the index of the largest element of the first output. */
uint64_t cli_labels_count(const struct qm_program *program, const struct cli_outputs *outputs, const struct qm_npy *labels);

#endif
