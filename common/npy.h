/* npy.h - NumPy's .npy files, versions 1 and 2: C order, little-endian, bools, integers of 8, 16, 32 and 64
 * bits, floats of 32 and 64.
 *
 *   6 bytes "\x93NUMPY", major, minor, header length (2 bytes in version 1, 4 in version 2), then a Python dict as text:
 *   {'descr': '|i1', 'fortran_order': False, 'shape': (3, 4), }   then the elements.
 */
#ifndef QM_COMMON_NPY_H
#define QM_COMMON_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

enum { QM_NPY_MAX_RANK = 8 };

struct qm_npy {
    char type[3]; /* "b1", "i1", "u1", "i2", "i4", "i8", "f4", "f8" */
    size_t item_bytes;
    uint32_t rank;
    uint64_t dims[QM_NPY_MAX_RANK];
    uint64_t count; /* product of dims; 1 for a scalar */
    uint8_t *data;  /* [count][item_bytes], little-endian */
};

/* Reads a file and checks all that it says, so that data holds exactly count items. qm_npy_free frees data. */
QM_MUST_USE enum qm_status qm_npy_read(const char *file, struct qm_npy *npy, struct qm_diag *diag);
/* The same from memory; name is for messages. */
QM_MUST_USE enum qm_status qm_npy_parse(const uint8_t *bytes, size_t size, const char *name, struct qm_npy *npy, struct qm_diag *diag);
void qm_npy_free(struct qm_npy *npy);

/* Writes type, rank, dims and data; item_bytes and count follow from them. */
QM_MUST_USE enum qm_status qm_npy_write(const char *file, const struct qm_npy *npy, struct qm_diag *diag);

/* Element i of an integer array. */
int64_t qm_npy_integer(const struct qm_npy *npy, uint64_t i);

#endif
