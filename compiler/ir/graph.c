/* graph.c - names and sizes for messages, reports and checks. */
#include "compiler/ir/graph.h"

#include "common/status.h"

const char *qm_graph_op_name(enum qm_graph_op_kind kind) {
    static const char *const names[] = {
#define NAME(name) #name,
        QM_GRAPH_OPS(NAME)
#undef NAME
    };
    QM_CHECK((unsigned)kind < QM_GRAPH_OP_KINDS);
    return names[kind];
}

uint64_t qm_graph_elements(const struct qm_graph_tensor *tensor) {
    uint64_t elements = 1;
    for (uint32_t i = 0; i < tensor->rank; i++) elements *= tensor->dims[i];
    return elements;
}
