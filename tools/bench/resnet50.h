/* resnet50.h - networks of ResNet-50's size and of its blocks with seeded weights: the load for speed figures. They classify nothing. */
#ifndef QM_TOOLS_BENCH_RESNET50_H
#define QM_TOOLS_BENCH_RESNET50_H

#include "common/graph.h"

/* 224x224x3 int8 in, 1000 int8 out, 53 convolutions and a fully connected layer (4.1 G MACs), residual additions, both pools. */
struct qm_graph *qm_bench_resnet50(struct qm_arena *arena, uint64_t seed);

/* So many residual blocks of 14x14x256 one after another: four layers each, all alike. */
struct qm_graph *qm_bench_blocks(struct qm_arena *arena, uint32_t blocks, uint64_t seed);

#endif
