/* graph_ops.c - the table of operators says what is so: who is the host's has a kernel of the host for all types that the row has. */
#include <criterion/criterion.h>
#include <string.h>

#include "compiler/passes/legalize_site.h"
#include "evaluate/kernels.h"

static const struct row {
    enum qm_graph_op_kind kind;
    legalize_operator *legalize;
    enum qm_types in, out;
    const char *integers;
} rows[] = {
#define QM_GRAPH_OP(name, in, out, legalize, integers, ...) {QM_OP_##name, legalize_##legalize, QM_TYPES_##in, QM_TYPES_##out, integers},
#include "common/graph_ops.def"
#undef QM_GRAPH_OP
};
enum { ROWS = sizeof rows / sizeof *rows };

/* The kernel may refuse the operands, but not the type. SPLIT is a slice for each output. */
static bool has_kernel(const struct row *row, enum qm_dtype dtype, uint32_t inputs) {
    struct qm_graph_tensor tensors[4] = {{.name = "map", .dtype = dtype, .rank = 1, .dims = {1}}};
    tensors[1] = tensors[2] = tensors[3] = tensors[0];
    const struct qm_graph graph = {.tensor_count = 4, .tensors = tensors};
    uint32_t operands[QM_OPERANDS_FEW] = {0, 1, 2, QM_NO_TENSOR}, result = 3;
    enum qm_graph_op_kind kind = row->kind == QM_OP_SPLIT ? QM_OP_STRIDED_SLICE : row->kind;
    const struct qm_graph_op op = {.kind = kind, .inputs = operands, .input_count = inputs, .outputs = &result, .output_count = 1};
    const char *why = kernel_check(&graph, &op);
    return why == NULL || (strstr(why, "no kernel") == NULL && strstr(why, "not those of the operator") == NULL);
}

Test(graph_ops, of_the_host_have_kernels_for_their_types) {
    for (int i = 0; i < ROWS; i++)
        for (int dtype = 0; dtype < QM_DTYPES; dtype++) {
            bool floats = dtype == QM_F32 && (rows[i].out & QM_TYPES_F32) != 0 && rows[i].legalize != legalize_host;
            if ((rows[i].in >> dtype & 1) == 0 || (rows[i].legalize != legalize_on_host && !floats)) continue;
            if (rows[i].kind == QM_OP_RESHAPE) continue; /* the same bytes, of any type */
            bool found = false;
            for (uint32_t inputs = 1; inputs <= 3; inputs++) found = found || has_kernel(&rows[i], (enum qm_dtype)dtype, inputs);
            cr_expect(found, "%s on %s", qm_graph_op_name(rows[i].kind), qm_dtype_name((enum qm_dtype)dtype));
        }
}

Test(graph_ops, are_said_to_be_the_hosts_when_they_are) {
    for (int i = 0; i < ROWS; i++) {
        bool is_host = rows[i].legalize == legalize_on_host;
        bool other = rows[i].legalize == legalize_host || rows[i].legalize == legalize_dequantize || rows[i].legalize == legalize_softmax;
        cr_expect((strcmp(rows[i].integers, "host") == 0) == (is_host || other), "%s: %s", qm_graph_op_name(rows[i].kind),
                  rows[i].integers);
    }
}
