/* data.h - the third-party test data that QMAC_DATA points to, and the networks in it with golden outputs. */
#ifndef QM_TESTS_SUPPORT_DATA_H
#define QM_TESTS_SUPPORT_DATA_H

#include "common/arena.h"

struct data_network {
    char golden[32]; /* folder under golden/ */
    char model[72];
};

/* The small ones come first: those that a naive evaluation takes little time for. */
enum { DATA_SMALL_NETWORKS = 7, DATA_NETWORKS = 8 };
extern const struct data_network data_networks[DATA_NETWORKS];

/* Ends the running Criterion test when QMAC_DATA is unset: skipped, or failed when CI is set. */
void data_need(void);

/* QMAC_DATA/..., in the arena. */
char *data_path(struct qm_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
