/* resnet50.h - a network of ResNet-50's size and shape with seeded weights: the load for speed figures. It classifies nothing. */
#ifndef QM_TOOLS_BENCH_RESNET50_H
#define QM_TOOLS_BENCH_RESNET50_H

#include "compiler/ir/graph.h"

/* 224x224x3 int8 in, 1000 int8 out, 53 convolutions and a fully connected layer (4.1 G MACs), residual additions, both pools. */
struct qm_graph *qm_bench_resnet50(struct qm_arena *arena, uint64_t seed);

#endif
